"""A setting that nothing reads is refused, in every command, with the nearest that is read."""

from collections.abc import Callable
from pathlib import Path

import pytest

from experiments import (
    calibrate,
    compare,
    cost,
    delayed,
    headlines,
    reading,
    run,
    scale,
    showdown,
    train,
)
from experiments.archive import __main__ as archive
from experiments.asked.known import read_own, say_unknown
from experiments.check import __main__ as check
from experiments.coldstart import __main__ as coldstart
from experiments.evaluate import __main__ as evaluate
from experiments.growth import __main__ as growth
from experiments.ope_benchmark import __main__ as ope_benchmark
from experiments.runner.configs import CONFIGS
from experiments.tune import __main__ as tune
from tests.support.asking import Ask, ask_in

MAINS: dict[str, Callable[[], None]] = (
    {
        module.__name__.rpartition(".")[2]: module.main
        for module in (calibrate, compare, cost, delayed, headlines, reading, run, scale, train)
    }
    | {"showdown": showdown.main}
    | {"check": check.main, "coldstart": coldstart.main, "evaluate": evaluate.main}
    | {"archive": archive.main, "ope_benchmark": ope_benchmark.main, "tune": tune.main}
    | {"growth": growth.main}
)
WRONG = [
    ("compare", "policy.epsilon=0.3", "no setting 'policy.epsilon'; nearest: policies."),
    ("compare", "+policy.epsilon=0.5", "no setting 'policy.epsilon'; nearest: policies."),
    ("compare", "++policies.profile.epsilon=0.5", "'policies.profile.epsilon'"),
    ("compare", "policies.profile.bugdet=0.5", "nearest: policies.profile.budget"),
    ("compare", "policies.profile.bugdet=0.5,0.7", "bugdet'; nearest: "),
    ("compare", "+policies.profil.budget=0.5", "'policies.profil'; nearest: policies.profile"),
    ("compare", "polices=[random]", "no setting 'polices'; nearest: policies"),
    ("compare", "seed=3", "no setting 'seed'; nearest: seeds"),
    ("compare", "+simulator.issues=4", "simulator.issues is set by issues; say issues=4"),
    ("run", "+policy.epsilon=0.5", "no setting 'policy.epsilon'; nearest: policy."),
    ("run", "policy.bugdet=0.5", "nearest: policy.budget; policy has budget, click_rate"),
    ("train", "+policy.epsilon=3", "no setting 'policy.epsilon'; nearest: policy."),
    ("train", "hydra.run.dir=here", "hydra.run.dir is not for train"),
    ("evaluate", "+policy.epsilon=3", "no setting 'policy.epsilon'; nearest: "),
    ("evaluate", "rules={at_most:{kind:{event:0}}}", "log is not given; name the folder of an"),
    ("evaluate", "+rules.only={1:{kind:[event]}}", "log is not given; name the folder of an"),
    ("evaluate", "policy=lin_tz", "there is no policy 'lin_tz'; nearest: lin_ts; choose from "),
    ("evaluate", "seed=3", "log is not given; name the folder of an archive, log=FOLDER"),
    ("run", "+simulator.memberz=3", "nearest: simulator.members"),
    ("run", "+simulator.drift.wlak=0.1", "nearest: simulator.drift.walk"),
    ("run", "+polcy=random", "no setting 'polcy'; nearest: policy"),
    ("run", "simulater=informz", "no setting 'simulater'; nearest: simulator"),
    ("run", "+simulator.seed=3", "simulator.seed is set by seed; say seed=3"),
    ("run", "simulator.issues=6", "simulator.issues is set by issues; say issues=VALUE"),
    (
        "run",
        "policy.max_slots=3",
        "max_slots is an option that no yaml has a value for; say +policy",
    ),
    ("run", "~seed", "seed is not there; it is a setting that run needs"),
    ("run", "hydra.rum.dir=x", "no setting 'hydra.rum.dir'; nearest: hydra.run.dir"),
    ("run", "policy=lin_tz", "there is no policy 'lin_tz'; nearest: lin_ts; choose from bayes_"),
    ("run", "policy.budget=0.1,0.2", "several values; -m runs each of them, policy.budget=[0.1"),
    ("run", "policy.budget=[0.1", "policy.budget=[0.1: no viable alternative"),
    ("scale", "simulator.members=3", "simulator.members is set by members; say members=3"),
    ("run", "hydra.run.dir=s3://store/x", "s3://store/x is an address; must be a folder of this"),
    ("scale", "hydra.run.dir=here", "hydra.run.dir is not for scale"),
    ("calibrate", "+rates.sead=3", "no setting 'rates.sead'; nearest: rates.seeds"),
    *((name, "+saed=3", "no setting 'saed'; nearest: ") for name in MAINS),
    *((name, "hydra/luncher=joblib", "hydra/luncher") for name in ("run",)),
]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return ask_in(tmp_path, monkeypatch)


@pytest.mark.parametrize(("command", "argument", "message"), WRONG)
def test_what_nothing_reads_is_refused_in_one_line_and_leaves_nothing(
    command: str, argument: str, message: str, ask: Ask, tmp_path: Path
) -> None:
    said = ask(MAINS[command], argument)
    assert said.startswith(f"{command}: ")
    assert message in said
    assert "\n" not in said
    assert not [path for path in tmp_path.rglob("*") if path != tmp_path / "runs"]


def test_a_config_that_is_no_yaml_is_refused_with_its_place(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "mine" / "policy").mkdir(parents=True)
    (tmp_path / "mine" / "policy" / "cut.yaml").write_text("_target_: mine.Mine\n  keep: [\n")
    said = ask(run.main, "--config-dir", str(tmp_path / "mine"), "policy=cut")
    assert said.startswith("run: mapping values are not allowed here in ")
    assert said.endswith('cut.yaml", line 2, column 7')


def test_an_option_that_a_yaml_leaves_out_may_be_added(ask: Ask) -> None:
    said = ask(run.main, "+policy.max_slots=0", "issues=1")
    assert said == "run: max_slots = 0; must be at least 1"


def test_a_command_may_set_what_its_yaml_and_its_groups_hold() -> None:
    own = read_own("compare")
    assert {"policies", "simulator", "seeds", "late_from"} <= set(own)
    assert not {"hydra", "defaults", "override hydra/job_logging"} & set(own)


def test_the_nearest_stands_beside_or_anywhere() -> None:
    known = ["policies.vw.epsilon", "policies.vw.bits", "seeds"]
    assert "nearest: seeds" in say_unknown("sead", known)
    assert "nearest: policies.vw.bits; policies.vw has bits, epsilon" in say_unknown(
        "policies.vw.bit", known
    )
    assert "nearest: policies.vw.epsilon" in say_unknown("policy.epsilon", known)


@pytest.mark.parametrize("command", sorted(MAINS))
def test_help_prints_the_options_and_what_may_be_chosen(
    command: str, ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    assert not ask(MAINS[command], "--help")
    text = capsys.readouterr().out
    yaml = (CONFIGS / f"{command}.yaml").read_text(encoding="utf-8")
    for line in yaml[yaml.index("_self_") : yaml.index("\nhydra:")].splitlines()[1:]:
        assert line in text
    assert "hydra:" not in text
    if "\n  - policy: " in yaml:
        assert "policy=NAME: bayes_limit, blast" in text
