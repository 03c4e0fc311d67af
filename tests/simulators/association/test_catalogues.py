"""The catalogues: what is refused by name, how articles mix topics, and what their text says."""

from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
import pytest
import yaml

from simulators.association.pools.articles import Pool, compose
from simulators.association.pools.catalogue import (
    ALL_KINDS,
    CATALOGUES,
    FOLDER,
    Catalogue,
    read_catalogue,
)
from simulators.association.pools.stories import HEAVY
from tests.support.dynamics_cases import build

each = pytest.mark.parametrize("name", CATALOGUES)
COUNT = 3000


@cache
def read(name: str) -> dict[str, Any]:
    """What the YAML file of a catalogue holds."""
    found: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return found


def raw(name: str) -> dict[str, Any]:
    """The same, for the caller to change."""
    return deepcopy(read(name))


@pytest.fixture(scope="module")
def mixed() -> Pool:
    """Articles of the engineers, enough to count."""
    return compose(np.random.default_rng(5), read_catalogue("engineers"), COUNT, "A", 0.3)


# Refused by name


def test_there_are_two_catalogues() -> None:
    assert CATALOGUES == ["engineers", "pharmacy"]


@each
@pytest.mark.parametrize("part", ["topics", "kinds", "attributes", "sources", "places"])
def test_a_catalogue_without_a_part_is_refused(name: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        Catalogue.model_validate(raw(name) | {part: []})
    with pytest.raises(ValueError, match=part):
        Catalogue.model_validate({key: value for key, value in raw(name).items() if key != part})


def change(name: str, *path: Any, to: Any) -> dict[str, Any]:
    book = raw(name)
    where: Any = book
    for key in path[:-1]:
        where = where[key]
    where[path[-1]] = to
    return book


@pytest.mark.parametrize(
    ("book", "said"),
    [
        (
            change("pharmacy", "topics", 3, "subjects", to=["one"]),
            r"topics\.3\.groups\.0\.subjects",
        ),
        (change("pharmacy", "topics", to=raw("pharmacy")["topics"][:1]), "at least 2 items"),
        (change("pharmacy", "kinds", "event", "share", to=1.7), r"kinds\.event\.share"),
        (change("pharmacy", "kinds", "article", "claims", to=["{finding}"]), "kind 'article'"),
        (change("pharmacy", "shares", to={"field": 0.5, "topic": 0.5, "group": 0.0}), "a tree"),
        (change("engineers", "asides", to=None), "make a tree: give all, or none"),
        (change("engineers", "shares", "field", to=0.4), "shares sum to 1.1"),
        (change("engineers", "topics", 2, "field", to="sea"), "is of field 'sea'; not in"),
        (change("engineers", "longest", to={"grade": {"baron": 3}}), "no member has grade 'baron'"),
        (
            change("engineers", "fields", 0, "appeals", to={"hat": {"red": 1.0}}),
            "appeals of 'structures': no member has hat 'red'",
        ),
        (
            change("engineers", "dependent", "grade", to={}),
            "grade must have shares for each sector",
        ),
        (change("engineers", "attributes", to={"sector": {"a": 1.0}}), "one must be region"),
    ],
)
def test_what_cannot_be_is_refused_by_name(book: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Catalogue.model_validate(book)


# Articles


@each
def test_kinds_that_only_campaigns_ask_for_do_not_come_by_themselves(name: str) -> None:
    book = read_catalogue(name)
    pool = compose(np.random.default_rng(0), book, 400, "A", 0.3)
    assert set(pool.articles["kind"]) == {"article", "event", "resource"}
    for kind in ALL_KINDS:
        only = compose(np.random.default_rng(0), book, 30, "A", 0.3, kinds={kind: 1.0})
        assert set(only.articles["kind"]) == {kind}
        assert not only.articles[["title", "summary"]].map(lambda text: "{" in text).any(axis=None)


def test_an_article_of_a_tree_is_a_graded_mixture(mixed: Pool) -> None:
    """Weights are those of one to three groups, the shares as the catalogue has them."""
    groups = mixed.interests()[:, -len(read_catalogue("engineers").groups) :]
    count = (groups > 0).sum(axis=1)
    for number, share in enumerate([0.45, 0.35, 0.2], start=1):
        error = 4 * np.sqrt(share * (1 - share) / COUNT)
        assert (count == number).mean() == pytest.approx(share, abs=error)
    np.testing.assert_allclose(mixed.topics.sum(axis=1), 1)
    # Of two Dirichlet(2, 2) weights the larger one has mean 11/16, and no two articles are alike.
    larger = groups[count == 2].max(axis=1) / groups[count == 2].sum(axis=1)
    assert larger.mean() == pytest.approx(11 / 16, abs=0.02)
    assert len(np.unique(larger.round(9))) == len(larger)


def test_neighbours_are_mixed_more_often_than_strangers(mixed: Pool) -> None:
    book = read_catalogue("engineers")
    pairs = mixed.interests()[:, -len(book.groups) :]
    pairs = pairs[(pairs > 0).sum(axis=1) == 2] > 0
    groups = np.array([np.flatnonzero(row) for row in pairs])
    topic = np.array([t for t, _ in book.groups])
    field = np.array([book.topics[t].field for t in topic])
    same = topic[groups[:, 0]] == topic[groups[:, 1]]
    near = ~same & (field[groups[:, 0]] == field[groups[:, 1]])
    error = 4 * np.sqrt(0.25 / len(pairs))
    assert same.mean() == pytest.approx(0.25 + 0.3 / 66, abs=error)
    assert near.mean() == pytest.approx(0.45 + 0.3 * 0.145, abs=error + 0.02)


def test_text_says_more_of_what_weighs_more(mixed: Pool) -> None:
    """The main group has the headline; a heavy further group a finding, a light one a mention."""
    book = read_catalogue("engineers")
    finding = {s: f for _, g in book.groups for s, f in zip(g.subjects, g.findings, strict=True)}
    heavy = light = 0
    for story, row in zip(mixed.stories, mixed.articles.itertuples(index=False), strict=True):
        subject = story.words["subject"]
        text = f"{row.title} {row.summary}".lower()
        assert subject.lower() in text
        assert story.words["finding"] == finding[subject]
        claimed = finding[subject].lower() in row.title.lower()
        assert claimed or subject.lower() in row.title.lower()
        for aside in story.asides:
            assert aside in row.summary
            told = [s for s in finding if s.lower() in aside.lower()]
            assert told
            says = any(finding[s].lower() in aside.lower() for s in told)
            heavy += says
            light += not says
    groups = mixed.interests()[:, -len(book.groups) :]
    weights = groups / groups.sum(axis=1, keepdims=True)
    further = np.sort(weights, axis=1)[:, :-1]
    assert heavy == (further >= HEAVY).sum()
    assert light == ((further > 0) & (further < HEAVY)).sum()


# Tastes


@pytest.mark.parametrize("explained", [0.0, 0.15, 0.6])
def test_every_article_of_a_tree_divides_members_equally(explained: float) -> None:
    """Whatever it mixes, the personal pull of an article has variance taste^2 (1 - explained)."""
    association = build(catalogue="engineers", taste=1.3, explained=explained)
    variance = association.hyperparameters()["interest_variance"][3:]
    tastes = association.pool(1).interests()[:, 3:]
    np.testing.assert_allclose(tastes**2 @ variance, 1.3**2 * (1 - explained))


def test_attributes_explain_their_share_of_a_trees_interests() -> None:
    association = build(catalogue="engineers", members=3000, taste=1.3, explained=0.3)
    x = association.features.encode_members(association.members)
    pull = (x @ association.hyperparameters()["B"])[:, 3:] @ read_catalogue("engineers").lay_out().T
    assert pull.var(axis=0).mean() == pytest.approx(0.3 * 1.3**2, rel=1e-9)
    np.testing.assert_allclose(pull.mean(axis=0).mean(), 0, atol=0.3)


def test_neighbours_in_the_tree_are_liked_alike() -> None:
    """Personal pulls correlate as the shares say: .3 in a field, .8 in a topic, else not."""
    association = build(catalogue="engineers", members=20_000, explained=0.0)
    book = read_catalogue("engineers")
    personal = association._interests.personal[:, 3:] @ book.lay_out().T
    found = np.corrcoef(personal.T)
    topic = np.array([t for t, _ in book.groups])
    field = np.array([book.topics[t].field for t in topic])
    for i in range(len(topic)):
        wanted = 0.3 * (field == field[i]) + 0.5 * (topic == topic[i])
        wanted[i] = 1.0
        np.testing.assert_allclose(found[i], wanted, atol=0.035)


def test_the_pharmacists_have_a_taste_for_each_topic_alone() -> None:
    book = read_catalogue("pharmacy")
    assert (book.lay_out() == np.eye(20)).all()
    assert (book.weigh_tastes() == 1).all()
    pool = compose(np.random.default_rng(1), book, 200, "A", 0.3)
    assert set(np.unique(pool.topics)) == {0.0, 0.5, 1.0}
    assert (pool.interests()[:, 3:] == pool.topics).all()
