"""Fixed at joining: segments made once, made anew, and profiles, as members change."""

import numpy as np

from experiments.report.study.figures import Series, draw_series
from experiments.report.study.page import Finding
from experiments.study.cells import Cells
from experiments.study.words import advise, tell_change, tell_sure

BLOCK = 4  # issues that are averaged into a point of the figure
ROLES = {"made once": "baseline", "profile": "star"}
SHOWN = {"made once": "Segments made once", "made anew": "Made anew", "profile": "Profile"}


def find(cells: Cells) -> Finding:
    """What segments made once lose against those made anew and against profiles, by world."""
    last = min(int(world["issues"]) for world in cells.worlds.values())
    quarter = last - last // 4 + 1
    worlds = list(cells.study.worlds)
    decay = {w: cells.gain("made once", "made anew", w, first=quarter) for w in worlds}
    lead = {w: cells.gain("profile", "made once", w, first=quarter) for w in worlds}
    ahead = cells.gain("profile", "made anew", first=quarter)
    moved = worlds[-1]
    broke = int(cells.worlds[moved]["drift"]["break_at"])
    before = cells.gain(
        "profile", "made once", moved, first=max(broke - last // 4, 1), last=broke - 1
    )
    headline = (
        f"In the last quarter of half a year profiles get {tell_change(lead[cells.usual])} than "
        f"segments made once, and segments made once {tell_change(decay[cells.usual])} than "
        "segments made anew."
    )
    say = [
        f"When half of the members change at issue {broke}, profiles go from "
        f"{tell_change(before)} than segments made once, just before, to "
        f"{tell_change(lead[moved])} in the last quarter.",
        *(
            f"With interests {w}, a profile that forgets gets "
            f"{tell_change(cells.gain('profile that forgets', 'profile', w, first=quarter))} than "
            "one that does not."
            for w in (cells.usual, moved)
        ),
    ]
    ends = np.arange(BLOCK, last + 1, BLOCK)
    series = {
        words: Series(
            ends.astype(np.float64),
            np.array(
                [
                    cells.rates(p, moved, end - BLOCK + 1, end)
                    for end in range(BLOCK, last + 1, BLOCK)
                ]
            ).T,
            ROLES.get(p, "other"),
        )
        for p, words in SHOWN.items()
    }
    best = min(lead[cells.usual], ahead, key=lambda gain: gain.low)
    do, sure = advise(
        decay[cells.usual],
        len(cells.seeds),
        "Segments may stay as they were made; making them anew costs clicks here.",
        "Make segments anew as members click, or send profiles, which never stand still.",
        "Whether segments are worth making anew is open: these runs do not show it.",
    )
    if best.sign > 0:
        do = f"Send profiles, which never stand still and are ahead of both. {do}"
        sure = f"That profiles are ahead: {_lower(tell_sure(best, len(cells.seeds)))} What making "
        sure += f"anew brings: {_lower(tell_sure(decay[cells.usual], len(cells.seeds)))}"
    return Finding(
        headline=headline,
        advice=(do, sure),
        say=say,
        figure=draw_series(
            "static",
            "Clicks per 1,000 newsletters, issue by issue, as half of the members change",
            series,
            "Issue",
            "Clicks per 1,000 newsletters delivered",
        ),
        caption=f"Where half of the members change at issue {broke}; means over seeds and {BLOCK} "
        "issues. Pools and campaigns make all lines rise and fall together.",
        columns=[
            "Interests",
            "Made once over made anew",
            "Profile over made once",
            "Profile, clicks per 1,000",
        ],
        rows=[
            [w, decay[w].tell(), lead[w].tell(), f"{cells.rates('profile', w, quarter).mean():.1f}"]
            for w in worlds
        ],
    )


def _lower(words: str) -> str:
    """A sentence that follows a colon."""
    return words[:1].lower() + words[1:]
