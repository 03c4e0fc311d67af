"""Whole commands as people wait for them: processor seconds of a new process.

Run by `make bench`.
"""

import os
import resource
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import serving
from bandit.core.columns import Columns
from serving.sending.write import CHUNK, read_back, write_slates
from tests.benchmarks.desk import RULES, make_bundle
from tests.benchmarks.peers import ask
from tests.benchmarks.rows import Beside, Row, note

FIRST = """
import serving
from bandit.core.columns import Columns
from bandit.core.files import read_table
from bandit.core.rules import Rules
tables = (read_table(f"{name}.parquet") for name in ("members", "pool"))
members, pool = map(Columns.from_arrow, tables)
issue = serving.load("bundle").prepare(pool, Rules(slots=6), "may", 7)
issue.compose(members.take([0]))
"""
MANY = 1_000_000
SOME = 10_000  # members whom mab2rec is asked for
ROOT = Path(__file__).parents[2]
STARTING = "numpy and pyarrow, without which nothing is read or chosen, are most of it"
SENDING = (
    "choosing is half of it: numbers that have the same bits in any order, averages over what is "
    "not known, propensities. Neither the peer nor the limit has these, nor checks and merge "
    "files: to write and digest the bytes of those, from memory, takes {:.2g} us. With that the "
    "limit is {:.3g}, and the send takes {:.2g} times as long (docs/scale.md)"
)
RECOMMENDING = (
    "a send writes, too: where the aim allows {:.2g} us for all, one product and writing and "
    "digesting its files take {:.2g} at the least; choosing takes twice the aim (docs/scale.md)"
)
DEMO = (
    "85 associations of 26 issues, a policy and a seed each, 5.7 seconds of a core apiece; `wave`, "
    "`offpolicy`, `neural` and `vw_ccb` are 43 % of it, and learn until the last issue; then one "
    "core alone makes the tables, the report and the next issue, in ten seconds"
)
ALONE = (
    "660 calls of functions for one row, none of which takes a twentieth (docs/scale.md); several "
    "members in a call share them"
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, its members and a pool of 200 in a folder."""
    folder: Path = tmp_path_factory.mktemp("process")
    context = make_bundle(folder / "bundle")
    for name, table in (("members", context.members), ("pool", context.articles)):
        table.to_pandas().to_parquet(folder / f"{name}.parquet")
    (folder / "rules.yaml").write_text("slots: 6\n")
    (folder / "ruled.yaml").write_text(
        "slots: 6\nat_most: {kind: {event: 2}}\n"
        f"pins: {{1: {context.article_ids[0]}}}\nonly: {{6: {{kind: [article]}}}}\n"
    )
    rows = np.resize(np.arange(len(context.members)), MANY)
    many = context.members.take(rows).assign(member=np.arange(MANY) + 1)
    many.to_pandas().to_parquet(folder / "many.parquet")
    return folder


def spend(*asked: object, where: Path | None = None) -> float:
    """Processor seconds of a Python process with these arguments.

    What Python compiles is kept, as it is where people work, whatever is said to this process.
    """
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        [sys.executable, *map(str, asked)],
        cwd=where,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.benchmark
@pytest.mark.parametrize(
    ("work", "asked", "most"),
    [
        ("`python -m experiments.run --help`", ("-m", "experiments.run", "--help"), 1.5),
        ("`import serving.send`", ("-c", "import serving.send"), 0.3),
    ],
)
def test_starting(benchmark: Any, work: str, asked: tuple[str, ...], most: float) -> None:
    taken = min(spend(*asked) for _ in range(3))
    benchmark.pedantic(lambda: None, rounds=1)
    note(benchmark, Row(work, taken, "s", most=most, why=STARTING))


@pytest.mark.benchmark
def test_the_first_slate(benchmark: Any, desk: Path) -> None:
    taken = min(spend("-c", FIRST, where=desk) for _ in range(3))
    benchmark.pedantic(lambda: None, rounds=1)
    note(benchmark, Row("a cold process to its first slate", taken, "s", most=0.5, why=STARTING))


@dataclass(frozen=True)
class Sent:
    """What a send took, in microseconds a member, and the least that its parts could.

    said: of its rules
    ours: the whole command
    bare: one product, and its slates written once more
    ready: its merge files written once more from ready bytes, and their digests
    """

    said: str
    ours: float
    bare: float
    ready: float


@pytest.fixture(scope="module", params=["rules", "ruled"])
def sent(desk: Path, request: pytest.FixtureRequest) -> Sent:
    """Parquet to parquet, with merge files and preview."""
    files = {"members": "many.parquet", "pool": "pool.parquet", "rules": f"{request.param}.yaml"}
    given = [part for name, file in files.items() for part in (f"--{name}", desk / file)]
    asked = ("bundle", *given, "--campaign", "may", "--seed", "7", "--allow-unmatched")
    out = desk / "out"
    ours = spend("-m", "serving.send", *asked, "--out", out, where=desk)
    rng = np.random.default_rng(0)
    tastes, articles = (rng.normal(size=(n, 35)).astype(np.float32) for n in (CHUNK, 200))
    tables = list(read_back(out / "slates.parquet", RULES.slots))
    start = process_time()
    for _ in range(0, MANY, CHUNK):
        tastes @ articles.T
    write_slates(desk / "again.parquet", tables)
    bare = process_time() - start
    ready = sum(write_ready(out / name, desk / "again") for name in ("merge.jsonl", "merge.csv"))
    rmtree(out)
    said = "a pin, a cap and a section" if request.param == "ruled" else "no rules"
    return Sent(said, *(1e6 * seconds / MANY for seconds in (ours, bare, ready)))


def write_ready(path: Path, again: Path) -> float:
    """Seconds in which a file's bytes, once they are in memory, are written and digested."""
    taken, digest = 0.0, sha256()
    with path.open("rb") as file, again.open("wb") as copy:
        while block := file.read(1 << 21):
            start = process_time()
            copy.write(block)
            digest.update(block)
            taken += process_time() - start
    return taken


@pytest.mark.benchmark
def test_a_send(benchmark: Any, desk: Path, sent: Sent) -> None:
    """Polars has no rules, propensities or texts."""
    articles = np.random.default_rng(0).normal(size=(200, 35))
    theirs = ask("polars_send.py", path=np.array(str(desk / "many.parquet")), articles=articles)
    peer = theirs and Beside("Polars and numpy, bare", 1e6 * theirs["send"] / MANY, 1)
    benchmark.pedantic(lambda: None, rounds=1)
    work = f"`serving.send`, {MANY:,} members, 200 articles, {sent.said}"
    limit = Beside("float32 product and the slates written once more", sent.bare, 6)
    least = sent.bare + sent.ready
    why = SENDING.format(sent.ready, least, sent.ours / least)
    note(benchmark, Row(work, sent.ours, "us a member", peer or None, limit, why=why))


@pytest.mark.benchmark
def test_a_send_beside_mab2rec(benchmark: Any, desk: Path, sent: Sent) -> None:
    """Whose recommendations for as many attributes are all that is timed of it."""
    attributes = np.random.default_rng(0).random((SOME, 30)).round()
    theirs = ask("mab2rec_slates.py", members=attributes, m=np.array(200))
    taken = 1e6 * theirs["profile"] / SOME if theirs else np.nan
    peer = theirs and Beside("mab2rec LinGreedy", taken, 10)
    benchmark.pedantic(lambda: None, rounds=1)
    work = f"the same send, {sent.said}, beside recommendations alone"
    why = RECOMMENDING.format(taken / 10, sent.bare + sent.ready)
    note(benchmark, Row(work, sent.ours, "us a member", peer or None, why=why))


@pytest.mark.benchmark
def test_the_demo(benchmark: Any, tmp_path: Path) -> None:
    """The only row whose time is by the clock: it works on all cores, and people wait for it."""
    start = perf_counter()
    spend("-m", "experiments.demo", where=tmp_path)
    taken = perf_counter() - start
    benchmark.pedantic(lambda: None, rounds=1)
    work = f"`make demo` after its set-up, by the clock, {os.cpu_count()} cores"
    note(benchmark, Row(work, taken, "s", most=240, why=DEMO))


@pytest.mark.benchmark
def test_one_member(benchmark: Any, desk: Path) -> None:
    """A program that composes for one member after the other."""
    members, pool = (
        Columns.from_arrow(pq.read_table(desk / f"{name}.parquet")) for name in ("members", "pool")
    )
    issue = serving.load(desk / "bundle").prepare(pool, RULES, "may", 7)
    times = []
    for row in range(600):
        one = members.take([row])
        start = process_time()
        issue.compose(one)
        times.append(1e6 * (process_time() - start))
    benchmark.pedantic(lambda: None, rounds=1)
    p50, p99 = np.percentile(times[100:], [50, 99])
    benchmark.extra_info["p99"] = p99
    work = f"one member through the API, p50 (p99 {p99:,.0f})"
    note(benchmark, Row(work, p50, "us", most=200, why=ALONE))
