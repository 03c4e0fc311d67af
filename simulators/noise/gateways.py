"""Mail gateways that follow the links of a mail to see whether they are safe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ids, Ints
from simulators.noise.draws import name_clouds

ORDERS = ("mail", "reverse", "random")
MOMENTS = ("delivery", "open", "click")


@dataclass(frozen=True)
class Scan:
    """What one kind of gateway did to the n mails that pass it, each with l links.

    follows [n, l]: which links it clicked
    at [n, l]: seconds from delivery to each click
    network [n, l]: name of the network from which each click came
    agent [n]: what the gateway says it is, "scanner" or "browser"
    pixel [n]: whether it loaded the images
    loaded [n]: seconds from delivery to that
    head [n]: whether a HEAD request came before each click
    """

    follows: Bools
    at: Floats
    network: Ids
    agent: Ids
    pixel: Bools
    loaded: Floats
    head: Bools


@dataclass(frozen=True)
class Gateway:
    """How one kind of mail gateway looks at links.

    weight: its share among corporate domains, relative to the other kinds
    scans: chance that a mail is looked at
    links: chance that a link of such a mail is followed
    first: seconds from delivery to the first click, log-uniform between the two
    gap: mean seconds from one click to the next
    pixel: chance that the images are loaded, too
    declares: chance that the agent says that it is a scanner
    head: chance that HEAD requests come first
    networks: how many networks this kind of gateway works from
    rotates: each click comes from another of them
    onsite: clicks come from the organisation's own network instead
    unsubscribe: the unsubscribe link is followed like any other
    order: in which the links of a mail are followed: mail (from the top), reverse or random
    steady: every gap is as long as the mean; else gaps are exponential
    most: at most this many links of a mail are followed, any of them; 0 for no limit
    lead: seconds by which the images are loaded before the first click
    when: what the gateway waits for, and `first` counts from: delivery; open (the reader's, so that
        only mails that are read are looked at); or click (the reader's, so that it follows, once
        more, just what the reader clicked: protection at the time of the click)
    Raises ValueError naming a parameter that cannot be.
    """

    weight: float = 1.0
    scans: float = 0.3
    links: float = 1.0
    first: Sequence[float] = (1.0, 8.0)
    gap: float = 0.4
    pixel: float = 0.3
    declares: float = 0.2
    head: float = 0.0
    networks: int = 4
    rotates: bool = False
    onsite: bool = False
    unsubscribe: bool = True
    order: str = "mail"
    steady: bool = False
    most: int = 0
    lead: float = 0.0
    when: str = "delivery"

    def __post_init__(self) -> None:
        for what in ("scans", "links", "pixel", "declares", "head"):
            check.share(f"gateway {what}", getattr(self, what))
        for what, least in (("weight", 0), ("gap", 0), ("networks", 1), ("most", 0), ("lead", 0)):
            check.at_least(f"gateway {what}", getattr(self, what), least)
        for what, known in (("order", ORDERS), ("when", MOMENTS)):
            if getattr(self, what) not in known:
                raise ValueError(
                    f"gateway {what} = {getattr(self, what)}; must be one of {', '.join(known)}"
                )
        if not (len(self.first) == 2 and 0 < self.first[0] <= self.first[1]):
            raise ValueError(
                f"gateway first = {list(self.first)}; "
                "must be two numbers of seconds above 0, the larger last"
            )

    def expect_clicks(self, links: Ints) -> Floats:
        """Expected requests for the article links of mails with so many links to follow [n]."""
        followed = self.scans * self.links * (1 + self.head) * links
        most = self.scans * (1 + self.head) * self.most if self.most else np.inf
        return np.asarray(np.minimum(followed, most))

    def scan(
        self,
        number: int,
        links: Bools,
        office: Ids,
        draw: Callable[[str, int], Floats],
        start: Floats | float = 0.0,
    ) -> Scan:
        """What gateways of this kind do to n mails.

        number: of the kind, which names its networks
        links [n, l]: which links there are to follow, the unsubscribe link last
        office [n]: name of the organisation's own network
        draw: gives keyed uniforms [n, k] for a purpose and k
        start: when each link may be followed from, in seconds from delivery; what [n, l] takes
        """
        k = links.shape[1]
        u = draw("scan", 6)
        looks = u[:, 0] < self.scans
        follows = looks[:, None] & links & (draw("scan links", k) < self.links)
        follows[:, -1] &= self.unsubscribe
        if self.most:
            luck = np.where(follows, draw("scan most", k), 2.0)
            follows &= luck.argsort(axis=1).argsort(axis=1) < self.most
        low, high = np.log(np.asarray(self.first, dtype=np.float64))
        gaps = self.gap if self.steady else -self.gap * np.log1p(-draw("scan gaps", k))
        waits = np.where(follows, gaps, 0.0)
        begins = np.exp(low + (high - low) * u[:, 1])[:, None] + start
        at = begins + self._add_up(waits, draw)
        if self.onsite:
            network = np.repeat(office[:, None], k, axis=1)
        else:
            drawn = draw("scan networks", k) if self.rotates else np.repeat(u[:, 2:3], k, axis=1)
            cloud = (drawn * self.networks).astype(np.int64)
            network = name_clouds(np.full(drawn.shape, number), cloud)
        agent = np.where(u[:, 3] < self.declares, "scanner", "browser")
        pixel, head = looks & (u[:, 4] < self.pixel), u[:, 5] < self.head
        loaded = np.min(at if self.order == "mail" else begins, axis=1) - self.lead
        return Scan(follows, at, network, agent, pixel, loaded, head)

    def _add_up(self, waits: Floats, draw: Callable[[str, int], Floats]) -> Floats:
        """Seconds from the start of a scan to each of its links, in the order they are taken."""
        if self.order == "mail":
            return np.asarray(np.cumsum(waits, axis=1))
        luck = draw("scan order", waits.shape[1])
        taken = (
            luck.argsort(axis=1)
            if self.order == "random"
            else np.argsort(-np.indices(waits.shape)[1], axis=1)
        )
        sums = np.cumsum(np.take_along_axis(waits, taken, axis=1), axis=1)
        at = np.empty_like(waits)
        np.put_along_axis(at, taken, sums, axis=1)
        return at
