"""Which examination model foresees a log best, and how a log of rounds becomes what EM is given.

Open this to choose between kinds of models; `em.py` fits each.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from bandit.core.types import Bools, Floats, Ints, Round
from simulators.examination.em import fit
from simulators.examination.walk import Examine, perplexity


def read_opens(rounds: Sequence[Round]) -> tuple[list[object], Ints, Bools]:
    """What a log tells of opened newsletters.

    Returns the article ids; for each newsletter the indices of its articles (-1: empty) [n, k]; and
    its clicks [n, k].
    """
    ids = pd.Index(sorted({a for r in rounds for a in r.context.article_ids}))
    rows = [np.flatnonzero(r.feedback.opened) for r in rounds]
    # an empty slot's -1 picks the last, which is -1 again
    index = [np.append(ids.get_indexer(r.context.article_ids), -1) for r in rounds]
    article = [
        known[r.slates.choice[some]] for r, known, some in zip(rounds, index, rows, strict=True)
    ]
    clicks = [r.feedback.clicked[some] for r, some in zip(rounds, rows, strict=True)]
    return list(ids), np.concatenate(article), np.concatenate(clicks)


def compare_models(
    models: Mapping[str, Examine],
    article: Ints,
    clicks: Bools,
    p: Floats | None = None,
    slots: int | None = None,
    prior: float = 100.0,
) -> pd.DataFrame:
    """Each model fitted to every other newsletter of a log and judged on the rest.

    The table has a row for each model, the best first: its perplexity overall and by slot. An
    article unknown to the first half is not judged.

    models: name -> where to start; the other options are those of `em.fit`
    """
    rows = []
    for name, model in models.items():
        done = fit(model, article[::2], clicks[::2], None if p is None else p[::2], slots, prior)
        rest = article[1::2]
        if p is None:
            rest = np.where(rest < len(done.attraction), rest, -1)
            wanted = np.append(done.attraction, 0.0)[rest]
        else:
            wanted = np.where(rest >= 0, p[1::2], 0.0)
        judged = perplexity(done.model, wanted, clicks[1::2] & (rest >= 0), rest >= 0, slots)
        by_slot = {f"slot {j + 1}": value for j, value in enumerate(judged.slots)}
        rows.append({"model": name, "perplexity": judged.overall} | by_slot)
    return pd.DataFrame(rows).sort_values("perplexity", kind="stable", ignore_index=True)
