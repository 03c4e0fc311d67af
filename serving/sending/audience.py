"""Articles that at most so many members may get: a lottery by key, held before anything is chosen.

Each member has a lot for each article, a keyed number that never changes (`editorial.draw_lots`).
Of the members who may see a limited article those with the lowest lots are admitted, as many as the
limit says. So a member's slate depends on the others only by one number an article, the lot below
which members are admitted. It is logged, and with it eligibility and every propensity are exact
again when the log is read. Open this file to limit an article's audience.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from bandit.core.columns import Columns, Floats
from bandit.core.files import read_pieces
from bandit.slates.editorial import ADMIT, draw_lots, find_eligible
from serving.sending.record import SLATES

AUDIENCE = "audience"


def limit_audience(
    articles: Columns, members: Iterable[Columns], before: Sequence[Path] = ()
) -> tuple[Columns, dict[str, dict[str, float]]]:
    """The pool with a column `admit_below`, and for each limited article what was decided.

    articles: the pool; a column `audience` holds how many members may get an article at most
    members: all who are sent to now, in pieces that are gone through once
    before: folders of the waves that were sent before; who got the article there counts
    Decided are at_most, how many members may_see it, and the lot admit_below.
    """
    if AUDIENCE not in articles:
        return articles, {}
    ids, limits = articles["article"].tolist(), articles[AUDIENCE].tolist()
    limited = {j: int(limit) for j, limit in enumerate(limits) if limit == limit is not None}
    reached = _count_reached(before)
    left = {j: max(limit - reached[ids[j]], 0) for j, limit in limited.items()}
    # the lowest lots of each article: as many as members may get it, and one more
    lowest: dict[int, Floats] = {j: np.zeros(0) for j in limited}
    eligible = dict.fromkeys(limited, 0)
    for some in members:
        allowed = find_eligible(some, articles)
        for j, most in left.items():
            lots = draw_lots(some["member"], ids[j])[allowed[:, j]]
            eligible[j] += len(lots)
            lots = np.concatenate([lowest[j], lots])
            lowest[j] = np.partition(lots, most)[: most + 1] if len(lots) > most else lots
    below: list[float | None] = [None] * len(articles)
    if ADMIT in articles:
        below = [None if given != given else given for given in articles[ADMIT].tolist()]
    decided = {}
    for j, limit in limited.items():
        if eligible[j] > left[j]:
            below[j] = float(lowest[j].max())
        decided[str(ids[j])] = {
            "at_most": limit,
            "may_see": min(left[j], eligible[j]),
            "admit_below": 1.0 if below[j] is None else float(below[j] or 0.0),
        }
    return articles.assign(**{ADMIT: np.array(below, dtype=np.float64)}), decided


def _count_reached(folders: Sequence[Path]) -> Counter[object]:
    """Article -> how many members were sent it."""
    found = Counter[object]()
    for folder in folders:
        for piece in read_pieces(folder / SLATES, ["article"]):
            for counted in pc.value_counts(piece["article"]).to_pylist():
                found[counted["values"]] += counted["counts"]
    return found
