"""Text to vectors, and remembering them."""

import subprocess
import sys
import textwrap
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from bandit.features import text
from bandit.features.text import Cached, StaticEncoder

TEXTS = [
    "Dosing of vaccines. A study",
    "",
    "x|y: z\nw",
    "\U0001f48a \x00 ünïcode",
    "dosing " * 900,
    "Board elects",
    "!!!",
]


class Hashed:
    """Vectors that depend on the text only, and a count of what was asked."""

    def __init__(self, name: str = "hashed", dim: int = 5) -> None:
        self.name, self.dim, self.asked = name, dim, []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.asked += list(texts)
        digests = [sha256(f"{self.name} {t}".encode()).digest() for t in texts]
        return (
            np.array([list(d[: self.dim]) for d in digests], dtype=np.float32).reshape(
                len(texts), self.dim
            )
            / 7
        )


def test_static_vectors_have_unit_length_and_tell_topics_apart() -> None:
    vectors = StaticEncoder().encode(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((7, 256), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), [1, 0, 1, 1, 1, 1, 1], atol=1e-6)
    a, b, c = StaticEncoder().encode(
        ["warfarin dosing guideline", "anticoagulant dose advice", "summer picnic photographs"]
    )
    assert a @ b > 2 * max(a @ c, b @ c)
    assert StaticEncoder().encode([]).shape == (0, 256)


def test_static_vectors_ignore_the_batch_to_the_bit() -> None:
    encoder = StaticEncoder()
    whole = encoder.encode(TEXTS)
    assert np.vstack([encoder.encode([t]) for t in TEXTS]).tobytes() == whole.tobytes()
    assert encoder.encode(TEXTS[::-1]).tobytes() == whole[::-1].tobytes()
    assert StaticEncoder().encode(TEXTS * 3)[7:14].tobytes() == whole.tobytes()


def test_without_wordllama_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install wordllama"):
        text._static_weights.__wrapped__()


def test_cache_asks_once_for_each_content(tmp_path: Path) -> None:
    inner = Hashed()
    cached = Cached(inner, tmp_path / "new" / "folder" / "cache.db")
    assert (cached.name, cached.dim) == ("hashed", 5)
    first = cached.encode(["a", "b", "a"])
    assert inner.asked == ["a", "b"]
    assert first.tobytes() == Hashed().encode(["a", "b", "a"]).tobytes()
    assert cached.encode(["b", "c", "a"]).tobytes() == Hashed().encode(["b", "c", "a"]).tobytes()
    assert inner.asked == ["a", "b", "c"]
    assert cached.encode([]).shape == (0, 5)
    later = Hashed()
    assert (
        Cached(later, tmp_path / "new" / "folder" / "cache.db").encode(["c", "a"]).dtype
        == np.float32
    )
    assert later.asked == []  # another day, another process: nothing is computed again


def test_cache_is_keyed_by_the_content_and_the_encoders_name(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    one, two = Hashed("one"), Hashed("two")
    for encoder in (one, two):
        assert (
            Cached(encoder, path).encode(["a", "a "]).tobytes()
            == Hashed(encoder.name).encode(["a", "a "]).tobytes()
        )
    assert one.asked == two.asked == ["a", "a "]
    odd = Cached(StaticEncoder(), path)
    assert (
        odd.encode(TEXTS).tobytes()
        == odd.encode(TEXTS).tobytes()
        == StaticEncoder().encode(TEXTS).tobytes()
    )


@pytest.mark.parametrize("shape", [(2, 4), (1, 5), (2, 5, 1), (10,)])
def test_cache_refuses_a_wrong_shape_and_keeps_nothing(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    inner = Hashed()
    cached = Cached(inner, tmp_path / "cache.db")
    # a service that answers with the wrong shape
    inner.encode = lambda texts: np.zeros(shape)  # type: ignore[method-assign]
    with pytest.raises(ValueError, match=r"encoder hashed gave shape .*; must be \(2, 5\)"):
        cached.encode(["a", "b"])
    good = Hashed()
    Cached(good, tmp_path / "cache.db").encode(["a", "b"])
    assert good.asked == ["a", "b"]


def test_several_processes_share_one_cache(tmp_path: Path) -> None:
    script = textwrap.dedent(
        """
        import sys
        import numpy as np
        from bandit.features.text import Cached
        class Lengths:
            name, dim = "lengths", 3
            def encode(self, texts):
                rows = [[len(t), hash(t) * 0 + len(set(t)), 1] for t in texts]
                return np.array(rows, dtype=np.float32)
        path, shift = sys.argv[1], int(sys.argv[2])
        cached = Cached(Lengths(), path)
        texts = [f"text {i * 31 % 97} " + "x" * (i % 7) for i in range(120)]
        for i in range(0, 120, 4):
            batch = [texts[(i + shift + j) % 120] for j in range(6)]
            assert cached.encode(batch).tobytes() == Lengths().encode(batch).tobytes()
        """
    )
    command = [sys.executable, "-W", "error", "-c", script, str(tmp_path / "cache.db")]
    folder = Path(text.__file__).parents[1]
    running = [
        subprocess.Popen([*command, str(41 * i)], cwd=folder, stderr=subprocess.PIPE, text=True)
        for i in range(3)
    ]
    for process in running:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
