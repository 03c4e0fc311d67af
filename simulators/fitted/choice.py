"""Which examination model a log speaks for, and with which numbers.

Examination is fitted by EM to clicks whose P(click | examined) is drawn from the posteriors of
members and articles (stochastic EM: Celeux & Diebolt 1985), so that members who differ in how
readily they click do not pass for effects of earlier clicks. Open this to add a kind of model.
"""

import numpy as np
import pandas as pd

from bandit.core.types import Floats
from simulators.examination.compare import compare_models
from simulators.examination.em import fit
from simulators.examination.models import (
    Cascade,
    DependentClick,
    DynamicBayesian,
    Newsletter,
    PositionBased,
    UserBrowsing,
)
from simulators.examination.walk import Examine, expect_clicks
from simulators.fitted.mails import OpenedMails


def list_models(slots: int) -> dict[str, Examine]:
    """One examination model of each kind, to start from."""
    curve = 1 / (1 + 0.15 * np.arange(slots))
    return {
        "position_based": PositionBased(curve.tolist()),
        "newsletter": Newsletter(0.95, 0.8, 0.2, 0.4),
        "cascade": Cascade(),
        "dependent_click": DependentClick([0.7] * (slots - 1)),
        "dynamic_bayesian": DynamicBayesian(0.9, 0.2),
        "user_browsing": UserBrowsing([curve[r:].tolist() for r in range(slots)]),
    }


def choose_model(
    examine: Examine | str | None, mails: OpenedMails, p: Floats
) -> tuple[Examine, pd.DataFrame | None]:
    """The examination model, and what each kind foresees where the choice was the log's.

    examine: a model, which stays as it is; or the kind of one, whose numbers are fitted; None: the
        kind that foresees clicks best
    p: [e, k], P(click | examined) of each slot

    Raises ValueError for a kind that there is not.
    """
    slots, table = mails.article.shape[1], None
    models = list_models(slots)
    if examine is None:
        table = compare_models(models, mails.article, mails.clicked, p)
        examine = str(table["model"].iloc[0])
    if not isinstance(examine, str):
        return examine, None
    if examine not in models:
        raise ValueError(f"examine = {examine!r}; choose from {', '.join(models)}")
    return fit(models[examine], mails.article, mails.clicked, p).model, table


def measure_curve(model: Examine, slots: int) -> Floats:
    """P(slot examined | opened) [k] of a member who hardly clicks."""
    return np.asarray(expect_clicks(model, np.full((1, slots), 1e-9), slots)[0] / 1e-9)
