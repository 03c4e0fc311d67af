"""Texts as they come, and what is read of them."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandit.features.boilerplate import drop_call
from bandit.features.clean import (
    LONGEST,
    UNREAD,
    clean_texts,
    find_boilerplate,
    join_texts,
    read_texts,
)
from bandit.features.features import Features
from bandit.features.markup import strip_markup
from bandit.features.text import StaticEncoder
from experiments.checks.dirty_text import WAYS, make_dirty
from simulators.association.association import Association
from simulators.association.pools.articles import compose_texts
from simulators.association.pools.catalogue import read_catalogue
from simulators.association.press import Press

ALIKE = sorted(set(WAYS) - {"all in capitals", "a title in capitals", "a page of 50,000 words"})


def pool(titles: list[str], summaries: list[str]) -> pd.DataFrame:
    ids = [f"a{j}" for j in range(len(titles))]
    made = {"article": ids, "title": titles, "summary": summaries}
    return pd.DataFrame(made | {"kind": "article", "source": "s"})


@pytest.mark.slow
def test_clean_texts_stay_as_they_are_to_the_byte() -> None:
    for seed, name in ((4, "pharmacy"), (5, "pharmacy"), (4, "engineers"), (5, "engineers")):
        world = Association(seed=seed, members=60, issues=26, catalogue=name)
        pools = [world.pool(number).articles for number in range(1, 27)]
        for articles in [*pools, pd.concat(pools).drop_duplicates("article")]:
            assert read_texts(articles) == join_texts(articles)
        archive = compose_texts(np.random.default_rng(seed), read_catalogue(name), 600, 0.3)
        assert clean_texts(archive) == archive
        assert not find_boilerplate(archive)


def test_of_a_busy_press_only_what_ads_have_in_common_is_left_out() -> None:
    press = Press(ads=0.15, series=0.06, duplicates=0.05, breaking=0.15)
    world, changed = Association(seed=6, members=60, issues=26, press=press), 0
    for number in range(1, 27):
        articles = world.pool(number).articles
        for came, read in zip(join_texts(articles), read_texts(articles), strict=True):
            changed += came != read
            assert read in (came, came.replace(" Book a demonstration today.", ""))
    assert 0 < changed < 26


@pytest.mark.parametrize("way", ALIKE)
def test_dirt_of_every_kind_comes_off(way: str) -> None:
    articles = Association(seed=7, members=60, issues=2).pool(1).articles
    plain = pd.Series(read_texts(articles))
    for every in (1, 2, 9):
        read = pd.Series(read_texts(make_dirty(articles, WAYS[way], every)))
        assert (read == plain).all(), (read[read != plain].iloc[0], plain[read != plain].iloc[0])


@pytest.mark.parametrize(
    ("came", "read"),
    [
        ("Q&amp;A: naloxone &#8212; what changed", "Q&A: naloxone - what changed"),
        ("R&amp;amp;D &amp;lt;b&amp;gt;now&amp;lt;/b&amp;gt;", "R&D now"),
        ("H<sub>2</sub>O and <b>nal</b>oxone", "H2O and naloxone"),
        ("<p>One.</p><p>Two</p>", "One.\nTwo"),
        ("a < b and c > d, p<.05, I <3 it", "a < b and c > d, p<.05, I <3 it"),
        ("Doses <age 5: what is safe", "Doses <age 5: what is safe"),
        ("<style>p > a {}</style>Kept<script>if (a<b) {}</script> too", "Kept too"),
        ("seen <!-- never --> here <![CDATA[and <i>here</i>]]>", "seen here and here"),
        ("go to https://x.org/a?utm_source=b, or write a.b@x.org.", "go to, or write."),
        ("(www.x.org/a) [\u2026] news.x.org/a?ref=x ?ref=x end", "end"),
        ("and/or, 24/7, 3.5/4 at Fig.2 e.g. i.e.", "and/or, 24/7, 3.5/4 at Fig.2 e.g. i.e."),
        ("in\u00advis\u200bible \u202eabc\u202c \ufeffx", "invisible abc x"),
        ("\u201cfi\ufb01\u201d \u2013 it\u2019s\u00a0ok \U0001f48a\ufe0f", '"fifi" - it\'s ok'),
        ("line one\nline two\r\n\r\nline three", "line one line two\nline three"),
        ('=HYPERLINK("http://x.org";"free") gift', "free gift"),
        ("Dear {{first_name}} *|LNAME|*, hello", "Dear, hello"),
    ],
)  # fmt: skip
def test_markup_is_stripped(came: str, read: str) -> None:
    assert strip_markup(came) == read


@pytest.mark.parametrize(
    "call",
    [
        *("Read more", "READ MORE \u00bb", "Read the full story on our site.", "Click here"),
        *("Click here to read more.", "Continue reading ->", "Learn more.", "View in browser"),
        *("View this email in your browser", "Unsubscribe", "Forward to a friend", "Register now!"),
        *("The post A new rule appeared first on Pharmacy News.", "5 min read", "Read on"),
        *("Share this article on LinkedIn", "Follow us on Twitter", "All rights reserved."),
    ],
)
def test_calls_are_left_out(call: str) -> None:
    assert drop_call(strip_markup(call)) == ""
    read = clean_texts([f"New rules for naloxone. They begin in spring. {call}", "Other. Thing."])
    assert read[0] == "New rules for naloxone. They begin in spring."


@pytest.mark.parametrize(
    "sentence",
    [
        *("Read more patients' charts before rounds", "Register now: an evening session on pain"),
        *("Click chemistry wins a prize", "Learn more languages", "Share of patients who respond"),
        *(
            "View from the top: a chief looks back",
            "More information saves lives",
            "Sign of change",
        ),
        *("Continue statins after eighty", "Join us in Denver for a day on pain", "See the person"),
        *("Get the full dose in four weeks", "Follow us up a mountain, by a patient with asthma"),
    ],
)
def test_sentences_that_only_begin_like_a_call_stay(sentence: str) -> None:
    assert drop_call(sentence) == sentence


def test_a_call_without_a_stop_before_it_is_left_out() -> None:
    assert clean_texts(["A rule. It begins in spring Read more \u00bb"]) == [
        "A rule. It begins in spring"
    ]


@pytest.mark.parametrize(
    ("m", "times", "left_out"),
    [(7, 3, False), (7, 4, True), (40, 3, False), (40, 4, True), (100, 4, False), (100, 5, True)],
)
def test_what_many_articles_repeat_is_left_out(m: int, times: int, left_out: bool) -> None:
    """From four articles on, and from a twentieth of them; capitals and numbers do not matter."""
    words = ["alpha", "beta", "gamma", "delta", "eps"]
    forms = ["Meet us at Booth 12.", "MEET us at booth 7!", "Meet us at booth 3."]
    summaries = [f"It says so {j}. {forms[j % 3] if j < times else ''}".strip() for j in range(m)]
    articles = pool([f"On {words[j % 5]}{'x' * (j // 5)}" for j in range(m)], summaries)
    read = read_texts(articles)
    assert [("booth" in text.lower()) for text in read] == [
        j < times and not left_out for j in range(m)
    ]


def test_repetition_counts_titles_and_never_takes_one() -> None:
    """An article under several ids is one article; and a title is what an article is about."""
    twins = pool(["Same title"] * 6, ["A sentence of its own."] * 6)
    assert read_texts(twins) == join_texts(twins)
    named = pool(["Weekly digest"] * 3 + ["One", "Two", "Three", "Four"], ["Weekly digest."] * 7)
    assert read_texts(named)[:3] == ["Weekly digest."] * 3
    assert read_texts(named)[3:] == ["One.", "Two.", "Three.", "Four."]


def test_a_small_pool_is_read_with_what_its_archive_repeats() -> None:
    archive = [
        f"Title {'x' * j}. Fact {'y' * j}. Paid for by the Springfield fund." for j in range(40)
    ]
    members = pd.DataFrame({"member": [1, 2]})
    features = Features.fit(members, archive, dims=3)
    assert features.boilerplate == {"paid for by the springfield fund"}
    fund = pool(["A new rule", "Two"], ["It begins. Paid for by the Springfield fund.", "Of it."])
    bare = fund.assign(summary=["It begins.", "Of it."])
    assert read_texts(fund) != read_texts(bare)
    assert features.encode_articles(fund).tobytes() == features.encode_articles(bare).tobytes()
    described, arrays = features.state()
    again = Features.restore(described, arrays)
    assert again.boilerplate == features.boilerplate


def test_shouting_is_written_as_others_write_it() -> None:
    read = clean_texts(
        [
            "WARFARIN GENOTYPES: FIVE POINTS ON HLA AND CYP2C19",
            "About HLA testing. In Denver, warfarin is given by genotype.",
            "FDA, CDC and NIH on HIV. Not loud.",
            "NEWS FROM DENVER TODAY. All is quiet here.",
        ]
    )
    assert read == [
        "Warfarin genotypes: five points on HLA and CYP2C19",
        "About HLA testing. In Denver, warfarin is given by genotype.",
        "FDA, CDC and NIH on HIV. Not loud.",
        "News from Denver today. All is quiet here.",
    ]


@given(texts=st.lists(st.text(max_size=80), min_size=1, max_size=6), seed=st.integers(0, 99))
def test_any_text_is_read_alike_in_any_order(texts: list[str], seed: int) -> None:
    read = clean_texts(texts)
    order = np.random.default_rng(seed).permutation(len(texts))
    assert clean_texts([texts[i] for i in order]) == [read[i] for i in order]
    for text in read:
        assert "\n" not in text
        assert "\u200b" not in text
        assert text == text.strip()
        assert text == "" or sum(map(str.isalpha, text)) >= 3


@pytest.mark.parametrize(
    "part", ["<a ", "&amp;", "a.b.", "<p>naloxone</p> ", "<!--", "\n ", "a@", '"']
)
def test_a_long_text_is_short_work(part: str) -> None:
    text = f"Naloxone rules. {part * 60_000}"
    (read,) = clean_texts([text])
    assert len(read.split()) <= LONGEST
    assert len(read) <= 20 * LONGEST
    assert read == "" or read.startswith("Naloxone rules.")


def test_what_cannot_be_read_is_average_and_reported() -> None:
    archive = compose_texts(np.random.default_rng(3), read_catalogue("pharmacy"), 200, 0.3)
    features = Features.fit(pd.DataFrame({"member": [1, 2]}), archive, dims=5)
    articles = pool(
        ["x", "<br>", "Read more", "Uusi tutkimus opioidien käytöstä ja hoidosta", "Naloxone"],
        ["", "https://x.org/a", "Click here", "Vuosikokous: ilmoittaudu ennen perjantaita", ""],
    )
    text = features.encode_articles(articles)[:, 3:]
    assert not text[:4].any()
    assert text[4].all()
    assert features.find_unread(articles) == {
        "a0": UNREAD,
        "a1": UNREAD,
        "a2": UNREAD,
        "a3": "its language is hardly known",
    }
    assert features.find_unread(pool(archive[:9], [""] * 9)) == {}


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("New rules for naloxone dispensing in community pharmacies", True),
        ("CYP2C19, HLA-B, DPYD, TPMT and NUDT15: gene-drug pairs", True),
        ("Nuevas reglas para la dispensación de naloxona en farmacias comunitarias", True),
        ("Nouvelles règles pour la dispensation de naloxone en pharmacie", True),
        ("Neue Regeln für die Abgabe von Naloxon in Apotheken", True),
        ("Uudet säännöt naloksonin jakelusta apteekeissa", False),
        ("Новые правила отпуска налоксона в аптеках", False),
        ("社区药房配发纳洛酮的新规定", False),
    ],
)
def test_a_language_that_is_hardly_known_has_no_vector(text: str, known: bool) -> None:
    assert StaticEncoder().encode([text]).any() == known
