"""A log of real choices as a simulator: a round counts where a policy chooses what the log holds.

Open this to try policies on logged data that a loader (`simulators/replay/loaders`) has read.
`simulators.replay.evaluation` turns such a run into an estimate with an interval.

Rejection replay (Li, Chu, Langford & Wang 2011, "Unbiased offline evaluation of
contextual-bandit-based news article recommendation algorithms", algorithm 2): with choices logged
uniformly, the rounds in which the policy's choice equals the logged one are a fair sample of what
the policy would have met; their number is random. A log that is not uniform is first thinned: a
match is kept with probability floor / propensity, floor being one number for the whole log
(rejection sampling as in Dudik, Erhan, Langford & Li 2012, "Sample-efficient nonstationary policy
evaluation for contextual bandits", without their clipping). Every match then has the same chance to
be kept, whoever the member is; a floor of each round's own would prefer members whose choices were
even. A policy learns from the rounds kept, and from nothing else.
"""

from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bandit.core import check, keys
from bandit.core.rules import Rules
from bandit.core.types import Bools, Context, Feedback, Floats, Ints, Slates
from bandit.features.attributes import Attributes
from bandit.features.clean import join_texts
from bandit.features.features import Features
from simulators.base import Truthful
from simulators.replay.loaders.tables import ChoiceLog, Loader


class Replay(Truthful):
    """A log that answers policies.

    An issue's members are its rounds; there is one slot, for which the whole pool is open.
    Delivered are all rounds, opened are the rounds kept, a share `floor` (the smallest propensity)
    of all. So clicks an open are the replayed click rate.

    log: a loader of a log with one choice a round, or the table that it reads
    seed: orders the rounds. They are taken as independent: every seed replays the same ones
    issues: how many batches the rounds are cut into. A policy learns after each

    Raises ValueError for a log without propensities, and for more issues than rounds.
    """

    def __init__(self, log: Loader | ChoiceLog, seed: int = 0, issues: int = 26) -> None:
        table = log if isinstance(log, ChoiceLog) else log.read()
        if not isinstance(table, ChoiceLog):
            raise ValueError(
                f"{table.account.source}: replay needs one choice a round and its propensity"
            )
        n = len(table.members)
        check.at_least("issues", issues, 1)
        if issues > n:
            raise ValueError(
                f"issues = {issues}; {table.account.source} has {n} rounds, at least one each"
            )
        self.log, self.seed, self.issues, self.slots = table, seed, issues, 1
        self._order = keys.generator("replay", seed).permutation(n)
        self._place = {int(member): i for i, member in enumerate(table.members["member"])}
        self.floor = float(table.propensity.min())
        self.members, self.features = (
            table.members,
            number_articles(table.members, table.articles),
        )
        self._x = self.features.encode_members(table.members)

    def find_rows(self, context: Context) -> Ints:
        """The log's rows of an issue's members, [n]."""
        return np.array([self._place[int(member)] for member in context.member_ids], dtype=np.int64)

    def issue(self, number: int) -> Context:
        """Batch `number`, counted from 1, as a context. Raises ValueError where there is none."""
        check.at_least("issue", number, 1)
        if number > self.issues:
            raise ValueError(f"issue = {number}; the log is cut into {self.issues}")
        ends = np.linspace(0, len(self._order), self.issues + 1).astype(np.int64)
        rows = self._order[ends[number - 1] : ends[number]]
        return self.features.make_context(
            campaign=f"issue-{number:03d}",
            issue=number,
            members=self.log.members.iloc[rows],
            articles=self.log.articles,
            rules=Rules(slots=1),
            member_features=self._x[rows],
        )

    def respond(self, context: Context, slates: Slates) -> Feedback:
        """What the log says of the rounds kept. Any other round is delivered and never opened."""
        rows = self.find_rows(context)
        member = keys.member_keys(context.member_ids)
        luck = keys.uniforms(self.seed, "replay", "thin", member, 1)[:, 0]
        kept = self._match(rows, slates) & (luck * self.log.propensity[rows] < self.floor)
        clicked = (kept & self.log.clicked[rows])[:, None]
        return Feedback(
            delivered=np.ones(len(rows), dtype=bool),
            opened=kept,
            unsubscribed=np.zeros(len(rows), dtype=bool),
            examined=np.where(clicked, 1, -1).astype(np.int8),
            clicked=clicked,
            dwell_seconds=np.zeros(clicked.shape),
        )

    def expected(self, context: Context, slates: Slates) -> Floats:
        """An estimate, not the truth, of each member's recorded clicks on these slates, [n, 1].

        It is floor / propensity where a match was clicked, else 0. Its mean is unbiased for `floor`
        times the click rate (Horvitz & Thompson 1952).
        """
        rows = self.find_rows(context)
        weight = self._match(rows, slates) * (self.floor / self.log.propensity[rows])
        return np.asarray((weight * self.log.clicked[rows])[:, None])

    def _match(self, rows: Ints, slates: Slates) -> Bools:
        """Whether each slate [n, 1] shows what the log showed in that row."""
        check.shape("choice", slates.choice, (len(rows), 1))
        return np.asarray(slates.choice[:, 0] == self.log.choice[rows])

    def truth(self, context: Context) -> Floats:
        """Raises ValueError: what was not shown is unknown, so no policy can be told the truth."""
        raise ValueError(
            f"{self.log.account.source} is a log: "
            "it does not tell what a member would have clicked on"
        )

    def hyperparameters(self) -> dict[str, Floats]:
        """Raises ValueError, as `truth` does."""
        raise ValueError(f"{self.log.account.source} is a log: nobody knows how its members differ")


def number_articles(members: pd.DataFrame, articles: pd.DataFrame) -> Features:
    """Features that know an article by its number only, one column each; attributes as ever."""
    encoder = ArticleNumbers(join_texts(articles))
    fitted = Attributes.fit(members)
    return Features(fitted, encoder=encoder, verbatim=True)


class ArticleNumbers:
    """An encoder that knows a pool's articles by their place.

    texts: what each article of the pool reads, in the order of the pool
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts, self.dim = list(texts), len(texts)
        self.name = f"numbered-{sha256(repr(self.texts).encode()).hexdigest()[:16]}"
        self._place = {text: j for j, text in enumerate(self.texts)}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The unit vector of each text's place, [len(texts), dim]; zeros for any other text."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for i, text in enumerate(texts):
            if text in self._place:
                vectors[i, self._place[text]] = 1
        return vectors
