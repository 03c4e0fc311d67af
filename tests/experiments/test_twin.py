"""What a log foretells has a band that holds the truth, or the log is said to be too small."""

from pathlib import Path

import numpy as np
import pytest

from bandit.core.files import read_json
from experiments.studies.twin import LEVEL, Foretold, _write_headline, foretell
from experiments.study.__main__ import main
from experiments.study.cells import Gain
from experiments.study.plan import Study
from tests.support.asking import ask_in


def test_a_band_is_the_prediction_interval_of_the_next_error() -> None:
    """Three errors -.1, 0 and .1: half a band is t(.975, 2) = 4.302653 times .1 sqrt(4 / 3)."""
    truth, fitted = np.array([0.2, 0.3, 0.4]), np.array([[0.2, 0.2, 0.2], [0.4, 0.4, 0.4]])
    found = foretell(truth, fitted)
    half = 4.302653 * 0.1 * np.sqrt(4 / 3)
    np.testing.assert_allclose(found.gain, (0.3, 0.3 - half, 0.3 + half), rtol=1e-6)
    assert (found.held, found.seeds) == (0, 3)  # two others have no band
    own = foretell(truth + 0.1, fitted, np.array([[0.5, 0.7]]))  # fits are .1 too low everywhere
    np.testing.assert_allclose(own.gain, (0.7, 0.7 - half, 0.7 + half), rtol=1e-6)
    exact = foretell(truth, np.array([truth - 0.05] * 3))
    np.testing.assert_allclose(exact.gain, [truth.mean()] * 3)


def test_bands_hold_what_they_say_wherever_errors_are_alike() -> None:
    """Fits that are all off alike, and one by one: 95 of 100 truths, whatever the families share.

    400 times 20 associations, of which each is judged by the 19 others.
    """
    rng = np.random.default_rng(5)
    held = []
    for _ in range(400):
        truth = rng.normal(0.2, 0.05, 20)
        fitted = truth - 0.1 + rng.normal(0, 0.08, 20) + rng.normal(0, 0.02, (3, 20))
        held.append(foretell(truth, fitted).held)
    assert np.mean(held) / 20 == pytest.approx(LEVEL, abs=0.01)
    assert np.mean([Foretold(Gain(0, 0, 0), n, 20).believed for n in held]) > 0.9


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (Foretold(Gain(0.2, -0.1, 0.5), 19, 20), "leaves open whether there is a gain at all"),
        (Foretold(Gain(0.2, 0.1, 0.3), 16, 20), "hold the truth of only 16 of 20"),
        (Foretold(Gain(0.2, 0.1, 0.3), 4, 4), "at least 5 are needed to say how far"),
        (Foretold(Gain(0.2, np.nan, np.nan), 0, 2), "20 % more clicks (without a band)"),
    ],
)
def test_a_log_whose_band_is_not_to_be_trusted_is_said_to_be_too_small(
    found: Foretold, says: str
) -> None:
    assert not found.enough
    for mine, begins in ((True, "Your log is too small"), (False, "If your log has 1,000 members")):
        words = _write_headline(found, 1000, 26, mine).translate({0xA0: " ", 0x2212: "-"})
        assert words.startswith(begins)
        assert "our log is too small" in words
        assert says in words


def test_a_log_that_says_enough_is_not_called_small() -> None:
    found = Foretold(Gain(0.2, 0.1, 0.3), 19, 20)
    assert found.enough
    words = _write_headline(found, 6000, 26, False).translate({0xA0: " "})
    assert "too small" not in words
    assert "20 % more clicks (95 % band +10 % to +30 %) from profiles than" in words


def test_worlds_fitted_to_data_are_there_with_the_data_alone(tmp_path: Path) -> None:
    worlds: dict[str, list[str]] = {"usual": [], "mine": ["simulator.log='@data'"]}
    words = ("t", "a?", "s.", "r.")
    assert Study(*words, worlds, {"blast": None}).cells == [("usual", "blast")]
    study = Study(*words, worlds, {"blast": None}, data=str(tmp_path))
    assert study.cells == [("usual", "blast"), ("mine", "blast")]
    assert study.worlds["mine"] == [f"simulator.log='{tmp_path}'"]


@pytest.mark.slow
def test_a_log_of_ones_own_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log of a unit is given as a log of one's own: its fits stand beside the others."""
    ask = ask_in(tmp_path, monkeypatch)
    tiny = ("simulator.members=150", "simulator.text_dims=8", "issues=16", "late_from=4")
    assert not ask(main, "study=twin", *tiny, "seeds=1", "name=first")
    (log,) = (tmp_path / "runs" / "first" / "units").glob("Random-*")
    own = f"study.twin.data={log}"
    assert not ask(main, "study=twin", *tiny, "seeds=3", own, "name=mine")
    run = tmp_path / "runs" / "mine" / "twin"
    assert read_json(run / "run.json")["headline"].startswith("Your log is too small as far as 3")
    page = (run / "study.html").read_text(encoding="utf-8")
    assert "Fitted, your log, slot by slot" in page
    assert "Foretold of your log" in page
