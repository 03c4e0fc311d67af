"""The value that somebody probably meant: for messages about one that nothing has."""

from collections.abc import Iterable
from difflib import get_close_matches

_SHOWN = 5


def name_nearest(value: object, known: Iterable[object]) -> str:
    """Words to end a message with: the nearest of the known values, or some of them.

    >>> name_nearest("Event", ["article", "event"])
    "; the nearest is 'event'"
    >>> name_nearest("x", [4, 7])
    '; there are 4, 7'
    """
    folded: dict[str, object] = {}
    for one in known:
        folded.setdefault(str(one).strip().casefold(), one)
    near = get_close_matches(str(value).strip().casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"; the nearest is {folded[near[0]]!r}"
    some = [repr(one) for one in list(folded.values())[:_SHOWN]]
    more = ", ..." if len(folded) > _SHOWN else ""
    return f"; there are {', '.join(some)}{more}" if some else "; there are none"
