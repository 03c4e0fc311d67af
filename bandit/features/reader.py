"""How text vectors become topics, which are learned from an archive of texts alone.

No one clustering of an archive is right: with few clusters, topics that readers tell apart are one;
with many, what is learned of one half of a topic says nothing of the other. So the archive is
clustered many times, into few clusters and into many, and two articles are taken to be as alike as
the clusterings agree that they are (consensus clustering, Strehl & Ghosh 2002; evidence
accumulation, Fred & Jain 2005). Memberships are soft, so a mixed article is a mixture. The leading
components of that likeness are turned by varimax (Kaiser 1958) until each article has few large
ones: such components are topics (Rohe & Zeng 2023), and words of the archive name them.

Open this file for what a policy is told of an article's text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from bandit.core import check, exact
from bandit.core.columns import Floats, Ints
from bandit.core.state import require
from bandit.core.threads import use_one_thread

CLUSTERS = (0.5, 0.75, 1.0, 1.5)  # clusterings have so many clusters for each column asked for
TIMES = 4  # how often, each from another start
FEWEST = 4  # articles that a cluster should have on average
PLAIN = 64  # principal components of the text vectors that clusterings see
SHARPNESS = 12.0  # of memberships: the clusters' logits are this times the cosine
LIKENESS = 0.4  # weight of the plain components beside the clusterings' agreement
ARRAYS = ("centre", "components", "clusters", "topics", "mean", "variance")
MINOR = 1 / 4  # a column with less than this share of the largest column's variance is no topic


@dataclass(frozen=True)
class Reader:
    """Reads a text vector as d numbers, topics first, the most common topic first of all.

    Over the archive every column has mean 0, and the average column has variance 1: a topic that
    tells more articles apart has more. Most callers use `Reader.fit` or `Reader.restore`.

    centre: [dim], the mean of the archive's text vectors
    components: [w, dim], their principal components, each divided by the root of its standard
        deviation: half of what whitening would do, which would drown what articles have in common
    clusters: [c, w], directions of the clusters of all clusterings, one below the other
    sizes: [r], how many clusters each clustering has; they add up to c
    topics: [d, c + w], what each membership and plain component adds to each column
    mean: [d], of the columns over the archive, which is taken off
    variance: [d], of each column over the archive, from high to low; their mean is 1
    """

    centre: Floats
    components: Floats
    clusters: Floats
    sizes: Ints
    topics: Floats
    mean: Floats
    variance: Floats

    @classmethod
    def fit(cls, vectors: Floats, dims: int) -> "Reader":
        """Learn topics from the vectors of an archive.

        vectors: [n, dim], n > dims
        dims: columns to keep; more tell articles apart better, and cost more to learn
        """
        return _fit(np.asarray(vectors, dtype=np.float64).tobytes(), len(vectors), dims)

    def read(self, vectors: Floats) -> Floats:
        """The columns [m, d] of m text vectors [m, dim]; a row's bits ignore the other rows."""
        return exact.snap(exact.dot(self._compare(vectors), self.topics) - self.mean)

    def _compare(self, vectors: Floats) -> Floats:
        """Memberships in all clusters, of unit length in each clustering, and plain components.

        Two such rows' inner product is how far the clusterings agree that two texts are alike.
        """
        # not BLAS: a row's bits ignore the batch; on a grid, so that processors agree
        plain = np.einsum("md,wd->mw", vectors - self.centre, self.components)
        direction = _scale_to_unit(exact.snap(plain))
        logits = SHARPNESS * exact.dot(direction, self.clusters)
        parts = [
            _scale_to_unit(_share(some))
            for some in np.split(logits, np.cumsum(self.sizes)[:-1], axis=1)
        ]
        each = 1 / np.sqrt(len(self.sizes))
        return exact.snap(np.hstack([*(part * each for part in parts), LIKENESS * direction]))

    @property
    def dims(self) -> int:
        """Columns that a text is read as."""
        return len(self.topics)

    @property
    def topic_count(self) -> int:
        """How many of the columns are topics, the first ones; the others only refine them.

        The archive decides it: a topic has at least `MINOR` of the largest column's variance.
        """
        return int((self.variance >= MINOR * self.variance.max(initial=0.0)).sum())

    def state(self) -> dict[str, Floats]:
        """The arrays that `restore` needs."""
        arrays: dict[str, Floats] = {name: getattr(self, name) for name in ARRAYS}
        return arrays | {"sizes": self.sizes.astype(np.float64)}

    @classmethod
    def restore(cls, arrays: Mapping[str, Floats], dim: int) -> "Reader":
        """The inverse of `state`. Raises ValueError for arrays that do not fit one another.

        dim: of the vectors that will be read
        """
        require(
            dict(arrays),
            ("centre", "components", "clusters", "sizes", "topics", "mean", "variance"),
        )
        sizes = arrays["sizes"].astype(np.int64)
        if (sizes != arrays["sizes"]).any() or sizes.min(initial=1) < 1:
            raise ValueError(
                f"the reader's sizes = {check.shorten(arrays['sizes'])}; must be counts"
            )
        w = len(arrays["components"])
        c, d = int(sizes.sum()), len(arrays["topics"])
        shapes = {"centre": (dim,), "components": (w, dim), "clusters": (c, w)}
        shapes |= {"topics": (d, c + w), "mean": (d,), "variance": (d,)}
        for name, shape in shapes.items():
            check.shape(f"the reader's {name}", arrays[name], shape)
        return cls(sizes=sizes, **{name: arrays[name] for name in shapes})


@lru_cache(maxsize=4)  # associations of one seed have one archive, whatever else they differ in
def _fit(content: bytes, n: int, dims: int) -> Reader:
    """What `Reader.fit` gives, for the bytes of its vectors."""
    vectors = np.frombuffer(content).reshape(n, -1)
    with use_one_thread():  # the last bits depend on the number of threads
        centre, components, sd = _find_components(vectors)
        plain = components / np.sqrt(np.maximum(sd[:, None], 1e-6))
        directions = _scale_to_unit(exact.snap((vectors - centre) @ plain.T))
        clusters = _cluster(directions, dims)
        sizes = np.array([len(some) for some in clusters])
        none = np.zeros((0, 0))
        start = Reader(centre, plain, np.vstack(clusters), sizes, none, none, none)
        topics = _find_topics(start._compare(vectors), dims)
        columns = exact.dot(start._compare(vectors), topics)
        mean, variance = exact.snap(columns.mean(axis=0)), columns.var(axis=0)
        order = np.argsort(-variance, kind="stable")
        return replace(start, topics=topics[order], mean=mean[order], variance=variance[order])


def _find_components(vectors: Floats) -> tuple[Floats, Floats, Floats]:
    """The mean [dim], unit components [w, dim], and the standard deviation along each [w]."""
    centre = vectors.mean(axis=0)
    _, spread, components = np.linalg.svd(vectors - centre, full_matrices=False)
    # a component's sign is arbitrary: the largest entry is positive, on which two machines agree
    largest = components[np.arange(len(components)), np.abs(components).argmax(axis=1)]
    signed = components * np.where(largest < 0, -1.0, 1.0)[:, None]
    return centre, signed[:PLAIN], spread[:PLAIN] / np.sqrt(max(len(vectors) - 1, 1))


def _cluster(directions: Floats, dims: int) -> list[Floats]:
    """Spherical k-means (Dhillon & Modha 2001): directions [k, w] of the clusters of each run."""
    from sklearn.cluster import KMeans  # only whoever fits a reader needs it

    n = len(np.unique(directions, axis=0))
    most = max(1, n // FEWEST)
    counts = sorted({min(max(2, round(dims * share)), most) for share in CLUSTERS})
    found: list[Floats] = []
    for count in counts:
        for time in range(TIMES):
            # from k-means++; on unit vectors the nearest centre is nearly that of highest cosine
            run = KMeans(count, n_init=1, random_state=time).fit(directions)
            found.append(exact.snap(_scale_to_unit(run.cluster_centers_.astype(np.float64))))
    return found


def _find_topics(likeness: Floats, dims: int) -> Floats:
    """Rotated components [dims, f] of rows [n, f], whose columns have a mean variance of 1.

    The rows are not centred: memberships are amounts, and centred ones would leave one topic to be
    told by the absence of all others.
    """
    _, _, components = np.linalg.svd(likeness, full_matrices=False)
    components = np.vstack([components, np.zeros((dims, likeness.shape[1]))])[:dims]
    columns = likeness @ components.T
    rotation = _rotate(columns)
    columns = columns @ rotation
    # a topic is what few articles have much of: its long tail is the positive one
    sign = np.where((columns**3).sum(axis=0) < 0, -1.0, 1.0)
    variance = float(columns.var(axis=0).mean())
    scale = 1 / np.sqrt(variance) if variance > 1e-9 else 1.0  # all texts may be alike
    return exact.snap((components.T @ rotation * sign).T * scale)


def _rotate(columns: Floats, steps: int = 100) -> Floats:
    """The rotation [d, d] of columns [n, d] with the largest varimax criterion (Kaiser 1958)."""
    rotation, reached = np.eye(columns.shape[1]), 0.0
    for _ in range(steps):
        turned = columns @ rotation
        pull = columns.T @ (turned**3 - turned * np.square(turned).mean(axis=0))
        left, singular, right = np.linalg.svd(pull)
        rotation = left @ right
        if singular.sum() <= reached * (1 + 1e-7):
            break
        reached = float(singular.sum())
    return rotation


def _share(logits: Floats) -> Floats:
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _scale_to_unit(rows: Floats) -> Floats:
    length = np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
    return np.asarray(np.divide(rows, length, out=np.zeros_like(rows), where=length > 0))
