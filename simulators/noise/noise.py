"""What real logs add to the truth, and hide: prefetched opens, scanners that click, blocked images, repeats, latecomers.

`Noise.events` turns one issue's clean feedback into the events a tracking server would have recorded
(`bandit.log.events`), and says of each where it came from, for tests of `bandit.log.hygiene` only. Everything is keyed by
(seed, campaign, member): who uses Apple Mail or sits behind a gateway stays so from issue to issue, up to the change
that a configured share of recorded events asks for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from bandit.core import check, keys
from bandit.core.types import Context, Feedback, Floats, Ints, Slates
from bandit.log.events import COLUMNS
from simulators.calendar import Calendar
from simulators.noise.gateways import Gateway, clouds, names

# how active people are at each hour of the day, midnight first; only proportions matter (assumption)
RHYTHM = (1, 1, 1, 1, 1, 2, 4, 7, 9, 10, 10, 9, 9, 9, 8, 8, 8, 8, 8, 8, 8, 7, 5, 3)
FREEMAIL = (
    0.5,
    0.25,
    0.15,
    0.1,
)  # shares of public mail providers; the first keeps images in a cache (assumption)
DAY = 86400.0


USUAL = {
    "quick": Gateway(weight=0.6, head=0.1),
    "slow": Gateway(weight=0.25, first=(30.0, 120.0), gap=2.0),
    "half": Gateway(
        weight=0.15, links=0.5, first=(1.0, 20.0), gap=1.0, declares=0.0, rotates=True, networks=200
    ),
}


@dataclass(frozen=True)
class Noise:
    """prefetch_share, scanner_share: of an issue's recorded opens and clicks, in expectation; scanner clicks count HEAD
    requests and not the unsubscribe link, opens not the scanners' own. gateways: `Gateway`s, or what to make them of, by
    name. send_days: as in `Opens`; first_week: when a mail of its Monday would go out. What else there is to set, and
    where the numbers come from: configs/noise/default.yaml. Raises ValueError naming a parameter that cannot be, or a share
    that this list cannot reach.
    """

    seed: int = 0
    prefetch_share: float = 0.5
    prefetched: float = 0.9
    prefetch_hours: float = 1.0
    prefetch_spread: float = 1.5
    second_device: float = 0.1
    relay: float = 0.2
    tunnel: float = 0.05
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
        shares = (
            "prefetch_share",
            "scanner_share",
            "prefetched",
            "second_device",
            "relay",
            "tunnel",
            "blocked",
            "corporate",
        )
        for what in (*shares, "tabs", "duplicates", "late"):
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
        made = {
            name: part if isinstance(part, Gateway) else _gateway(name, part)
            for name, part in self.gateways.items()
        }
        object.__setattr__(self, "gateways", made)
        if not sum(gateway.weight for gateway in made.values()) > 0:
            raise ValueError(f"gateways = {list(made)}; one must have a weight above 0")

    def events(
        self, context: Context, slates: Slates, feedback: Feedback, strict: bool = True
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """One issue's events, in the order in which the log received them, and the truth about each (same rows): source
        (human, prefetch, scanner), duplicate (a repeat of another row), late (received days after it happened). strict:
        raise ValueError where these mails cannot reach a share; else come as near as they can, as a mail to few must."""
        mail = _Mail(self, context, slates, feedback, strict)
        blocks = [*mail.people(), mail.prefetches(), *mail.scanners()]
        table = pd.concat(
            [block for block in blocks if len(block)] or blocks[:1], ignore_index=True
        )
        table = self._received(table, context.campaign).sort_values(
            ["arrived", "event"], kind="stable", ignore_index=True
        )
        return table[list(COLUMNS)], table[["source", "duplicate", "late"]]

    def _received(self, table: pd.DataFrame, campaign: str) -> pd.DataFrame:
        """Arrival times and repeats, keyed by each event's own id."""
        u = keys.uniforms(
            self.seed, campaign, "received", table["event"].to_numpy(dtype=np.uint64), 6
        )
        late = u[:, 0] < self.late
        lag = np.where(
            late, DAY * _lognormal(u[:, 1], self.late_days, 0.4), _lognormal(u[:, 1], 2.0, 1.0)
        )
        table = table.assign(arrived=table["seconds"] + lag, duplicate=False, late=late)
        again, u = table[u[:, 2] < self.duplicates], u[u[:, 2] < self.duplicates]
        same = (
            u[:, 3] < 0.5
        )  # the same record once more, or a second request moments later with an id of its own
        moments = 5 * u[:, 4]
        again = again.assign(
            event=np.where(same, again["event"], _ids(u[:, 5])),
            seconds=again["seconds"] + np.where(same, 0.0, moments),
            arrived=again["arrived"] + np.where(same, 120 * moments, moments),
            duplicate=True,
        )
        return pd.concat([table, again], ignore_index=True)


class _Mail:
    """One issue's mail on its way to its readers: who they are, when they read, and the rows that each source leaves."""

    def __init__(
        self, noise: Noise, context: Context, slates: Slates, feedback: Feedback, strict: bool
    ) -> None:
        self.noise, self.context, self.feedback = noise, context, feedback
        self.shown = (slates.choice >= 0) & feedback.delivered[:, None]
        self.key = keys.member_keys(context.member_ids)
        self.n, self.k = slates.choice.shape
        day = Calendar(noise.send_days).day(context.issue)
        start = pd.Timestamp(noise.first_week) + pd.Timedelta(days=day)
        wait = np.floor(600 * self.issue("sending")[:, 0])  # a campaign takes ten minutes to go out
        self.sent = (start + pd.to_timedelta(wait, unit="s")).to_numpy()
        self.clock = start.hour + start.minute / 60 + wait / 3600
        self._addresses(strict)
        opened = float(feedback.opened.mean()) if self.n else 0.0
        self.apple = self.always("apple")[:, 0] < _apple_members(noise, opened, strict)
        self.blocked = ~self.apple & (self.always("blocked")[:, 0] < noise.blocked)
        self._reading()

    def always(self, stream: str, k: int = 1) -> Floats:
        return keys.uniforms(self.noise.seed, "always", stream, self.key, k)

    def issue(self, stream: str, k: int = 1, rows: Ints | slice = slice(None)) -> Floats:
        return keys.uniforms(self.noise.seed, self.context.campaign, stream, self.key[rows], k)

    def _addresses(self, strict: bool) -> None:
        """A member's place in [0, 1) decides the domain; those in front sit behind gateways, as far as the share of scanner
        clicks asks for, so that a domain is scanned whole, or not at all, or (the last one) in part."""
        noise = self.noise
        place = self.always("address")[:, 0]
        size = 1.0 / keys.generator(noise.seed, "domains").permutation(
            np.arange(1, noise.domains + 1)
        )
        edges = np.cumsum(size) / size.sum() * noise.corporate
        last = np.nextafter(noise.corporate, 0)
        organisation = np.searchsorted(edges, np.minimum(place, last), side="right").clip(
            max=noise.domains - 1
        )
        rest = (place - noise.corporate) / max(1 - noise.corporate, 1e-12)
        free = np.searchsorted(np.cumsum(FREEMAIL), rest, side="right").clip(0, len(FREEMAIL) - 1)
        self.corporate = place < noise.corporate
        self.domain = np.where(self.corporate, names("org", organisation), names("freemail", free))
        self.office = names("office", organisation)
        weight = np.array([gateway.weight for gateway in noise.gateways.values()])
        rng = keys.generator(noise.seed, "gateways")
        self.gateway = rng.choice(len(weight), size=noise.domains, p=weight / weight.sum())[
            organisation
        ]
        clicks = np.array([gateway.clicks_a_link for gateway in noise.gateways.values()])[
            self.gateway
        ]
        clicks = np.where(self.corporate, clicks * self.shown.sum(axis=1), 0.0)
        wanted = noise.scanner_share / (1 - noise.scanner_share) * self.feedback.clicked.sum()
        order = np.argsort(place, kind="stable")
        if strict and wanted > clicks.sum():
            most = clicks.sum() / (clicks.sum() + self.feedback.clicked.sum())
            raise ValueError(
                f"scanner_share = {noise.scanner_share}; gateways at every corporate domain reach {most:.3f}"
            )
        self.scanned = np.zeros(self.n, dtype=bool)
        self.scanned[order] = np.cumsum(clicks[order]) <= wanted
        self.scanned &= self.corporate
        u, own = self.issue("network", 2), self.always("home", 3)
        home = names("home", (own[:, 0] * 2**24).astype(np.int64))
        desk = np.where(self.corporate & (u[:, 0] < 0.6), self.office, home)
        network = np.where(u[:, 1] < 0.3, names("carrier", (u[:, 0] * 4).astype(np.int64)), desk)
        # a company's web gateway may run in the cloud that its mail gateway runs in
        tunnel = self.corporate & (own[:, 1] < noise.tunnel)
        self.network = np.where(
            tunnel, clouds(self.gateway, (own[:, 2] * 4).astype(np.int64)), network
        )

    def _reading(self) -> None:
        """When each member opens, and clicks: `at` [n] and `clicks` [n, k], seconds after delivery."""
        noise = self.noise
        busy = np.concatenate([[0.0], np.cumsum(RHYTHM) / np.sum(RHYTHM) * 24])
        done = np.interp(self.clock % 24, np.arange(25), busy) + _lognormal(
            self.issue("open delay")[:, 0], noise.open_hours, noise.open_spread
        )
        hours = 24 * (done // 24) + np.interp(done % 24, busy, np.arange(25)) - self.clock % 24
        self.at = 3600 * np.maximum(hours, 0.0) + 1.0
        u = self.issue("click pace", self.k + 1)
        tabs = (
            self.always("tabs")[:, 0] < noise.tabs
        )  # opens all that looks good in tabs, and reads afterwards
        now = self.at + _lognormal(u[:, 0], noise.click_seconds, noise.click_spread)
        self.clicks = np.zeros((self.n, self.k))
        for j in range(self.k):
            self.clicks[:, j] = now
            back = _lognormal(
                u[:, j + 1], noise.click_seconds / 2, noise.click_spread
            )  # and on to the next
            wait = np.where(tabs, 1 + 3 * u[:, j + 1], self.feedback.dwell_seconds[:, j] + back)
            now = now + np.where(self.feedback.clicked[:, j], wait, 0.0)

    def people(self) -> list[pd.DataFrame]:
        noise, opened = self.noise, self.feedback.opened
        second = self.apple & (self.issue("second device")[:, 0] < noise.second_device)
        direct = np.flatnonzero(opened & ~self.blocked & (~self.apple | second))
        webmail = self.domain == "freemail-0"
        agent = np.where(
            webmail, "imageproxy", np.where(self.always("agent")[:, 0] < 0.7, "mail", "browser")
        )
        network = np.where(webmail, "google", self.network)
        # not fetched ahead: Apple's proxy fetches when the reader opens, and nothing tells the two apart
        later = np.flatnonzero(
            opened & self.apple & (self.issue("prefetched")[:, 0] >= noise.prefetched)
        )
        rows, slots = np.nonzero(self.feedback.clicked)
        relayed = self.apple & (self.always("relay")[:, 0] < noise.relay)
        gone = np.flatnonzero(self.feedback.unsubscribed)
        bare = np.where(self.always("click agent")[:, 0] < 0.01, "none", "browser")
        via = np.where(relayed, "apple", self.network)
        return [
            self.block("open", "human", direct, self.at[direct], agent[direct], network[direct]),
            self.block("open", "human", later, self.at[later], "bare", "apple", note="by proxy"),
            self.block(
                "click", "human", rows, self.clicks[rows, slots], bare[rows], via[rows], slots + 1
            ),
            self.block("unsubscribe", "human", gone, self.at[gone] + 40, bare[gone], via[gone]),
        ]

    def prefetches(self) -> pd.DataFrame:
        fetched = (
            self.apple
            & self.feedback.delivered
            & (self.issue("prefetched")[:, 0] < self.noise.prefetched)
        )
        rows = np.flatnonzero(fetched)
        at = 3600 * _lognormal(
            self.issue("prefetch delay")[:, 0],
            self.noise.prefetch_hours,
            self.noise.prefetch_spread,
        )
        return self.block("open", "prefetch", rows, at[rows], "bare", "apple")

    def scanners(self) -> list[pd.DataFrame]:
        links = np.column_stack([self.shown, self.feedback.delivered])  # the last one unsubscribes
        made = []
        for g, gateway in enumerate(self.noise.gateways.values()):
            behind = np.flatnonzero(self.scanned & (self.gateway == g))
            draw = partial(self.issue, rows=behind)
            scan = gateway.scan(
                g, np.ones(len(behind), dtype=bool), links[behind], self.office[behind], draw
            )
            rows, slots = np.nonzero(scan.follows[:, : self.k])
            headed = scan.head[rows]
            left, pixel = np.flatnonzero(scan.follows[:, self.k]), np.flatnonzero(scan.pixel)
            looks = (
                ("click", rows, slots, "GET", 0.0),
                ("click", rows[headed], slots[headed], "HEAD", -0.1),
                ("unsubscribe", left, np.full(len(left), self.k), "GET", 0.0),
                ("open", pixel, np.zeros(len(pixel), dtype=np.int64), "GET", 0.0),
            )
            for kind, i, j, method, ahead in looks:
                at, slot = scan.at[i, j] + ahead, j + 1 if kind == "click" else 0
                made.append(
                    self.block(
                        kind,
                        "scanner",
                        behind[i],
                        at,
                        scan.agent[i],
                        scan.network[i, j],
                        slot,
                        method,
                    )
                )
        return made

    def block(
        self,
        kind: str,
        source: str,
        rows: Ints,
        seconds: Floats,
        agent: Any,
        network: Any,
        slot: Any = 0,
        method: str = "GET",
        note: str = "",
    ) -> pd.DataFrame:
        """Rows of one kind from one source; a slot has at most one of them with each method and note."""
        u = self.issue(f"event {kind} {source} {method} {note}", self.k + 1)[rows, slot]
        made = {
            "event": _ids(u),
            "campaign": self.context.campaign,
            "member": self.context.member_ids[rows],
            "kind": kind,
            "slot": slot,
            "links": self.shown.sum(axis=1)[rows],
            "seconds": seconds,
            "sent": self.sent[rows],
            "agent": agent,
            "method": method,
            "network": network,
            "domain": self.domain[rows],
            "source": source,
        }
        return pd.DataFrame(made)


def _gateway(name: str, part: Mapping[str, Any]) -> Gateway:
    try:
        return Gateway(**part)
    except (TypeError, ValueError) as error:  # a key it does not have, a value that cannot be
        raise ValueError(f"gateways.{name}: {error}") from error


def _apple_members(noise: Noise, opened: float, strict: bool) -> float:
    """The share a of members on Apple Mail for which prefetch is the wanted share of recorded opens, in expectation.

    A share a f of all mails is prefetched, a o (1 - f + e) is opened through the proxy or on a second device, and of the
    other members (1 - a) o (1 - b) are seen to open.
    """
    share, f, o, seen = noise.prefetch_share, noise.prefetched, opened, 1 - noise.blocked
    below = f * (1 - share) - share * o * (1 - f + noise.second_device - seen)
    need = share * o * seen
    if need > below and not strict:
        return 1.0
    if need > below:
        raise ValueError(
            f"prefetch_share = {share}; not reached where {o:.3f} of mails are opened and {f} prefetched"
        )
    return need / below if need else 0.0


def _lognormal(u: Floats, median: float, spread: float) -> Floats:
    return np.asarray(median * np.exp(spread * ndtri(np.clip(u, 1e-12, 1 - 1e-12))))


def _ids(u: Floats) -> Ints:
    return np.asarray((u * 2.0**53).astype(np.int64))
