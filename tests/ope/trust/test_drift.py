"""The newest issue beside those before it: ordinary logs pass, others are refused by name."""

from dataclasses import replace

import numpy as np

from bandit.core.types import Columns, Round
from bandit.ope.trust.drift import find_drift
from bandit.policies.random import Random
from simulators.play import play
from tests.support.builders import association_of

ROUNDS = list(play(Random(), association_of(issues=5)))


def change_articles(round: Round, column: str, value: str) -> Round:
    articles = {name: round.context.articles[name] for name in round.context.articles.names}
    many = len(round.context.articles)
    new = np.array([value] * (many - 3) + [str(v) for v in articles[column][-3:]], dtype=object)
    table = Columns.read(articles | {column: new})
    return replace(round, context=replace(round.context, articles=table))


def test_an_ordinary_log_has_none() -> None:
    assert find_drift(ROUNDS) == ""
    assert find_drift(ROUNDS[:1]) == ""


def test_new_members_are_named() -> None:
    last = ROUNDS[-1]
    members = {name: last.context.members[name] for name in last.context.members.names}
    ids = np.asarray(members["member"]).copy()
    ids[::3] += 1_000_000
    few = replace(
        last, context=replace(last.context, members=Columns.read(members | {"member": ids}))
    )
    assert find_drift([*ROUNDS[:-1], few]) == ""
    ids[1::3] += 1_000_000
    many = replace(
        few, context=replace(few.context, members=Columns.read(members | {"member": ids}))
    )
    why = find_drift([*ROUNDS[:-1], many])
    assert why.startswith(
        f"campaign '{last.context.campaign}': 67% of its members, such as {ids[0]}"
    )
    assert why.endswith("are in no judged issue before it, more than 50%")


def test_a_log_that_knows_nobody_again_says_nothing_of_members() -> None:
    """Each request of it has an id of its own, so every member is new in every issue."""
    rounds = []
    for number, one in enumerate(ROUNDS):
        members = {name: one.context.members[name] for name in one.context.members.names}
        members["member"] = np.arange(len(one.context.members)) + 1_000_000 * (number + 1)
        context = replace(one.context, members=Columns.read(members))
        rounds.append(replace(one, context=context))
    assert find_drift(rounds) == ""
    assert "100% of its members" in find_drift([*ROUNDS[:-1], rounds[-1]])


def test_another_pool_is_named() -> None:
    for column in ("kind", "source"):
        why = find_drift([*ROUNDS[:-1], change_articles(ROUNDS[-1], column, "podcast")])
        assert f"of its articles have a {column} that no judged issue before it had" in why
        assert "such as 'podcast'" in why


def test_another_rate_of_clicks_is_named() -> None:
    last = ROUNDS[-1]
    clicked = last.feedback.clicked.copy()
    clicked[::2, 0] = True
    loud = replace(last, feedback=replace(last.feedback, clicked=clicked))
    why = find_drift([*ROUNDS[:-1], loud])
    assert why.startswith(f"campaign '{last.context.campaign}': ")
    assert "clicks per 1,000 sends, beside " in why
    silent = replace(last, feedback=replace(last.feedback, clicked=0 * clicked))
    assert "campaign" in find_drift([*ROUNDS[:-1], silent])
