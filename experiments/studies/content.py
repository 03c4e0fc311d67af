"""Content: topics read from text, against tags and against nothing but numbers of articles."""

from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.words import tell_change

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
    headline = (
        f"Told an editor\u2019s tags, a fifth of them wrong, profiles get {tell_change(wrong)} "
        f"than by reading the text; told tags that are all right, {tell_change(right)}."
    )
    return Finding(
        headline=headline,
        say=[
            f"Five coarse tags bring {tell_change(coarse)}. Numbers that say nothing of a fresh "
            f"article bring {tell_change(numbers)}, and where most articles stay "
            f"{tell_change(gains[stay, 'numbers for tags'])}.",
            "What an article is about is all that carries over to a fresh one; its number says "
            "nothing of it before it is clicked.",
        ],
        figure=draw_gains(
            "content",
            "Clicks when told tags or numbers, against reading the text",
            [
                (f"{SHOWN[policy]}, {world}", "star" if world == new else "other", gain)
                for (world, policy), gain in gains.items()
            ],
            "text",
        ),
        caption=f"Against the same profile that reads the articles\u2019 text, issues from {late} "
        "on. Bars: 95 % intervals over seeds.",
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
        + [["text", *(f"{cells.rates(TEXT, world, late).mean():.1f}" for world in (new, stay))]],
    )
