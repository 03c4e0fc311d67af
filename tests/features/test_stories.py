"""Which articles tell one story, by their texts or by an editor's word."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.core.columns import Columns
from bandit.features import stories
from bandit.features.clean import read_texts
from bandit.features.features import Features
from bandit.features.stories import share_seen
from simulators.association.association import Association
from simulators.association.press import Press

Text = tuple[str, str]
RULE = ("New rules for naloxone dispensing", "The state board lets pharmacists dispense naloxone.")
OTHERS = [
    ("Salary negotiation for beginners", "Most job seekers never negotiate a first offer."),
    ("Hospital drug shortages", "Par levels of saline were reset each week in Boston."),
    ("What changes in travel vaccines", "Yellow fever boosters are no longer needed."),
]


def pool(texts: list[Text], source: str = "Wire", **columns: object) -> pd.DataFrame:
    titles, summaries = zip(*texts, strict=True)
    made = {"article": [f"a{j}" for j in range(len(texts))], "title": titles, "summary": summaries}
    return pd.DataFrame(made | {"kind": "article", "source": source} | columns)


def find_stories(articles: pd.DataFrame) -> np.ndarray:
    return stories.find_stories(Columns(articles), read_texts(articles))


def find_earlier(articles: pd.DataFrame, past: pd.DataFrame) -> list[list[object]]:
    return stories.find_earlier(
        Columns(articles), read_texts(articles), Columns(past), read_texts(past)
    )


def list_groups(articles: pd.DataFrame) -> set[frozenset[str]]:
    first, ids = find_stories(articles), articles["article"].to_numpy()
    groups = {frozenset(ids[first == story].tolist()) for story in np.unique(first)}
    return {group for group in groups if len(group) > 1}


@pytest.mark.parametrize(
    "again",
    [
        RULE,
        ("Updated: New rules for naloxone dispensing", RULE[1]),
        ("BREAKING NEWS - New rules for naloxone dispensing", RULE[1]),
        ("New rules for naloxone dispensing (corrected)", RULE[1]),
        ("Update 2: New rules for naloxone dispensing", f"{RULE[1]} It begins in May."),
        ("New rules for <b>naloxone</b> dispensing", f"<p>{RULE[1]}</p> Read more &raquo;"),
        ("NEW RULES FOR NALOXONE DISPENSING", "https://wire.example.org/a?utm_source=x"),
        ("Correction: new rules for naloxone dispensing", ""),
        ("Naloxone dispensing: new rules", "Pharmacists may dispense naloxone, says the board."),
    ],
)
def test_news_told_again_is_one_story(again: Text) -> None:
    articles = pool([*OTHERS, RULE, again], source="x").assign(source=list("abcde"))
    assert list_groups(articles) == {frozenset(["a3", "a4"])}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Pain at night (part 2)", RULE[1]), ("Pain at night (part 3)", RULE[1])),
        (("Pain at night, part two", RULE[1]), ("Pain at night, part three", RULE[1])),
        (("Minutes of May 3", "The board met."), ("Minutes of May 10", "The board met.")),
        (
            ("Drug shortage update: heparin", "The agency lists heparin as in shortage."),
            ("Drug shortage update: cisplatin", "The agency lists cisplatin as in shortage."),
        ),
        (
            ("Chapter meeting in Cleveland", "Doors open at six."),
            ("Chapter meeting in Denver", "Doors open at six."),
        ),
        (
            ("In memoriam: John Smith", "John led the student chapter for years."),
            ("In memoriam: Jane Doe", "Jane taught pharmacology in Ohio."),
        ),
        (
            ("From the president", "Dues stay as they are, writes our president."),
            ("From the president", "Why we march on the capitol in spring."),
        ),
        (
            ("What links sleep and pain", "Sleep recovers when shifts are short."),
            ("What links sleep and mood", "Mood lifts when people keep a journal."),
        ),
        (("Five facts about heparin", ""), ("Five facts about insulin", "")),
        (("Heparin", ""), ("Heparin", "The agency lists heparin as in shortage.")),
    ],
)
def test_a_template_is_no_story(one: Text, other: Text) -> None:
    for texts in ([one, other], [*OTHERS, one, other]):
        assert not list_groups(pool(texts))


def test_one_story_of_the_editor_and_of_the_wire() -> None:
    """Entities, tags, a call to read on, another link, "Updated:" and a word more."""
    small = [
        ("Q&amp;A: naloxone &#8212; what changed", "<p>New <b>naloxone</b> rules.</p> Read more"),
        ("WARFARIN GENOTYPES: FIVE POINTS", ""),
        ("Save the date: chapter meeting in Cleveland", "Doors open at six. Read more"),
        ("Updated: Q&A: naloxone - what changed", "New naloxone rules, with a correction."),
        ("x", ""),
    ]
    articles = pool(small).assign(source=["Bulletin", "Desk", "Chapters", "Wire", "Bulletin"])
    assert list_groups(articles) == {frozenset(["a0", "a3"])}


def test_an_editors_word_joins_and_parts() -> None:
    texts = [*OTHERS, RULE, (f"Updated: {RULE[0]}", RULE[1])]
    said = pool(texts, story=["s1", None, "s1", "s2", "s3"])
    assert list_groups(said) == {frozenset(["a0", "a2"])}
    assert list_groups(said.assign(story=["", "", "", "", "s3"])) == {frozenset(["a3", "a4"])}
    assert list_groups(said.assign(story=pd.array([7, None, 7, None, None], dtype="Int64"))) == {
        frozenset(["a0", "a2"]),
        frozenset(["a3", "a4"]),
    }


@given(order=st.permutations(range(9)))
def test_the_order_of_the_pool_does_not_matter(order: list[int]) -> None:
    more = [
        (f"Reminder: {RULE[0]}", f"{RULE[1]} Now."),
        OTHERS[1],
        ("Other news", "Of other things."),
    ]
    articles = pool([*OTHERS, RULE, *more, ("", ""), ("x", "")])
    assert list_groups(articles.iloc[order].reset_index(drop=True)) == list_groups(articles)
    assert list_groups(articles) == {frozenset(["a3", "a4"]), frozenset(["a1", "a5"])}


@pytest.mark.slow
def test_in_the_simulator_most_retold_stories_are_found_and_hardly_any_other() -> None:
    """Seeds 100 and 101, 26 pools each. What is found wrongly has subject and finding in common."""
    press = Press(series=0.06, duplicates=0.05, breaking=0.15)
    told = found = wrong = pools = 0
    for seed in (100, 101):
        world = Association(seed=seed, members=60, issues=26, carried=0.0, press=press)
        for number in range(1, 27):
            made = world.pool(number)
            same = np.array([[one is other for one in made.stories] for other in made.stories])
            first = find_stories(made.articles)
            got = first[:, None] == first
            told += np.triu(same, 1).sum()
            found += np.triu(same & got, 1).sum()
            pools += 1
            for i, j in np.argwhere(np.triu(got & ~same, 1)):
                wrong += 1
                one, other = made.stories[i].words, made.stories[j].words
                assert (one["subject"], one["finding"]) == (other["subject"], other["finding"])
    assert found / told > 0.55
    assert wrong / pools < 0.08


@pytest.mark.slow
def test_pools_without_duplicates_tell_as_many_stories_as_articles() -> None:
    for seed, catalogue in ((102, "pharmacy"), (103, "pharmacy"), (104, "engineers")):
        world = Association(seed=seed, members=60, issues=12, catalogue=catalogue)
        for number in range(1, 13):
            articles = world.pool(number).articles
            assert len(np.unique(find_stories(articles))) == len(articles)


def test_what_was_told_before_is_found_under_its_old_id() -> None:
    """What is earlier to one article of a story is so to the other; the pool's own are no past."""
    now = pool([*OTHERS, RULE, (f"Updated: {RULE[0]}", RULE[1])])
    past = pool([(f"Breaking: {RULE[0]}", RULE[1]), ("Pain at night", "Why it hurts."), OTHERS[1]])
    past = past.assign(article=["old0", "old1", "a1"])
    assert find_earlier(now, past) == [[], [], [], ["old0"], ["old0"]]
    assert find_earlier(now, past.iloc[:0]) == [[]] * 5


def test_seen_once_is_seen() -> None:
    seen = np.array([[True, False, False, False], [False, False, False, True]])
    shared = share_seen(seen, np.array([0, 1, 0, 3]))
    assert shared.tolist() == [[True, False, True, False], [False, False, False, True]]
    assert share_seen(seen, np.arange(4)) is seen


def test_a_context_knows_its_stories() -> None:
    world = Association(seed=5, members=60, issues=6)
    articles = world.pool(1).articles
    twin = articles.iloc[[3]].assign(article="zz", title="Updated: " + articles["title"][3])
    both = pd.concat([articles, twin], ignore_index=True)
    context, features = world.issue(1), world.features
    seen = np.zeros((len(context.members), len(both)), dtype=bool)
    seen[2, 3] = seen[5, -1] = True
    made = features.make_context("c", 1, context.members, both, context.rules, seen=seen)
    assert made.stories is not None
    assert made.stories[-1] == 3
    assert made.seen[[2, 5]][:, [3, -1]].all()
    assert made.seen.sum() == 4
    names = Features(features.attributes, features.reader, verbatim=True)
    assert names.find_stories(both).tolist() == list(range(len(both)))


def test_nearness_is_the_share_of_weight_that_two_texts_have_in_common() -> None:
    """By one product of matrices, as by adding up the weights of each pair's words."""
    again = pool([("More naloxone", "Pharmacists may dispense what the state lets them.")])
    told, others = (
        stories._read(Columns(articles), read_texts(articles))
        for articles in (pool([RULE, *OTHERS]), pd.concat([pool([OTHERS[1], RULE]), again]))
    )
    weights = stories.Weights(told)
    near = weights.find_near(told, others)
    for i, one in enumerate(told):
        for j, other in enumerate(others):
            both = weights.add(one.words & other.words)
            either, least = (
                weights.add(one.words | other.words),
                min(weights.add(one.words), weights.add(other.words)),
            )
            bare = (one.bare or other.bare) and both >= stories.RETOLD * least
            assert near[i, j] == (both >= stories.RETOLD * either or bare), (i, j)
    assert np.argwhere(near).tolist() == [[0, 1], [0, 2], [2, 0]]
