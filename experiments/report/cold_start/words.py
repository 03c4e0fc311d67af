"""When a newsletter is as good as the baseline's, in words."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # it is only named
    from experiments.tables.cold_start import Parity


def write_parity(parity: "Parity") -> str:
    """From when on, as "after 2 issues"."""
    if parity.issues is None:
        return "not within this run"
    if parity.issues == 0:
        return "from the first issue"
    return f"after {parity.issues} issue{'s' * (parity.issues > 1)}"


def write_ends(parity: "Parity") -> str:
    """Both ends of its interval, as "0 to 3 issues"; "" where there is none."""
    if not parity.sure:
        return ""
    low, high = parity.earliest, parity.latest
    if low is None:
        return f"later than {parity.horizon} issues"
    if high is None:
        return f"{low} to later than this run"
    return f"{low} to {high} issue{'s' * (high != 1)}"
