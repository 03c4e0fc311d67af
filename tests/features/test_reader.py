"""Topics from an archive: what is found in texts made of known topics, and what must not matter."""

import numpy as np
import pytest

from bandit.core.types import Floats
from bandit.features.reader import Reader, _rotate
from experiments.checks.topics import measure_agreement
from simulators.association.pools.articles import compose
from simulators.association.pools.catalogue import read_catalogue

DIM = 40


def draw_vectors(topics: Floats, noise: float, seed: int = 3) -> Floats:
    """Unit vectors [n, DIM] of texts that have `topics` [n, t], each a direction of its own."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0][: topics.shape[1]]
    vectors = topics @ directions + rng.normal(scale=noise / np.sqrt(DIM), size=(len(topics), DIM))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))


def draw_topics(n: int, t: int, seed: int) -> Floats:
    """Of each text one of t topics, and for three in ten a second one of half the weight."""
    rng = np.random.default_rng(seed)
    first, second = rng.integers(t, size=n), rng.integers(t, size=n)
    mixed = np.where(rng.random(n) < 0.3, 0.5, 0.0)
    return np.maximum(np.eye(t)[first], np.eye(t)[second] * mixed[:, None])


@pytest.mark.parametrize("t", [7, 19])
def test_topics_are_found_whatever_their_number(t: int) -> None:
    archive, fresh = draw_topics(500, t, 1), draw_topics(300, t, 2)
    reader = Reader.fit(draw_vectors(archive, 0.8), dims=32)
    columns = reader.read(draw_vectors(np.vstack([archive, fresh]), 0.8)[500:])
    assert measure_agreement(columns, fresh) > 0.85
    correlation = np.corrcoef(columns.T, fresh.T)[: reader.topic_count, 32:]
    assert (correlation.max(axis=0) > 0.8).all()  # each topic has a column that stands for it


def test_a_mixed_text_lies_between_its_topics() -> None:
    topics = draw_topics(500, 9, 4)
    kinds = np.vstack([np.eye(9)[2], np.eye(9)[5], (np.eye(9)[2] + np.eye(9)[5]) / 2])
    vectors = draw_vectors(np.vstack([topics, kinds]), 0.5)
    reader = Reader.fit(vectors[:500], dims=12)
    pure, other, mixed = reader.read(vectors[500:])
    top, low = pure.argmax(), other.argmax()
    assert top != low
    assert other[top] < mixed[top] < pure[top]
    assert pure[low] < mixed[low] < other[low]


def test_columns_are_centred_ordered_and_reach_the_dims_asked_for() -> None:
    vectors = draw_vectors(draw_topics(200, 5, 5), 0.6)
    reader = Reader.fit(vectors, dims=23)
    columns = reader.read(vectors)
    assert columns.shape == (200, 23)
    np.testing.assert_allclose(columns.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(columns.var(axis=0), reader.variance, atol=1e-4)
    np.testing.assert_allclose(reader.variance.mean(), 1, atol=1e-5)
    assert (np.diff(reader.variance) <= 0).all()
    assert 5 <= reader.topic_count < 23


def test_a_rows_bits_ignore_the_batch_and_survive_a_bundle() -> None:
    vectors = draw_vectors(draw_topics(300, 8, 6), 0.7)
    reader = Reader.fit(vectors, dims=9)
    whole = reader.read(vectors)
    again = Reader.restore(reader.state(), DIM)
    for rows in (np.arange(1), np.arange(7, 60), np.arange(300)[::-1]):
        np.testing.assert_array_equal(reader.read(vectors[rows]), whole[rows])
        np.testing.assert_array_equal(again.read(vectors[rows]), whole[rows])
    arrays = reader.state()
    with pytest.raises(ValueError, match="the reader's mean has shape"):
        Reader.restore(arrays | {"mean": arrays["mean"][1:]}, DIM)


def test_an_archive_that_was_read_before_is_remembered_by_its_numbers() -> None:
    """What is remembered is what is found anew, and belongs to these numbers and columns alone."""
    vectors = draw_vectors(draw_topics(120, 5, 1), 0.3)
    one = Reader.fit(vectors, 6)
    assert Reader.fit(vectors.copy(), 6) is one
    again = Reader.fit(np.vstack([vectors, vectors[:1]]), 6), Reader.fit(vectors, 7)
    assert [reader.dims for reader in again] == [6, 7]
    for _ in range(4):  # four others, and it is forgotten
        vectors = vectors[1:]
        Reader.fit(vectors, 6)
    anew = Reader.fit(draw_vectors(draw_topics(120, 5, 1), 0.3), 6)
    assert anew is not one
    assert all(anew.state()[name].tobytes() == one.state()[name].tobytes() for name in one.state())


@pytest.mark.parametrize("n", [2, 5, 13, 50])
def test_small_archives_and_texts_that_repeat(n: int) -> None:
    vectors = draw_vectors(draw_topics(n, 3, 7), 0.4)
    for archive in (vectors, np.vstack([vectors, vectors[:1].repeat(30, axis=0)])):
        columns = Reader.fit(archive, dims=min(n - 1, 6)).read(vectors)
        assert np.isfinite(columns).all()
    same = np.repeat(vectors[:1], n, axis=0)
    np.testing.assert_array_equal(Reader.fit(same, dims=1).read(same), 0)


def test_the_rotation_is_varimax() -> None:
    rng = np.random.default_rng(9)
    sparse = rng.exponential(size=(600, 4)) * (rng.random((600, 4)) < 0.2)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    rotation = _rotate(sparse @ turn)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(4), atol=1e-12)
    back = np.abs(turn @ rotation)  # a permutation but for signs
    np.testing.assert_allclose(np.sort(back, axis=0)[-1], 1, atol=0.01)

    def criterion(columns: Floats) -> float:
        return float((np.square(columns).var(axis=0)).sum())

    best = criterion(sparse @ turn @ rotation)
    for _ in range(20):
        other = np.linalg.qr(rng.normal(size=(4, 4)))[0]
        assert criterion(sparse @ other) < best


def test_simulated_articles_are_read_well() -> None:
    """Measured .88 on seeds 1 and 2; whitened principal components get .53."""
    from bandit.features.text import StaticEncoder

    encoder, pools = StaticEncoder(), []
    for seed, count in ((11, 600), (12, 400)):
        pool = compose(np.random.default_rng(seed), read_catalogue("pharmacy"), count, "a", 0.3)
        texts = (pool.articles["title"] + ". " + pool.articles["summary"]).tolist()
        pools.append((encoder.encode(texts).astype(np.float64), pool.topics))
    (archive, _), (fresh, topics) = pools
    assert measure_agreement(Reader.fit(archive, dims=32).read(fresh), topics) > 0.85
