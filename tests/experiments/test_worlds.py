"""An association fitted to a log is fitted once for the units of a seed, and shared by none."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bandit.core.types import Context, Feedback, Round, Slates
from bandit.policies.random import Random
from experiments.runner import worlds
from experiments.runner.configs import make, read_policy
from experiments.runner.pool import Task, run_all
from experiments.runner.unit import run_unit
from experiments.runner.worlds import _fit, _make, make_simulator
from simulators.association.association import Association
from simulators.base import Simulator
from simulators.fitted import logged
from simulators.play import play
from tests.support.fitted_cases import is_same

SMALL = {
    "_target_": "simulators.association.association.Association",
    "members": 200,
    "issues": 3,
    "pool": 12,
    "slots": 3,
    "text_dims": 6,
    "click_to_open": 0.4,
}


def test_it_is_fitted_once_and_answers_as_one_fitted_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _fit.cache_clear()
    run_unit(tmp_path / "log", read_policy("random"), SMALL, seed=3)
    fits = []
    fit = logged.fit_clicks

    def count(*arguments: object) -> object:
        fits.append(arguments)
        return fit(*arguments)

    monkeypatch.setattr(logged, "fit_clicks", count)
    config = {"_target_": "simulators.fitted.logged.Logged", "log": str(tmp_path / "log")}
    config |= {"text_dims": 6, "examine": "position_based"}
    first = list(play(Random(), make_simulator(config, 5)))
    again = list(play(Random(), make_simulator(config, 5)))
    assert len(fits) == 1
    assert is_same(first, again)
    assert is_same(first, list(play(Random(), make(config, seed=5))))
    make_simulator(config, 7)
    make_simulator(config | {"only": 0.5}, 7)
    assert len(fits) == 4
    _fit.cache_clear()  # as another process
    assert is_same(first, list(play(Random(), make_simulator(config, 5))))
    assert len(fits) == 4
    for kept in (tmp_path / "runs" / ".fitted").iterdir():
        kept.write_bytes(kept.read_bytes()[:-9])
    _fit.cache_clear()
    assert is_same(first, list(play(Random(), make_simulator(config, 5))))  # damaged: fitted anew
    assert len(fits) == 5


@pytest.mark.slow
def test_of_two_processes_one_fits_and_the_other_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_unit(tmp_path / "log", read_policy("random"), SMALL, seed=3)
    config = {"_target_": "simulators.fitted.logged.Logged", "log": str(tmp_path / "log")}
    config |= {"text_dims": 6, "examine": "position_based"}
    tasks = [
        Task(name, partial(run_unit, tmp_path / name, read_policy(name), config, 5))
        for name in ("random", "recency")
    ]
    run_all(tasks, 3, 2, "both")
    (kept,) = (tmp_path / "runs" / ".fitted").iterdir()
    sent = [(tmp_path / name / "log" / "001.parquet").stat() for name in ("random", "recency")]
    assert kept.stat().st_mtime < min(each.st_mtime for each in sent)


def test_others_are_made_once_a_seed_and_remember_nothing_of_one_another() -> None:
    config = SMALL | {"members": 40}
    first = list(play(Random(), make_simulator(config, 5)))
    assert is_same(first, list(play(Random(), make_simulator(config, 5))))
    assert is_same(first, list(play(Random(), make(config, seed=5))))
    assert make_simulator(config, 3) is not make_simulator(config, 3)
    assert make_simulator(config, 3).features is make_simulator(config, 3).features
    assert make_simulator(config, 3).features is not make_simulator(config, 4).features


class Twinless(Association):
    """Somebody's own simulator, which has a memory and no twins."""

    twin = Simulator.twin


def test_one_that_makes_no_twins_is_shared_by_nobody() -> None:
    config = SMALL | {"members": 40, "_target_": "tests.experiments.test_worlds.Twinless"}
    first = list(play(Random(), make_simulator(config, 5)))
    assert is_same(first, list(play(Random(), make_simulator(config, 5))))


class Tires:
    """What somebody's own simulator adds: nobody clicks after the first issue that it sends."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sent: list[int] = []

    def respond(self, context: Context, slates: Slates) -> Feedback:
        self.sent.append(context.issue)
        # type: ignore, because only the association that this is mixed into has an answer
        feedback: Feedback = super().respond(context, slates)  # type: ignore[misc]
        return replace(feedback, clicked=feedback.clicked & (len(self.sent) == 1))


class Tiring(Tires, Association):
    """An association of one's own."""


class TiringLogged(Tires, logged.Logged):
    """The same, fitted to a log."""


def test_what_an_own_simulator_keeps_beside_its_memory_is_shared_by_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = SMALL | {"_target_": f"{__name__}.Tiring"}
    run_unit(tmp_path / "log", read_policy("random"), SMALL, seed=3)
    fitted = {"_target_": f"{__name__}.TiringLogged", "log": str(tmp_path / "log"), "text_dims": 6}
    for config in (own, fitted | {"examine": "position_based"}):
        first = list(play(Random(), make_simulator(config, 5)))
        assert first[0].feedback.clicked.any()
        assert is_same(first, list(play(Random(), make_simulator(config, 5))))
        assert is_same(first, list(play(Random(), make(config, seed=5))))


def test_an_association_that_a_worker_made_is_read_by_those_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = SMALL | {"embeddings": str(tmp_path / "embeddings.sqlite")}

    def run() -> list[Round]:
        _make.cache_clear()  # as another process
        return list(play(Random(), make_simulator(config, 5)))

    alone = run()
    assert not (tmp_path / "runs").exists()  # there is nobody beside it
    monkeypatch.setattr(worlds, "parent_process", lambda: "a parent")
    made = run()
    assert is_same(alone, made)
    monkeypatch.delattr(worlds, "make")
    assert is_same(alone, run())
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delattr(worlds, "make")
    assert is_same(alone, run())  # whoever started the workers reads it, too
    with pytest.raises(NameError):
        make_simulator(config, 6)
