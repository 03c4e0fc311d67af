"""The mail programs that members read with, and what each program hides or adds."""

from dataclasses import dataclass

from bandit.core.types import Bools
from simulators.noise.draws import Draws


@dataclass(frozen=True)
class MailPrograms:
    """How each member's mail program treats an issue. All arrays are [n].

    apple: the member reads in Apple Mail
    ahead: Apple Mail would fetch this mail's images before it is read
    second: reading in Apple Mail is also recorded by another program
    relayed: clicks go through Apple's relay
    blocked: the program loads no images
    noticed: a webmail's image cache would load this mail's images when it tells the member of it
    """

    apple: Bools
    ahead: Bools
    second: Bools
    relayed: Bools
    blocked: Bools
    noticed: Bools


def draw_programs(
    draws: Draws,
    apple_share: float,
    prefetched: float,
    second_device: float,
    relay: float,
    blocked: float,
    noticed: float,
) -> MailPrograms:
    """The programs of the members of `draws`; all but `ahead`, `second` and `noticed` last.

    apple_share: share of members who read in Apple Mail; the other options are those of `Noise`
    """
    apple = draws.draw_lasting("apple")[:, 0] < apple_share
    return MailPrograms(
        apple,
        ahead=draws.draw("prefetched")[:, 0] < prefetched,
        second=apple & (draws.draw("second device")[:, 0] < second_device),
        relayed=apple & (draws.draw_lasting("relay")[:, 0] < relay),
        blocked=~apple & (draws.draw_lasting("blocked")[:, 0] < blocked),
        noticed=draws.draw("noticed")[:, 0] < noticed,
    )
