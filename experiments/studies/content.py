"""Content: topics read from text, against tags and against nothing but numbers of articles."""

from pathlib import Path

import pandas as pd

from bandit.features.features import Features
from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.gains import lay_out
from experiments.study.words import advise, tell_change
from simulators.replay.headlines import cross_foretell
from simulators.replay.loaders.upworthy import HeadlineAccuracy, Upworthy, cross_fit, judge

WHERE = "upworthy.natematias.com"  # the Upworthy Research Archive, CC BY 4.0
RIDGE = 300.0  # clicks; from 30 to 3,000 the share of pairs in the right order moves by .001
TEXT = "profile"
TOLD = ("tags, all right", "tags, a fifth wrong", "five coarse tags", "numbers for tags")
SHOWN = {**{name: name.capitalize() for name in TOLD}, "popular": "Most popular, by ids"}


def find(cells: Cells) -> Finding:
    """Each way of being told what articles are about, against reading their text."""
    late = cells.late
    gains = {
        (world, policy): cells.gain(policy, TEXT, world, first=late)
        for world in cells.study.worlds
        for policy in SHOWN
    }
    new, stay = cells.study.worlds
    right, wrong, coarse, numbers = (gains[new, name] for name in TOLD)
    said, rows = tell_headlines(cells.study.data)
    return lay_out(
        "content",
        headline=f"Told an editor\u2019s tags, a fifth of them wrong, profiles get "
        f"{tell_change(wrong)} than by reading the text; told tags that are all right, "
        f"{tell_change(right)}.",
        advice=advise(
            wrong,
            len(cells.seeds),
            "Tag the articles: tags are worth more than the text, even with a fifth of them wrong.",
            "Let the text be read, and do not tag articles for the profiles\u2019 sake: with a "
            "fifth of the tags wrong they cost clicks, and "
            + (
                "even tags that are all right bring no more."
                if right.sign <= 0
                else "only tags that are all right would bring more."
            ),
            "Let the text be read: tags are not shown to bring more, and they are work.",
        ),
        say=[
            f"Five coarse tags bring {tell_change(coarse)}. Numbers that say nothing of a fresh "
            f"article bring {tell_change(numbers)}, and where most articles stay "
            f"{tell_change(gains[stay, 'numbers for tags'])}.",
            "What an article is about is all that carries over to a fresh one; its number says "
            "nothing of it before it is clicked.",
            *said,
        ],
        gains={
            (world.capitalize(), SHOWN[policy].lower()): gain
            for (world, policy), gain in gains.items()
        },
        star=new.capitalize(),
        zero="reading the text",
        alt="Clicks when told tags or numbers, against reading the text",
        caption="Against the same profile that reads the articles\u2019 text, where most articles "
        f"of a pool are new and where most stay from the issue before; issues from {late} on.",
        columns=["Told of articles", *(f"{w}: clicks per 1,000, over text" for w in (new, stay))],
        rows=[
            [
                words,
                *(
                    f"{cells.rates(policy, world, late).mean():.1f}, {gains[world, policy].tell()}"
                    for world in (new, stay)
                ),
            ]
            for policy, words in SHOWN.items()
        ]
        + [["text", *(f"{cells.rates(TEXT, world, late).mean():.1f}" for world in (new, stay))]]
        + rows,
    )


def judge_headlines(path: str | Path) -> dict[str, HeadlineAccuracy]:
    """How well each way of reading titles tells which of two headlines gets more clicks.

    path: the Upworthy Research Archive, csv or parquet

    Every test is scored by what the others teach. Raises ValueError as `Upworthy.read` does.
    """
    headlines = Upworthy(str(path)).read()
    titles = headlines.arms["headline"].tolist()
    nobody = pd.DataFrame({"member": [1, 2], "kind": ["a", "b"]})  # texts alone are read
    topics = Features.fit(nobody, sorted(set(titles))).encode_texts(titles)
    return {
        "topics, as of articles": judge(headlines, cross_fit(headlines, topics, RIDGE)),
        "words and style": judge(headlines, cross_foretell(headlines)),
    }


def tell_headlines(path: str | None) -> tuple[list[str], list[list[str]]]:
    """Sentences for the page and rows of three cells for its table; without a file, how to get it.

    path: as for `judge_headlines`; None: that part is left out
    """
    if path is None:
        return [
            "Left out: real headlines. No file of the Upworthy Research Archive was given; it is "
            f"at {WHERE}, free of charge. With it, python -m experiments.study study=content "
            "study.content.data=FILE.csv adds that part, and simulates nothing again."
        ], []
    found = judge_headlines(path)
    about, whole = (_tell(each) for each in found.values())
    pairs = next(iter(found.values())).pairs
    told = (
        f"On real headlines (Upworthy, {pairs:,} pairs that readers were randomised between), "
        f"topics read from titles put {about} of the pairs in the right order, words and style "
        f"{whole}; numbers of articles would be right half of the time, for no headline was "
        "clicked before, and the archive has no tags."
    )
    return [told], [
        [f"Upworthy: {name}", f"{_tell(each)} in the right order", _tell_lift(each)]
        for name, each in found.items()
    ]


def _tell(found: HeadlineAccuracy) -> str:
    """The share of pairs in the right order, and its interval."""
    value = found.accuracy
    return f"{_write(value.estimate)} ({_write(value.low)} to {_write(value.high)})"


def _write(share: float) -> str:
    return f"{100 * share:.1f}\u00a0%"


def _tell_lift(found: HeadlineAccuracy) -> str:
    lift = found.lift
    return f"{100 * lift.estimate:+.1f}\u00a0% clicks of its pick"
