"""How people and machines behave, before any data.

Each table names what a visit may show, with its chance for a person and for a machine. Most
scanners click within 10 minutes of delivery (Upsales), every link (Live Direct Marketing), people
one or two; half of the opens come within 3 to 6 hours (Inntopia; MailerMailer 2013). The rest is a
rough guess that the data moves. A gateway's visits begin at about the same time after delivery,
whatever that time is: so there are several kinds of machines, one for each stretch of KINDS, and
one that comes at any time. Open this file to change what is expected; `kinds` learns from there.
"""

from math import erfc, sqrt

import numpy as np

from bandit.core.types import Floats, Ints

# Where the bins of "start" end, in seconds from delivery, and what they are called.
STARTS = np.array([2, 5, 9, 15, 30, 60, 110, 180, 330, 600, 1100, 2000, 3600, 6500, 12000, 21600])
STARTS = np.append(STARTS, [40000, 80000, 160000, 320000]).astype(np.float64)
SAID: tuple[tuple[float, str], ...] = (
    (5.0, "within 5 s of delivery"),
    (15.0, "5-15 s after delivery"),
    (60.0, "15-60 s after delivery"),
    (180.0, "1-3 min after delivery"),
    (600.0, "3-10 min after delivery"),
    (3600.0, "10-60 min after delivery"),
    (21600.0, "1-6 h after delivery"),
    (np.inf, "over 6 h after delivery"),
)
MEDIAN, SPREAD = 3.0, 2.0  # people's start: hours, and sd of its logarithm
# However a list looks, no half of its people clicks within SOONEST seconds of delivery, and the
# spread is at least NARROWEST: else people would be taken for a gateway, and a gateway for people.
SOONEST, NARROWEST = 600.0, 1.6
# Bins of "start" about which a kind's visits lie.
KINDS = (0.5, 3.5, 6.5, 9.5, 12.5, 15.5, 18.5)
WIDE = 1.3  # standard deviation of that, in bins

# Each table below: what a visit may show, its chance for a person, its chance for a machine.
# `visits` counts on the order of SHAPE: one link; some, most, all, at four paces each; echoes.
SHAPE: tuple[tuple[str, float, float], ...] = (
    ("one link", 0.83, 0.10),
    ("some links, minutes to days apart", 0.06, 0.04),
    ("some links, 5-60 s apart", 0.07, 0.05),
    ("some links, 1-5 s apart", 0.03, 0.08),
    ("some links, under 1 s apart", 0.006, 0.10),
    ("most links, minutes to days apart", 0.010, 0.06),
    ("most links, 5-60 s apart", 0.008, 0.08),
    ("most links, 1-5 s apart", 0.003, 0.10),
    ("most links, under 1 s apart", 0.0005, 0.12),
    ("all links, minutes to days apart", 0.003, 0.08),
    ("all links, 5-60 s apart", 0.003, 0.10),
    ("all links, 1-5 s apart", 0.002, 0.10),
    ("all links, under 1 s apart", 0.0005, 0.15),
    ("a link that was taken from elsewhere just before", 0.0005, 0.12),
)
OPENED: tuple[tuple[str, float, float], ...] = (
    ("opened before", 0.48, 0.02),
    ("opened 1-5 s before", 0.02, 0.08),
    ("opened before from elsewhere", 0.20, 0.06),
    ("images loaded by a machine before", 0.02, 0.12),
    ("images loaded by a proxy alone", 0.14, 0.06),
    ("opened only afterwards", 0.02, 0.18),
    ("no open recorded", 0.14, 0.60),
)
AGENT: tuple[tuple[str, float, float], ...] = (
    ("a browser", 0.98, 0.70),
    ("no agent", 0.019, 0.06),
    ("a scanner by its own account", 0.001, 0.20),
)
EDGES = np.log(np.concatenate([[0.3], STARTS, [2e6]]))  # of the bins of "start"


def find_start(seconds: Floats) -> Ints:
    """The bin of "start" of each time, in seconds from delivery."""
    return np.asarray(np.searchsorted(STARTS, seconds, side="right"), dtype=np.int64)


def spread_starts(median: float, spread: float) -> Floats:
    """Chances [bins] of "start" where the logarithm of its seconds is normal.

    median: of the logarithm of seconds
    spread: its standard deviation
    """
    below = [erfc((median - edge) / (sqrt(2) * spread)) / 2 for edge in EDGES.tolist()]
    chances = np.diff(below) + 2e-5
    return np.asarray(chances / chances.sum())


def smooth_starts(seen: Floats) -> Floats:
    """Lognormal chances [bins] with the mean and spread of how often each bin was seen [bins],
    as far as people's may be so.
    """
    share, middle = seen / seen.sum(), (EDGES[1:] + EDGES[:-1]) / 2
    median = float(share @ middle)
    spread = float(np.sqrt(share @ (middle - median) ** 2))
    return spread_starts(max(median, float(np.log(SOONEST))), max(spread, NARROWEST))


def expect_start(kinds: tuple[float, ...], any_time: bool) -> Floats:
    """Chances [1 + kinds, bins] of "start": of people, then of each kind of machine.

    kinds: for each kind, about which bin its visits lie, as in KINDS
    any_time: whether there is one more kind, which comes when it likes
    """
    people = spread_starts(float(np.log(3600 * MEDIAN)), SPREAD)
    bins = np.arange(len(people))
    bumps = np.exp(-0.5 * ((bins - np.array(kinds)[:, None]) / WIDE) ** 2) + 0.003
    rows = np.vstack([people, bumps, *[people + 1 / len(people)] * any_time])
    return np.asarray(rows / rows.sum(axis=1, keepdims=True))
