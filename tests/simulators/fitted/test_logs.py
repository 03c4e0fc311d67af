"""Logs that an association can be fitted to, and those that are refused by name."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Round
from bandit.features.features import Features
from bandit.log import archive
from simulators.association.association import Association
from simulators.fitted.logged import Logged
from tests.support.fitted_cases import fitted, is_same, send, small


def test_a_folder_serves_as_well_as_its_rounds(tmp_path: Path) -> None:
    association, rounds = small()
    archive.write(tmp_path / "log", rounds)
    world = Logged(tmp_path / "log", 1, features=association.features)
    assert is_same(send(world), send(fitted().twin()))


@pytest.mark.parametrize("name", ["random", "profile", "oracle"])
def test_a_unit_runs_on_a_log(tmp_path: Path, name: str) -> None:
    from bandit.core.files import read_json
    from experiments.runner.configs import read_policy
    from experiments.runner.unit import run_unit

    archive.write(tmp_path / "log", small()[1])
    config = {
        "_target_": "simulators.fitted.logged.Logged",
        "log": str(tmp_path / "log"),
        "examine": "position_based",
        "issues": 2,
    }
    run_unit(tmp_path / "unit", read_policy(name), config, 1)
    assert read_json(tmp_path / "unit" / "done.json") == {"issues": 2}


def test_a_newsletter_of_one_slot_and_members_of_no_attributes() -> None:
    association = Association(seed=13, members=300, issues=4, pool=20, slots=1, click_to_open=0.3)
    bare = Features.fit(
        association.members[["member"]], [f"text {number}" for number in range(60)], 5
    )

    def stripped(round: Round) -> Round:
        context = round.context
        ids = [f"m{number}" for number in context.member_ids]  # and ids that are text
        members = pd.DataFrame({"member": ids})
        articles = context.articles.to_pandas().drop(columns="only_region")
        made: dict[str, Any] = {
            "members": members,
            "articles": articles,
            "member_features": bare.encode_members(members),
        }
        return replace(
            round, context=replace(context, article_features=bare.encode_articles(articles), **made)
        )

    rounds = [stripped(round) for round in send(association)]
    world = Logged(rounds, 1, features=bare)
    clicks = [
        sum(round.feedback.clicked.sum() for round in some) for some in (rounds, send(world.twin()))
    ]
    assert clicks[1] == pytest.approx(clicks[0], rel=0.5)
    assert world.members["member"].iloc[0] == "m100001"


# Refused by name


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log": None}, "log is not given"),
        ({"log": "nowhere"}, "log = 'nowhere': there is no such folder"),
        ({"log": []}, "log is empty"),
        ({"features": None}, "features are not given"),
        ({"issues": 6}, "issues = 6; must be a whole number from 1 to 5"),
        ({"issues": 0}, "issues = 0"),
        ({"only": 1.2}, r"only = 1\.2; must be in \[0, 1\]"),
        ({"only": 0.0}, r"only = 0\.0 leaves no member"),
        ({"only": (100_001, 7)}, "only names member 7, who is not in the log"),
        ({"examine": "staring"}, "examine = 'staring'; choose from position_based"),
        ({"examine": (0.9, 0.8, 0.7)}, "examine gives 3 slots; the layout has 4"),
        ({"examine": (0.9, 0.8, 0.7, 1.6)}, r"examine of slot 4 = 1\.6"),
    ],
)
def test_what_cannot_be_is_named(given: dict[str, Any], message: str) -> None:
    association, rounds = small()
    with pytest.raises(ValueError, match=message):
        Logged(**({"log": rounds, "features": association.features} | given))


def test_a_log_without_clicks_is_named() -> None:
    association, rounds = small()
    quiet = [
        replace(
            round, feedback=replace(round.feedback, clicked=np.zeros_like(round.feedback.clicked))
        )
        for round in rounds
    ]
    with pytest.raises(ValueError, match="the log has no click"):
        Logged(quiet, features=association.features)


@pytest.mark.parametrize(
    ("number", "message"), [(0, "issue = 0; must be at least 1"), (6, "issue = 6; the log has 5")]
)
def test_issues_that_the_log_has_not_are_named(number: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted().twin().issue(number)
