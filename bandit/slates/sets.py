"""Sets of articles, and how many of each group a slate holds: what the editor's desk reckons with.

Of n members a set is an array [n, m] of bools, and a number of each an array [n]. Of one member a
set is a whole number with a bit for each article, and how many articles of each group a slate holds
is one, too, with 16 bits for each group: an operation on these takes a twentieth of a call of
numpy's, and a member's slate hundreds of them. `&`, `|`, `~`, `+` and `*` mean the same for both.
What does not is here, once for `Rows` and once for `Bits`, by the same names; so each rule is
written once, in `editorial.Desk`. Open this file to see how a rule is reckoned for one member.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from bandit.core.columns import Bools, Ints
    from bandit.slates.layout import BitTally, Tally

Articles = Any  # sets of articles: [m], one for each member [n, m], or the bits of a whole number
Each = Any  # a number for each member, or whether something is so: [n], or one
Counts = Any  # of each group, how many articles: [n, g], or 16 bits each
LANE = 16  # of a count, which has the sign in the highest one


class Rows:
    """Sets of n members, as arrays.

    n, m: how many members and articles there are
    """

    def __init__(self, n: int, m: int) -> None:
        self._rows, self._shape = np.arange(n), (n, m)
        self.nobody: Bools = np.zeros(n, dtype=bool)

    def count_none(self, tally: "Tally") -> Counts:
        """No article of any group."""
        return np.zeros((len(self._rows), len(tally.groups)), dtype=np.int16)

    def give_up_none(self) -> Each:
        """No soft rule has been given up."""
        return np.zeros(len(self._rows), dtype=np.int8)

    def give_up(self, relaxed: Each, who: Each, rule: int) -> Each:
        """The same with another rule for some members."""
        relaxed[who] = rule
        return relaxed

    def have(self, sets: Articles, article: int) -> Each:
        """Whose sets hold an article."""
        return sets[:, article]

    def have_any(self, sets: Articles) -> Each:
        """Whose sets are not empty."""
        return sets.any(axis=1)

    def have_all_any(self, sets: Articles) -> bool:
        """Whether nobody's set is empty, as mostly; argmax finds it quicker than any."""
        return bool(np.count_nonzero(sets[self._rows, sets.argmax(axis=1)]) == len(sets))

    def choose(self, who: Each, sets: Articles, others: Articles) -> Articles:
        """The sets of some members, and the other sets of the rest."""
        return np.where(who[:, None], sets, others)

    def drop(self, sets: Articles, choice: "Ints") -> Articles:
        """The sets, overwritten, without an article of each member [n]; -1: without none."""
        shown = choice >= 0
        if np.count_nonzero(shown) == len(shown):
            sets[self._rows, choice] = False
        else:
            sets[self._rows[shown], choice[shown]] = False
        return sets

    def add_pin(self, held: Counts, who: Each, added: Counts) -> Counts:
        """Counts with what an article adds for some members."""
        return held + who[:, None] * added

    def shut_full(self, sets: Articles, tally: "Tally", held: Counts) -> Articles:
        """The sets without the articles of whose groups the slate may hold no more."""
        full: Bools = np.asarray(held >= tally.limits)
        if not np.count_nonzero(full):
            return sets
        shut = sets.copy()
        for group in np.flatnonzero(full.any(axis=0)):
            shut[full[:, group].nonzero()[0]] &= ~tally.groups[group]
        return shut

    def miss(self, tally: "Tally", held: Counts) -> Each:
        """Whose slates hold too few of a group."""
        return (held < tally.limits).any(axis=1)

    def widen(self, sets: Articles, who: Each) -> Articles:
        """The sets, and all articles for some members."""
        return sets | who[:, None]

    def find_lacking(self, tally: "Tally", held: Counts) -> tuple[Articles, Each]:
        """The articles of whose groups the slate holds too few, and how many it lacks."""
        lacking = np.maximum(tally.limits - held, 0)
        wanted: Bools = np.zeros(self._shape, dtype=bool)
        for group, short in zip(tally.groups, lacking.T > 0, strict=True):
            wanted[:, group] |= short[:, None]
        return wanted, lacking.sum(axis=1, dtype=np.int64)

    def spare(self, sets: Articles, hard: Articles, only: Articles, slots: int) -> Articles:
        """The sets, without the articles `only` where `hard` has not more of them than slots."""
        few = hard[:, only].sum(axis=1) <= slots
        return sets & ~(few[:, None] & only)


class Bits:
    """Sets of one member, as whole numbers: the methods are those of `Rows`."""

    nobody = False

    def count_none(self, tally: "BitTally") -> Counts:
        return 0

    def give_up_none(self) -> Each:
        return 0

    def give_up(self, relaxed: Each, who: Each, rule: int) -> Each:
        return rule if who else relaxed

    def have(self, sets: Articles, article: int) -> Each:
        return bool(sets >> article & 1)

    def have_any(self, sets: Articles) -> Each:
        return sets != 0

    have_all_any = have_any

    def choose(self, who: Each, sets: Articles, others: Articles) -> Articles:
        return sets if who else others

    def drop(self, sets: Articles, choice: int) -> Articles:
        return sets & ~(1 << choice) if choice >= 0 else sets

    def add_pin(self, held: Counts, who: Each, added: Counts) -> Counts:
        return held + who * added

    def shut_full(self, sets: Articles, tally: "BitTally", held: Counts) -> Articles:
        full = held + tally.room & tally.tops
        while full:
            top = full.bit_length()
            sets &= ~tally.groups[top // LANE - 1]
            full ^= 1 << top - 1
        return sets

    def miss(self, tally: "BitTally", held: Counts) -> Each:
        return held + tally.room & tally.tops != tally.tops

    def widen(self, sets: Articles, who: Each) -> Articles:
        return -1 if who else sets  # all bits

    def find_lacking(self, tally: "BitTally", held: Counts) -> tuple[Articles, Each]:
        wanted, lacking = 0, 0
        for group, limit in zip(tally.groups, tally.limits, strict=True):
            if (short := limit - held % (1 << LANE)) > 0:
                wanted, lacking = wanted | group, lacking + short
            held >>= LANE
        return wanted, lacking

    def spare(self, sets: Articles, hard: Articles, only: Articles, slots: int) -> Articles:
        return sets & ~only if (hard & only).bit_count() <= slots else sets


def pack(set: "Bools") -> int:
    """The bits of a set of articles [m]."""
    return int.from_bytes(np.packbits(set, bitorder="little").tobytes(), "little")


def unpack(bits: int, m: int) -> "Bools":
    """The set of articles [m] of its bits; the inverse of `pack`."""
    some = np.frombuffer(bits.to_bytes(-(-m // 8), "little"), dtype=np.uint8)
    return np.unpackbits(some, count=m, bitorder="little").view(np.bool_)
