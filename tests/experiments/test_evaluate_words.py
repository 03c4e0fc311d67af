"""experiments.evaluate in words: the decision, what it rests on, and what a click keeps away."""

from dataclasses import replace

import numpy as np
import pytest

from bandit.ope.intervals import Interval
from bandit.ope.sequences import Look
from bandit.ope.trust.dependence import Dependence
from bandit.ope.trust.opening import Opening
from bandit.ope.trust.tiredness import Tiredness
from bandit.ope.whole.evaluate import WholeAnswer, WholeEstimate
from experiments.evaluate.judge import Judgement
from experiments.evaluate.page import list_findings
from experiments.report.page import format_percent

UNKNOWN = (
    "The log cannot tell whether newsletters are opened for their first article; where they are, a "
    "policy that puts better ones on top earns more than this says."
)


def make_judgement(low: float, high: float, p: float = 0.4) -> Judgement:
    lift = Interval((low + high) / 2, low, high)
    given = Interval(0.05, 0.04, 0.06)
    best = WholeEstimate("position_based", given, lift, lift, 900.0, "")
    whole = WholeAnswer((best,), given, Dependence(p, 0.7), np.ones(6))
    counts = {"sends": 4000, "members": 1000, "opened": 1500, "clicks": 200, "slots": 6}
    return Judgement(
        campaigns=["May"], **counts, top=[], sent=[given] * 6, whole=whole, why="", issues=[lift]
    )


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.06, 0.16, "Switch: +11 % clicks [+6, +16] on 6 slots"),
        (-0.3, -0.1, "Keep what was sent: \u221220 % clicks [\u221230, \u221210] on 6 slots"),
        (-0.1, 0.2, "Too early to tell: +5 % clicks [\u221210, +20] on 6 slots"),
    ],
)
def test_the_verdict_is_a_decision(low: float, high: float, says: str) -> None:
    found = make_judgement(low, high)
    assert found.verdict == f"{says}; no sign that clicks depend on other slots (p = 0.4)."
    assert list_findings(found) == [
        "The answer assumes that a click is a look at the slot, which depends on the slot alone, "
        "times how well the article appeals.",
        "It rests on \u201cLooks by slot\u201d: it is the only one.",
        UNKNOWN,
        "4,000 sends tell as much as 900 by this policy would.",
    ]


def test_what_decides_is_what_is_shown() -> None:
    """The first is surer beside its own estimate, the second of the change."""
    found = make_judgement(0.06, 0.16)
    assert found.whole is not None
    (best,) = found.whole.estimates
    value, lift = Interval(0.2, 0.16, 0.24), Interval(1.1, 0.8, 1.4)
    other = WholeEstimate("item_position", value, lift, lift, 700.0, "")
    whole = replace(found.whole, estimates=(other, best))
    assert whole.best is best
    assert list_findings(replace(found, whole=whole))[1] == (
        "It rests on \u201cLooks by slot\u201d: of the estimates that may be believed it tells the "
        f"change most surely, to \u00b1{format_percent(0.05)} of what was sent (Slot apart from "
        f"slot \u00b1{format_percent(0.3)}), and it contradicts none that assumes less."
    )


def test_what_a_click_keeps_away_is_told() -> None:
    found = make_judgement(0.06, 0.16)
    assert found.whole is not None
    tired = Tiredness(0.34, np.array([0.06, 0.08]), np.array([0, 1]), np.array([2.0, 2.0]))
    known = replace(found.whole.dependence, kept=tired.share, error=tired.error)
    whole = replace(found.whole, tired=tired, dependence=known)
    told = list_findings(replace(found, whole=whole))
    assert (
        f"A click keeps {format_percent(0.34)} (standard error {format_percent(0.1)}) of the "
        "clicks below it away, as pairs of clicks tell; the answer allows for that, and its "
        "interval for how unsure it is."
    ) in told
    unsure = replace(tired, influence=np.array([0.12, 0.16]))
    doubt = replace(known, error=unsure.error)
    whole = replace(found.whole, tired=unsure, dependence=doubt)
    told = list_findings(replace(found, whole=whole))
    assert (
        "The log cannot tell whether a click keeps others below it away, or none: as pairs of "
        f"clicks have it, {format_percent(0.34)} (standard error {format_percent(0.2)}) of them, "
        "which may be luck; the answer allows for that, and its interval for how unsure it is."
    ) in told
    assert replace(found, whole=whole).verdict.endswith(
        "; no sign that clicks depend on what stands in other slots (p = 0.4); a click may keep "
        "others below away, which is allowed for."
    )
    never = replace(tired, share=0.0)
    again = list_findings(replace(found, whole=replace(found.whole, tired=never)))
    assert again == list_findings(found)


def test_how_many_more_the_first_article_opens_is_told() -> None:
    found = make_judgement(0.06, 0.16)
    assert found.whole is not None
    opening = Opening(0.05, np.array([0.08, -0.08]), np.array([1.0, -1.0]), np.array([2.0, 2.0]))
    told = list_findings(replace(found, whole=replace(found.whole, opening=opening)))
    assert (
        "The log cannot tell whether this policy's first articles would open more newsletters or "
        f"fewer: as its opens have it, {format_percent(0.1)} more (standard error "
        f"{format_percent(0.113)}), which may be luck; the answer allows for that, and its "
        "interval for how unsure it is."
    ) in told
    sure = replace(opening, slope=-0.05, influence=np.array([0.02, -0.02]))
    told = list_findings(replace(found, whole=replace(found.whole, opening=sure)))
    assert (
        "Newsletters are opened for their first article, and this policy's would be opened "
        f"{format_percent(0.1)} fewer (standard error {format_percent(0.028)}); the answer allows "
        "for that, and its interval for how unsure it is."
    ) in told
    none = replace(opening, slope=0.0)
    again = list_findings(replace(found, whole=replace(found.whole, opening=none)))
    assert again == [each for each in list_findings(found) if each != UNKNOWN]


def test_looks_without_an_interval_are_not_told() -> None:
    found, silent = make_judgement(0.06, 0.16), Look(None, float("nan"))
    assert list_findings(replace(found, looks=[silent])) == list_findings(found)
    seen = Look(Interval(0.1, -0.1, 0.3), 0.05)
    told = list_findings(replace(found, looks=[silent, seen]))
    assert told[-1] == "Looked at after every issue, the change is not beyond doubt yet."
