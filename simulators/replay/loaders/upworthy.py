"""Headline experiments: readers were randomised between versions of one article.

Open this to ask what text says before anything is sent: it reads the archive, judges scores of
headlines by their click rates, and fits scores to text features. The archive: Matias, Munger,
Le Quere & Ebersole 2021, "The Upworthy Research Archive, a time series of 32,487 experiments in
U.S. media" (CC BY 4.0). Only headlines that competed with everything else equal (test, picture,
lede, excerpt) are kept, so a difference in click rate is the headline's.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core import check
from bandit.core.types import Floats, Ints
from bandit.ope.intervals import Interval, normal_interval
from simulators.replay.loaders.tables import Account, parse_integers, parse_words, read, refuse

BROKEN = (201325, 201402)  # weeks whose randomisation failed, by the archive's own notice
COUNTS = ["impressions", "clicks", "test_week"]
PUBLISHED = {"clickability_test_id": "test_id", "eyecatcher_id": "image_id"}
BESIDE = ["image_id", "lede", "excerpt"]  # what a reader sees beside the headline
CLEAR = 1.96  # standard errors between two click rates
LARGEST = 2**53


@dataclass(frozen=True)
class Headlines:
    """The experiments' arms.

    arms: a rows, test (text), contest (number: same test and everything but the headline equal),
        headline, impressions, clicks
    account: where the rows of the file went
    alone: headlines without a rival that had everything else equal, a row for each (test, headline)
        with summed impressions and clicks: they are not judged, but their click rates teach
    """

    arms: pd.DataFrame
    account: Account
    alone: pd.DataFrame = field(
        default_factory=lambda: pd.DataFrame(columns=["test", "headline", *COUNTS[:2]])
    )

    @property
    def rate(self) -> Floats:
        """Clicks an impression, [a]."""
        return np.asarray(self.arms["clicks"] / self.arms["impressions"], dtype=np.float64)

    def pairs(self) -> Ints:
        """Rows of every two headlines of one contest that differ, the better one first, [p, 2].

        Pairs whose click rates are equal are left out.
        """
        rate, headline = self.rate, self.arms["headline"].to_numpy()
        found = [
            (i, j)
            for rows in self.arms.groupby("contest").indices.values()
            for i in rows
            for j in rows
            if rate[i] > rate[j] and headline[i] != headline[j]
        ]
        return np.array(found, dtype=np.int64).reshape(-1, 2)


@dataclass(frozen=True)
class Upworthy:
    """The loader of the archive.

    path: the archive's csv, or a parquet copy
    """

    path: str

    def read(self) -> Headlines:
        """The arms. Raises ValueError naming row and value for what cannot be."""
        path = Path(self.path)
        needed = ["test_id", "headline", "lede", "excerpt", *COUNTS, "image_id"]
        table = read(path, needed, PUBLISHED)
        impressions = parse_integers(path, table, "impressions", 0, LARGEST)
        clicks = parse_integers(path, table, "clicks", 0, LARGEST)
        refuse(path, table, "clicks", clicks > impressions, "must be at most the impressions")
        week = parse_integers(path, table, "test_week", 201201, 203053)
        arms = pd.DataFrame(
            {
                "test": parse_words(path, table, "test_id"),
                "headline": parse_words(path, table, "headline"),
                "impressions": impressions,
                "clicks": clicks,
            }
        )
        beside = [table[name].fillna("").astype(str) for name in BESIDE]
        arms["contest"] = arms.groupby([arms["test"], *beside], sort=False).ngroup()
        broken = (week >= BROKEN[0]) & (week <= BROKEN[1])
        unseen = ~broken & (impressions == 0)
        rivals = arms[~(broken | unseen)].groupby("contest")["headline"].nunique()
        alone = ~broken & ~unseen & (arms["contest"].map(rivals) < 2).to_numpy()
        dropped = {
            f"week {BROKEN[0]} to {BROKEN[1]}, randomisation failed": int(broken.sum()),
            "shown to nobody": int(unseen.sum()),
            "no other headline with everything else equal": int(alone.sum()),
        }
        kept = arms[~(broken | unseen | alone)].reset_index(drop=True)
        lone = arms[alone].groupby(["test", "headline"], sort=False)[COUNTS[:2]].sum()
        account = Account(str(path), len(table), len(kept), dropped)
        return Headlines(kept, account, lone.reset_index())


@dataclass(frozen=True)
class HeadlineAccuracy:
    """How well scores tell which headline wins. Intervals take a test's pairs as dependent.

    pairs: how many pairs were judged
    accuracy: share of pairs in the right order; ties count a half
    clear: how many pairs' click rates differ by more than CLEAR standard errors
    clear_accuracy: the same share of those pairs
    lift: clicks an impression of each contest's best-scored headline over those of its average
        headline, relative
    """

    pairs: int
    accuracy: Interval
    clear: int
    clear_accuracy: Interval
    lift: Interval


def judge(headlines: Headlines, scores: Floats) -> HeadlineAccuracy:
    """Judge scores [a], which must not have been fitted to the same tests. Chance is .5 and 0.

    The accuracy over all pairs is held down by luck in the click rates, that over clear pairs
    leaves the hard ones out; the lift has neither trouble: readers were randomised, so the click
    rate of the headline picked is unbiased.
    """
    arms, rate = headlines.arms, headlines.rate
    check.shape("scores", scores, (len(arms),))
    check.finite("scores", scores[:, None], arms["headline"].to_numpy())
    better, worse = headlines.pairs().T
    right = (np.sign(scores[better] - scores[worse]) + 1) / 2
    shown = arms["impressions"].to_numpy(dtype=np.float64)
    together = (rate[better] * shown[better] + rate[worse] * shown[worse]) / (
        shown[better] + shown[worse]
    )
    error = np.sqrt(together * (1 - together) * (1 / shown[better] + 1 / shown[worse]))
    clear = rate[better] - rate[worse] > CLEAR * error
    test = arms["test"].to_numpy()[better]
    return HeadlineAccuracy(
        pairs=len(right),
        accuracy=normal_interval(right, test),
        clear=int(clear.sum()),
        clear_accuracy=normal_interval(right[clear], test[clear]),
        lift=_measure_lift(arms, rate, scores),
    )


def _measure_lift(arms: pd.DataFrame, rate: Floats, scores: Floats) -> Interval:
    best = arms.assign(score=scores).groupby("contest")["score"].transform("max").to_numpy()
    top = scores == best
    code = np.unique(arms["contest"], return_inverse=True)[1]
    tests = arms.groupby("contest")["test"].first().to_numpy()
    picked = np.bincount(code, top * rate) / np.bincount(code, top)  # equal scores share the pick
    average = np.bincount(code, rate) / np.bincount(code)
    ratio = picked.mean() / average.mean()
    linear = ratio - 1 + (picked - ratio * average) / average.mean()  # as in snips
    return normal_interval(linear, tests)


def cross_fit(headlines: Headlines, features: Floats, ridge: float, folds: int = 5) -> Floats:
    """Scores [a] from text features [a, d], each test scored by a fit to the other tests.

    The fit is a ridge regression of the log click rate. Features and log rates are taken from their
    contest's mean, so that only what differs between rivals teaches; an arm weighs its expected
    number of clicks.

    ridge: prior precision in clicks, for features of unit variance; higher trusts the text less
    folds: how many parts the tests are split into

    Raises ValueError for shapes that do not fit, ridge <= 0 or fewer than 2 folds or tests.
    """
    arms = headlines.arms
    check.shape("features", features, (len(arms), features.shape[-1]))
    check.at_least("ridge", ridge, 1e-9)
    check.at_least("folds", folds, 2)
    code = np.unique(arms["contest"], return_inverse=True)[1]
    test = np.unique(arms["test"], return_inverse=True)[1]
    check.at_least("tests", test.max() + 1, folds)
    shown, clicks = (arms[name].to_numpy(dtype=np.float64) for name in ("impressions", "clicks"))
    both = np.bincount(code, clicks) / np.bincount(code, shown)
    weight = np.maximum(both[code] * shown, 1e-9)
    # with one click more at the contest's own rate
    rate = np.log((clicks + 1) / (shown + 1 / np.maximum(both[code], 1e-6)))
    mass = np.bincount(code, weight)

    def centre(values: Floats) -> Floats:
        return np.asarray(values - (np.bincount(code, weight * values) / mass)[code])

    x = np.column_stack([centre(column) for column in features.T])
    y = centre(rate)
    scores = np.zeros(len(arms))
    for fold in range(folds):
        out = test % folds == fold
        teach = x[~out] * weight[~out, None]
        fit = np.linalg.solve(teach.T @ x[~out] + ridge * np.eye(x.shape[1]), teach.T @ y[~out])
        scores[out] = features[out] @ fit
    return scores
