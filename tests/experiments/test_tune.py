"""Settings searched for: hopeless ones are given up early, on seeds that all share."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.files import read_json
from experiments.tune import __main__ as tune
from tests.support.asking import SMALL, Ask, ask_in, list_names

FEW = (*SMALL[:-1], "issues=2", "late_from=1", "workers=1", "policy=popular")


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return ask_in(tmp_path, monkeypatch)


def test_a_setting_that_is_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"keep=choice\(1\): keep is named twice"):
        tune.read_space(["keep=choice(0.5,0.9)", "keep=choice(1)"])


def test_the_words_for_what_may_vary_are_hydras() -> None:
    space = tune.read_space(
        [
            "a=choice(x,y)",
            "b=range(10,31,10)",
            "c=tag(log,interval(0.1,10))",
            "d=int(interval(1,9))",
        ]
    )

    class Asked:
        def suggest_categorical(self, name: str, values: list[Any]) -> Any:
            return (name, values)

        def suggest_float(self, name: str, low: float, high: float, log: bool) -> Any:
            return (name, low, high, log)

        def suggest_int(self, name: str, low: int, high: int, log: bool) -> Any:
            return (name, low, high, log, "whole")

    assert tune.suggest(Asked(), space) == {
        "a": ("a", ["x", "y"]),
        "b": ("b", [10, 20, 30]),
        "c": ("c", 0.1, 10, True),
        "d": ("d", 1, 9, False, "whole"),
    }
    assert [tune.list_steps(seeds) for seeds in (1, 2, 6, 8)] == [
        [1],
        [1, 2],
        [1, 2, 4, 6],
        [1, 2, 4, 8],
    ]


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("seeds=1", "over is not given; name what may vary"),
        ("over=['keep=0.5']", "over: keep=0.5; must be NAME=choice(...)"),
        ("over=['keep=choice(']", "over: keep=choice(: "),
        ("over=['kept=choice(0.5,0.9)']", "the policy has no setting 'kept'; it has keep, looks"),
        ("over=['keep=choice(0.9,7)']", "over: keep: keep = 7; must be in [0, 1]"),
        ("over=['keep=interval(0.9,7)']", "over: keep: keep = 7.0; must be in [0, 1]"),
        ("over=['keep=choice(0.9,[0.1])']", "over: keep: keep = [0.1]; must be "),
        ("over=['keep=interval(0.9,0.1)']", "over: keep=interval(0.9,0.1); must have A < B"),
        ("over=['keep=tag(log,interval(0,1))']", "interval(0.0,1.0); must have 0 < A < B"),
        ("over=['keep=range(1,0)']", "over: keep may be nothing; name at least one value"),
        ("over=['keep=tag(lag,interval(0.1,1))']", "nothing reads lag; an interval may be tag("),
        ("over=['keep=shuffle(choice(0.1,1))']", "nothing reads shuffle"),
        ("over=['+keep=choice(0.1,1)']", "name a setting as it is, such as keep=..."),
        ("over=['_target_=choice(a,b)']", "the policy has no setting '_target_'; it has keep"),
        ("trials=0", "trials = 0; must be a whole number of at least 1"),
    ],
)
def test_what_cannot_be_searched_for_is_refused(argument: str, says: str, ask: Ask) -> None:
    assert says in ask(tune.main, *FEW, argument)


def test_what_varies_is_not_set_beside(ask: Ask) -> None:
    """It would be ignored."""
    both = ("over=['keep=choice(0.5,0.9)']", "policy.keep=0.7")
    assert "over: keep varies, and policy.keep is set; say one of" in ask(tune.main, *FEW, *both)


@pytest.mark.slow
def test_a_search_gives_up_early_and_goes_on_from_what_is_there(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("optuna")
    own = (*FEW, "over=['epsilon=interval(0.0,0.9)']", "seeds=4", "trials=6", "name=found")
    assert not ask(tune.main, *own)
    assert "compare it on seeds that chose nothing, first_seed=4" in " ".join(
        capsys.readouterr().out.split()
    )
    run = tmp_path / "runs" / "found"
    trials = pd.read_parquet(run / "trials.parquet")
    assert set(trials["seeds"]) <= {1, 2, 4}
    assert len(list_names(run / "units")) == trials["seeds"].sum() < 6 * 4
    whole = trials[trials["seeds"] == 4]
    assert whole["clicks_per_delivered"].iloc[0] == whole["clicks_per_delivered"].max()
    best = read_json(run / "best.json")
    assert best["best"]["epsilon"] == whole["epsilon"].iloc[0]
    written = {path: path.stat().st_mtime_ns for path in run.glob("units/*/done.json")}
    assert not ask(tune.main, *own, "trials=7")
    assert all(path.stat().st_mtime_ns == when for path, when in written.items())
    assert len(pd.read_parquet(run / "trials.parquet")) == 7


@pytest.mark.slow
def test_what_giving_up_early_costs() -> None:
    """16 settings, 8 seeds, and seeds that differ, paired, as much as settings do: two fifths of
    the units, and the setting found is a twentieth of their spread worse than with all of them."""
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def search(halve: bool, rng: np.random.Generator) -> tuple[float, float]:
        true, used = rng.normal(size=16), 0
        seen = true[:, None] + rng.normal(size=(16, 8))
        pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
        sampler = optuna.samplers.RandomSampler(seed=0)
        study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)

        def tell(trial: Any) -> float:
            nonlocal used
            for before, step in zip([0, *tune.list_steps(8)], tune.list_steps(8), strict=False):
                used += step - before
                trial.report(mean := float(seen[trial.number, :step].mean()), step)
                if halve and step < 8 and trial.should_prune():
                    raise optuna.TrialPruned
            return mean

        study.optimize(tell, n_trials=16)
        return used / 128, float(true.max() - true[study.best_trial.number])

    cost = {
        h: np.mean([search(h, np.random.default_rng(i)) for i in range(200)], 0) for h in (0, 1)
    }
    assert cost[0][0] == 1
    assert 0.35 < cost[1][0] < 0.45
    assert 0.01 < cost[1][1] - cost[0][1] < 0.1
