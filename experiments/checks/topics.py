"""How well readers tell the true topics: python -m experiments.checks.topics

A profile can only carry what is learned of one article over to another one as far as the two look
alike. So the figure is the agreement of two likenesses over all pairs of fresh articles: of the
columns that are read, and of the true topics (inner products, both centred; 1 is perfect). Readers
are fitted to an archive of 600 texts, as the association's own, and read 800 others.
"""

from collections.abc import Callable
from itertools import product

import numpy as np
import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from bandit.core import keys
from bandit.core.types import Floats
from bandit.features.clean import read_texts
from bandit.features.features import Features
from bandit.features.reader import Reader
from bandit.features.text import Encoder, StaticEncoder
from simulators.association.pools.articles import compose
from simulators.association.pools.catalogue import CATALOGUES, read_catalogue

ARCHIVE, FRESH, DIMS = 600, 800, 32
SEEDS = range(300, 303)
Read = Callable[[Floats], Floats]


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


def main() -> None:
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
