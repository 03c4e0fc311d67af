"""What clicked articles tell of the next click: python -m experiments.checks.histories FOLDER

FOLDER holds news.tsv and behaviors.tsv in the form of MIND (Wu, Qiao, Chen et al. 2020), which the
project may not ship. A reader's columns are judged as a profile would use them: what a member
clicked before is averaged, and the articles of a list are ranked by their inner product with it.
The figure is the area under the ROC curve of a list (.5 is chance), averaged over lists. Readers
are fitted to articles that no list showed, so all that is ranked is new to them.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from scipy.stats import rankdata

from bandit.core import keys
from bandit.core.threads import use_one_thread
from bandit.core.types import Bools, Floats, Ints
from bandit.features.clean import clean_texts, join_texts
from bandit.features.features import Features
from bandit.features.text import Encoder, StaticEncoder, encode
from bandit.ope.intervals import Interval, normal_interval
from experiments.checks.topics import DIMS, READERS
from simulators.replay.loaders.mind import Impressions, Mind

ARCHIVE = 3000  # articles at most that readers are fitted to
LISTS = 6000  # at most that are judged; their standard error is some .004
POLICY = "topics, as policies read them"


def measure_auc(scores: Floats, clicked: Bools) -> float:
    """The share of pairs, one clicked and one not, in which the clicked one has the higher score.

    scores: [n]; equal ones count as half
    clicked: [n], some of them and not all
    """
    clicks = int(clicked.sum())
    above = float(rankdata(scores)[clicked].sum()) - clicks * (clicks + 1) / 2
    return above / (clicks * (len(clicked) - clicks))


def judge(log: Impressions, columns: Floats, lists: Sequence[int]) -> Interval:
    """The mean area of lists [k] with members as clusters.

    log: the lists that were shown
    columns: [m, d], of all articles of the log; not a number where an article was not read
    lists: which lists to judge; each has articles that were clicked before
    """
    areas: list[float] = []
    for i in lists:
        past = log.history[log.history_start[i] : log.history_start[i + 1]]
        now = slice(log.start[i], log.start[i + 1])
        scores = columns[log.shown[now]] @ columns[past].mean(axis=0)
        areas.append(measure_auc(scores, log.clicked[now]))
    members = log.rounds["member"].to_numpy()[list(lists)]
    return normal_interval(np.array(areas), members)


def choose_lists(log: Impressions, most: int, seed: int) -> list[int]:
    """At most so many lists whose members had clicked before, in the order of the log."""
    known = np.flatnonzero(np.diff(log.history_start) > 0)
    rng = keys.generator("check of histories", seed)
    chosen = rng.choice(known, size=min(most, len(known)), replace=False)
    return [int(i) for i in np.sort(chosen)]


def choose_archive(log: Impressions, most: int, seed: int) -> list[int]:
    """At most so many articles that no list showed: indices of `log.articles`."""
    rest = np.setdiff1d(np.arange(len(log.articles)), log.shown)
    rng = keys.generator("check of histories, archive", seed)
    return [int(j) for j in rng.choice(rest, size=min(most, len(rest)), replace=False)]


@use_one_thread()
def measure(log: Impressions, encoder: Encoder, seed: int = 0) -> dict[str, Interval]:
    """The figure of each reader.

    Raises ValueError for a log without two members' lists to judge, and for fewer than 33 articles
    that no list showed.
    """
    lists, archive = choose_lists(log, LISTS, seed), choose_archive(log, ARCHIVE, seed)
    if len(archive) <= DIMS:
        raise ValueError(f"{len(archive)} articles were never shown; readers need {DIMS + 1}")
    used = np.unique(np.concatenate([_list_articles(log, lists), archive])).astype(np.int64)
    raw = join_texts(log.articles)
    texts = clean_texts([raw[j] for j in used])
    vectors = encode(encoder, texts).astype(np.float64)
    fitted = np.searchsorted(used, np.sort(archive))
    found: dict[str, Interval] = {}
    for name, fit in READERS.items():
        found[name] = judge(log, _spread(log, used, fit(vectors[fitted])(vectors)), lists)
    known = [raw[used[j]] for j in fitted]
    features = Features.fit(pd.DataFrame({"member": [1]}), known, DIMS, encoder)
    columns = features.encode_texts([raw[j] for j in used])
    return found | {POLICY: judge(log, _spread(log, used, columns), lists)}


def _list_articles(log: Impressions, lists: Sequence[int]) -> Ints:
    parts = [log.shown[log.start[i] : log.start[i + 1]] for i in lists]
    parts += [log.history[log.history_start[i] : log.history_start[i + 1]] for i in lists]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def _spread(log: Impressions, used: Ints, columns: Floats) -> Floats:
    """Columns of the articles that are used, in the places of all articles."""
    whole = np.full((len(log.articles), columns.shape[1]), np.nan)
    whole[used] = columns
    return whole


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.checks.histories")
    parser.add_argument("folder", help="holds news.tsv and behaviors.tsv")
    parser.add_argument("--seed", type=int, default=0, help="of the lists and articles drawn")
    asked = parser.parse_args(argv)
    console = Console()
    try:
        log = Mind(asked.folder).read()
        console.print(str(log.account), highlight=False)
        found = measure(log, StaticEncoder(), asked.seed)
    except (ValueError, OSError) as error:
        parser.exit(2, f"{error}\n")
    table = Table(title="area under the ROC curve of a list, mean over lists")
    for column in ("reader", "estimate", "from", "to"):
        table.add_column(column, justify="left" if column == "reader" else "right")
    for name, interval in found.items():
        ends = (interval.estimate, interval.low, interval.high)
        table.add_row(name, *(f"{value:.3f}" for value in ends))
    console.print(table)


if __name__ == "__main__":
    main()
