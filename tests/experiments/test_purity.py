"""How pure named topics are, on texts that people have labelled."""

from pathlib import Path

import pytest

from bandit.core import keys
from bandit.features.clean import read_texts
from bandit.features.text import StaticEncoder
from bandit.log.words import OTHER
from experiments.checks.topics import judge_labelled, main, measure_purity, read_labelled, weigh
from simulators.association.pools.articles import compose
from simulators.association.pools.catalogue import read_catalogue

HEAD = "Category\tText\nd\tstring\nclass\t\n"


def test_purity_is_the_share_of_the_commonest_label() -> None:
    found = measure_purity(["a", "a", "a", "b", "a", "b"], ["x", "y", "x", "y", "x", "z"])
    assert list(found.index) == ["a", "b"]
    assert list(found["texts"]) == [4, 2]
    assert list(found["label"]) == ["x", "y"]
    assert list(found["share"]) == [0.75, 0.5]
    assert weigh(found) == pytest.approx((3 + 1) / 6)


def test_labels_are_told_by_named_topics_and_false_labels_are_not(tmp_path: Path) -> None:
    """Each simulated article is labelled with its largest true topic, of twenty."""
    pool = compose(keys.generator("purity", 5), read_catalogue("pharmacy"), 1200, "a", 0.0)
    told, labels = read_texts(pool.articles), [str(topic) for topic in pool.topics.argmax(axis=1)]
    path = tmp_path / "texts.tab"
    path.write_text(HEAD + "".join(f"{a}\t{t}\n" for a, t in zip(labels, told, strict=True)))
    found, plain = judge_labelled(read_labelled(path), 7, StaticEncoder())
    named = found.drop(OTHER, errors="ignore")
    assert named["texts"].sum() > 0.8 * found["texts"].sum() > 0
    assert weigh(found) > plain > 0.3
    false = labels[600:] + labels[:600]
    path.write_text(HEAD + "".join(f"{a}\t{t}\n" for a, t in zip(false, told, strict=True)))
    assert weigh(judge_labelled(read_labelled(path), 7, StaticEncoder())[0]) < 0.25


def test_a_file_without_labels_or_with_few_texts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "texts.tab"
    path.write_text("Class\tText\nd\tstring\n")
    with pytest.raises(ValueError, match=r"texts\.tab: there is no column Category, but \['Class'"):
        read_labelled(path)
    path.write_text(HEAD + "x\tsome words of it\n" * 63)
    monkeypatch.setattr("sys.argv", ["topics", str(path)])
    with pytest.raises(SystemExit, match=r"texts\.tab: 63 texts; must be at least 64"):
        main()
    monkeypatch.setattr("sys.argv", ["topics", str(tmp_path / "none.tab")])
    with pytest.raises(SystemExit, match=r"No such file"):
        main()
