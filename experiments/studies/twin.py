"""The twin: what a log foretells of the lift of profiles, how far it is off, and when to say no.

Associations are fitted to a log whose truth is known here, in several families. How far the mean of
the families was off in the other associations is the band around it: it holds whatever all families
get wrong alike, which their own spread cannot.
"""

from typing import NamedTuple

import numpy as np

from bandit.core.types import Floats
from experiments.report.page import count_places, format_percent
from experiments.report.study.figures import draw_gains
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain

LEVEL = 0.95  # of bands: the share of associations whose truth they must hold
LEAST = 5  # associations whose truth is known; fewer do not say how far a fit is off
RARE = 0.05  # a band is not believed if one that is right would miss as often less often than this


class Foretold(NamedTuple):
    """What a log foretells of a lift.

    gain: the lift and its band, a log's fits corrected by what fits are off elsewhere
    held: of the associations whose truth is known, how many had it in the band of the others
    seeds: how many those are
    """

    gain: Gain
    held: int
    seeds: int

    @property
    def believed(self) -> bool:
        """Whether there are enough associations, and bands made alike held as many as they must."""
        from scipy.stats import binom

        return self.seeds >= LEAST and binom.cdf(self.held, self.seeds, LEVEL) >= RARE

    @property
    def enough(self) -> bool:
        """Whether the log says which way it goes."""
        return self.believed and self.gain.sign != 0


def foretell(truth: Floats, fitted: Floats, own: Floats | None = None) -> Foretold:
    """The lift that a log foretells, with a band from how far fits are off where truth is known.

    truth: the true lift of each association [s]
    fitted: what associations fitted to its log say, [families, s]
    own: the same of another log, whose truth is not known [families, draws]; None: of logs such as
        these

    The band is Student's prediction interval of the next error; with fewer than three associations
    it is NaN. An association counts as held if the band that the others give holds it.
    """
    errors = truth - fitted.mean(axis=0)
    said = float((fitted if own is None else own).mean())
    others = [np.delete(errors, place) for place in range(len(errors))]
    spans = [_predict(each) for each in others]
    held = sum(low <= error <= high for error, (low, high) in zip(errors, spans, strict=True))
    low, high = _predict(errors)
    return Foretold(Gain(said + errors.mean(), said + low, said + high), int(held), len(errors))


def _predict(errors: Floats) -> tuple[float, float]:
    """Where the next one lies, Student's prediction interval; NaN for fewer than three."""
    from scipy.stats import t as student

    count = len(errors)
    if count < 3:
        return np.nan, np.nan
    half = student.ppf((1 + LEVEL) / 2, count - 1) * errors.std(ddof=1) * np.sqrt(1 + 1 / count)
    return float(errors.mean() - half), float(errors.mean() + half)


def find(cells: Cells) -> Finding:
    """What logs foretell and what is true, the band around it, and whether the log is too small."""
    lifts = {
        world: cells.rates("profile", world, cells.late)
        / cells.rates("segment_learned", world, cells.late)
        - 1
        for world in cells.study.worlds
    }
    mine = [world for world in lifts if cells.worlds[world].get("log") == cells.study.data]
    mine = mine if cells.study.data else []
    true_world, *families = [world for world in lifts if world not in mine]
    truth, fitted = lifts[true_world], np.array([lifts[world] for world in families])
    own = np.array([lifts[world] for world in mine]) if mine else None
    found = foretell(truth, fitted, own)
    off = Gain.over(truth - fitted.mean(axis=0))
    inside = (fitted.min(axis=0) <= truth) & (truth <= fitted.max(axis=0))
    members = int(cells.worlds[true_world]["members"])
    issues = int(cells.worlds[true_world]["issues"])
    rows = [("In truth", "star", Gain.over(truth))]
    rows += [(f"Fitted, {world}", "other", Gain.over(lifts[world])) for world in (*families, *mine)]
    band = "Foretold of your log" if mine else "Foretold of such a log"
    return Finding(
        headline=_write_headline(found, members, issues, bool(mine)),
        advice=_advise(found),
        say=[
            f"Fits of one log are off by {_tell_points(off)} on average, the truth less what was "
            "foretold; the band of a single log is wider, for each log is off by its own luck.",
            f"The spread of the {len(families)} families alone holds the truth of "
            f"{int(inside.sum())} of {found.seeds} associations: all of them fit what members want "
            "by the profile\u2019s own model, and differ in how members look through a newsletter. "
            "So the band is taken from how far fits were off in the other associations.",
            f"Over the associations the true lift goes from {format_percent(truth.min())} to "
            f"{format_percent(truth.max())}, the fitted ones from {format_percent(fitted.min())} "
            f"to {format_percent(fitted.max())}.",
        ],
        figure=draw_gains(
            "twin",
            "Lift of profiles over learned segments, true, fitted and foretold",
            [*rows, (band, "baseline", found.gain)],
            "Learned segments",
        ),
        caption=f"Profiles over learned segments in issues from {cells.late} on: in the association"
        " that left the log, and in those fitted to it, by how members look through a newsletter. "
        "Bars: 95\u00a0% intervals over seeds of the mean. Last row: what one log foretells, and "
        "the band that is to hold its truth 95 times of 100.",
        columns=["Seed", "True lift", *families, *mine],
        rows=[
            [
                str(seed),
                *(format_percent(float(values[k]), 1, sign=True) for values in lifts.values()),
            ]
            for k, seed in enumerate(cells.seeds)
        ],
    )


def _write_headline(found: Foretold, members: int, issues: int, mine: bool) -> str:
    size = f"{members:,} members and {issues} issues"
    log = "your log" if mine else f"a log of {size}"
    small = "Your log is too small" if mine else f"If your log has {size}, your log is too small"
    much = f"{format_percent(abs(found.gain.mean), count_places(found.gain.mean))}"
    clicks = f"{much} {'more' if found.gain.mean >= 0 else 'fewer'} clicks"
    band = found.gain.span().replace("interval", "band")
    foretold = f"{clicks} ({band if np.isfinite(found.gain.low) else 'without a band'})"
    if found.enough:
        return (
            f"Associations fitted to {log} foretell {foretold} from profiles than from learned "
            "segments."
        )
    if found.believed:
        return (
            f"{small}: associations fitted to it foretell {foretold} from profiles than from "
            "learned segments, which leaves open whether there is a gain at all."
        )
    if found.seeds < LEAST:
        return (
            f"{small} as far as {found.seeds} associations tell: they foretell {foretold} "
            f"from profiles than from learned segments, and at least {LEAST} are needed to say how "
            "far such fits are off."
        )
    return (
        f"{small}: associations fitted to it foretell {foretold} from profiles than from learned "
        f"segments, but bands made alike hold the truth of only {found.held} of {found.seeds} "
        "associations whose truth is known."
    )


def _advise(found: Foretold) -> tuple[str, str]:
    kept = (
        f"Bands made alike held the truth of {found.held} of {found.seeds} simulated associations, "
        "each judged by what the others taught; 95 of 100 are the aim. "
    )
    if found.enough:
        word = "gain" if found.gain.sign > 0 else "lose"
        return (
            f"Plan with the lower end of the band, {format_percent(found.gain.low, sign=True)}: a "
            f"log of this size says that profiles {word}. Then let a trial in your own sends "
            "confirm it (docs/experiments_in_sends.md).",
            f"{kept}They are of this simulator; real members may be unlike all of them.",
        )
    return (
        "Do not decide by an association that is fitted to a log of this size. Send a trial to a "
        "share of the members: its verdict needs no model of them (docs/experiments_in_sends.md). "
        "Or collect more: the band narrows with more members (simulator.members=6000).",
        kept if found.seeds >= 3 else f"Not at all; use seeds={LEAST} or more.",
    )


def _tell_points(gain: Gain) -> str:
    """A difference of two lifts, in points of a hundred."""
    mean, low, high = (f"{100 * each:+.0f}".replace("-", "\u2212") for each in gain)
    span = "" if np.isnan(gain.low) else f" (95\u00a0% interval {low} to {high})"
    return f"{mean} points{span}"
