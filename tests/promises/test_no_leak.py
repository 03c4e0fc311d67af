"""Promise 4: a policy that is told nothing true gains no more than `popular`.

A leak of the truth would show as clicks. What each policy may honestly gain, and how falsehoods are
told: `experiments.checks.no_leak`. Every learning policy of configs/policy is tried, in the
association that stands still and with all its parts moving.
"""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from bandit.core.types import Context, SlotPmf
from bandit.policy import Policy
from experiments.checks.no_leak import WHAT, Teller, list_learners, measure_earnings, measure_lifts
from experiments.runner.configs import CONFIGS, list_configs, make, read_policy, resolve
from simulators.association.association import Association
from simulators.base import Simulator, Truthful
from tests.support.dynamics_cases import MOVING, at_random, build

WORLDS = ("association", "newsletter")
SIZE: dict[str, Any] = {"members": 400, "issues": 14, "text_dims": 8, "embeddings": None}
BY_TEXT = ["lin_ts", "profile", "segment_learned", "vw"]
# By then everything has learned; each issue is one more lottery of a few articles, luck evens out.
SINCE = 4


@cache
def config(name: str) -> dict[str, Any]:
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return resolve(compose("run", overrides=[f"simulator={name}"])["simulator"])


@cache
def built_once(name: str, seed: int) -> Association:
    association: Association = make(config(name) | SIZE, seed=seed)
    return association


def world(name: str, seed: int) -> Association:
    """The same members, pools and luck for every policy, none of whom has seen anything yet."""
    return built_once(name, seed).twin()


def measure(name: str, whats: list[str], policies: list[str], seeds: range) -> pd.DataFrame:
    found = measure_lifts(
        lambda seed: world(name, seed), whats, policies, seeds, SIZE["issues"], SINCE
    )
    print(found.round(3).to_string())
    return found


# What is told


def test_every_policy_that_learns_is_tried() -> None:
    untried = {"oracle", "bayes_limit", "profile_true_topics", "random"}
    assert set(list_configs("policy")) - set(list_learners()) == untried


@pytest.mark.parametrize("what", [*WHAT, "nothing", "withheld"])
def test_only_what_is_false_is_changed_and_it_stays_false(what: str) -> None:
    association = build(**MOVING)
    tell, texts, attributes = Teller(association, what, 5), {}, {}
    true_texts, true_attributes, carried = {}, {}, 0
    for number in range(1, 7):
        context = association.issue(number)
        told = tell(context)
        for name in ("campaign", "issue", "rules", "eligible", "seen"):
            assert getattr(told, name) is getattr(context, name)
        assert (told.member_ids == context.member_ids).all()
        assert (told.article_ids == context.article_ids).all()
        assert (told.articles["kind"] == context.articles["kind"]).all()
        np.testing.assert_array_equal(
            association.features.encode_articles(told.articles)[:, 3:], told.article_features[:, 3:]
        )
        np.testing.assert_array_equal(
            association.features.encode_members(told.members), told.member_features
        )
        for ids, shown, true, had, truth in (
            (told.article_ids, told.article_features, context.article_features, texts, true_texts),
            (
                told.member_ids,
                told.member_features,
                context.member_features,
                attributes,
                true_attributes,
            ),
        ):
            for key, row, right in zip(ids.tolist(), shown, true, strict=True):
                # False attributes are others in each issue.
                if had is texts or what not in ("attributes", "both"):
                    carried += key in had
                    assert (had.get(key, row) == row).all()
                had[key] = row
                truth[key] = right
        association.respond(context, at_random(context))
    assert carried > 0
    for had, truth, false in (
        (texts, true_texts, what in ("text", "both")),
        (attributes, true_attributes, what in ("attributes", "both")),
    ):
        changed = np.mean([(had[key] != truth[key]).any() for key in had])
        withheld = had is attributes and what == "withheld"
        assert changed > 0.8 if false or withheld else changed == 0
        if not withheld:  # what is told is somebody's
            assert {row.tobytes() for row in had.values()} <= {
                row.tobytes() for row in true_rows(association, truth)
            }
    if what == "withheld":
        assert len({row.tobytes() for row in attributes.values()}) == 1


def true_rows(association: Simulator, truth: dict[Any, np.ndarray]) -> list[np.ndarray]:
    return [*truth.values(), *association.features.encode_members(association.members)]


def test_a_falsehood_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(
        ValueError, match="what = 'kinds'; choose from text, attributes, both, nothing, withheld"
    ):
        Teller(build(), "kinds", 5)


@pytest.mark.slow
def test_random_earns_the_same_whatever_it_is_told() -> None:
    tellers = [Teller(build(), what, 5) for what in (*WHAT, "nothing")]
    assert (
        len(
            {
                measure_earnings(build(), make(read_policy("random")), tell, 4, 2, 5)
                for tell in tellers
            }
        )
        == 1
    )


# What is gained


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_false_text_and_false_attributes_give_the_lift_of_popular(name: str) -> None:
    found = measure(name, ["both"], list_learners(), range(10, 15))
    within_noise(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_false_text_alone_gives_the_lift_of_popular(name: str) -> None:
    found = measure(name, ["text"], list_learners(), range(10, 13))
    within_noise(found)
    assert (
        found.set_index("policy").loc[BY_TEXT, "lift"].abs() < 0.12
    ).all()  # worth no more than chance


@pytest.mark.slow
@pytest.mark.parametrize("name", WORLDS)
def test_false_attributes_alone_give_no_more_than_none(name: str) -> None:
    found = measure(name, ["attributes"], list_learners(), range(10, 13))
    within_noise(found)
    lift = found.set_index("policy")[
        "lift"
    ]  # who knows no member and no attribute may gain what `blast` does
    assert ((1 + lift[["lin_ts", "segment_learned", "vw"]]) / (1 + lift["blast"]) < 1.06).all()


def within_noise(found: pd.DataFrame) -> None:
    """No policy gains clearly more than it may, and all together gain nothing."""
    assert (found["more"] < 0.15).all()
    assert found["more"].mean() < 0.03


class Whisper(Policy):
    """`popular`, but a third of the members are shown what they truly like best."""

    def __init__(self, association: Truthful) -> None:
        self._association, self._popular = association, make(read_policy("popular"))
        self.start, self.learn = self._popular.start, self._popular.learn
        self.state, self.restore = self._popular.state, self._popular.restore

    def plan(self, context: Context) -> SlotPmf:
        plan, knows = self._popular.plan(context), context.member_ids % 3 == 0
        return replace(
            plan, scores=np.where(knows[:, None], self._association.truth(context), plan.scores)
        )


@pytest.mark.slow
def test_a_leak_would_show() -> None:
    """The bounds above let through less, and less than each learner gains by true text."""
    gained = []
    for seed in (10, 11):
        clicks = []
        for leaky in (True, False):
            association = world("association", seed)
            policy = Whisper(association) if leaky else make(read_policy("popular"))
            clicks.append(
                measure_earnings(
                    association,
                    policy,
                    Teller(association, "both", seed),
                    SIZE["issues"],
                    SINCE,
                    seed,
                )
            )
        gained.append(clicks[0] / clicks[1] - 1)
    assert min(gained) > 0.3
    assert (measure("association", ["nothing"], BY_TEXT, range(10, 12))["lift"] > 0.2).all()
