"""One list, one setting of its noise: what hygiene made of the events, beside the truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bandit.core.types import Round
from bandit.log.doubt import count_people
from bandit.log.events import estimate_open_rate
from bandit.log.hygiene import tag
from bandit.policies.blast import Blast
from simulators.association.association import Association
from simulators.noise.noise import Noise
from simulators.play import play

MEMBERS, ISSUES, POOL, SLOTS = 3000, 6, 20, 6


@dataclass(frozen=True)
class Found:
    """What became of one list's events.

    share: of clicks, the part that scanners made
    recall: share of scanners' clicks that were tagged; NaN where there are none
    lost: share of people's clicks that were tagged as scanners'
    inside: whether the interval of people's clicks holds their number
    width: of that interval, as a share of the clicks
    readable: whether the list can be read, as `bandit.log.doubt.People` has it
    opens, opened: open rate of people, as it was estimated and as it was
    """

    share: float
    recall: float
    lost: float
    inside: bool
    width: float
    readable: bool
    opens: float
    opened: float


@cache
def send(seed: int) -> tuple[Round, ...]:
    """A half-dozen issues of an association, as people answered them."""
    association = Association(seed=seed, members=MEMBERS, issues=ISSUES, pool=POOL, slots=SLOTS)
    return tuple(play(Blast(), association, seed=7))


def record(rounds: Sequence[Round], noise: Noise) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The events of all issues, and the truth about each row."""
    tables = [
        noise.record_events(round.context, round.slates, round.feedback, strict=False)
        for round in rounds
    ]
    events, truth = zip(*tables, strict=True)
    return pd.concat(events, ignore_index=True), pd.concat(truth, ignore_index=True)


def measure(seed: int, setting: dict[str, Any]) -> Found:
    """What hygiene finds on a list with this noise.

    seed: of the association and of the noise
    setting: options of `Noise`
    """
    rounds = send(seed)
    events, truth = record(rounds, Noise(seed=seed, **setting))
    tagged = tag(events)
    clicks = (events["kind"] == "click") & ~truth["duplicate"]
    scanner, person = (clicks & (truth["source"] == who) for who in ("scanner", "human"))
    said, people = tagged["tag"] == "scanner", count_people(tagged)
    true = int((person & (tagged["tag"] != "duplicate")).sum())
    mails = [
        pd.DataFrame({"campaign": round.context.campaign, "member": round.context.member_ids})
        for round in rounds
    ]
    return Found(
        share=float(scanner.sum() / max(clicks.sum(), 1)),
        recall=float(said[scanner].mean()),
        lost=float(said[person].mean()),
        inside=people.low <= true <= people.high,
        width=(people.high - people.low) / max(people.recorded, 1),
        readable=people.readable,
        opens=estimate_open_rate(tagged, pd.concat(mails)).human,
        opened=float(np.mean([round.feedback.opened.mean() for round in rounds])),
    )
