"""An association whose feedback passes through a real log's noise: what a policy learns from, and what stays the truth."""

from typing import Any

import numpy as np
import pytest

from bandit.policies.random import Random
from bandit.slates import draw
from bandit.types import Round
from simulators.association import Association
from simulators.noise import Noise

SIZE: dict[str, Any] = {"members": 3000, "issues": 4, "pool": 20, "click_to_open": 0.25}


def sent(**more: Any) -> list[Round]:
    association, policy = Association(seed=14, **SIZE, **more), Random()
    rounds = []
    for number in range(1, 4):
        context = association.issue(number)
        slates = draw(policy.plan(context), context, 3)
        rounds.append(Round(context, slates, association.respond(context, slates)))
    return rounds


def total(rounds: list[Round], what: str) -> int:
    return int(sum(getattr(round.feedback, what).sum() for round in rounds))


@pytest.fixture(scope="module")
def told() -> dict[str, list[Round]]:
    return {
        "truth": sent(),
        "raw": sent(noise=Noise(scanner_share=0.3), hygiene=False),
        "clean": sent(noise=Noise(scanner_share=0.3)),
    }


def test_raw_logs_count_scanners_and_hygiene_leaves_nearly_the_peoples_clicks(told: dict[str, list[Round]]) -> None:
    truth, raw, clean = (total(told[name], "clicked") for name in ("truth", "raw", "clean"))
    assert 1.25 < raw / truth < 1.6  # .3 of recorded clicks are scanners', and HEAD requests make no second click
    assert abs(clean / truth - 1) < 0.03


def test_raw_logs_count_prefetches_and_hygiene_estimates_who_opened(told: dict[str, list[Round]]) -> None:
    truth, raw, clean = (total(told[name], "opened") for name in ("truth", "raw", "clean"))
    assert raw / truth > 1.3
    assert abs(clean / truth - 1) < 0.1


def test_what_members_saw_is_the_truth_whatever_was_recorded(told: dict[str, list[Round]]) -> None:
    for name in ("raw", "clean"):
        for true, noisy in zip(told["truth"], told[name], strict=True):
            assert (true.context.seen == noisy.context.seen).all()
            assert (true.slates.choice == noisy.slates.choice).all()
            assert (true.feedback.delivered == noisy.feedback.delivered).all()


def test_a_run_that_resumes_from_its_noisy_log_goes_on_to_the_same_bytes(told: dict[str, list[Round]]) -> None:
    again = Association(seed=14, **SIZE, noise=Noise(scanner_share=0.3))
    for round in told["clean"][:2]:
        context = again.issue(round.context.issue)
        again.remember(context, round.slates, round.feedback)
    context = again.issue(3)
    assert (context.seen == told["clean"][2].context.seen).all()
    feedback = again.respond(context, told["clean"][2].slates)
    for name, values in vars(told["clean"][2].feedback).items():
        assert np.array_equal(getattr(feedback, name), values), name


def test_what_is_no_noise_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"noise = 'default'; must be a simulators.noise.Noise, or None"):
        Association(seed=0, members=10, issues=1, noise="default")  # type: ignore[arg-type]  # the point
