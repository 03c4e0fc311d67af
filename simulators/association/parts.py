"""Checks of an association's parameters; each error names the first value that cannot be."""

from collections.abc import Mapping
from typing import Any

from bandit.core import check
from simulators.association.campaigns import Campaigns
from simulators.association.drift import Drift, Membership
from simulators.association.opens import Opens
from simulators.association.pools.catalogue import read_catalogue
from simulators.association.press import Press
from simulators.association.reading import Reading
from simulators.noise.noise import Noise

PARTS = {
    "opens": Opens,
    "reading": Reading,
    "drift": Drift,
    "membership": Membership,
    "press": Press,
    "campaigns": Campaigns,
    "noise": Noise,
}
SHARES = ("carried", "open_rate", "click_to_open", "explained", "joiners", "unsubscribe")
ATTRIBUTES = ("known", "two", "none", "shuffled", "declared")
NOT_NEGATIVE = ("taste", "eagerness", "kind_sd", "quality_sd", "max_events", "pin_every")


def check_parameters(given: Mapping[str, Any]) -> None:
    """Raise ValueError for a parameter of `Association` that cannot be.

    Sizes are at least 1, and a pool fills the slots. Shares are in [0, 1], `bounce` and `dead`
    together, too, and `open_rate` is neither 0 nor 1. Each part is None or of its class in `PARTS`,
    and the catalogue is one of `CATALOGUES`.
    """
    read_catalogue(given["catalogue"])
    for what in ("members", "issues", "slots"):
        check.at_least(what, given[what], 1)
    check.at_least("pool", given["pool"], given["slots"])
    for what in (*SHARES, "bounce", "dead"):
        check.share(what, given[what])
    check.share("bounce + dead", given["bounce"] + given["dead"])
    if not 0 < given["open_rate"] < 1:
        raise ValueError(f"open_rate = {given['open_rate']}; must be in (0, 1)")
    for what in NOT_NEGATIVE:
        check.at_least(what, given[what], 0)
    if given["attributes"] not in ATTRIBUTES:
        raise ValueError(
            f"attributes = {given['attributes']!r}; must be one of {', '.join(ATTRIBUTES)}"
        )
    check.at_least("open_spread", given["open_spread"], 1e-6)
    check.flag("hygiene", given["hygiene"])
    for what, kind in PARTS.items():
        part = given[what]
        if part is not None and not isinstance(part, kind):
            raise ValueError(
                f"{what} = {part!r}; must be a {kind.__module__}.{kind.__name__}, or None"
            )
