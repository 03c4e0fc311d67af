"""What real logs add to the truth, and what they hide.

They add opens that are prefetched, clicks of scanners, repeated and late events, and hide opens
behind blocked images. Everything is keyed by (seed, campaign, member): who uses Apple Mail or sits
behind a gateway stays so from issue to issue, up to the change that a configured share of recorded
events asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bandit.core import check, keys
from bandit.core.types import Context, Feedback, Slates
from bandit.log.events import COLUMNS
from simulators.calendar import Calendar
from simulators.noise.addresses import draw_addresses
from simulators.noise.draws import Draws, draw_ids
from simulators.noise.gateways import Gateway
from simulators.noise.mail_programs import draw_programs
from simulators.noise.mailing import Mailing
from simulators.noise.pace import Pace, draw_clicks, draw_opens, draw_prefetches
from simulators.noise.people import list_people
from simulators.noise.prefetches import list_prefetches
from simulators.noise.scans import list_scans
from simulators.noise.shares import find_apple_share, find_scanned
from simulators.normal import to_lognormal

DAY = 86400.0  # seconds

USUAL = {
    "quick": Gateway(weight=0.6, head=0.1),
    "slow": Gateway(weight=0.25, first=(30.0, 120.0), gap=2.0),
    "half": Gateway(
        weight=0.15, links=0.5, first=(1.0, 20.0), gap=1.0, declares=0.0, rotates=True, networks=200
    ),
}
OF_MEMBERS = (
    "corporate",
    "tunnel",
    "blocked",
    "relay",
    "tabs",
    "second_device",
    "prefetched",
    "noticed",
)
OF_EVENTS = ("prefetch_share", "scanner_share", "duplicates", "late")


@dataclass(frozen=True)
class Noise:
    """Sizes of what tracking adds and hides. configs/noise/default.yaml says where each is from.

    seed: keys all draws
    prefetch_share: share of an issue's recorded opens that are prefetched, in expectation; opens
        by scanners do not count. Higher puts more members on Apple Mail
    prefetched: share of mails to members on Apple Mail that are fetched ahead; the others are
        fetched when they are read
    prefetch_hours: median hours from delivery to the prefetch
    prefetch_spread: standard deviation of the logarithm of that time
    second_device: share of reading in Apple Mail that another program records as well
    relay: share of members on Apple Mail whose clicks go through Apple's relay
    tunnel: share of members at organisations who browse through the cloud of the mail gateway
    noticed: share of mails to the largest public provider whose images its cache loads with the
        notification, within 21 seconds of delivery; such opens come on top of `prefetch_share`
    blocked: share of the members not on Apple Mail whose program loads no images; higher hides
        more opens
    scanner_share: share of an issue's recorded clicks that are scanners', in expectation; HEAD
        requests count, the unsubscribe link does not. Higher puts more domains behind gateways
    gateways: the kinds of mail gateways by name, each a `Gateway` or a mapping of its options
    corporate: share of members with an address of their organisation; only those are scanned
    domains: how many organisations there are
    open_hours: median active hours from delivery to a person's open
    open_spread: standard deviation of the logarithm of that time
    click_seconds: median seconds from the open to the first click
    click_spread: standard deviation of the logarithm of that time
    tabs: share of members who open all articles they like in tabs, 1 to 4 seconds apart
    duplicates: share of events that are recorded twice
    late: share of events that are received days after they happened
    late_days: median days of that delay
    send_days: days of the week on which an issue goes out, as `Calendar` has them
    first_week: date and hour at which a mail would go out on the Monday of week 1
    Raises ValueError naming a parameter that cannot be.
    """

    seed: int = 0
    prefetch_share: float = 0.5
    prefetched: float = 0.9
    prefetch_hours: float = 1.0
    prefetch_spread: float = 1.5
    second_device: float = 0.1
    relay: float = 0.2
    tunnel: float = 0.05
    noticed: float = 0.0
    blocked: float = 0.15
    scanner_share: float = 0.2
    gateways: Mapping[str, Any] = field(default_factory=lambda: USUAL)
    corporate: float = 0.4
    domains: int = 300
    open_hours: float = 5.0
    open_spread: float = 2.1
    click_seconds: float = 25.0
    click_spread: float = 1.0
    tabs: float = 0.1
    duplicates: float = 0.02
    late: float = 0.02
    late_days: float = 9.0
    send_days: Sequence[int] = (1,)
    first_week: str = "2026-01-05 09:00"

    def __post_init__(self) -> None:
        for what in OF_MEMBERS + OF_EVENTS:
            check.share(what, getattr(self, what))
        for what in ("prefetch_share", "scanner_share"):
            if getattr(self, what) == 1:
                raise ValueError(f"{what} = 1; must be below 1: people leave events, too")
        for what in ("prefetch_hours", "open_hours", "click_seconds", "late_days"):
            check.at_least(what, getattr(self, what), 1e-6)
        for what in ("prefetch_spread", "open_spread", "click_spread"):
            check.at_least(what, getattr(self, what), 0)
        check.at_least("domains", self.domains, 1)
        object.__setattr__(self, "send_days", tuple(Calendar(self.send_days).send_days))
        made = {name: _make_gateway(name, given) for name, given in self.gateways.items()}
        object.__setattr__(self, "gateways", made)
        if not sum(gateway.weight for gateway in made.values()) > 0:
            raise ValueError(f"gateways = {list(made)}; one must have a weight above 0")

    def record_events(
        self, context: Context, slates: Slates, feedback: Feedback, strict: bool = True
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The events of one issue that a tracking server would have recorded, and their truth.

        strict: raise ValueError where these mails cannot reach a configured share; otherwise come
            as near to it as they can, as a mail to few members must
        The first table has the columns of `bandit.log.events`, in the order in which the log
        received the events. The second, for tests of `bandit.log.hygiene` only, has the same rows:
        source (human, prefetch, scanner), duplicate (the event repeats another row) and late
        (received days after it happened).
        """
        mailing = self._deliver(context, slates, feedback, strict)
        blocks = [*list_people(mailing), *list_prefetches(mailing), *list_scans(mailing)]
        table = pd.concat(
            [block for block in blocks if len(block)] or blocks[:1], ignore_index=True
        )
        table = self._receive(table, context.campaign)
        table = table.sort_values(["arrived", "event"], kind="stable", ignore_index=True)
        return table[list(COLUMNS)], table[["source", "duplicate", "late"]]

    def _deliver(
        self, context: Context, slates: Slates, feedback: Feedback, strict: bool
    ) -> Mailing:
        """The issue when it has been answered, before any event is recorded."""
        draws = Draws(self.seed, context.campaign, keys.member_keys(context.member_ids))
        day = Calendar(self.send_days).day(context.issue)
        start = pd.Timestamp(self.first_week) + pd.Timedelta(days=day)
        wait = np.floor(600 * draws.draw("sending")[:, 0])  # a campaign takes ten minutes to go out
        sent = (start + pd.to_timedelta(wait, unit="s")).to_numpy()
        hour = start.hour + start.minute / 60 + wait / 3600
        shown = (slates.choice >= 0) & feedback.delivered[:, None]
        weights = np.array([gateway.weight for gateway in self.gateways.values()])
        addresses = draw_addresses(
            draws, self.corporate, self.domains, self.tunnel, weights / weights.sum()
        )
        when = np.array([gateway.when for gateway in self.gateways.values()])[addresses.gateway]
        read = np.where(when == "open", feedback.opened, True)
        links = np.where(when == "click", feedback.clicked.sum(axis=1), shown.sum(axis=1) * read)
        clicked = int(feedback.clicked.sum())
        scanned = find_scanned(self.scanner_share, self.gateways, addresses, links, clicked, strict)
        opened = float(feedback.opened.mean()) if len(feedback.opened) else 0.0
        share = find_apple_share(
            self.prefetch_share, self.prefetched, self.second_device, self.blocked, opened, strict
        )
        programs = draw_programs(
            draws,
            share,
            self.prefetched,
            self.second_device,
            self.relay,
            self.blocked,
            self.noticed,
        )
        opens = draw_opens(draws, hour, self.open_hours, self.open_spread)
        clicks = draw_clicks(
            draws, opens, feedback, self.click_seconds, self.click_spread, self.tabs
        )
        pace = Pace(
            opens, clicks, draw_prefetches(draws, self.prefetch_hours, self.prefetch_spread)
        )
        return Mailing(
            draws, context, feedback, shown, sent, addresses, programs, pace, self.gateways, scanned
        )

    def _receive(self, table: pd.DataFrame, campaign: str) -> pd.DataFrame:
        """The events with times of arrival, and with repeats, keyed by each event's own id.

        Half of the repeats are the same record once more. The others are a second request, moments
        later, with an id of its own.
        """
        ids = table["event"].to_numpy(dtype=np.uint64)
        u = keys.uniforms(self.seed, campaign, "received", ids, 6)
        late = u[:, 0] < self.late
        days = to_lognormal(u[:, 1], self.late_days, 0.4)
        lag = np.where(late, DAY * days, to_lognormal(u[:, 1], 2.0, 1.0))
        table = table.assign(arrived=table["seconds"] + lag, duplicate=False, late=late)
        repeated = u[:, 2] < self.duplicates
        again, u = table[repeated], u[repeated]
        same, moments = u[:, 3] < 0.5, 5 * u[:, 4]
        again = again.assign(
            event=np.where(same, again["event"], draw_ids(u[:, 5])),
            seconds=again["seconds"] + np.where(same, 0.0, moments),
            arrived=again["arrived"] + np.where(same, 120 * moments, moments),
            duplicate=True,
        )
        return pd.concat([table, again], ignore_index=True)


def _make_gateway(name: str, given: Gateway | Mapping[str, Any]) -> Gateway:
    if isinstance(given, Gateway):
        return given
    try:
        return Gateway(**given)
    except (TypeError, ValueError) as error:  # an option it does not have, or a value out of range
        raise ValueError(f"gateways.{name}: {error}") from error
