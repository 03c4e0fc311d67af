"""Where the events of a tracking log come from: people, Apple's prefetches, and scanners."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from bandit.core.types import Array, Bools, Context, Feedback, Floats, Ids, Ints
from simulators.noise.addresses import Addresses
from simulators.noise.draws import Draws, draw_ids
from simulators.noise.gateways import Gateway
from simulators.noise.pace import Pace
from simulators.noise.programs import Programs


@dataclass(frozen=True)
class Sources:
    """One issue that was delivered and answered, and what decides which events it leaves.

    draws: random numbers of its n members
    context, feedback: the issue, and what people did
    shown [n, k]: whether a delivered mail has an article in each slot
    sent [n]: when each mail went out, as datetime64
    addresses, programs, pace: where, with what and when each member reads
    gateways: the kinds of mail gateways, by name
    scanned [n]: whose mail passes a gateway that scans
    """

    draws: Draws
    context: Context
    feedback: Feedback
    shown: Bools
    sent: Array
    addresses: Addresses
    programs: Programs
    pace: Pace
    gateways: Mapping[str, Gateway]
    scanned: Bools

    def list_people(self) -> Iterator[pd.DataFrame]:
        """Events that people cause: opens, opens through Apple's proxy, clicks, unsubscribing."""
        opened, at = self.feedback.opened, self.pace.opens
        draws, programs = self.draws, self.programs
        direct = np.flatnonzero(opened & ~programs.blocked & (~programs.apple | programs.second))
        webmail = self.addresses.domain == "freemail-0"
        program = np.where(draws.draw_lasting("agent")[:, 0] < 0.7, "mail", "browser")
        agent = np.where(webmail, "imageproxy", program)
        network = np.where(webmail, "google", self.addresses.network)
        yield self._make("open", "human", direct, at[direct], agent[direct], network[direct])
        # What was not fetched ahead, Apple's proxy fetches when the reader opens the mail.
        # Nothing in the log tells the two apart.
        later = np.flatnonzero(opened & programs.apple & ~programs.ahead)
        yield self._make("open", "human", later, at[later], "bare", "apple", note="by proxy")
        via = np.where(programs.relayed, "apple", self.addresses.network)
        bare = np.where(draws.draw_lasting("click agent")[:, 0] < 0.01, "none", "browser")
        rows, slots = np.nonzero(self.feedback.clicked)
        clicks = self.pace.clicks[rows, slots]
        yield self._make("click", "human", rows, clicks, bare[rows], via[rows], slots + 1)
        gone = np.flatnonzero(self.feedback.unsubscribed)
        yield self._make("unsubscribe", "human", gone, at[gone] + 40, bare[gone], via[gone])

    def list_prefetches(self) -> Iterator[pd.DataFrame]:
        """Opens that Apple Mail records by loading images before anybody reads."""
        fetched = self.programs.apple & self.programs.ahead & self.feedback.delivered
        rows = np.flatnonzero(fetched)
        at = self.pace.prefetches[rows]
        yield self._make("open", "prefetch", rows, at, "bare", "apple")

    def list_scanners(self) -> Iterator[pd.DataFrame]:
        """Events of gateways that follow links: clicks, HEAD requests, opens, unsubscribing."""
        k = self.shown.shape[1]
        links = np.column_stack([self.shown, self.feedback.delivered])  # the last one unsubscribes
        for number, gateway in enumerate(self.gateways.values()):
            behind = np.flatnonzero(self.scanned & (self.addresses.gateway == number))
            scan = gateway.scan(
                number,
                links[behind],
                self.addresses.office[behind],
                partial(self.draws.draw, rows=behind),
            )
            mails, slots = np.nonzero(scan.follows[:, :k])
            headed = scan.head[mails]
            left, pixel = np.flatnonzero(scan.follows[:, k]), np.flatnonzero(scan.pixel)
            for kind, i, j, method, ahead in (
                ("click", mails, slots, "GET", 0.0),
                ("click", mails[headed], slots[headed], "HEAD", -0.1),
                ("unsubscribe", left, np.full(len(left), k), "GET", 0.0),
                ("open", pixel, np.zeros(len(pixel), dtype=np.int64), "GET", 0.0),
            ):
                rows, at, slot = behind[i], scan.at[i, j] + ahead, j + 1 if kind == "click" else 0
                agent, network = scan.agent[i], scan.network[i, j]
                yield self._make(kind, "scanner", rows, at, agent, network, slot, method)

    def _make(
        self,
        kind: str,
        source: str,
        rows: Ints,
        seconds: Floats,
        agent: Ids | str,
        network: Ids | str,
        slot: Ints | int = 0,
        method: str = "GET",
        note: str = "",
    ) -> pd.DataFrame:
        """Events of one kind from one source, of the members `rows`.

        A slot has at most one event of each kind, source, method and note, which key its id.
        """
        k = self.shown.shape[1]
        u = self.draws.draw(f"event {kind} {source} {method} {note}", k + 1)[rows, slot]
        return pd.DataFrame(
            {
                "event": draw_ids(u),
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
                "domain": self.addresses.domain[rows],
                "source": source,
            }
        )
