"""Foretelling headlines' click rates from their titles, and how well it could be done at best.

Open this for the project's own figure on real headlines. The titles are read by
`bandit.features.headline` and weighed by `bandit.models.promise`, as they would be for a sender.
Rivals teach by their differences; tests teach by their levels too, because the articles of a test
share more than a title (`SHARED`). A headline that ran again in another test would give itself
away, so tests that share a headline are one story, and no story both teaches and is judged.
"""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from bandit.core import check, keys
from bandit.core.types import Bools, Floats, Ints
from bandit.features.headline import HeadlineReader
from bandit.models.promise import Promise
from simulators.replay.loaders.upworthy import Headlines, judge

# variances of log click rates, by the evidence of the public part of the archive
TOLD = 0.01  # what titles tell
OWN = 0.02  # what they do not tell, between rivals
SHARED = 0.2  # between tests
LUCK = 1.43  # how much more clicks vary than by chance alone (equal arms of a test: 1.5)


class Lessons:
    """Every headline with its log click rate: the arms of contests first, then those alone.

    titles: [a]
    test: [a], text
    group: [a], number: those of a group had everything but the headline equal, or the test
    appeal: [a], log click rate
    variance: [a], of its luck
    """

    def __init__(self, headlines: Headlines) -> None:
        arms, alone = headlines.arms, headlines.alone
        self.titles = [*arms["headline"], *alone["headline"]]
        self.test = np.array([*arms["test"], *alone["test"]], dtype=object)
        contest = pd.factorize(arms["contest"])[0]
        lone = pd.factorize(alone["test"])[0] + contest.max(initial=-1) + 1
        self.group = np.concatenate([contest, lone]).astype(np.int64)
        both = pd.concat([arms, alone], ignore_index=True)
        shown, clicks = (both[name].to_numpy(np.float64) for name in ("impressions", "clicks"))
        together = np.bincount(self.group, clicks) / np.bincount(self.group, shown)
        rate = np.maximum(together, 1e-6)[self.group]
        # with one click more at the group's own rate
        self.appeal = np.log((clicks + 1) / (shown + 1 / rate))
        self.variance = LUCK / (rate * shown)


def find_stories(test: Floats, titles: list[str]) -> Ints:
    """A number for each row's story [a]: tests that share a headline are of one story.

    Headlines are the same if their letters and digits are.
    """
    same = [" ".join(re.findall(r"\w+", title.lower())) for title in titles]
    tests, names = pd.factorize(test)[0], pd.factorize(np.array(same, dtype=object))[0]
    nodes = tests.max() + names.max() + 2
    links = csr_array((np.ones(len(tests)), (tests, names + tests.max() + 1)), (nodes, nodes))
    parts = connected_components(links, directed=False)[1]
    return np.unique(parts[tests], return_inverse=True)[1].astype(np.int64)


def foretell(teach: Headlines, judged: Headlines, words: int = 400) -> Floats:
    """Scores [a] of the arms of `judged`, taught by the other file's clicks.

    words: as in `HeadlineReader.fit`

    Raises ValueError for a test that is in both files.
    """
    lessons, exam = Lessons(teach), Lessons(judged)
    twice = sorted(set(lessons.test) & set(exam.test))
    if twice:
        raise ValueError(
            f"test {twice[0]!r} is in both files; no test may both teach and be judged"
        )
    story = find_stories(np.concatenate([lessons.test, exam.test]), [*lessons.titles, *exam.titles])
    apart = ~np.isin(story[: len(lessons.test)], story[len(lessons.test) :])
    if not apart.any():
        raise ValueError("every headline of the teaching file is in the judged one too")
    reader = HeadlineReader.fit(lessons.titles, words)
    promise = _teach(lessons, reader.read(lessons.titles), apart)
    return promise.foretell(reader.read(judged.arms["headline"].tolist()))[0]


def cross_foretell(
    headlines: Headlines,
    words: int = 400,
    folds: int = 10,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
) -> Floats:
    """Scores [a] of the arms, each story's taught by the other stories.

    words: as in `HeadlineReader.fit`, which reads all titles, and no clicks
    folds: how many parts the stories are split into
    seed: of the split
    tick: called after each part

    Raises ValueError for fewer than 2 folds, and fewer stories than folds.
    """
    check.at_least("folds", folds, 2)
    lessons = Lessons(headlines)
    story = find_stories(lessons.test, lessons.titles)
    check.at_least("stories", int(story.max()) + 1, folds)
    shuffled = keys.generator("headlines", seed).permutation(int(story.max()) + 1)
    fold = (shuffled % folds)[story]
    columns = HeadlineReader.fit(lessons.titles, words).read(lessons.titles)
    scores = np.zeros(len(headlines.arms))
    for number in range(folds):
        promise = _teach(lessons, columns, fold != number)
        out = np.flatnonzero(fold[: len(scores)] == number)
        scores[out] = promise.foretell(columns[out])[0]
        tick()
    return scores


def _teach(lessons: Lessons, columns: Floats, rows: Bools) -> Promise:
    promise = Promise(columns.shape[1], TOLD, OWN, SHARED, learns=False)
    appeal, variance = lessons.appeal[rows], lessons.variance[rows]
    level = np.average(appeal, weights=1 / (OWN + SHARED + variance))  # of those that teach
    promise.learn(columns[rows], appeal - level, variance, lessons.group[rows])
    return promise


def measure_ceiling(headlines: Headlines, draws: int = 10, seed: int = 0) -> tuple[float, float]:
    """The accuracy, over all pairs and clear ones, of somebody who knew every true click rate.

    Observed rates have luck in them, so even the truth gets pairs wrong. The variance between
    rivals is what LUCK leaves of theirs; clicks are then drawn anew, with LUCK times the variance
    of a Poisson number.

    draws: how many archives are simulated
    """
    arms, lessons = headlines.arms, Lessons(headlines)
    appeal, variance = lessons.appeal[: len(arms)], lessons.variance[: len(arms)]
    better, worse = headlines.pairs().T
    luck = variance[better] + variance[worse]
    weight = 1 / (0.1 + luck) ** 2
    found = weight @ (np.square(appeal[better] - appeal[worse]) - luck) / weight.sum() / 2
    rng = keys.generator("headlines", seed, "ceiling")
    one = pd.factorize(arms["contest"].astype(str) + "\0" + arms["headline"])[0]
    total = []
    for _ in range(draws):
        true = rng.normal(0, np.sqrt(max(found, 0.0)), one.max() + 1)[one]
        mean = LUCK / variance * np.exp(true)
        clicks = rng.negative_binomial(mean / (LUCK - 1), 1 / LUCK)
        world = arms.assign(clicks=np.minimum(clicks, arms["impressions"]))
        told = judge(Headlines(world, headlines.account), true)
        total.append((told.accuracy.estimate, told.clear_accuracy.estimate))
    every, clear = np.mean(total, axis=0)
    return float(every), float(clear)
