"""Stories: what an article is about, and the text that it is written in.

A story of a listed topic has one main topic and perhaps a second one. A story of a tree mixes one
to three groups of subjects; its text says more of those that weigh more.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bandit.core.columns import Floats
from simulators.association.pools.catalogue import Asides, Catalogue, Group, Mixtures

TWO_TOPICS = 0.3  # share of a list's stories that touch a second topic
SECOND_TOPIC = 0.5  # its weight beside a first of 1
HEAVY = 0.3  # the weight from which a further group of a tree gets a finding of its own


@dataclass(frozen=True)
class Story:
    """What an article is about, before anyone has written it. Near-duplicates share one story.

    kind: of the article
    words: phrases that its headline and summary are composed of, by the name of their place
    asides: what its summary says of further groups of a tree
    chapter: the one chapter that an event is for, or ""
    topic: name of the main topic
    topics [t]: of a list, 1 for the main topic, `SECOND_TOPIC` for a second one, otherwise 0; of a
        tree, how the article is divided among topics, sum 1
    tastes [c]: what members' tastes are multiplied by; of a list, `topics` itself
    """

    kind: str
    words: Mapping[str, str]
    asides: tuple[str, ...]
    chapter: str
    topic: str
    topics: Floats
    tastes: Floats


def draw_story(rng: np.random.Generator, book: Catalogue, kinds: Mapping[str, float]) -> Story:
    """A story from a catalogue.

    kinds: relative shares of the kinds of articles
    """
    if book.mixtures is None or book.asides is None:
        return _draw_from_list(rng, book, kinds)
    return _draw_from_tree(rng, book, kinds, book.mixtures, book.asides)


def _draw_from_list(rng: np.random.Generator, book: Catalogue, kinds: Mapping[str, float]) -> Story:
    topics = np.zeros(len(book.topics))
    main, second = rng.choice(len(book.topics), size=2, replace=False)
    topics[main] = 1.0
    group = book.topics[main].groups[0]
    subject, other = rng.choice(group.subjects, size=2, replace=False)
    if rng.random() < TWO_TOPICS:
        topics[second] = SECOND_TOPIC
        other = rng.choice(book.topics[second].groups[0].subjects)
    kind = _draw_kind(rng, kinds)
    words = {
        "subject": subject,
        "other": other,
        "finding": rng.choice(group.findings),
        "place": rng.choice(book.places),
        "source": rng.choice(book.sources),
    }
    chapter = _draw_chapter(rng, book, kind)
    return Story(kind, words, (), chapter, book.topics[main].name, topics, topics)


def _draw_from_tree(
    rng: np.random.Generator,
    book: Catalogue,
    kinds: Mapping[str, float],
    mixtures: Mixtures,
    asides: Asides,
) -> Story:
    places = _draw_places(rng, book, mixtures)
    weights = np.sort(rng.dirichlet([mixtures.concentration] * len(places)))[::-1]
    groups = [book.groups[place] for place in places]
    topics = np.zeros(len(book.topics))
    np.add.at(topics, [t for t, _ in groups], weights)
    # An article's pull has the same variance over members whatever it mixes.
    tastes = weights @ book.lay_out()[places]
    tastes /= np.sqrt(book.weigh_tastes() @ tastes**2)
    kind = _draw_kind(rng, kinds)
    told = [_draw_subject(rng, group) for _, group in groups]
    long, short = rng.permutation(asides.long), rng.permutation(asides.short)
    further = []
    for i, ((subject, finding), weight) in enumerate(zip(told[1:], weights[1:], strict=True)):
        templates = long if weight >= HEAVY else short
        aside = str(templates[i % len(templates)]).format(subject=subject, finding=finding)
        further.append(_capitalize(aside))
    others = [subject for subject in groups[0][1].subjects if subject != told[0][0]]
    words = {
        "subject": told[0][0],
        "near": (near := rng.choice(others)),
        "other": told[1][0] if further else near,
        "finding": told[0][1],
        "place": rng.choice(book.places),
        "source": rng.choice(book.sources),
    }
    chapter, name = _draw_chapter(rng, book, kind), book.topics[groups[0][0]].name
    return Story(kind, words, tuple(further), chapter, name, topics, tastes)


def _draw_places(rng: np.random.Generator, book: Catalogue, mixtures: Mixtures) -> list[int]:
    """The groups that a story mixes, the main one first, by their numbers among all groups.

    Topics are equally likely to be the main one. No group comes twice.
    """
    topic = np.array([t for t, _ in book.groups])
    field = np.array([book.topics[t].field for t in topic])
    count = 1 + rng.choice(len(mixtures.groups), p=mixtures.groups)
    found = [int(rng.choice(np.flatnonzero(topic == rng.integers(len(book.topics)))))]
    while len(found) < count:
        u, main = rng.random(), found[0]
        open_ = ~np.isin(np.arange(len(topic)), found)
        same = open_ & (topic == topic[main])
        near = open_ & (field == field[main]) & (topic != topic[main])
        if u < mixtures.same_topic and same.any():
            open_ = same
        elif u < mixtures.same_topic + mixtures.same_field and near.any():
            open_ = near
        found.append(int(rng.choice(np.flatnonzero(open_))))
    return found


def _draw_subject(rng: np.random.Generator, group: Group) -> tuple[str, str]:
    """A subject of a tree's group, and what was found out about it."""
    i = rng.integers(len(group.subjects))
    return group.subjects[i], group.findings[i]


def _draw_kind(rng: np.random.Generator, kinds: Mapping[str, float]) -> str:
    share = np.array(list(kinds.values()), dtype=np.float64)
    return str(rng.choice(list(kinds), p=share / share.sum()))


def _draw_chapter(rng: np.random.Generator, book: Catalogue, kind: str) -> str:
    regions = list(book.attributes["region"])
    return str(rng.choice(regions)) if kind == "event" and rng.random() < 0.3 else ""


def write_article(rng: np.random.Generator, book: Catalogue, story: Story) -> dict[str, str]:
    """The columns of an article about a story, all but its id."""
    kind, words, chapter = book.kinds[story.kind], story.words, story.chapter
    template = str(rng.choice([*kind.headlines, *kind.claims]))
    title = _capitalize(template.format(**words))
    if book.mixtures is None:
        summary = _write_listed(rng, kind.summaries, words, story.topics.sum() > 1)
    else:
        summaries = kind.follow_ups if template in kind.claims else kind.summaries
        summary = " ".join((_fill(str(rng.choice(summaries)), words), *story.asides))
    return {
        "title": f"{title} ({chapter} chapter)" if chapter else title,
        "summary": summary,
        "kind": story.kind,
        "source": words["source"].removeprefix("the "),
        "only_region": chapter,
    }


def _write_listed(
    rng: np.random.Generator, templates: list[str], words: Mapping[str, str], second: bool
) -> str:
    """A summary that says what the second topic is, even where its template does not."""
    template = str(rng.choice(templates))
    text = _fill(template, words)
    unnamed = second and "{other}" not in template
    return f"{text} With a look at {words['other']}." if unnamed else text


def _fill(template: str, words: Mapping[str, str]) -> str:
    return ". ".join(_capitalize(part) for part in template.format(**words).split(". "))


def _capitalize(text: str) -> str:
    return text[:1].upper() + text[1:]
