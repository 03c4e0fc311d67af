"""Several settings of one policy side by side, from the command line and from a yaml."""

from pathlib import Path

import pandas as pd
import pytest

from bandit.core.files import read_json
from experiments import compare
from experiments.compare import list_seeds
from tests.support.asking import SMALL, Ask, ask_in, list_names

OWN = """
defaults:
  - compare
  - policy@policies.bold: popular
  - policy@policies.shy: popular
  - _self_
  - override policies: random
policies:
  bold: {epsilon: 0.5}
  shy: {epsilon: 0.0, looks: 7}
seeds: [3, 1001]
"""


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    return ask_in(tmp_path, monkeypatch)


def show_config(ask: Ask, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert not ask(compare.main, *arguments, "--cfg", "job")
    return capsys.readouterr().out.partition("simulator:")[0]


def test_the_configuration_shows_every_variant(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = show_config(
        ask,
        capsys,
        "policies=[random,popular]",
        "policies.popular.epsilon=0.1,0.4",
        "policies.popular.looks=7",
        "policies.popular.keep=0.5,0.25",
    )
    heads = [line.strip(" :'") for line in shown.splitlines() if line.startswith("  ")]
    names = [head for head in heads if head.startswith(("popular", "random"))]
    assert names == [
        "random",
        "popular epsilon=0.1 keep=0.5",
        "popular epsilon=0.1 keep=0.25",
        "popular epsilon=0.4 keep=0.5",
        "popular epsilon=0.4 keep=0.25",
    ]
    assert shown.count("looks: 7") == 4
    assert shown.count("epsilon: 0.4") == shown.count("keep: 0.25") == 2


def test_one_setting_of_one_policy_and_a_policy_under_another_name(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("policies=[popular]", "+policy@policies.bold=popular", "policies.bold.looks=9")
    shown = show_config(ask, capsys, *arguments, "policies.popular.looks=3")
    assert shown.index("popular:") < shown.index("looks: 3") < shown.index("bold:")
    assert shown.index("bold:") < shown.index("looks: 9")


def test_all_stands_for_every_policy(ask: Ask, capsys: pytest.CaptureFixture[str]) -> None:
    shown = show_config(ask, capsys, "policies=all")
    assert "\n  vw_ccb:" in shown
    assert "\n  bayes_limit:" in shown


def test_several_values_of_a_policy_that_is_not_compared_are_refused(ask: Ask) -> None:
    said = ask(compare.main, "policies=[random]", "policies.popular.looks=3,4")
    assert "policies.popular has several values and is not among the policies" in said
    said = ask(compare.main, "policies=[random]", "policies.bold.looks=3,4")
    assert "policies.bold has several values; it is no policy of configs/policy" in said


@pytest.mark.slow
def test_variants_are_compared_as_policies_of_their_own(ask: Ask, tmp_path: Path) -> None:
    """Three issues: a value that is the default's gives what the policy itself gives."""
    arguments = ("policies=[random,popular]", "policies.popular.epsilon=0.05,0.9", "late_from=2")
    said = ask(compare.main, *arguments, "off_policy_from=2", "seeds=[3,1001]", "name=v", *SMALL)
    assert not said
    run = tmp_path / "runs" / "v"
    names = ["popular epsilon=0.05", "popular epsilon=0.9", "random"]
    assert sorted(pd.read_parquet(run / "summary.parquet")["policy"]) == names
    assert list_names(run / "units") == sorted(f"{n}-{seed}" for n in names for seed in (3, 1001))
    assert read_json(run / "run.json")["seeds"] == [3, 1001]
    assert (run / ".hydra" / "overrides.yaml").exists()
    other = ("policies=[random,popular]", "late_from=2", "off_policy_from=2", "seeds=[3,1001]")
    assert not ask(compare.main, *other, "hydra.run.dir=elsewhere", *SMALL)
    results = [pd.read_parquet(f / "results.parquet") for f in (run, tmp_path / "elsewhere")]
    mine, plain = (table[table["policy"].str.startswith("popular")] for table in results)
    mine = mine[mine["policy"] == names[0]]
    assert mine["value"].tolist() == plain["value"].tolist()


def test_a_yaml_of_ones_own_names_variants(
    ask: Ask, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bold_or_shy.yaml").write_text(OWN, encoding="utf-8")
    shown = show_config(ask, capsys, "--config-dir", "mine", "--config-name", "bold_or_shy")
    for name, value in (("bold", "epsilon: 0.5"), ("shy", "looks: 7")):
        assert value in shown[shown.index(f"{name}:") :]
    assert "lin_ts" not in shown


@pytest.mark.parametrize(
    ("seeds", "first", "message"),
    [
        (0, 0, "seeds = 0"),
        ([], 0, "seeds is empty"),
        ([4, 4], 0, "names one twice"),
        ([4, -1], 0, "seeds = -1"),
        ([4], 2, "first_seed = 2; seeds names the first"),
        ("five", 0, "seeds = 'five'"),
    ],
)
def test_seeds_that_cannot_be(seeds: list[int], first: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        list_seeds(seeds, first)
