"""Off-policy estimators beside Open Bandit Pipeline and what the bare arithmetic takes.

Run by `make bench`. Times are processor time on one thread; ratios within one run.
"""

from collections.abc import Callable
from time import process_time
from typing import Any

import numpy as np
import pytest

from bandit.core.columns import Columns
from bandit.core.rules import Rules
from bandit.core.types import Array, Context, Floats, Ints, SlotPmf
from bandit.ope import estimators
from bandit.ope.intervals import bootstrap_interval
from bandit.ope.single import doubly_robust as single
from bandit.ope.single.importance import ips
from bandit.ope.single.weighing import weigh
from bandit.ope.whole.item_position import item_position
from bandit.slates.exploration import softmax
from bandit.slates.propensity import draw
from bandit.slates.walks import find_chances
from tests.benchmarks.clock import least
from tests.benchmarks.peers import OBP, ask
from tests.benchmarks.rows import Beside, Row, note

SENDS, ARTICLES, SLOTS, RESAMPLES = 100_000, 50, 6, 1000
FEW = 3  # sends whose chances Open Bandit Pipeline is asked for: all 360,360 slates of each
DRAWS = 16  # slates that we draw for each send
rng = np.random.default_rng(0)
rows = np.arange(SENDS)
CHECKS = "each value is checked before it counts, which takes as long as the arithmetic"
SIMPLE = (
    "the bare arithmetic is some 20 times as fast as obp, whose form of this estimator checks "
    "little; we check the chances of all slots, k times as many"
)
RESAMPLING = "a Poisson number is looked up for each, and sends are counted as well as clicks"
WALKING = "rules are asked, and members and slots have numbers of their own, in each drawn slate"


@pytest.fixture(scope="module")
def log() -> dict[str, Array]:
    """A log of one choice a send, and a log of slates."""
    logged, target = (rng.dirichlet(np.full(ARTICLES, 2.0), SENDS) for _ in range(2))
    return {
        "logged": logged,
        "target": target,
        "model": 0.1 * rng.random((SENDS, ARTICLES)),
        "action": (logged.cumsum(axis=1) > rng.random((SENDS, 1))).argmax(axis=1),
        "reward": (rng.random(SENDS) < 0.05).astype(float),
        "slate_logged": rng.uniform(0.1, 1, (SENDS, SLOTS)),
        "slate_target": rng.uniform(0.1, 1, (SENDS, SLOTS)),
        "slate_reward": (rng.random((SENDS, SLOTS)) < 0.05).astype(float),
    }


@pytest.fixture(scope="module")
def issue() -> tuple[SlotPmf, Context, Ints]:
    """Softmax over fifteen articles for five slots, without rules, and slates drawn of it."""
    n, m = 2000, 15
    members = Columns({"member": np.arange(n)})
    told = {name: np.full(m, "") for name in ("title", "summary", "kind", "source")}
    pool, ones = Columns({"article": np.arange(m)} | told), np.ones((n, 1))
    open = np.ones((n, m), dtype=bool)
    context = Context("may", 7, members, pool, ones, ones[:m], open, ~open, Rules(slots=5))
    plan = SlotPmf(rng.normal(size=(n, m)), softmax(1.0))
    return plan, context, draw(plan, context, 0).choice


@pytest.fixture(scope="module")
def theirs(log: dict[str, Array], issue: tuple[SlotPmf, Context, Ints]) -> dict[str, float] | None:
    plan, _, choice = issue
    few = {"logits": plan.scores[:FEW], "choice": choice[:FEW].astype(np.int64)}
    return ask("obp_estimates.py", python=OBP, **log, **few)


def look_up(table: Floats, action: Ints) -> Floats:
    """table[i, action[i]], the fastest that numpy does it."""
    return table.ravel().take(rows * table.shape[1] + action)


def tell(
    benchmark: Any,
    work: str,
    times: tuple[float, float, float | None],
    unit: str,
    name: str,
    aim: float,
    why: str,
) -> None:
    """Note a row. times: ours, of the bare arithmetic `name`, and the peer's, in `unit`."""
    ours, bare, theirs = times
    benchmark.pedantic(lambda: None, rounds=1)
    peer = None if theirs is None else Beside("obp", theirs, aim)
    note(benchmark, Row(work, ours, unit, peer, Beside(name, bare, 5), why=why))


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("name", ["ips", "item_position", "cascade"])
def test_whole_slates(
    benchmark: Any, name: str, log: dict[str, Array], theirs: dict[str, float] | None
) -> None:
    """The estimate of a log of slates whose chances are known."""
    logged, target, reward = (log[f"slate_{part}"] for part in ("logged", "target", "reward"))
    wide = [np.repeat(each[:, :, None], SLOTS, axis=2) for each in (logged, target)]
    ours: dict[str, Callable[[], Any]] = {
        "ips": lambda: estimators.ips(logged, target, reward).mean(),
        "item_position": lambda: item_position(*wide, reward).mean(),
        "cascade": lambda: estimators.cascade(logged, target, reward).mean(),
    }
    bare: dict[str, Callable[[], Any]] = {
        "ips": lambda: ((target / logged).prod(axis=1) * reward.sum(axis=1)).mean(),
        "item_position": lambda: ((target / logged) * reward).sum(axis=1).mean(),
        "cascade": lambda: ((target / logged).cumprod(axis=1) * reward).sum(axis=1).mean(),
    }
    taken = least({"ours": ours[name], "bare": bare[name]}, 10)
    peer = theirs and 1e3 * theirs[f"slate {name}"]
    times = (1e3 * taken["ours"], 1e3 * taken["bare"], peer or None)
    why = SIMPLE if name == "item_position" else CHECKS
    work = f"judge a log of {SENDS:,} slates of {SLOTS}: {name.replace('_', '-')}"
    tell(benchmark, work, times, "ms", "weights and a sum in numpy", 100, why)


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("name", ["ips", "direct", "dr"])
def test_one_choice(
    benchmark: Any, name: str, log: dict[str, Array], theirs: dict[str, float] | None
) -> None:
    """The estimate of a log of one choice a send."""
    logged, target, model, action, reward = (
        log[part] for part in ("logged", "target", "model", "action", "reward")
    )
    chance = logged[rows, action]

    def robust() -> float:
        w, wanted = weigh(chance, single.pick(target, action)), single.direct(target, model)
        return float(single.dr(w, reward, single.pick(model, action), wanted).mean())

    def robust_bare() -> Any:
        w, wanted = look_up(target, action) / chance, np.einsum("nm,nm->n", target, model)
        return (wanted + w * (reward - look_up(model, action))).mean()

    ours: dict[str, Callable[[], Any]] = {
        "ips": lambda: ips(weigh(chance, single.pick(target, action)), reward).mean(),
        "direct": lambda: single.direct(target, model).mean(),
        "dr": robust,
    }
    bare: dict[str, Callable[[], Any]] = {
        "ips": lambda: (look_up(target, action) / chance * reward).mean(),
        "direct": lambda: np.einsum("nm,nm->n", target, model).mean(),
        "dr": robust_bare,
    }
    taken = least({"ours": ours[name], "bare": bare[name]}, 10)
    peer = theirs and 1e3 * theirs[f"one {name}"]
    times = (1e3 * taken["ours"], 1e3 * taken["bare"], peer or None)
    work = f"judge a log of {SENDS:,} sends of {ARTICLES} articles: {name}"
    tell(benchmark, work, times, "ms", "the same without checks", 5, CHECKS)


@pytest.mark.benchmark(timer=process_time)
def test_bootstraps(benchmark: Any, log: dict[str, Array], theirs: dict[str, float] | None) -> None:
    """Resamples of members with ten sends each; they resample single sends."""
    members = rows % (SENDS // 10)
    terms = log["reward"] * 1.5
    clickers = len(np.unique(members[terms > 0]))
    sums = np.ones(clickers, np.float32)

    def resample() -> Any:
        times = rng.integers(0, 65_536, (clickers, RESAMPLES), dtype=np.uint16)
        return sums @ times.astype(np.float32)

    taken = least({"ours": lambda: bootstrap_interval(terms, members), "bare": resample}, 3)
    peer = theirs and theirs["bootstrap"]
    work = f"{RESAMPLES:,} bootstraps of {SENDS:,} sends, by member"
    name = "a number and a product for each clicker"
    tell(benchmark, work, (taken["ours"], taken["bare"], peer or None), "s", name, 20, RESAMPLING)


@pytest.mark.benchmark(timer=process_time)
def test_chances_of_slots(
    benchmark: Any,
    issue: tuple[SlotPmf, Context, Ints],
    theirs: dict[str, float] | None,
) -> None:
    """How likely each slot shows its article, whatever stands above it.

    We draw slates, whose error counts in the interval; they go through all 360,360.
    """
    plan, context, choice = issue
    n, k = choice.shape
    members = np.arange(n)
    many = np.tile(plan.scores, (DRAWS, 1))

    def walk() -> list[Any]:
        weights, at, shown = np.exp(many), np.arange(len(many)), []
        for _ in range(k):
            sums = weights.cumsum(axis=1)
            drawn = (sums <= rng.random(len(many))[:, None] * sums[:, -1:]).sum(axis=1)
            shown.append(weights / sums[:, -1:])
            weights[at, drawn] = 0.0
        return shown

    works = {"ours": lambda: find_chances(plan, context, choice, members, 0, DRAWS), "bare": walk}
    ours, bare = (1e6 * taken / n for taken in least(works, 3).values())
    peer = theirs and 1e6 * theirs["chances"] / FEW
    work = "chances of the articles of 5 slots out of 15, 16 slates drawn (obp: all 360,360)"
    name = "16 walks in numpy"
    tell(benchmark, work, (ours, bare, peer or None), "us a send", name, 1e4, WALKING)
