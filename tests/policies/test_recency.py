"""Newest first: how old an article is, whatever comes between, and what is remembered of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandit.core.ids import pack
from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Round
from bandit.policies.recency import FORGOTTEN, Recency
from bandit.policies.wave import Wave
from bandit.slates.propensity import draw
from tests.support.builders import context_of


def issue(number: int, pool: Sequence[str], name: str = "issue") -> Context:
    context = context_of(n=30, m=len(pool), rules=Rules(slots=1))
    return replace(
        context, campaign=f"{name}-{number}", articles=context.articles.assign(article=list(pool))
    )


def send(policy: Any, context: Context, opened: bool = True) -> None:
    slates = draw(policy.plan(context), context, 1)
    n, k = slates.choice.shape
    yes, nothing = np.ones(n, dtype=bool), np.zeros((n, k), dtype=bool)
    policy.learn(
        Round(
            context,
            slates,
            Feedback(yes, yes & opened, ~yes, nothing.astype(np.int8), nothing, 0.0 * nothing),
        )
    )


def read_ages(policy: Any, context: Context) -> list[int]:
    return [int(-score) for score in policy.plan(context).scores[0]]


def test_an_article_is_as_old_as_the_issues_since_its_first_pool() -> None:
    policy = Recency()
    assert read_ages(policy, issue(1, "abc")) == [0, 0, 0]
    send(policy, issue(1, "abc"))
    send(policy, issue(2, "bcd"))
    send(policy, issue(3, "cd"))
    assert read_ages(policy, issue(4, "abcde")) == [3, 3, 3, 2, 0]  # a was away and came back
    plan, open = Recency(epsilon=0.0), np.ones((30, 5), dtype=bool)
    plan.restore(policy.state())
    shares = ([0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [1 / 3, 1 / 3, 1 / 3, 0, 0])
    for newest, share in zip((4, 3, 2), shares, strict=True):  # one age shares the slot
        assert plan.plan(issue(4, "abcde"))(open)[0].tolist() == share
        open[:, newest] = False


@pytest.mark.parametrize("shares", [[0.2], [0.3, 0.1, 0.5]])
def test_waves_make_nothing_older(shares: list[float]) -> None:
    whole, parts = Recency(), Wave(Recency(), shares)
    for number, pool in enumerate(("abc", "bcd", "cde"), start=1):
        context = issue(number, pool)
        expected = read_ages(whole, context)
        send(whole, context)
        waves = [context.take(rows) for rows in parts.waves(context)]
        assert sum(len(wave.members) > 0 for wave in waves) > 1
        for wave in waves:
            if len(wave.members):
                assert read_ages(parts, wave) == expected
                send(parts, wave)
    assert {name: array.tobytes() for name, array in parts.state().items()} == {
        name: array.tobytes() for name, array in whole.state().items()
    }


def test_an_issue_nobody_opened_changes_nothing() -> None:
    policy = Recency()
    send(policy, issue(1, "abc"))
    before = {name: array.tobytes() for name, array in policy.state().items()}
    send(policy, issue(2, "xyz"), opened=False)
    assert {name: array.tobytes() for name, array in policy.state().items()} == before


def test_an_article_is_forgotten_when_it_was_absent_for_a_year() -> None:
    policy = Recency()
    send(policy, issue(1, "ab"))
    for number in range(2, FORGOTTEN + 1):
        send(policy, issue(number, ["b", f"new-{number}"]))
    assert read_ages(policy, issue(99, "ab")) == [FORGOTTEN, FORGOTTEN]
    send(policy, issue(FORGOTTEN + 1, ["b"]))
    assert read_ages(policy, issue(99, "ab")) == [0, FORGOTTEN + 1]
    for number in range(200):
        send(policy, issue(number, [f"other-{number}"], "later"))
    assert len(policy.state()["first"]) == FORGOTTEN


def test_restored_it_goes_on_in_the_same_wave() -> None:
    policy, other = Recency(), Recency()
    for number, pool in enumerate(("abc", "bcd"), start=1):
        send(policy, issue(number, pool))
    other.restore(policy.state())
    for context in (issue(2, "bcde"), issue(3, "abcde")):
        assert read_ages(other, context) == read_ages(policy, context)
        send(policy, context)
        send(other, context)
    assert {name: array.tobytes() for name, array in policy.state().items()} == {
        name: array.tobytes() for name, array in other.state().items()
    }


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("issues", lambda a: -a, "issues = -2; must be at least 0"),
        ("first", lambda a: -a, "article 'a' came first in issue -1, last in 1; must be in 1 to 2"),
        (
            "last",
            lambda a: a + 1,
            "article 'b' came first in issue 1, last in 3; must be in 1 to 2",
        ),
        ("first", lambda a: a[:-1], r"first has shape \(3,\); must be \(4,\)"),
        ("last", lambda a: a.astype(float), "last is float64; must be whole numbers"),
        ("campaign", lambda a: pack([3]), "campaign = 3 and 0 more; must be one name"),
        (
            "articles",
            lambda a: pack([["a"], "b", "c", "d"]),
            r"id \['a'\] is no id; must be text or a number",
        ),
    ],
)
def test_a_state_that_no_issues_leave_behind_is_refused(
    name: str, change: Callable[[Any], Any], message: str
) -> None:
    policy = Recency()
    send(policy, issue(1, "abc"))
    send(policy, issue(2, "bcd"))
    with pytest.raises(ValueError, match=message):
        Recency().restore(policy.state() | {name: change(policy.state()[name])})
