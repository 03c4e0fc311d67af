"""The command that says what a log's articles are about, and learns a new reader."""

from pathlib import Path

import pytest
from rich.console import Console

from bandit.core.files import read_json
from bandit.policies.popular import Popular
from experiments import reading
from experiments.runner.configs import Settings, read_policy
from experiments.runner.unit import run_unit

SIZES = {"members": 150, "issues": 4, "pool": 30, "slots": 4, "click_to_open": 0.4}
SIMULATOR = {"_target_": "simulators.association.association.Association", **SIZES}


class Own(Popular):
    """A policy of somebody's own project."""


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unit") / "random"
    run_unit(folder, read_policy("random"), SIMULATOR, seed=3)
    return folder


def ask(unit: Path, **more: object) -> Settings:
    settings = {"log": str(unit), "bundle": None, "refit": False, "text_dims": None, "name": None}
    return settings | {"policy": read_policy("profile")} | more


def listen(config: Settings) -> str:
    console = Console(record=True, width=100, quiet=True)
    with console.capture() as said:
        console.quiet = False
        reading.run(config, "profile", console)
    return said.get()


def test_a_log_is_described_by_the_topics_of_its_bundle(unit: Path) -> None:
    said = listen(ask(unit))
    assert "topics, as they are read" in said
    assert "The reader fits" in said


@pytest.mark.slow
def test_a_new_reader_learns_the_log_and_is_not_judged_by_it(
    unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = read_json(unit / "bundle" / "manifest.json")
    said = listen(ask(unit, refit=True, name="anew"))
    assert "later issues will show" in said
    assert "unread" not in said
    made = read_json(tmp_path / "runs" / "anew" / "bundle" / "manifest.json")
    assert made["policy"] == "bandit.policies.profile.Profile"
    assert made["features"]["reader"] != before["features"]["reader"]
    listen(ask(unit, refit=True, name="anew"))  # an earlier refit may be made again
    assert read_json(tmp_path / "runs" / "anew" / "bundle" / "manifest.json") == made


def test_the_bundle_of_a_run_is_never_replaced(
    unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "mine").symlink_to(unit, target_is_directory=True)
    with pytest.raises(ValueError, match="holds something else than a bundle"):
        reading.run(ask(unit, refit=True, name="mine"), "profile", Console(quiet=True))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"log": None}, "log is not given"),
        ({"refit": "maybe"}, "refit = 'maybe'; must be true or false"),
        ({"text_dims": 8}, "text_dims = 8; it is for use with refit=true"),
        ({"name": "x"}, "name = 'x'; it is for use with refit=true"),
        ({"refit": True, "bundle": "y"}, "bundle = 'y'; it is for use without refit=true"),
    ],
)
def test_settings_that_would_do_nothing_are_refused(
    unit: Path, more: Settings, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        reading.run(ask(unit, **more), "profile", Console(quiet=True))


def test_a_policy_that_leaves_no_bundle_is_refused_before_it_learns(
    unit: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log may take hours to learn, and nothing but a bundle is left of it."""
    monkeypatch.chdir(tmp_path)
    own = {"_target_": "tests.experiments.test_reading.Own"}
    with pytest.raises(ValueError, match="policy = mine: no bundle: a sender takes policies of"):
        reading.run(ask(unit, refit=True) | {"policy": own}, "mine", Console(quiet=True))
    assert not (tmp_path / "runs").exists()
