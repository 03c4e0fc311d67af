"""What `profile` thinks before any click: of B, and of how far members differ from it.

Two things make it the same for any reading of articles. How much an article's text may pull is
given for the whole text, in logits, and shared out over its columns by how long text vectors are,
which the first pool shows. And attributes are read, too: who is in `oncology` is thought to want
articles about oncology. How true that is of each attribute is learned.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core.columns import Bools, Floats
from bandit.features.features import Features
from bandit.models.link import logit
from bandit.models.profile.prior import Prior


@dataclass(frozen=True)
class Outset:
    """The options of `Profile` that say so, and the features' columns.

    members: names of the p columns of member features
    kinds: of articles, which have a column of article features, the plain article included
    is_text: [q], which columns of article features are text
    named: [p, q], the text vector of the value that a column of member features stands for; 0 where
        it stands for none
    text_sd, click_sd, kind_sd, prior_sd, name_pull, click_rate: see `Profile`
    """

    members: list[str]
    kinds: list[str]
    is_text: Bools
    named: Floats
    text_sd: float
    click_sd: float
    kind_sd: float
    prior_sd: float
    name_pull: float
    click_rate: float

    @classmethod
    def read(cls, features: Features, **options: float) -> "Outset":
        """Read the names of the columns, and the attributes' values as text."""
        members, articles = features.member_names, features.article_names
        is_text = np.array([name.startswith("text") for name in articles])
        named = np.zeros((len(members), len(articles)))
        worded = [row for row, name in enumerate(members) if "=" in name]
        values = [members[row].partition("=")[2] for row in worded]
        if options["name_pull"] and is_text.any() and worded:
            named[np.ix_(np.array(worded), is_text)] = features.encode_texts(values)
        kinds = [name.partition("=")[2] for name in articles if name.startswith("kind=")]
        return cls(members, ["article", *kinds], is_text, named, **options)

    def measure(self, articles: Floats) -> float:
        """Root mean square length of the text vectors of a pool [m, q]."""
        length = np.sqrt((articles[:, self.is_text] ** 2).sum(axis=1).mean())
        return float(length) or self.usual

    @property
    def usual(self) -> float:
        """The length of vectors whose columns have variance 1."""
        return float(np.sqrt(max(self.is_text.sum(), 1)))

    def spread(self, length: float) -> Floats:
        """S at the start [q], where text vectors are so long."""
        sd = np.where(self.is_text, self.text_sd / length, self.kind_sd)
        sd[0] = self.click_sd
        return np.asarray(sd**2)

    def prior(self, length: float) -> Prior:
        """What is thought of B at the start, where text vectors are so long."""
        p, q = self.named.shape
        attributes = [name.partition("=")[0] for name in self.members]
        mean = np.zeros((p, q))
        mean[0, 0] = logit(self.click_rate)
        sd = np.where(self.is_text, self.prior_sd / length, self.prior_sd / 2) * np.ones((p, 1))
        sd[0, 0] = 2.0
        places = np.array([[attributes.index(name)] for name in attributes])
        # an attribute's (or the constant's) pull on the text has one prior variance
        group = np.where(self.is_text, places, -1)
        norm = np.linalg.norm(self.named, axis=1, keepdims=True)
        # a value names no more than an article does
        named = self.named / length / np.maximum(norm, length)
        shapes = np.stack([np.where(places == place, named, 0.0) for place in np.unique(places)])
        shapes = shapes[shapes.any(axis=(1, 2))]
        pull = np.full(len(shapes), self.name_pull)
        return Prior(mean, sd, group, shapes, pull, pull)
