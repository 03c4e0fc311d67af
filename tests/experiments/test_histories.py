"""Readers judged by what members clicked before: the area by hand, made-up tastes, refusals."""

from pathlib import Path

import numpy as np
import pytest

from bandit.core import keys
from bandit.features.text import StaticEncoder
from experiments.checks.histories import POLICY, main, measure, measure_auc
from simulators.association.pools.articles import compose
from simulators.association.pools.catalogue import read_catalogue
from simulators.replay.loaders.mind import Mind
from tests.support.loader_cases import mind

ARCHIVE, SHOWN, LISTS = 400, 140, 60


def make_split(folder: Path) -> Mind:
    """Members who clicked articles of one topic, and click the one of a list that is nearest it."""
    rng = keys.generator("made-up histories", 3)
    pool = compose(rng, read_catalogue("pharmacy"), ARCHIVE + SHOWN, "N", 0.0)
    main_topic = pool.topics.argmax(axis=1)
    titles, summaries = pool.articles["title"], pool.articles["summary"]
    news = "".join(
        f"N{j}\tnews\tworld\t{titles[j]}\t{summaries[j]}\n" for j in range(len(main_topic))
    )
    lines: list[str] = []
    for i in range(LISTS):
        wanted = main_topic[rng.integers(ARCHIVE, ARCHIVE + SHOWN)]
        same = ARCHIVE + np.flatnonzero(main_topic[ARCHIVE:] == wanted)
        other = ARCHIVE + np.flatnonzero(main_topic[ARCHIVE:] != wanted)
        past = rng.choice(same, size=min(3, len(same)))
        now = [f"N{j}-0" for j in rng.choice(other, size=5)] + [f"N{rng.choice(same)}-1"]
        before = " ".join(f"N{j}" for j in past)
        lines.append(f"{i}\tU{i % 20}\t11/15/2019 9:05:58 AM\t{before}\t{' '.join(now)}\n")
    return mind(folder, "".join(lines), news)


def test_the_area_by_hand() -> None:
    """Of four pairs three are right and one is equal."""
    scores, clicked = np.array([3.0, 1.0, 2.0, 2.0]), np.array([True, False, True, False])
    assert measure_auc(scores, clicked) == 3.5 / 4
    assert measure_auc(-scores, clicked) == 0.5 / 4


def test_topics_tell_the_next_click_of_made_up_members(tmp_path: Path) -> None:
    found = measure(make_split(tmp_path).read(), StaticEncoder())
    assert found[POLICY].low > 0.9
    assert found[POLICY].estimate > found["32 components, whitened"].estimate


def test_what_cannot_be_judged_is_refused_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mind(tmp_path / "small")
    for folder, said in (
        ("small", "0 articles were never shown"),
        ("nowhere", "news.tsv: there is no"),
    ):
        with pytest.raises(SystemExit, match="2"):
            main([str(tmp_path / folder)])
        told = capsys.readouterr().err
        assert said in told
        assert "Traceback" not in told
