"""An association whose feedback passes through the noise of a real log.

Policies learn from what was recorded; what they are measured by stays what people did.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit.core.types import Round
from bandit.log import archive
from bandit.policies.random import Random
from experiments.runner.people import count_people
from experiments.runner.watcher import measure_issue
from simulators.association.association import Association
from simulators.noise.noise import Noise
from simulators.play import play, send

SIZE: dict[str, Any] = {"members": 3000, "issues": 4, "pool": 20, "click_to_open": 0.25}


def sent(**more: Any) -> list[Round]:
    return list(play(Random(), Association(seed=14, **SIZE, **more), seed=3, issues=3))


def total(rounds: list[Round], what: str) -> int:
    return int(sum(getattr(round.feedback, what).sum() for round in rounds))


@pytest.fixture(scope="module")
def told() -> dict[str, list[Round]]:
    return {
        "truth": sent(),
        "raw": sent(noise=Noise(scanner_share=0.3), hygiene=False),
        "clean": sent(noise=Noise(scanner_share=0.3)),
    }


def test_raw_logs_count_scanners_and_hygiene_leaves_nearly_the_peoples_clicks(
    told: dict[str, list[Round]],
) -> None:
    truth, raw, clean = (total(told[name], "clicked") for name in ("truth", "raw", "clean"))
    assert (
        1.25 < raw / truth < 1.6
    )  # .3 of recorded clicks are scanners', and HEAD requests make no second click
    assert abs(clean / truth - 1) < 0.03


def test_raw_logs_count_prefetches_and_hygiene_estimates_who_opened(
    told: dict[str, list[Round]],
) -> None:
    truth, raw, clean = (total(told[name], "opened") for name in ("truth", "raw", "clean"))
    assert raw / truth > 1.3
    assert abs(clean / truth - 1) < 0.1


def test_who_saw_what_is_known_from_what_was_recorded_and_from_nothing_else(
    told: dict[str, list[Round]],
) -> None:
    for rounds in told.values():
        saw: set[tuple[int, str]] = set()
        for round in rounds:
            context = round.context
            row, article = np.nonzero(context.seen)
            seen = set(
                zip(
                    context.member_ids[row].tolist(),
                    context.article_ids[article].tolist(),
                    strict=True,
                )
            )
            there = {
                (m, a) for m in context.member_ids.tolist() for a in context.article_ids.tolist()
            }
            assert seen == saw & there
            row, _, index, _ = round.list_exposures()
            saw |= set(
                zip(
                    context.member_ids[row].tolist(),
                    context.article_ids[index].tolist(),
                    strict=True,
                )
            )


def test_whom_the_sender_takes_for_unsubscribed_gets_no_more_mail(
    told: dict[str, list[Round]],
) -> None:
    for rounds in told.values():
        gone: set[int] = set()
        for round in rounds:
            assert not gone & set(round.context.member_ids.tolist())
            gone |= set(round.context.member_ids[round.feedback.unsubscribed].tolist())


def test_an_archive_of_a_noisy_log_is_read_back_as_it_was_sent(
    told: dict[str, list[Round]], tmp_path: Path
) -> None:
    archive.write(tmp_path, told["clean"])
    features = archive.fit_features(tmp_path, 6)
    for sent, found in zip(told["clean"], archive.read(tmp_path, features), strict=True):
        assert (sent.context.seen == found.context.seen).all()


def test_a_policy_is_measured_by_what_people_did() -> None:
    association = Association(seed=14, **SIZE, noise=Noise(scanner_share=0.5), hygiene=False)
    round = send(Random(), association, association.issue(1), 3)
    people = association.people(round.context, round.slates)
    assert round.feedback.clicked.sum() > 1.5 * people.clicked.sum()
    expected = association.expected(round.context, round.slates)
    assert measure_issue(association, round, expected, 0.0)["clicks"] == people.clicked.sum()
    told = count_people(association, round, expected, None)
    assert told["clicks"].to_numpy().sum() == people.clicked.sum()
    assert told["rests_on"].null_count == len(told)


def test_a_mail_to_few_comes_as_near_to_a_share_as_it_can() -> None:
    association = Association(
        seed=14, **SIZE | {"members": 12}, noise=Noise(scanner_share=0.9, prefetch_share=0.9)
    )
    round = send(Random(), association, association.issue(1), 3)
    assert len(round.feedback.opened) == len(round.context.members)


def test_a_run_that_resumes_from_its_noisy_log_goes_on_to_the_same_bytes(
    told: dict[str, list[Round]],
) -> None:
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
    with pytest.raises(ValueError, match=r"hygiene = 'off'; must be true or false"):
        Association(members=10, issues=1, hygiene="off")  # type: ignore[arg-type]  # the point
    with pytest.raises(
        ValueError, match=r"noise = 'default'; must be a simulators.noise.noise.Noise, or None"
    ):
        Association(members=10, issues=1, noise="default")  # type: ignore[arg-type]  # the point
