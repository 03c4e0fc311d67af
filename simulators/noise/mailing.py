"""One mailing on its way to its readers, and the rows that its events leave in a tracking log.

Who causes events: people (`people.py`), Apple Mail ahead of them (`prefetches.py`), and gateways
(`scans.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from bandit.core.types import Array, Bools, Context, Feedback, Floats, Ids, Ints
from simulators.noise.addresses import Addresses
from simulators.noise.draws import Draws, draw_ids
from simulators.noise.gateways import Gateway
from simulators.noise.mail_programs import MailPrograms
from simulators.noise.pace import Pace


@dataclass(frozen=True)
class Mailing:
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
    programs: MailPrograms
    pace: Pace
    gateways: Mapping[str, Gateway]
    scanned: Bools

    def tabulate(
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
