"""Articles that at most so many members may get: a lottery by key, held before anything is chosen.

Each member has a lot for each article, a keyed number that never changes (`editorial.draw_lots`).
Of the members who may see a limited article those with the lowest lots are admitted, as many as the
limit says. So a member's slate depends on the others only by one number an article, the lot below
which members are admitted. It is logged, and with it eligibility and every propensity are exact
again when the log is read. Open this file to limit an article's audience.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from bandit.core.columns import Columns
from bandit.core.files import read_table
from bandit.slates.editorial import ADMIT, draw_lots, find_eligible
from serving.sending.record import SLATES

AUDIENCE = "audience"


def limit_audience(
    articles: Columns, members: Columns, before: Sequence[Path] = ()
) -> tuple[Columns, dict[str, dict[str, float]]]:
    """The pool with a column `admit_below`, and for each limited article what was decided.

    articles: the pool; a column `audience` holds how many members may get an article at most
    members: all who are sent to now
    before: folders of the waves that were sent before; who got the article there counts
    Decided are at_most, how many members may_see it, and the lot admit_below.
    """
    if AUDIENCE not in articles:
        return articles, {}
    allowed = find_eligible(members, articles)
    below: list[float | None] = articles[ADMIT].tolist() if ADMIT in articles else []
    below = below or [None] * len(articles)
    decided = {}
    limits = zip(articles["article"].tolist(), articles[AUDIENCE].tolist(), strict=True)
    for j, (article, limit) in enumerate(limits):
        if limit is None or limit != limit:
            continue
        left = max(int(limit) - _count_reached(before, article), 0)
        lots = np.sort(draw_lots(members["member"], article)[allowed[:, j]])
        if len(lots) > left:
            below[j] = float(lots[left])
        decided[str(article)] = {
            "at_most": int(limit),
            "may_see": min(left, len(lots)),
            "admit_below": 1.0 if below[j] is None else float(below[j] or 0.0),
        }
    return articles.assign(**{ADMIT: np.array(below, dtype=np.float64)}), decided


def _count_reached(folders: Sequence[Path], article: object) -> int:
    """How many members were sent the article."""
    shown = (read_table(folder / SLATES)["article"] for folder in folders)
    return sum(pc.sum(pc.equal(column, article)).as_py() or 0 for column in shown)
