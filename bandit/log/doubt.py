"""How many clicks were people's, how sure that is, and a log that is no surer than that.

A mixture is surer of itself than it should be: what it looks at hangs together, and all its odds
may be off in one direction. So the interval lets all odds be wrong at once by one factor, and a few
clicks be what nobody expects; both were settled on simulated signatures (docs/hygiene.md says how
often the interval held the truth on others). What a policy learns from is one log as it may have
been: unsure tags are drawn by their chance. Open this file before a click rate of tagged events is
reported, or to see how events become what people did.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from bandit.core import check, keys
from bandit.core.types import Bools, Context, Feedback, Floats, Ints, Slates
from bandit.log.events import (
    SAME_RECORD,
    SAME_REQUEST,
    estimate_open_rate,
    read_feedback,
)

FACTOR = 12.0  # by which all odds may be wrong at once
UNTOLD = 0.005  # of the clicks, what behaves as nobody is expected to, on either side
NORMAL = 1.645  # standard deviations that hold nine in ten
READABLE = 0.2  # an interval wider than this share of the clicks says nothing
FEW = 500  # clicks: of fewer, slow machines stay among people, and no interval allows for them
MACHINES = ("scanner", "prefetch")
SURE = 0.99  # tags that are at least so sure are never drawn


@dataclass(frozen=True)
class People:
    """How many of a log's clicks people made.

    recorded: clicks, without repeats
    expected: how many of them are people's, in expectation
    low: where the interval begins that holds the number nine times in ten
    high: where it ends
    """

    recorded: int
    expected: float
    low: int
    high: int

    @property
    def readable(self) -> bool:
        """Whether the log says anything of what people clicked."""
        return self.high - self.low <= max(READABLE * self.recorded, 10)

    def describe(self) -> str:
        """The statement of doubt in words.

        >>> People(2380, 1210.4, 1170, 1260).describe()
        "people's clicks: 1,170 to 1,260 of 2,380"
        """
        said = f"people's clicks: {self.low:,} to {self.high:,} of {self.recorded:,}"
        if not self.readable:
            return f"{said}; people and machines cannot be told apart here"
        return f"{said}; too few to find slow machines" if self.recorded < FEW else said


def find_chance(tagged: pd.DataFrame) -> Floats:
    """P(a person made the request) [rows], of tagged events; 0 for what only repeats another."""
    check.columns("events", tagged, ["tag", "confidence"])
    sure = tagged["confidence"].to_numpy(dtype=np.float64)
    chance = np.where(tagged["tag"].isin(MACHINES), 1 - sure, sure)
    return np.where(tagged["tag"] == "duplicate", 0.0, chance)


def count_people(tagged: pd.DataFrame) -> People:
    """How many of the clicks in tagged events people made.

    tagged: events with the columns of `hygiene.tag`

    >>> clicks = pd.DataFrame({"kind": "click", "tag": ["human"] * 900 + ["scanner"] * 100})
    >>> print(count_people(clicks.assign(confidence=1.0, why="")).describe())
    people's clicks: 900 to 900 of 1,000
    """
    return bound_people(find_clicks(tagged))


def find_clicks(tagged: pd.DataFrame) -> Floats:
    """P(a person made it) of each click in tagged events, without those that repeat another.

    It has six digits, as confidence has, so that of very many clicks few chances differ.
    """
    check.columns("events", tagged, ["kind", "tag", "confidence", "why"])
    chance = find_chance(tagged[(tagged["kind"] == "click") & ~_find_repeats(tagged)])
    return np.asarray(np.round(chance, 6))


def tally_chances(chance: Floats, times: Ints | None = None) -> tuple[Floats, Ints]:
    """The different ones [c] of some chances, in order, and how often each occurs [c].

    times: how often each of `chance` occurs; default: once
    """
    values, place = np.unique(chance, return_inverse=True)
    return values, np.bincount(place, times, len(values)).astype(np.int64)


def bound_people(chance: Floats, times: Ints | None = None) -> People:
    """How many of some clicks people made.

    chance: [clicks], as `find_clicks` gives them, of one table of events or of several
    times: [clicks], how many clicks each stands for; default: one
    """
    chance, times = tally_chances(chance, times)
    unsure, recorded = (chance > 0) & (chance < 1), int(times.sum())
    noise = NORMAL * float(np.sqrt(times @ (chance * (1 - chance))))
    noise += UNTOLD * int(times[unsure].sum())
    low, high = (
        float(times @ (chance * odds / (chance * odds + 1 - chance)))
        for odds in (1 / FACTOR, FACTOR)
    )
    return People(
        recorded,
        float(times @ chance),
        max(int(np.floor(low - noise)), int(times[chance >= 1].sum())),
        min(int(np.ceil(high + noise)), recorded - int(times[chance <= 0].sum())),
    )


def draw_feedback(
    tagged: pd.DataFrame, context: Context, slates: Slates, delivered: Bools, seed: int
) -> Feedback:
    """What people did in one issue, as it may have been: what is not known of it is drawn.

    Unsure tags are drawn by `draw_tags`, and who opened unseen by the chance that
    `events.estimate_open_rate` finds. Both are keyed by campaign and member, so the same events
    give the same answer.

    tagged: events with the columns of `hygiene.tag`
    context, slates: what was sent
    delivered: [n], who got the mail; whoever did anything got it as well
    seed: keys the draws
    """
    drawn = draw_tags(tagged, seed)
    seen = read_feedback(drawn, context, slates, delivered)
    got, ids = seen.delivered, context.member_ids
    mails = pd.DataFrame({"campaign": context.campaign, "member": ids[got]})
    luck = keys.uniforms(seed, context.campaign, "opened", keys.member_keys(ids), 1)[:, 0]
    opened = np.zeros(len(ids), dtype=bool)
    opened[got] = luck[got] < estimate_open_rate(drawn, mails).chance
    return replace(seen, opened=seen.opened | opened)


def draw_tags(tagged: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """The same events with unsure tags drawn anew, each by its chance: a log as it may have been.

    So an unsure click has, on average, the weight of its chance in every rate and in whatever
    learns from `events.read_feedback`; another seed shows how much depends on it (multiple
    imputation, Rubin 1987). Tags of which the filter is sure stay, to the bit. A mail's requests
    are drawn together. Opens and repeats stay: `OpenRate.chance` is for opens.

    tagged: events with the columns of `hygiene.tag`
    seed: keys the draws, with campaign and member
    """
    chance, unsure = find_chance(tagged), tagged["tag"].isin(("human", "late", "scanner"))
    unsure &= (tagged["kind"] != "open") & ~_find_repeats(tagged)
    unsure &= (chance > 1 - SURE) & (chance < SURE)
    tags, sure = np.array(tagged["tag"], dtype=object), np.array(tagged["confidence"])
    for campaign, some in tagged[unsure].groupby("campaign", sort=False, observed=True):
        rows = np.flatnonzero(unsure & (tagged["campaign"] == campaign))
        member = keys.member_keys(some["member"].to_numpy())
        person = keys.uniforms(seed, str(campaign), "tags", member, 1)[:, 0] < chance[rows]
        whose = np.where(tags[rows] == "scanner", "human", tags[rows])
        tags[rows], sure[rows] = np.where(person, whose, "scanner"), 1.0
    return tagged.assign(tag=tags, confidence=sure)


def _find_repeats(tagged: pd.DataFrame) -> pd.Series:
    """Which events only repeat another one, a scanner's too."""
    said = tagged["why"].str.startswith((SAME_RECORD, SAME_REQUEST))
    return (tagged["tag"] == "duplicate") | said
