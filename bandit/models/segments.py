"""Click rates of groups of members, by article text.

Open this file for the arithmetic behind `blast` and `segment_learned`. A group's click
rate, P(click | examined), is linear in the article's features. What a group has seen is its Gram
matrix and its moment, summed over looks; groups are shrunk to their parent.
"""

from dataclasses import dataclass

import numpy as np

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Floats, Ints


@dataclass
class Moments:
    """What each of s groups has seen, summed over the articles a shown to it.

    gram: [s, q, q], sum of looks a a'
    moment: [s, q], sum of clicks a
    """

    gram: Floats
    moment: Floats

    @classmethod
    def start(cls, groups: int, q: int) -> "Moments":
        """Groups that have seen nothing yet."""
        return cls(np.zeros((groups, q, q)), np.zeros((groups, q)))

    def add(self, looks: Floats, clicks: Floats, articles: Floats) -> None:
        """Add how often each group looked at and clicked on each article.

        looks, clicks: [s, m]
        articles: [m, q]
        """
        self.gram += np.einsum("sm,mq,mr->sqr", looks, articles, articles, optimize=True)
        self.moment += clicks @ articles

    def fade(self, keep: float) -> None:
        """Let what was seen count less: it is multiplied by `keep`."""
        self.gram *= keep
        self.moment *= keep

    def fit(self, parent: Floats, ridge: Floats) -> Floats:
        """Each group's weights [s, q], by ridge regression shrunk to its parent's.

        parent: [q] or [s, q]
        ridge: [q], how many looks the parent's weights are worth
        """
        weights = np.broadcast_to(parent, self.moment.shape).copy()
        # the constant's entry counts looks: a group that looked at nothing is its parent
        seen = np.flatnonzero(self.gram[:, 0, 0])
        right = (self.moment[seen] + ridge * weights[seen])[:, :, None]
        weights[seen] = np.linalg.solve(self.gram[seen] + np.diag(ridge), right)[:, :, 0]
        return weights

    def state(self, suffix: str = "") -> State:
        """The two arrays, by their names, each ended by `suffix`."""
        return {name + suffix: array.copy() for name, array in vars(self).items()}

    def read_state(self, state: State, suffix: str = "") -> "Moments":
        """The moments of a saved state, which take the place of these.

        Raises ValueError for other shapes or types, and for what is no Gram matrix.
        """
        for name, own in vars(self).items():
            check.like(name + suffix, state[name + suffix], own)
        gram, moment = state["gram" + suffix].copy(), state["moment" + suffix].copy()
        check.gram("gram" + suffix, gram)
        looks = gram[:, :1, 0]  # the constant's entry
        # there are no more clicks than looks, so (sum clicks a)^2 <= looks sum looks a^2
        most = np.sqrt(looks) * np.sqrt(np.diagonal(gram, axis1=1, axis2=2)) * (1 + 1e-6)
        if not ((np.abs(moment) <= most).all() and (moment[:, 0] >= 0).all()):
            raise ValueError(
                f"moment{suffix} is up to {np.abs(moment).max()}; must be clicks on the "
                f"{looks.max()} looks of gram{suffix}"
            )
        return Moments(gram, moment)


@dataclass(frozen=True)
class Membership:
    """Which segments each of n members is in, and to what share: E pairs, member after member.

    Most members are in one segment, to the share 1. Who has several tags is in the segment of each,
    to equal shares that sum to 1.

    member, segment, share: [E]
    """

    member: Ints
    segment: Ints
    share: Floats

    @classmethod
    def start(cls, n: int) -> "Membership":
        """Everybody in segment 0."""
        return cls(np.arange(n), np.zeros(n, dtype=np.int64), np.ones(n))

    def cross(self, first: Ints, many: Ints, codes: Ints, values: int) -> "Membership":
        """Each segment cut by another attribute, whose values are numbered from 0.

        first, many: [n], where a member's values begin in `codes`, and how many they are, at least
            one
        codes: lists of values, one after the other
        values: how many different ones there are
        """
        pairs = many[self.member]
        pair = np.repeat(np.arange(len(pairs)), pairs)
        place = np.arange(len(pair)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
        code = codes[first[self.member][pair] + place]
        segment = self.segment[pair] * values + code
        return Membership(self.member[pair], segment, (self.share / pairs)[pair])

    def take(self, rows: Ints) -> "Membership":
        """The pairs of the members in `rows` [e], one row after the other; member counts rows."""
        ends = np.searchsorted(self.member, rows, side="right")
        many = ends - np.searchsorted(self.member, rows)
        row = np.repeat(np.arange(len(rows)), many)
        at = np.arange(len(row)) + np.repeat(ends - np.cumsum(many), many)
        return Membership(row, self.segment[at], self.share[at])

    def average(self, values: Floats) -> Floats:
        """Each member's mean [n, m] of its segments' values [s, m], by their shares."""
        if (self.share == 1).all():
            return values[self.segment]
        total = np.zeros((int(self.member[-1]) + 1, values.shape[1]))
        np.add.at(total, self.member, self.share[:, None] * values[self.segment])
        return total

    def average_pairs(self, values: Floats, index: Ints) -> Floats:
        """Each member's mean [n], by shares, of its segments' values [s, m] of one article.

        index: [n], each member's article
        """
        each = self.share * values[self.segment, index[self.member]]
        return np.asarray(np.bincount(self.member, each, len(index)), dtype=np.float64)

    def tally(self, index: Ints, weights: Floats, shape: tuple[int, int]) -> Floats:
        """Sum of weights by segment and article, [s, m].

        index, weights: [n], the article and the weight of each member
        """
        return tally(self.segment, index[self.member], self.share * weights[self.member], shape)


def tally(groups: Ints, index: Ints, weights: Floats, shape: tuple[int, int]) -> Floats:
    """Sum of weights by group and article, [s, m].

    groups, index, weights: [e], each look's group, article and weight
    shape: (s, m)
    """
    flat = np.bincount(groups * shape[1] + index, weights, shape[0] * shape[1])
    return np.asarray(flat, dtype=np.float64).reshape(shape)


def make_ridge(q: int, looks: float, kinds: int = 2) -> Floats:
    """A ridge [q], in looks: text is shrunk by `looks`, kinds a little, the overall rate hardly."""
    ridge = np.full(q, looks)
    ridge[0], ridge[1 : 1 + kinds] = looks / 20, looks / 4
    return ridge
