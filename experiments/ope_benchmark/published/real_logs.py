"""Two real logs on which the truth is known by another of their parts.

Open Bandit's small data (Saito, Aihara, Matsutani & Narita 2021): what the log of one policy says
of the other, beside what the other's own log earned. Hillstrom's e-mail experiment (2008): what its
log says of sending one mailing to everybody. Open this file for how a log of choices is judged.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from bandit.core.types import Floats
from bandit.ope.choosing import blend
from bandit.ope.single.doubly_robust import direct
from bandit.ope.single.importance import ips, snips
from bandit.ope.single.log import Log
from bandit.ope.single.models import cross_fit, fit_articles
from experiments.ope_benchmark.measure import Goal, Part, list_errors
from simulators.replay.loaders.hillstrom import MAILINGS, Hillstrom
from simulators.replay.loaders.open_bandit import OpenBandit
from simulators.replay.loaders.tables import ChoiceLog

PUBLISHED = {"direct": 0.218148, "ips": 1.158730, "dr_articles": 0.992942}  # their examples/obd
SHOP, MAILS = "Open Bandit: relative error", "Hillstrom: visits a customer"


def make_log(log: ChoiceLog, target: Floats) -> Log:
    """A log of choices as estimators read it, with a target [n, m]; no context is looked at.

    The logger chose uniformly, which the loaders of both have checked.
    """
    n, m = len(log.choice), len(log.articles)
    reward = log.clicked.astype(np.float64)
    logged = np.full((n, m), 1 / m)
    return Log(log.choice, reward, logged, target, np.zeros((n, 0)), np.arange(n))


def judge_shop(folder: Path) -> dict[str, float]:
    """Relative errors of what the uniform log says of Bernoulli Thompson sampling.

    Its chances are how often it showed each article at each place of the page, by its own log.
    """
    uniform, other = (OpenBandit(str(folder), logger).read() for logger in ("random", "bts"))
    m, truth = len(other.articles), float(other.clicked.mean())
    places = [log.rounds["position"].to_numpy() for log in (uniform, other)]
    target = np.zeros((len(uniform.choice), m))
    for place in np.unique(places[1]):
        shown = np.bincount(other.choice[places[1] == place], minlength=m)
        target[places[0] == place] = shown / shown.sum()
    log = make_log(uniform, target)
    found = {"direct": direct(target, cross_fit(log, fit_articles)), **blend.list_terms(log)}
    found["blend"] = blend.estimate(log)
    return {name: abs(float(terms.mean()) / truth - 1) for name, terms in found.items()}


def judge_mails(file: Path) -> dict[str, float]:
    """Visits a customer if everybody were sent one mailing, by its name and the estimator's."""
    log = Hillstrom(str(file)).read()
    found = {}
    for j, mailing in enumerate(MAILINGS):
        target = np.zeros((len(log.choice), len(MAILINGS)))
        target[:, j] = 1
        read = make_log(log, target)
        for name, estimate in (("ips", ips), ("snips", snips)):
            found[f"{mailing}, {name}"] = float(estimate(read.weigh(), read.reward).mean())
    return found


def run(
    runs: int, seed: int, tick: Callable[[], None], shop: object = None, mails: object = None
) -> Part:
    """What either log says; there is one of each, so runs and seeds do not matter.

    shop: folder of Open Bandit's files; None: not judged
    mails: file of Hillstrom's experiment; None: not judged

    Raises ValueError where neither is given, or one is not there.
    """
    given = {"open_bandit": shop, "hillstrom": mails}
    if shop is None and mails is None:
        raise ValueError(
            "open_bandit and hillstrom are null; name a folder or a file of a real log"
        )
    for what, place in given.items():
        if place is not None and not (isinstance(place, str) and Path(place).exists()):
            raise ValueError(f"{what} = {place!r}; there is no such file or folder")
    rows: list[dict[str, object]] = []
    goals: list[Goal] = []
    if shop is not None:
        found = judge_shop(Path(str(shop)))
        rows += list_errors(SHOP, 0, found)
        goals = [Goal(f"relative error of {n}", found[n], most) for n, most in PUBLISHED.items()]
    if mails is not None:
        rows += list_errors(MAILS, 0, judge_mails(Path(str(mails))))
    tick()
    return Part("real_logs", "Two real logs", 1.0, pd.DataFrame(rows), goals)
