"""How each policy is named and drawn, decided once, so that a colour means one policy everywhere.

A new policy gets a name and a colour of its own here. Without them it keeps its own name and takes
one of the spare colours.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from experiments.report.page import ACCENT, BASELINE, SOFT

CEILINGS = ("profile_true_topics", "bayes_limit", "oracle")  # exist only in simulation
FLOORS = ("random", "recency", "popular", "blast")
DEPTH = ("ceiling", "floor", "segment", "other", "baseline", "star")  # roles, drawn back to front

NAMES = {
    "random": ("Random", "any eligible article, by chance"),
    "recency": ("Newest first", "the latest articles for all"),
    "popular": ("Most popular", "what most people click, for all"),
    "blast": ("One for all", "the best single newsletter"),
    "segment_rules": ("Editor\u2019s segments", "the editor\u2019s map, segment to topics"),
    "segment_learned": ("Learned segments", "click rates learned per segment"),
    "lin_ucb": ("LinUCB", "linear model, optimistic"),
    "lin_ts": ("LinTS", "linear model, Thompson sampling"),
    "vw": ("Vowpal Wabbit", "contextual bandit, as widely used"),
    "vw_ccb": ("Vowpal Wabbit, slates", "its whole-slate form, ccb"),
    "profile": ("Profile", "an interest profile per member"),
    "wave": ("Profile in waves", "a first wave learns for the rest"),
    "neural": ("Neural", "reads each member\u2019s history"),
    "offpolicy": ("Off-policy", "learned from the log alone"),
    "profile_true_topics": ("Limit of reading", "Profile told the articles\u2019 true topics"),
    "bayes_limit": ("Limit of learning", "Profile told the simulator\u2019s settings"),
    "oracle": ("Limit of knowing", "knows what each member likes"),
}
COLOURS = {
    "lin_ts": "#8b6cb0",
    "lin_ucb": "#b0688f",
    "vw": "#b9822f",
    "vw_ccb": "#a15c4b",
    "wave": "#3f9a8c",
    "neural": "#4f7fb5",
    "offpolicy": "#73893f",
}
SPARE = ("#a15c4b", "#5c8a94", "#9a7a52", "#6d76b4", "#87986a", "#a8708a")


@dataclass(frozen=True)
class Look:
    """How one policy is named and drawn.

    policy: its name in configs/policy
    label: its name on the page
    about: a few words that say what it does
    role: one of `DEPTH`
    colour: of its marks
    ink: of its name, dark enough to read
    width: of its line, in points
    dash: of its line, as matplotlib knows them
    """

    policy: str
    label: str
    about: str
    role: str
    colour: str
    ink: str
    width: float = 1.8
    dash: str | tuple[float, tuple[float, ...]] = "-"


def assign_looks(policies: Collection[str], baseline: str) -> dict[str, Look]:
    """One look for each policy, in the order given.

    Policies without a name here keep their own and share out the spare colours by alphabet.
    """
    spare = sorted(p for p in policies if p not in NAMES)
    colours = {p: SPARE[j % len(SPARE)] for j, p in enumerate(spare)} | COLOURS
    return {p: _make_look(p, baseline, colours.get(p, "")) for p in policies}


def _make_look(policy: str, baseline: str, colour: str) -> Look:
    label, about = NAMES.get(policy, (policy, ""))
    if policy == baseline:
        return Look(policy, label, about, "baseline", BASELINE, BASELINE, 2.4)
    if policy in CEILINGS:
        return Look(policy, label, about, "ceiling", "#9aa2ac", SOFT, 1.5, (0, (5, 3)))
    if policy in FLOORS:
        return Look(policy, label, about, "floor", "#c6cbd1", SOFT, 1.5)
    if policy.startswith("segment_"):
        return Look(policy, label, about, "segment", "#949ba4", SOFT)
    if policy == "profile":
        return Look(policy, label, about, "star", ACCENT, ACCENT, 2.8)
    return Look(policy, label, about, "other", colour, colour)


def choose_main(looks: Mapping[str, Look], winner: str | None) -> dict[str, Look]:
    """The policies worth a line of their own.

    These are the baseline, the winner, profile, the ceilings, and the best of the other learners
    and of the floors.

    looks: best policy first
    """
    best = [
        next((p for p, look in looks.items() if look.role == role and p != winner), None)
        for role in ("other", "floor")
    ]
    return {
        p: look
        for p, look in looks.items()
        if look.role in ("baseline", "star", "ceiling") or p in (winner, *best)
    }
