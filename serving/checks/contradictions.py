"""Rules that contradict one another: the smallest sets of them that no newsletter can obey.

Whether there is a newsletter that obeys some rules is found by trying: articles that the rules
cannot tell apart are one class, and slots are filled class by class. That is for a member who may
see every article and has seen none; eligibility and repeats come on top. Open this file to see when
an editor is told that rules cannot all be met.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from bandit.core.columns import Columns, fill_text, fold, name_each
from bandit.core.rules import Rules
from bandit.slates.layout import read_values

_TRIES = 20_000  # classes tried; beyond it nothing is said


@dataclass(frozen=True)
class Rule:
    """One rule, in words and as articles (their places in the pool).

    kind: at_least, at_most, only or pin
    group: the articles it is about
    number: how many at least or at most; for only and pin the slot, from 1
    column: of the pool, for at_least and at_most
    """

    words: str
    kind: str
    group: frozenset[int]
    number: int
    column: str = ""


def list_rules(rules: Rules, articles: Columns) -> list[Rule]:
    """Each of the editor's rules by itself; counts by "*" are written out for every value."""
    ids, listed = articles["article"].tolist(), []
    for kind, counted in (("at_least", rules.at_least), ("at_most", rules.at_most)):
        for column, counts in counted.items():
            for value, number in name_each(counts, read_values(articles, column)).items():
                group = _find(articles, column, [value])
                words = f"{kind} {column} {value!r} = {number}"
                listed.append(Rule(words, kind, group, number, column))
    for slot, only in rules.only.items():
        inside = frozenset(range(len(ids)))
        for column, values in only.items():
            inside &= _find(articles, column, values)
        listed.append(Rule(f"the section of slot {slot}", "only", inside, slot))
    for slot, article in rules.pins.items():
        place = frozenset([ids.index(article)])
        listed.append(Rule(f"the pin of slot {slot}", "pin", place, slot))
    return listed


def _find(articles: Columns, column: str, values: Sequence[str]) -> frozenset[int]:
    """The places of the articles that have one of the values, as an editor writes them."""
    wanted = set(map(fold, values)) - {""}
    cells = enumerate(fill_text(articles[column]))
    return frozenset(j for j, cell in cells if fold(cell) in wanted)


def find_contradictions(rules: Rules, articles: Columns) -> list[list[Rule]]:
    """Sets of rules that cannot all be obeyed, each as small as can be; no two share a rule."""
    left, found = list_rules(rules, articles), []
    columns = dict.fromkeys(rule.column for rule in left if rule.column)
    # those about one column are few classes, and soon decided; then all of them together
    for few in (*({column, ""} for column in columns), {*columns, ""}):
        while core := _find_core([rule for rule in left if rule.column in few], rules, articles):
            found.append(core)
            left = [rule for rule in left if rule not in core]
    return found


def _find_core(some: list[Rule], rules: Rules, articles: Columns) -> list[Rule]:
    """The smallest part of these rules that cannot be obeyed; nothing where all can be."""
    slots, m = rules.slots, len(articles)
    if _can_obey(some, slots, m) is not False:
        return []
    core = some
    for rule in some:
        without = [other for other in core if other is not rule]
        if _can_obey(without, slots, m) is False:
            core = without
    return core


def _can_obey(rules: Sequence[Rule], slots: int, m: int) -> bool | None:
    """Whether some newsletter from m articles obeys all the rules; None: trying took too long."""
    sections = {rule.number: rule.group for rule in rules if rule.kind == "only"}
    pins = {rule.number: min(rule.group) for rule in rules if rule.kind == "pin"}
    groups = [rule for rule in rules if rule.kind in ("at_least", "at_most")]
    classes: dict[tuple[frozenset[int], frozenset[int]], list[int]] = {}
    for j in set(range(m)) - set(pins.values()):
        within = frozenset(i for i, rule in enumerate(groups) if j in rule.group)
        open_slots = frozenset(slot for slot, inside in sections.items() if j in inside)
        classes.setdefault((within, open_slots), []).append(j)
    search = _Search(groups, list(classes), [len(some) for some in classes.values()])
    for article in pins.values():
        search.count([i for i, rule in enumerate(groups) if article in rule.group], 1)
    sectioned = [slot for slot in sections if slot not in pins]
    free = slots - len(set(sectioned) | set(pins))
    return search.fill(sectioned, free, 0)


@dataclass
class _Search:
    """Fills the slots that are not pinned, by classes of articles.

    groups: the counts to keep; classes: which groups and sections an article of the class is in;
    stock: how many articles of each class are left; held: how many of each group are in the slate
    """

    groups: Sequence[Rule]
    classes: Sequence[tuple[frozenset[int], frozenset[int]]]
    stock: list[int]
    held: list[int] = field(init=False)
    tries: int = 0

    def __post_init__(self) -> None:
        self.held = [0] * len(self.groups)

    def count(self, within: Sequence[int] | frozenset[int], more: int) -> None:
        """Note that the slate holds one article more (or less) of some groups."""
        for i in within:
            self.held[i] += more

    def fill(self, sectioned: list[int], free: int, first: int) -> bool | None:
        """Whether the slots left can be filled; free ones by classes from `first` on, in order."""
        left = len(sectioned) + free
        for rule, held in zip(self.groups, self.held, strict=True):
            if held > rule.number if rule.kind == "at_most" else rule.number - held > left:
                return False
        if not left:
            return True
        unsure = False
        for place in range(0 if sectioned else first, len(self.classes)):
            within, slots = self.classes[place]
            if not self.stock[place] or (sectioned and sectioned[0] not in slots):
                continue
            self.tries += 1
            if self.tries > _TRIES:
                return None
            self.stock[place] -= 1
            self.count(within, 1)
            filled = self.fill(sectioned[1:], free - (not sectioned), 0 if sectioned else place)
            self.stock[place] += 1
            self.count(within, -1)
            if filled:
                return True
            unsure |= filled is None
        return None if unsure else False
