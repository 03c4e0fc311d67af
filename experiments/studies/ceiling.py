"""The ceiling: clicks and versions to write against the number of segments, beside profiles."""

import numpy as np

from bandit.core.types import EXPLORE, Floats
from experiments.report.study.figures import Series, draw_series
from experiments.report.study.page import Finding
from experiments.study.cells import Cells, Gain, read_last_newsletter
from experiments.study.words import advise, tell_change

FAMILIES = {"clicks": "grouped by clicks", "attributes": "grouped by attributes"}
BESIDE = {
    "profile": "Profile",
    "segment_learned": "Learned segments",
    "segment_rules": "Editor\u2019s segments",
}


def find(cells: Cells) -> Finding:
    """The best number of segments against profiles, and what each costs to write."""
    late, series, best = cells.late, {}, ("", np.full(len(cells.seeds), -np.inf))
    rates = {label: cells.rates(label, first=late) for label in cells.study.policies}
    counts = np.array([1, *sorted({int(n[1]) for n in map(_split, rates) if n[0] == "clicks"})])
    for family, words in FAMILIES.items():
        labels = ["blast", *(f"{family}, {count}" for count in counts[1:])]
        values = np.array([rates[label] for label in labels]).T
        series[words] = Series(counts.astype(np.float64), values)
        for label in labels[1:]:
            if rates[label].mean() > best[1].mean():
                best = (label, rates[label])
    for label, words in BESIDE.items():
        level = np.repeat(rates[label][:, None], len(counts), axis=1)
        role = {"profile": "star", "segment_learned": "baseline"}.get(label, "floor")
        series[words] = Series(counts.astype(np.float64), level, role)
    family, count = _split(best[0])
    grouped, learned = (
        Gain.over(rates["profile"] / best[1] - 1),
        cells.gain("profile", "segment_learned", first=late),
    )
    gain = min(grouped, learned)  # over the best segmentation of all
    versions = {label: _count_versions(cells, label) for label in rates}
    headline = (
        f"However many segments there are: profiles get {tell_change(grouped)} than the best of 1 "
        f"to {counts[-1]} groups, {count} of them {FAMILIES[family]}, and {tell_change(learned)} "
        "than learned segments."
    )
    advice = advise(
        gain,
        len(cells.seeds),
        "Do not write more segments; send profiles. The editor approves one pool of articles, and "
        "no version is written by hand.",
        "Stay with segments: the best of them earn more than profiles.",
        "Stay with the segments you have until more is known: profiles are not shown to earn more "
        "than the best of them.",
    )
    say = [
        "Learned segments choose by themselves among crossings of attributes, and are the best "
        "segmentation that we could build.",
        f"An issue of {count} such segments is {versions[best[0]].mean():.0f} newsletters that "
        f"differ, of profiles {versions['profile'].mean():.0f}: nobody writes those by hand, and "
        "nobody has to, for the editor approves a pool and not versions.",
    ]
    return Finding(
        headline=headline,
        advice=advice,
        say=say,
        figure=draw_series(
            "ceiling",
            "Clicks per 1,000 newsletters against the number of segments",
            series,
            "Segments",
            f"Clicks per 1,000 newsletters delivered, issues from {late} on",
            doubling=True,
        ),
        caption="Means over seeds. One segment is one newsletter for all. Level lines do not "
        "depend on the number of segments.",
        columns=["Newsletter", "Clicks per 1,000", "Profile over it", "Versions an issue"],
        rows=[
            [
                label,
                f"{rate.mean():.1f}",
                "" if label == "profile" else Gain.over(rates["profile"] / rate - 1).tell(),
                f"{versions[label].mean():.0f}",
            ]
            for label, rate in rates.items()
        ],
    )


def _split(label: str) -> tuple[str, str]:
    """The family and the number of a policy such as "clicks, 16"."""
    family, _, count = label.partition(", ")
    return family, count


def _count_versions(cells: Cells, label: str) -> Floats:
    """By seed, how many newsletters of the last issue differ, without those that tried things."""
    found = []
    for unit in cells.list_units(label):
        log = read_last_newsletter(unit)
        sent = log.pivot(index="member", columns="slot", values="article").astype("str")
        tried = (log["role"] == EXPLORE).groupby(log["member"]).any()
        found.append(len(sent[~tried.loc[sent.index]].drop_duplicates()))
    return np.array(found, dtype=np.float64)
