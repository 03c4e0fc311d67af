"""How far members differ, so that members drawn afresh click as the log's do.

Where clicks are few, the profile model's variances lean on where they started. Here they are set by
moments of the clicks. Open this to see which moments, and what they correct.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.sparse import csr_matrix

from bandit.core import keys
from bandit.core.types import KINDS, Floats
from simulators.crossing import find_crossing
from simulators.examination.walk import Examine, expect_clicks
from simulators.fitted.mails import OpenedMails

TEXT = 1 + len(KINDS)  # article features: the constant, kinds, text
MOST = 30_000  # newsletters that moments are matched on
FACTOR_SD = 0.3  # of the logarithm of what a standard deviation is multiplied with, beforehand


def measure_moments(mails: OpenedMails, clicks: Floats, n: int) -> Floats:
    """Three moments of each of n members' clicks, [n, 3].

    They are clicks; pairs of clicks in different newsletters, which tell how far members differ in
    clicking at all; the same weighted with how alike the two texts are, which tells how far they
    differ in taste.

    clicks: [e, k], what happened, or its probability
    """
    e = len(clicks)
    same = csr_matrix((np.ones(e), (mails.member, np.arange(e))), shape=(n, e))
    text = np.zeros((e, mails.features.shape[1] - TEXT))
    for slot, index in enumerate(mails.article.T):
        text += clicks[:, slot, None] * mails.features[index, TEXT:]
    count = clicks.sum(axis=1)
    pairs = np.square(same @ count) - same @ np.square(count)
    alike = np.square(same @ text).sum(axis=1) - same @ np.square(text).sum(axis=1)
    return np.stack([same @ count, pairs, alike], axis=1)


@dataclass(frozen=True)
class MomentMatch:
    """What makes members drawn afresh click as the log's do.

    shift: to add to every logit
    readiness: to multiply the standard deviation of readiness to click by
    taste: to multiply the standard deviations of taste by
    log: [3], the log's moments, summed over members
    fitted: [3], the same of members drawn afresh
    """

    shift: float
    readiness: float
    taste: float
    log: Floats
    fitted: Floats


def match_moments(
    mails: OpenedMails,
    prior: Floats,
    variance: Floats,
    appeal: Floats,
    model: Examine,
    seed: int,
    times: int = 8,
) -> MomentMatch:
    """Generalised method of moments by simulation (McFadden 1989), on the log's own newsletters.

    Each moment weighs by its standard error over members; a factor is e^Normal(0, FACTOR_SD^2)
    beforehand.

    prior, variance: [n, q] and [q], interests are drawn from Normal(prior, variance)
    appeal: [m], of articles
    times: how often each member is drawn; higher is more exact and slower
    """
    n = len(prior)
    mails = mails.sample(MOST)
    base, nothing = mails.logits(prior, appeal), np.zeros(len(appeal))
    parts = []
    for draw in range(times):
        noise = keys.generator("logged", seed, "matching", draw).standard_normal(prior.shape)
        own = noise * np.sqrt(variance)
        ready = np.where(np.arange(prior.shape[1]) == 0, own, 0.0)
        parts.append((mails.logits(ready, nothing), mails.logits(own - ready, nothing)))
    log = measure_moments(mails, mails.clicked.astype(np.float64), n)
    error = np.maximum(np.sqrt(n) * log.std(axis=0), 1e-9)

    def simulate(values: Floats) -> Floats:
        shift, ready, taste = values[0], *np.exp(values[1:])
        chances = (
            expect_clicks(model, mails.chances(base + shift + ready * r + taste * t))
            for r, t in parts
        )
        return np.asarray(sum(measure_moments(mails, p, n).sum(axis=0) for p in chances) / times)

    def compare(values: Floats) -> Floats:
        off = (simulate(values) - log.sum(axis=0)) / error
        return np.concatenate([off, values[1:] / FACTOR_SD])

    limits = ([-6, -1.5, -1.5], [6, 1.5, 1.5])
    found = least_squares(compare, np.zeros(3), diff_step=0.02, max_nfev=8, bounds=limits).x
    ready, taste = np.exp(found[1:]).tolist()
    return MomentMatch(float(found[0]), ready, taste, log.sum(axis=0), simulate(found))


def find_shift(mails: OpenedMails, logits: Floats, model: Examine) -> float:
    """What to add to all logits [e, k] so that as many clicks are expected as there are."""
    clicks = float(mails.clicked.sum())

    def is_above(shift: float) -> bool:
        return float(expect_clicks(model, mails.chances(logits + shift)).sum()) > clicks

    return find_crossing(is_above, -8.0, 8.0)
