"""What an article loses with each issue after its first.

Open this to see how a log's carried articles, shown both new and later, tell a slope on age.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bandit.core.types import Floats, Ids, Ints
from simulators.fitted.mails import OpenedMails

FADING_SD = 0.3  # of what an article loses with each issue, logits, before data says so


@dataclass(frozen=True)
class Fading:
    """How appeal changes with age, which is counted in issues.

    slope: logits of appeal that an article loses with each issue after its first
    first: article -> its first issue, from 1
    mean: article -> its age when the log showed it, on average, to which its appeal refers
    usual: the mean age of all that the log showed
    """

    slope: float
    first: Mapping[Any, int]
    mean: Mapping[Any, float]
    usual: float

    def shift(self, ids: Ids, issue: int) -> Floats:
        """What has become of the appeals [m] by `issue`, logits; an article never seen is new."""
        ages = np.array([issue - self.first.get(article, issue) for article in ids])
        return -self.slope * (ages - [self.mean.get(article, self.usual) for article in ids])

    def note(self, ids: Ids, issue: int) -> "Fading":
        """The same, with the articles of an issue known."""
        return replace(self, first={**dict.fromkeys(ids, issue), **self.first})


def fit_fading(mails: OpenedMails, first: Ints, chances: Floats) -> Fading:
    """From articles that the log showed both new and later: by what factor clicks differ.

    Clicks are taken relative to their chances, when new against later; so what each article is
    worth cancels. The slope is Normal(0, FADING_SD^2) beforehand.

    first: [m], the articles' first issues, from 1
    chances: [e, k], of clicks, as if nothing faded
    """
    shown, m = mails.article >= 0, len(mails.ids)
    age = np.where(shown, mails.issue[:, None] + 1 - first[mails.article], 0)
    count = np.bincount(mails.article[shown], minlength=m)
    later = np.bincount(mails.article[shown], age[shown] > 0, m)
    both = shown & ((later > 0) & (later < count))[mails.article]
    new, old = both & (age == 0), both & (age > 0)
    slope = 0.0
    clicks = [int(mails.clicked[at].sum()) for at in (new, old)]
    if min(clicks) > 0:
        foreseen = [float(chances[at].sum()) for at in (new, old)]
        apart = float(np.average(age[old], weights=chances[old]))
        found = np.log(clicks[0] / foreseen[0]) - np.log(clicks[1] / foreseen[1])
        doubt = (1 / clicks[0] + 1 / clicks[1]) / (apart * FADING_SD) ** 2
        slope = float(found / apart / (1 + doubt))
    mean = np.bincount(mails.article[shown], age[shown], m) / np.maximum(count, 1)
    ids = mails.ids.tolist()
    firsts = dict(zip(ids, first.tolist(), strict=True))
    means = dict(zip(ids, mean.tolist(), strict=True))
    return Fading(slope, firsts, means, float(age[shown].mean()))
