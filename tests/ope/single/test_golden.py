"""The same numbers as obp 0.5.7 and vw-estimators 0.2.2 on the same arrays.

tests/golden/obp/make.py made them.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t

from bandit.core.types import Floats
from bandit.ope import estimators
from bandit.ope.choosing import slope
from bandit.ope.single import doubly_robust, importance, loggers, replay, topics, weighing
from bandit.ope.whole.doubly_robust import cascade_dr

FILE = np.load(Path(__file__).parents[2] / "golden" / "obp" / "estimates.npz")
G = {name: FILE[name] for name in FILE.files if name not in ("names", "values")}
TOLD = dict(zip(FILE["names"].tolist(), FILE["values"].tolist(), strict=True))
N, M = G["logged"].shape
ROWS = np.arange(N)
W = weighing.weigh(G["logged"][ROWS, G["action"]], G["target"][ROWS, G["action"]])
REWARD, SHOWN = G["reward"], doubly_robust.pick(G["model"], G["action"])
WANTED = doubly_robust.direct(G["target"], G["model"])


def ips(w: Floats) -> Floats:
    return importance.ips(w, REWARD)


def dr(w: Floats) -> Floats:
    return doubly_robust.dr(w, REWARD, SHOWN, WANTED)


def weigh_loggers(kind: str) -> Floats:
    own = G["chances"][G["logger"], ROWS, G["action"]]
    each = G["chances"][:, ROWS, G["action"]].T
    mean = loggers.balance(each, np.bincount(G["logger"]))
    logged = mean if kind == "balanced" else own
    return weighing.weigh(logged, G["target"][ROWS, G["action"]])


def weigh_by_precision() -> Floats:
    terms = ips(weigh_loggers("naive"))
    return terms * loggers.weigh_loggers(terms, G["logger"])


def keep_greedy() -> Floats:
    best = G["target"].argmax(axis=1)
    kept = replay.keep((best == G["action"]) * float(M), np.full(N, 0.5))
    return replay.replay(kept, REWARD)


def mix(slots: Floats) -> Floats:
    """Each slot's weights self-normalised, slots apart."""
    logged, target, reward = G["slate_logged"], G["slate_target"], G["slate_reward"]
    return np.stack(
        [importance.snips(target[:, j] / logged[:, j], reward[:, j]) for j in range(len(slots))]
    ).sum(axis=0)


def cascade_terms() -> Floats:
    s, k = np.arange(len(G["slate_action"]))[:, None], np.arange(G["slate_action"].shape[1])
    shown = G["slate_model"][s, k, G["slate_action"]]
    wanted = (G["slate_pmf"] * G["slate_model"]).sum(axis=2)
    return cascade_dr(*SLATES, shown, wanted)


SLATES = (G["slate_logged"], G["slate_target"], G["slate_reward"])
MIPS = topics.weigh_topics(G["logged"], G["target"], G["groups"], G["action"])
CASES: dict[str, Callable[[], Floats]] = {
    "dm": lambda: WANTED,
    "ips": lambda: ips(W),
    "ips_clipped": lambda: ips(weighing.clip(W, 1.7)),
    "snips": lambda: importance.snips(W, REWARD),
    "vw_ips": lambda: ips(W),
    "vw_snips": lambda: importance.snips(W, REWARD),
    "ips_smooth": lambda: ips(weighing.smooth(W, 0.3)),
    "dr": lambda: dr(W),
    "dr_clipped": lambda: dr(weighing.clip(W, 1.7)),
    "sndr": lambda: doubly_robust.sndr(W, REWARD, SHOWN, WANTED),
    "dr_switch": lambda: dr(weighing.switch(W, 1.7)),
    "dr_shrunk": lambda: dr(weighing.shrink(W, 2.3)),
    "dr_smooth": lambda: dr(weighing.smooth(W, 0.3)),
    "ips_balanced": lambda: importance.snips(weighing.clip(G["weights"], 1.9), REWARD),
    "replay": keep_greedy,
    "loggers_ips": lambda: ips(weigh_loggers("naive")),
    "loggers_ips_balanced": lambda: ips(weigh_loggers("balanced")),
    "loggers_ips_weighted": weigh_by_precision,
    "loggers_dr": lambda: dr(weigh_loggers("naive")),
    "loggers_dr_balanced": lambda: dr(weigh_loggers("balanced")),
    "loggers_dr_weighted": lambda: dr(
        weigh_loggers("naive") * loggers.weigh_loggers(dr(weigh_loggers("naive")), G["logger"])
    ),
    "mips": lambda: ips(MIPS),
    "mips_sn": lambda: importance.snips(MIPS, REWARD),
    "slate_ips": lambda: estimators.ips(*SLATES),
    "slate_snips": lambda: estimators.snips(*SLATES),
    "slate_cascade": lambda: estimators.cascade(*SLATES),
    "slate_cascade_sn": lambda: estimators.cascade_sn(*SLATES),
    "slate_item_position": lambda: (SLATES[1] / SLATES[0] * SLATES[2]).sum(axis=1),
    "slate_item_position_sn": lambda: mix(SLATES[0][0]),
    "slate_cascade_dr": cascade_terms,
}
FAMILIES: dict[str, Callable[[float], Floats]] = {
    "slope_clipped": lambda scale: ips(weighing.clip(W, scale)),
    "slope_switch": lambda scale: dr(weighing.switch(W, scale)),
    "slope_shrunk": lambda scale: dr(weighing.shrink(W, scale)),
}


def test_every_estimate_of_the_file_is_compared() -> None:
    assert set(CASES) | set(FAMILIES) == set(TOLD)


@pytest.mark.parametrize("name", CASES)
def test_the_estimate_is_theirs(name: str) -> None:
    assert CASES[name]().mean() == pytest.approx(TOLD[name], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_slope_chooses_what_theirs_chooses(name: str) -> None:
    """Their margin is that of a one-sided 90 % t bound."""
    terms = [FAMILIES[name](scale) for scale in G["lambdas"].tolist()]
    margins = [float(t.ppf(0.9, N - 1) * np.sqrt(each.var() / (N - 1))) for each in terms]
    chosen = slope.choose([float(each.mean()) for each in terms], margins)
    assert terms[chosen].mean() == pytest.approx(TOLD[name], rel=1e-9)
