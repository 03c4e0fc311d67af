"""Findings that are gains: the one shape of the pages that compare newsletters by their clicks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain

Gains = Mapping[tuple[str, str], Gain]  # by whose they are, and under what, both in words
TWO = {"profile": "Profile", "segment_learned": "Learned segments"}


def lay_out(
    name: str,
    headline: str,
    advice: tuple[str, str],
    say: Sequence[str],
    gains: Gains,
    star: str,
    zero: str,
    alt: str,
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
) -> Finding:
    """A finding whose figure has a dot and its interval for each gain.

    name, alt: of the figure, as for `render_svg`
    star: which of the gains' first or second words the page is about; the others are grey
    zero: what they are gains over
    The other options are those of `Finding`; the caption says what the bars are.
    """
    shown = [
        (", ".join(words), "star" if star in words else "other", gain)
        for words, gain in gains.items()
    ]
    return Finding(
        headline=headline,
        advice=advice,
        say=say,
        figure=draw_gains(name, alt, shown, zero),
        caption=f"{caption} Bars: 95\u00a0% intervals over seeds.",
        columns=columns,
        rows=rows,
    )


@dataclass(frozen=True)
class Worlds:
    """Profiles and learned segments in every world of a study, in its later issues.

    costs: each of the two in each world against itself in the first one
    lead: by world, profiles over segments
    rows: by world, the clicks of both per 1,000 and the lead, in words
    """

    costs: Gains
    lead: Mapping[str, Gain]
    rows: Sequence[Sequence[str]]

    @classmethod
    def compare(cls, cells: Cells) -> "Worlds":
        """Of a study whose policies are those of `TWO`."""
        late, first, worlds = cells.late, cells.usual, list(cells.study.worlds)
        lead = {w: cells.gain("profile", "segment_learned", w, first=late) for w in worlds}
        costs = {
            (words, world): cells.gain(policy, policy, world, first, late)
            for world in worlds
            if world != first
            for policy, words in TWO.items()
        }
        rows = [
            [w, *(f"{cells.rates(p, w, late).mean():.1f}" for p in TWO), lead[w].tell()]
            for w in worlds
        ]
        return cls(costs, lead, rows)


def split_run(cells: Cells, pairs: Mapping[str, tuple[str, str]]) -> Gains:
    """What one policy has over another, before `cells.late` and from it on.

    pairs: by what is written, the two policies
    """
    spans = {"first issues": (1, cells.late - 1), "later issues": (cells.late, 10_000)}
    return {
        (words, when): cells.gain(policy, over, first=first, last=last)
        for words, (policy, over) in pairs.items()
        for when, (first, last) in spans.items()
        if first <= last
    }
