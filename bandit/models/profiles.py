"""Members' profiles: what each member's own clicks say about their interests.

Open this file for how a member's evidence is stored. A member's interest vector is
w_i ~ Normal(B x_i, S) with S diagonal, before any click. A profile keeps what the clicks say in
natural form, precision L_i and shift h_i: the posterior is Normal(P_i^-1 (B x_i / S + h_i), P_i^-1)
with P_i = 1/S + L_i. So B and S may be re-estimated at any time, and what B comes to explain is no
longer counted as the member's own; forgetting is one multiplication.

L_i is an arrow: only its diagonal and its first row (and column) are kept. The first row is needed
because a click may be due to readiness (the constant) as well as to taste, and only together are
the two known. The diagonal is float32, the rest float16: 8 q bytes a member.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bandit.core import check, exact
from bandit.core.ids import Aliases, Roster
from bandit.core.state import State, nest, part
from bandit.core.types import Floats, Ids, Ints
from bandit.models.link import logit
from bandit.models.profile.expectation import average, propagate
from bandit.models.profile.slots import cut

NAMES = ("precision", "cross", "shift")
# Members whose newsletters fit the processor's cache. Tables of twice as many members are given
# back to the system after each piece, and fetched again, which takes a send a third more time.
PIECE = 500
PRIOR_MEMBERS = 50  # how many members the starting S is worth


class Pool(NamedTuple):
    """The features of m articles [m, q], and their squares, as products are made of them."""

    features: exact.Factor
    squares: exact.Factor

    @classmethod
    def of(cls, articles: Floats) -> "Pool":
        """The pool of articles with these features [m, q]."""
        return cls(exact.Factor.of(articles), exact.Factor.of(articles**2))


@dataclass(frozen=True)
class Belief:
    """Posterior Normal(mean, diag(spread) + root root') of n members' interests.

    A covariance of this form is exactly the inverse of an arrow. All three are [n, q], and
    spread[:, 0] = 0.
    """

    mean: Floats
    spread: Floats
    root: Floats

    @classmethod
    def project(cls, mean: Floats, variance: Floats, covariance: Floats) -> "Belief":
        """The belief that is nearest, in relative entropy, to a given Gaussian.

        mean, variance: [n, q]
        covariance: [n, q], of each coordinate with the first, which is the constant's
        """
        root = covariance / np.sqrt(variance[:, :1])
        spread = np.maximum(variance - root**2, 1e-6)
        spread[:, 0] = 0.0
        return cls(mean, spread, root)

    def cut(self) -> list[slice]:
        """Rows that fit the processor's cache, one piece after the other, at least one."""
        return cut(max(len(self.mean), 1), PIECE)

    def take(self, rows: slice) -> "Belief":
        """The belief about some of the members."""
        return Belief(self.mean[rows], self.spread[rows], self.root[rows])

    def update(
        self, a: Floats, appeal: Floats, doubt: Floats, clicked: Floats, looked: Floats
    ) -> "Belief":
        """The belief after a newsletter of k slots each, by expectation propagation, projected.

        a: [n, k, q], the articles' features
        appeal, doubt: [n, k], mean and variance of the articles' own appeal
        clicked: [n, k], 1.0 or 0.0
        looked: [n, k], P(examined), 0 for an empty slot
        """
        given, parts = (a, appeal, doubt, clicked, looked), []
        for rows in self.cut():
            after = self.take(rows)._update(*(each[rows] for each in given))
            parts.append(vars(after).values())
        return Belief(*map(np.concatenate, zip(*parts, strict=True)))

    def _update(
        self, a: Floats, appeal: Floats, doubt: Floats, clicked: Floats, looked: Floats
    ) -> "Belief":
        """`update` of a piece of the members."""
        along = np.einsum("nkq,nq->nk", a, self.root)
        # scaled [n, k, q] is a times the interests' covariance, K [n, k, k] the logits' covariance
        scaled = a * self.spread[:, None, :] + along[:, :, None] * self.root[:, None, :]
        K = scaled @ a.transpose(0, 2, 1) + np.eye(a.shape[1]) * doubt[:, :, None]
        eta = np.einsum("nkq,nq->nk", a, self.mean) + appeal
        g, M = propagate(eta, K, clicked, looked)
        learned = M @ scaled
        return Belief.project(
            self.mean + np.einsum("nkq,nk->nq", scaled, g),
            self.variance - np.einsum("nkq,nkq->nq", scaled, learned),
            self.root[:, :1] * self.root - np.einsum("nk,nkq->nq", scaled[:, :, 0], learned),
        )

    @property
    def variance(self) -> Floats:
        """Of each coordinate [n, q]."""
        return self.spread + self.root**2

    def score(self, pool: Pool) -> tuple[Floats, Floats]:
        """Mean and variance of w_i . a_j, each [n, m].

        A member's row has the same bits whichever other members are scored with it.
        """
        n, known = len(self.mean), np.concatenate((self.mean, self.root, self.spread))
        means, spreads = exact.Factor.of_parts(known, 2 * n)
        both = exact.dot(means, pool.features)  # one product with the articles for the first two
        mean, along, spread = both[:n], both[n:], exact.dot(spreads, pool.squares)
        spread += along**2
        return mean, spread

    def expect(self, pool: Pool, appeal: Floats, doubt: Floats) -> Floats:
        """Log-odds of a click given examination, averaged over what is not known, [n, m].

        appeal, doubt: [m], mean and variance of the articles' own appeal
        """
        odds = np.empty((len(self.mean), len(appeal)))
        for rows in self.cut():
            part = self if rows == slice(0, len(self.mean)) else self.take(rows)
            mean, spread = part.score(pool)
            chance = average(mean + appeal, spread + doubt)
            odds[rows] = logit(np.minimum(np.maximum(chance, 1e-12), 1 - 1e-12))
        return odds

    def to_natural(self) -> tuple[Floats, Floats, Floats]:
        """The same in natural form, each [n, q].

        These are the precision's diagonal, its first row (with 0 in front), and precision times
        mean.
        """
        precision = np.zeros_like(self.spread)
        precision[:, 1:] = 1 / self.spread[:, 1:]
        first = self.root[:, :1]
        cross = -precision * self.root / first
        precision[:, 0] = first[:, 0] ** -2 - np.einsum("nq,nq,nq->n", cross, self.root, 1 / first)
        shift = precision * self.mean + cross * self.mean[:, :1]
        shift[:, 0] += np.einsum("nq,nq->n", cross, self.mean)
        return precision, cross, shift


class Profiles:
    """Natural parameters of the members met so far.

    A member never met has none and rests on attributes alone.

    q: length of an interest vector
    """

    def __init__(self, q: int) -> None:
        self.roster = Roster.of(np.zeros(0, dtype=object))
        self.precision = np.zeros((0, q), dtype=np.float32)
        self.cross = np.zeros((0, q), dtype=np.float16)
        self.shift = np.zeros((0, q), dtype=np.float16)

    def find_rows(self, ids: Ids) -> Ints:
        """Row of each member id [n], -1 for a member never met.

        Raises ValueError for ids that are text where those met are numbers, or the reverse.
        """
        return self.roster.find(ids)

    def add(self, ids: Ids) -> Ints:
        """Rows of these members [n], with new rows of no evidence for those never met."""
        self.roster, at = self.roster.add(ids)
        for name in NAMES:
            setattr(self, name, np.insert(np.asarray(getattr(self, name)), at, 0, axis=0))
        return self.find_rows(ids)

    def posterior(self, rows: Ints, prior: Floats, variance: Floats) -> Belief:
        """Posterior of w_i for members in these rows [n], -1 where never met.

        prior, variance: [n, q], the prior's mean and variance
        """
        precision, cross, shift = self._read(rows)
        least = float(np.minimum.reduce(precision, axis=None, initial=0.0))
        check.at_least("profiles' precision", least, 0)
        surely = 1 / variance
        spread = 1 / (surely + precision)
        slope = -cross * spread  # of each coordinate on the constant
        shift = prior / variance + shift
        # evidence never leaves less certain than the prior, whatever S has become since
        own = np.maximum(precision[:, 0] + np.einsum("nq,nq->n", slope, cross), 0.0)
        first = 1 / (surely[:, 0] + own)
        slope[:, 0], spread[:, 0] = 1.0, 0.0
        mean = spread * shift + slope * (first * np.einsum("nq,nq->n", slope, shift))[:, None]
        return Belief(mean, spread, slope * np.sqrt(first)[:, None])

    def _read(self, rows: Ints) -> list[Floats]:
        """Precision, cross and shift of members in these rows, [n, q] each; 0 for those not met."""
        if not len(self.roster):
            return [np.zeros((len(rows), self.precision.shape[1]))] * len(NAMES)
        if some := np.count_nonzero(new := rows < 0):
            rows = np.maximum(rows, 0)
        found = [getattr(self, name)[rows].astype(np.float64) for name in NAMES]
        for own in found if some else ():
            own[new] = 0.0
        return found

    def learn_spread(
        self, parts: Iterable[tuple[Ids, Floats, Floats]], variance: Floats, start: Floats
    ) -> Floats:
        """S [q] as members turned out to differ (MacKay 1992, eq. 4.4).

        parts: some members after the others, to the bits of all at once: their ids [n], the prior's
            mean [n, q], and how far it is in doubt [n, q]
        variance, start: [q], S as it is, and as it was before any data
        """
        squares = determined = np.zeros(len(start))
        for ids, prior, doubt in parts:
            wide = np.broadcast_to(variance, prior.shape)
            own = self.posterior(self.find_rows(ids), prior, wide)
            learned = 1 - own.variance / variance
            found = (own.mean - prior) ** 2 + learned**2 * doubt
            # row after row, whatever the parts: the first row is the sum so far
            squares = np.vstack([squares, found]).sum(axis=0)
            determined = np.vstack([determined, learned]).sum(axis=0)
        found = (squares + PRIOR_MEMBERS * start) / (determined + PRIOR_MEMBERS)
        return np.asarray(np.clip(found, start / 1000, start * 100))

    def absorb(self, rows: Ints, before: Belief, after: Belief) -> None:
        """Add the evidence that took these members' interests from `before` to `after`."""
        self.absorb_parts(rows, [(before, after)])

    def absorb_parts(self, rows: Ints, steps: Iterable[tuple[Belief, Belief]]) -> None:
        """Add evidence about members in these rows [n], some after the others.

        steps: what was believed of each part's interests before the evidence, and after
        """
        kept = [np.array(getattr(self, name)) for name in NAMES]
        at = 0
        for before, after in steps:
            some = rows[at : at + len(before.mean)]
            for array, old, new in zip(kept, before.to_natural(), after.to_natural(), strict=True):
                array[some] += (new - old).astype(array.dtype)
            at += len(some)
        np.maximum(kept[0], 0.0, out=kept[0])
        for name, array in zip(NAMES, kept, strict=True):
            setattr(self, name, array)

    def forget(self, keep: float) -> None:
        """Let evidence fade: it is multiplied by `keep`, so after t issues it counts keep^t."""
        for name in NAMES:
            kept = np.asarray(getattr(self, name))
            setattr(self, name, kept * kept.dtype.type(keep))

    def follow(self, aliases: Aliases) -> None:
        """Know members by their present ids, and add up the evidence of those who are one now.

        Natural parameters of independent evidence add, so the sum is what both have clicked. It is
        not to the last bit what learning from both together had given: each newsletter is weighed
        by what was thought before it.

        aliases: old id -> present one
        """
        self.roster, place = self.roster.follow(aliases)
        for name in NAMES:
            kept = np.asarray(getattr(self, name))
            total = np.zeros((len(self.roster), kept.shape[1]), dtype=kept.dtype)
            np.add.at(total, place, kept)
            setattr(self, name, total)

    def state(self) -> State:
        """The roster and natural parameters, as named arrays, which are never written to again."""
        return nest(roster=self.roster.state()) | {name: getattr(self, name) for name in NAMES}

    def restore(self, state: State) -> None:
        """Take the arrays of a state as they are, without a copy.

        Raises ValueError for arrays that do not fit one another or hold a negative precision, which
        of those that are read row by row is found when it is read.
        """
        roster = Roster.restore(part(state, "roster"))
        for name in NAMES:
            check.shape(f"profiles' {name}", state[name], (len(roster), self.precision.shape[1]))
        if isinstance(state["precision"], np.ndarray):
            least = float(state["precision"].min(initial=0.0))
            check.at_least("profiles' precision", least, 0)
        self.roster = roster
        for name in NAMES:
            setattr(self, name, state[name])
