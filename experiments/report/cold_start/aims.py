"""What a newsletter may be held to in a cold start: what was asked, what was found, and why not.

docs/cold_start.md says where the aims come from.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from experiments.report.cold_start.words import write_ends, write_parity
from experiments.report.page import format_percent
from experiments.tables.cold_figures import LINEAR
from experiments.tables.cold_start import Parity

LEAST = 0.98  # of the baseline's clicks at any issue since joining
MOST_WORSE = 0.10  # of members
KEPT = 0.95  # of the clicks without any attribute, where attributes are another member's
SOONER = 0.71  # of the issues that a cold linear bandit needs until it has started
CUTS = {  # the project's own, in words; one of a person's own has its name
    "": "as above",
    "attributes_nothing": "attributes say nothing of what members want",
    "attributes_half": "attributes say half of it",
    "attributes_all": "attributes say all of it",
    "no_attributes": "no attribute is known",
    "two_attributes": "two attributes are known",
    "shuffled": "attributes are those of other members",
    "declared": "three topics are ticked at sign-up",
    "few_members": "a short list",
    "many_members": "a long list",
    "seldom_opened": "few members open",
    "seldom_clicked": "half the clicks an open",
    "monthly": "one issue a month",
    "recorded": "learned from what mail tools record",
}
TICKED = "declared"  # the cut in which members tick topics at sign-up
LIMIT = "bayes_limit"  # told the simulator's settings: what no learner can spare
Figures = dict[str, float]  # a row of `measure_cold_start`


@dataclass(frozen=True)
class Aim:
    """One line of the contract.

    words: what is asked
    found: what was found, in words, with its interval
    met: whether it was
    why: where it was not, by how much, and why
    """

    words: str
    found: str
    met: bool
    why: str = ""


def list_aims(
    figures: Mapping[str, Figures], cuts: Mapping[str, Figures], policy: str
) -> list[Aim]:
    """The contract of a policy.

    figures: rows of `measure_cold_start` by policy
    cuts: rows of the policy by association; "" is the one that is not cut
    """
    row, limit = figures[policy], figures.get(LIMIT, {})
    aims = [_ask_parity(row, limit), _ask_least(row, limit)]
    others = {name: each for name, each in cuts.items() if name}
    if others:
        aims.append(_ask_least_of_cuts(others))
    aims.append(_ask_worse(row, limit, cuts.get(TICKED, {})))
    linear = figures.get(LINEAR, {}).get("started", math.nan)
    if policy != LINEAR and math.isfinite(linear):
        aims.append(_ask_start(row, linear))
    if math.isfinite(cuts.get("shuffled", {}).get("kept", math.nan)):
        aims.append(_ask_kept(cuts["shuffled"]))
    return aims


def advise(
    row: Figures, cuts: Mapping[str, Figures], aims: list[Aim], label: str, rival: str, seeds: int
) -> tuple[str, ...]:
    """What to do with new members, how sure that is, and what could go wrong.

    row: the policy's of `measure_cold_start`
    cuts: its rows by association
    aims: its contract
    label, rival: the policy and the baseline, as they are named
    """
    met = sum(aim.met for aim in aims)
    trial = (
        "Whether yours is like them, only a trial in your own sends can tell "
        "(docs/experiments_in_sends.md)."
    )
    clear = (
        f"Sure of the direction for associations like the {seeds} simulated ones: the "
        "95\u00a0% interval leaves out zero."
    )
    told = f"{met} of the {len(aims)} aims below are met. {trial}"
    if not (row["won_low"] > 0 or row["won_high"] < 0):
        do = (
            f"Leave new members where they are: that {label} or {rival} serves them better in "
            "their first four issues is not shown. Ask again with more seeds (seeds=10)."
        )
        sure = f"Not sure yet: {seeds} simulated associations leave it open. {told}"
    elif row["won"] > 0:
        do = (
            f"Send new members the newsletter of {label} from their first issue on; they need not "
            f"begin with that of {rival}."
        )
        if row["parity"] > 0:
            do = (
                f"Send new members the newsletter of {rival} in the first {row['parity']:.0f} "
                f"issues, and that of {label} from then on."
            )
        sure = f"{clear} {told}"
    else:
        do = f"Send new members the newsletter of {rival} first, and that of {label} later."
        sure = f"{clear} {told}"
    ticked = cuts.get(TICKED)
    if ticked and ticked["won_low"] > max(row["won"], 0.0):
        do += (
            " Ask them to tick the topics that they care for as they join: where they tick three, "
            f"without error, the newsletter of {label} gets {ticked['won']:.0f} clicks per 1,000 "
            f"more than that of {rival} in the first four issues, in place of {row['won']:.0f}."
        )
    risk = (
        f"{format_percent(row['worse'])} of all members find at least 5\u00a0% less to click than "
        f"under {rival}, though the list as a whole gains; look at which segments they are of."
        if row["won"] > 0
        else f"What {label} earns from members whom it knows is another question: see below."
    )
    return do, sure, risk


def write_wait(row: Figures) -> str:
    """When the newsletter is as good as the baseline's, with the interval in brackets."""
    issues, low, high = (
        None if math.isnan(row[name]) else int(row[name])
        for name in ("parity", "earliest", "latest")
    )
    parity = Parity(issues, low, high, bool(row["sure"]), int(row["horizon"]))
    ends = write_ends(parity)
    return f"{write_parity(parity)} ({ends})" if ends else write_parity(parity)


def _ask_parity(row: Figures, limit: Figures) -> Aim:
    beside = f" The limit of learning is as good {write_wait(limit)}." if limit else ""
    return Aim(
        "As good as the baseline from the first issue",
        write_wait(row),
        row["parity"] == 0,
        f"New members\u2019 clicks must first tell what they want.{beside}",
    )


def _ask_least(row: Figures, limit: Figures) -> Aim:
    beside = f" The limit of learning gets {format_percent(limit['least'])}." if limit else ""
    return Aim(
        f"Never below {format_percent(LEAST)} of the baseline at any issue since joining",
        f"lowest at issue {row['least_at']:.0f}: {_write_least(row)}",
        row["least"] >= LEAST,
        f"{_write_short(row, 'least', LEAST)}{beside}",
    )


def name_cut(cut: str) -> str:
    """An association that differs from the usual one, in words."""
    return CUTS.get(cut, cut.replace("_", " "))


def _ask_least_of_cuts(others: Mapping[str, Figures]) -> Aim:
    below = {name: each for name, each in others.items() if each["least"] < LEAST}
    low = min(others, key=lambda name: others[name]["least"])
    told = [
        f"{_write_short(each, 'least', LEAST)[:-1]} in \u201c{name_cut(name)}\u201d "
        f"(issue {each['least_at']:.0f})"
        for name, each in sorted(below.items(), key=lambda pair: pair[1]["least"])
    ]
    return Aim(
        f"Nor in any of the {len(others)} other associations below",
        f"lowest in \u201c{name_cut(low)}\u201d: {_write_least(others[low])}; "
        f"{len(others) - len(below)} of {len(others)} are above",
        not below,
        f"{'; '.join(told)}.".replace("; Missed", "; missed"),
    )


def _ask_worse(row: Figures, limit: Figures, ticked: Figures) -> Aim:
    found = _write_share(row["worse"], row["worse_low"], row["worse_high"])
    why = _write_short(row, "worse", MOST_WORSE)
    if limit:
        left = limit["worse"]
        why += (
            f" Told the simulator\u2019s settings, the limit of learning still leaves "
            f"{format_percent(left)}"
            + (
                ": members click too seldom for anybody to know all of them in this time, so no "
                f"learner can come nearer than {_tell_points(left - MOST_WORSE)} to the aim."
                if left > MOST_WORSE
                else ", so a better learner might meet it."
            )
        )
    if ticked:
        why += (
            f" Where members tick three topics at sign-up it is {format_percent(ticked['worse'])}."
        )
    return Aim(
        f"At most {format_percent(MOST_WORSE)} of the members find 5\u00a0% less to click",
        f"{found}; they lose {row['loss']:.1f} clicks each over the run",
        row["worse"] <= MOST_WORSE,
        why,
    )


def _ask_start(row: Figures, linear: float) -> Aim:
    share = row["reached"] / linear if linear else math.inf
    return Aim(
        "A new association\u2019s newsletter earns 90\u00a0% of what LinTS comes to in at most "
        f"{SOONER:g} of the issues that LinTS needs",
        f"after {row['reached']:.0f} issues; LinTS after {linear:.0f}. 90\u00a0% of its own level: "
        f"after {row['started']:.0f}",
        row["reached"] <= SOONER * linear,
        f"It takes {share:.2f} of them." if linear else "LinTS is there at once.",
    )


def _ask_kept(wrong: Figures) -> Aim:
    return Aim(
        f"Told each member\u2019s attributes wrongly, it keeps at least {format_percent(KEPT)} of "
        "the clicks that it gets without any",
        _write_share(wrong["kept"], wrong["kept_low"], wrong["kept_high"]),
        wrong["kept"] >= KEPT,
        f"{_write_short(wrong, 'kept', KEPT)} False attributes are believed until clicks tell.",
    )


def _write_least(row: Figures) -> str:
    return _write_share(row["least"], row["least_low"], row["least_high"])


def _write_share(share: float, low: float, high: float) -> str:
    span = "" if math.isnan(low) else f" ({format_percent(low)} to {format_percent(high)})"
    return f"{format_percent(share)}{span}"


def _write_short(row: Figures, name: str, aim: float) -> str:
    """By how much an aim is missed, and whether its interval leaves that open."""
    inside = row[f"{name}_low"] <= aim <= row[f"{name}_high"]
    luck = ", which may be luck" if inside else ""
    return f"Missed by {_tell_points(abs(row[name] - aim))}{luck}."


def _tell_points(share: float) -> str:
    points = 100 * share
    told = f"{points:.1f}" if points < 1.5 else f"{points:.0f}"
    return f"{told} point{'' if told in ('1', '1.0') else 's'} of a hundred"
