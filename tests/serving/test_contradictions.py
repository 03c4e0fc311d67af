"""Rules that match nothing are refused; those that contradict one another are named together."""

from itertools import permutations
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.core.columns import Columns
from bandit.core.rules import Rules
from serving.checks.contradictions import find_contradictions, list_rules
from serving.checks.unmatched import find_unmatched, list_tags, refuse_unmatched
from tests.support.builders import pool_of

# kinds: event 0, 4; resource 2, 6; the others articles. sources: gazette 0, 3, 6; board 1, 4;
# journal 2, 5
POOL = pool_of(7)
WHERE = (Path("rules.yaml"), Path("pool.parquet"), Path("members.parquet"))
MEMBERS = pd.DataFrame({"member": [4, 9, 11], "region": ["Great Lakes", None, "South; Plains"]})


def had(attribute: str) -> list[str]:
    return list_tags(Columns(MEMBERS), attribute)


def unmatched(rules: Rules, **columns: Any) -> list[str]:
    return list(find_unmatched(rules, POOL.assign(**columns), had, WHERE))


def test_a_value_that_nothing_has_is_named_with_the_nearest() -> None:
    rules = Rules(
        slots=3,
        at_most={"kind": {"Evnt": 0, "*": 2}},
        at_least={"source": {"journals": 1}},
        only={2: {"kind": ["webinar", "event"]}},
    )
    assert unmatched(rules) == [
        "rules.yaml: at_most kind 'Evnt': no article of pool.parquet has it; "
        "the nearest is 'event'",
        "rules.yaml: at_least source 'journals': no article of pool.parquet has it; "
        "the nearest is 'journal'",
        "rules.yaml: only: slot 2: kind 'webinar': no article of pool.parquet has it; "
        "there are 'article', 'event', 'resource'",
    ]
    assert unmatched(
        Rules(slots=3), only_region=["great lakes ", "plains;Great Lake", *[None] * 5]
    ) == [
        "pool.parquet: only_region 'Great Lake': no member of members.parquet has it; "
        "the nearest is 'Great Lakes'"
    ]
    known = {"region": ["Prairie"]}
    pool = POOL.assign(only_region="prairie; South")
    assert not list(find_unmatched(Rules(slots=3), pool, had, WHERE, known))
    with pytest.raises(
        ValueError, match=r"^rules.yaml: .*\(--allow-unmatched sends all the same\)$"
    ):
        refuse_unmatched(rules, POOL, had, WHERE)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"slots": 3, "at_least": {"kind": {"event": 2}}}, []),
        ({"slots": 4, "at_least": {"kind": {"event": 3}}}, [["at_least kind 'event' = 3"]]),
        (
            {"slots": 3, "pins": {1: "a1", 3: "a3"}, "at_least": {"kind": {"event": 2}}},
            [["at_least kind 'event' = 2", "the pin of slot 1", "the pin of slot 3"]],
        ),
        (
            {"slots": 3, "only": {2: {"kind": ["event"]}}, "at_most": {"kind": {"event": 0}}},
            [["at_most kind 'event' = 0", "the section of slot 2"]],
        ),
        (
            {"slots": 4, "at_most": {"source": {"*": 1}}},
            [[f"at_most source '{name}' = 1" for name in ("board", "gazette", "journal")]],
        ),
        (
            {"slots": 3, "at_least": {"kind": {"event": 2}, "source": {"journal": 2}}},
            [["at_least kind 'event' = 2", "at_least source 'journal' = 2"]],
        ),
        (
            {"slots": 5, "only": {slot: {"kind": ["event"]} for slot in (1, 2, 4)}},
            [[f"the section of slot {slot}" for slot in (1, 2, 4)]],
        ),
    ],
)
def test_the_smallest_set_that_cannot_be_obeyed_is_named(
    rules: dict[str, Any], expected: list[list[str]]
) -> None:
    found = find_contradictions(Rules(**rules), POOL)
    assert [[rule.words for rule in core] for core in found] == expected


counts = st.dictionaries(st.sampled_from(["event", "resource", "article"]), st.integers(0, 2))


@given(
    most=counts,
    least=st.dictionaries(st.sampled_from(["gazette", "board"]), st.integers(0, 1)),
    section=st.sampled_from([None, "event", "resource"]),
    pin=st.sampled_from([None, "a0", "a5"]),
)
@settings(max_examples=30)
def test_contradictions_are_what_trying_every_newsletter_finds(
    most: dict[str, int], least: dict[str, int], section: str | None, pin: str | None
) -> None:
    rules = Rules(
        slots=3,
        at_most={"kind": most},
        at_least={"source": least},
        only={2: {"kind": [section]}} if section else {},
        pins={3: pin} if pin else {},
    )
    listed = list_rules(rules, POOL)

    def obeys(slate: tuple[int, ...]) -> bool:
        for rule in listed:
            held = len(rule.group.intersection(slate))
            if rule.kind == "at_most" and held > rule.number:
                return False
            if rule.kind == "at_least" and held < rule.number:
                return False
            if rule.kind in ("only", "pin") and slate[rule.number - 1] not in rule.group:
                return False
        return True

    possible = any(map(obeys, permutations(range(7), 3)))
    assert (find_contradictions(rules, POOL) == []) == possible
