"""The digest of a unit's code changes with what its policy and simulator import, only with it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from experiments.runner.configs import ROOT, Settings, list_configs, read_policy
from experiments.runner.digest import PROJECT, digest_code, find_sources

UNIT = "experiments.runner.unit"
ASSOCIATION: Settings = {"_target_": "simulators.association.association.Association"}
CLASSIFICATION: Settings = {"_target_": "simulators.classification.Classification"}
POLICIES = {name: [read_policy(name)] for name in list_configs("policy")}
SIMULATORS = {
    "association": [ASSOCIATION],
    "noisy": [ASSOCIATION | {"noise": {"_target_": "simulators.noise.noise.Noise"}}],
    "classification": [CLASSIFICATION],
}

Changes = Callable[[str, dict[str, list[Settings]]], set[str]]


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("code")
    for package in PROJECT:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / package, root / package, ignore=ignored)
    return root


@pytest.fixture
def changed_by(copy: Path) -> Changes:
    """Which of some units have another digest when a line is added to a file."""

    def digest(units: dict[str, list[Settings]]) -> dict[str, str]:
        return {name: digest_code([UNIT], configs, copy) for name, configs in units.items()}

    def edit(file: str, units: dict[str, list[Settings]]) -> set[str]:
        path = copy / file
        text, before = path.read_text(encoding="utf-8"), digest(units)
        path.write_text(f"{text}# edited\n", encoding="utf-8")
        after = digest(units)
        path.write_text(text, encoding="utf-8")
        assert digest(units) == before
        return {name for name in units if before[name] != after[name]}

    return edit


@pytest.mark.parametrize(
    ("file", "policies"),
    [
        ("bandit/models/linear/blocks.py", {"lin_ts", "lin_ucb"}),
        ("bandit/models/neural/network.py", {"neural"}),
        ("bandit/models/vowpal/workspace.py", {"vw", "vw_ccb"}),
        ("bandit/policies/oracle.py", {"oracle"}),
        ("bandit/core/types.py", set(POLICIES)),
        ("simulators/play.py", set(POLICIES)),
        ("experiments/runner/unit.py", set(POLICIES)),
        ("experiments/report/report.py", set()),
        ("experiments/runner/pool.py", set()),
        ("simulators/association/association.py", set()),
    ],
)
def test_an_edit_changes_the_policies_that_import_it(
    file: str, policies: set[str], changed_by: Changes
) -> None:
    assert changed_by(file, POLICIES) == policies


@pytest.mark.parametrize(
    ("file", "simulators"),
    [
        ("simulators/association/pools/pharmacy.yaml", {"association", "noisy"}),
        ("simulators/classification.py", {"classification"}),
        ("simulators/noise/noise.py", {"association", "noisy"}),
        ("simulators/base.py", set(SIMULATORS)),
        ("simulators/replay/replay.py", set()),
    ],
)
def test_an_edit_changes_the_simulators_that_import_it(
    file: str, simulators: set[str], changed_by: Changes
) -> None:
    assert changed_by(file, SIMULATORS) == simulators


def test_a_wrapped_policy_counts(changed_by: Changes) -> None:
    wave = read_policy("wave")
    units = {
        name: [wave | {"policy": read_policy(name)}] for name in ("random", "lin_ts", "recency")
    }
    assert changed_by("bandit/policies/recency.py", units) == {"recency"}
    assert changed_by("bandit/models/linear/forms.py", units) == {"lin_ts"}
    assert changed_by("bandit/policies/wave.py", units) == set(units)


def test_every_form_of_import_is_followed(tmp_path: Path) -> None:
    sources = {
        "bandit/__init__.py": "",
        "bandit/a.py": "import bandit.b\nimport numpy\n",
        "bandit/b.py": "def load():\n    from bandit.room import c as other\n    return other\n",
        "bandit/room/__init__.py": "",
        "bandit/room/c.py": "from bandit.d import value, more\n",
        "bandit/d.py": "if True:\n    from bandit.room import named\nvalue = more = 1\n",
        "bandit/alone.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "bandit/room/data.yaml").write_text("a: 1\n", encoding="utf-8")
    found = {
        path.relative_to(tmp_path).as_posix()
        for path in find_sources(["bandit.a"], tmp_path).values()
    }
    assert found == {*sources, "bandit/room/data.yaml"} - {"bandit/alone.py", "bandit/__init__.py"}


def test_a_class_that_cannot_be_imported_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"_target_ = 'bandit\.nowhere\.Policy' cannot be had"):
        digest_code([UNIT], [{"_target_": "bandit.nowhere.Policy"}])
