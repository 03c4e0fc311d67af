"""Mail gateways that follow the links of a mail to see whether they are safe."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bandit.core import check
from bandit.core.types import Bools, Floats, Ints


@dataclass(frozen=True)
class Scan:
    """What one kind of gateway did to an issue. follows [n, l]: the links it clicked; at [n, l]: seconds from delivery to
    the click; network [n, l]: from where; agent [n]; pixel [n]: loaded the images; head [n]: HEAD requests came first."""

    follows: Bools
    at: Floats
    network: Any
    agent: Any
    pixel: Bools
    head: Bools


@dataclass(frozen=True)
class Gateway:
    """How one kind of mail gateway looks at links.

    weight: its share among corporate domains, relative to the others. scans: chance that a mail is looked at. links: chance
    that a link of it is followed. first: seconds from delivery to the first click, log-uniform between the two. gap: mean
    seconds between clicks. pixel: chance that the images are loaded, too. declares: chance that the agent says what it is.
    head: chance that HEAD requests come first. networks: how many it works from; rotates: each click from another of them;
    onsite: from the organisation's own network instead. unsubscribe: follows that link, too. Raises ValueError naming a
    parameter that cannot be.
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

    def __post_init__(self) -> None:
        for what in ("scans", "links", "pixel", "declares", "head"):
            check.share(f"gateway {what}", getattr(self, what))
        for what, least in (("weight", 0), ("gap", 0), ("networks", 1)):
            check.at_least(f"gateway {what}", getattr(self, what), least)
        if not (len(self.first) == 2 and 0 < self.first[0] <= self.first[1]):
            raise ValueError(
                f"gateway first = {list(self.first)}; must be two numbers of seconds above 0, the larger last"
            )

    @property
    def clicks_a_link(self) -> float:
        """Expected requests for each article link of a mail behind it."""
        return self.scans * self.links * (1 + self.head)

    def scan(
        self,
        number: int,
        behind: Bools,
        links: Bools,
        office: Any,
        draw: Callable[[str, int], Floats],
    ) -> Scan:
        """behind [n]: whose mail passes it. links [n, l]: which there are, the unsubscribe link last. office [n]: networks.
        draw: keyed uniforms [n, .] by purpose."""
        k = links.shape[1]
        u = draw("scan", 6)
        looks = behind & (u[:, 0] < self.scans)
        follows = looks[:, None] & links & (draw("scan links", k) < self.links)
        follows[:, -1] &= self.unsubscribe
        low, high = np.log(np.asarray(self.first, dtype=np.float64))
        waits = np.where(follows, -self.gap * np.log1p(-draw("scan gaps", k)), 0.0)
        at = np.exp(low + (high - low) * u[:, 1])[:, None] + np.cumsum(waits, axis=1)
        drawn = draw("scan networks", k) if self.rotates else np.repeat(u[:, 2:3], k, axis=1)
        cloud = clouds(np.full(drawn.shape, number), (drawn * self.networks).astype(np.int64))
        network = np.repeat(office[:, None], k, axis=1) if self.onsite else cloud
        agent = np.where(u[:, 3] < self.declares, "scanner", "browser")
        return Scan(
            follows, at, network, agent, looks & (u[:, 4] < self.pixel), u[:, 5] < self.head
        )


def clouds(gateway: Ints, numbers: Ints) -> Any:
    """Names of the networks that gateways of each kind work from, of the numbers' shape."""
    flat = [
        f"cloud-{kind}-{number}"
        for kind, number in zip(gateway.ravel(), numbers.ravel(), strict=True)
    ]
    return np.array(flat, dtype=object).reshape(numbers.shape)


def names(prefix: str, numbers: Ints) -> Any:
    """Names `prefix`-3, of the numbers' shape."""
    return np.array([f"{prefix}-{number}" for number in numbers.ravel()], dtype=object).reshape(
        numbers.shape
    )
