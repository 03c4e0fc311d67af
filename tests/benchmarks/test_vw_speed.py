"""Vowpal Wabbit beside its own driver: pytest tests/benchmarks --benchmark-only.

Ratios of processor time within one run. The driver is VW's C++ loop over a cache file with the same
decisions: 40 articles of 34 numbers, members of 5 attributes.
"""

from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest

from bandit.models.vowpal import asking, text, workspace
from tests.benchmarks.rows import Beside, Row, note

N, M = 1000, 40
ASKED = "VW answers one member at a time, through Python"
ARGUMENTS = "--cb_explore_adf --squarecb --gamma_scale 100.0 --cb_type mtr --interactions ma -b 18"


@pytest.fixture(scope="module")
def decisions() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    lines = [
        "|a " + " ".join(f"{d}:{value:.6f}" for d, value in enumerate(row))
        for row in rng.normal(size=(M, 34))
    ]
    on = np.zeros((N, 28), dtype=bool)
    for block in np.array_split(np.arange(28), 5):
        on[np.arange(N), rng.choice(block, N)] = True
    return {
        "lines": lines,
        "on": on,
        "members": [text.write_member(row) for row in on],
        "index": rng.integers(0, M, N),
        "cost": -(rng.random(N) < 0.2).astype(float),
        "propensity": rng.uniform(0.05, 0.5, N),
    }


@pytest.fixture(scope="module")
def cache(decisions: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vw")
    with (folder / "text").open("w") as file:
        for i, member in enumerate(decisions["members"]):
            lines, j = list(decisions["lines"]), decisions["index"][i]
            label = text.write_label(0, decisions["cost"][i], decisions["propensity"][i])
            lines[j] = f"{label} {lines[j]}"
            file.write("\n".join([member, *lines]) + "\n\n")
    workspace.start_vw(
        ARGUMENTS, "-d", str(folder / "text"), "--cache_file", str(folder / "cache")
    ).finish()
    return folder / "cache"


def driver_seconds(cache: Path, more: str = "") -> float:
    """The fastest of a few passes over the cache, without setting up."""
    times = []
    for _ in range(4):
        start = process_time()
        vw = workspace.start_vw(f"{ARGUMENTS} {more}", "--cache_file", str(cache), "--passes", "1")
        times.append(process_time() - start)
        assert vw.get_weighted_examples() == N
        vw.finish()
    start = process_time()
    workspace.start_vw(ARGUMENTS).finish()
    return min(times) - (process_time() - start)


def pyvw_seconds(decisions: dict[str, Any], label: bool) -> float:
    """Processor seconds of VW's Python package with a text for each decision, as it documents.

    label: whether it learns; it predicts otherwise
    """
    texts = []
    for i, member in enumerate(decisions["members"]):
        lines, j = list(decisions["lines"]), decisions["index"][i]
        if label:
            told = text.write_label(0, decisions["cost"][i], decisions["propensity"][i])
            lines[j] = f"{told} {lines[j]}"
        texts.append([member, *lines])
    vw = workspace.start_vw(ARGUMENTS)
    act = vw.learn if label else vw.predict
    start = process_time()
    for lines in texts:
        act(lines)
    taken = process_time() - start
    vw.finish()
    return taken


@pytest.mark.benchmark(timer=process_time)
def test_learning_beside_the_driver(benchmark: Any, decisions: dict[str, Any], cache: Path) -> None:
    """About 1.05 times the driver, opening the model included.

    Articles are parsed once, and a decision costs two lines.
    """
    lines, columns = decisions["lines"], ("members", "index", "cost", "propensity")
    model = workspace.make_model(ARGUMENTS)

    def learn() -> None:
        with workspace.open_model(model, ARGUMENTS) as vw:
            articles = [text.parse(vw, line) for line in lines]
            for member, j, cost, p in zip(*(decisions[name] for name in columns), strict=True):
                asking.teach(vw, member, articles, lines, j, cost, p)
            asking.release(vw, [text.parse(vw, "shared |m"), *articles])

    benchmark(learn)
    driver = 1e6 * driver_seconds(cache) / N
    ours, theirs = 1e6 * benchmark.stats["min"] / N, 1e6 * pyvw_seconds(decisions, label=True) / N
    beside = Beside("pyvw, text", theirs, 5), Beside("VW's driver on a cache", driver, 1.4)
    note(benchmark, Row("vw learns, 40 articles", ours, "us a decision", *beside, why=ASKED))


@pytest.mark.benchmark(timer=process_time)
@pytest.mark.parametrize("few", [False, True], ids=["every member", "few questions"])
def test_predicting_beside_the_driver(
    benchmark: Any, decisions: dict[str, Any], cache: Path, few: bool
) -> None:
    """About 0.8 times the driver when every member is asked about.

    With one question for each attribute value it is 0.03 times.
    """
    model = workspace.make_model(ARGUMENTS)
    with workspace.open_model(model, ARGUMENTS) as vw:
        articles = [text.parse(vw, line) for line in decisions["lines"]]

        def ask(one: Any) -> Any:
            return asking.ask_costs(vw, text.write_member(one), articles)

        answers = (
            (lambda: asking.ask_all(decisions["on"], ["ma"], ask))
            if few
            else lambda: [ask(one) for one in decisions["on"]]
        )
        benchmark(answers)
        asking.release(vw, [text.parse(vw, "shared |m"), *articles])
    driver = 1e6 * driver_seconds(cache, "-t") / N
    ours, theirs = 1e6 * benchmark.stats["min"] / N, 1e6 * pyvw_seconds(decisions, label=False) / N
    beside = Beside("pyvw, text", theirs, 5), Beside("VW's driver on a cache", driver, 1.4)
    work = "vw predicts, 40 articles, " + ("a question an attribute" if few else "every member")
    note(benchmark, Row(work, ours, "us a decision", *beside, why=ASKED))
