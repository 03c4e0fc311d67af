"""Article text to vectors. Any object with `name`, `dim` and `encode` serves: a sentence-transformers model, a service."""

import sqlite3
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Encoder(Protocol):
    """Texts to unit vectors [len(texts), dim], float32. `name` identifies the weights: it keys the cache and the bundle."""

    name: str
    dim: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]: ...


class StaticEncoder:
    """The mean of a text's token vectors, at unit length: the 256-dimensional static embeddings that WordLlama
    (Miller 2024) ships inside its wheel, read with safetensors and tokenizers. Works offline; 40 texts take a few ms."""

    name = "wordllama-l2-supercat-256"
    dim = 256

    def __init__(self) -> None:
        self._table, self._tokenizer = _static_weights()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for i, text in enumerate(texts):  # one text at a time: padding must not touch the bits
            tokens = self._tokenizer.encode(text, add_special_tokens=False).ids
            if tokens:
                mean = self._table[tokens].mean(
                    axis=0, dtype=np.float64
                )  # then rounded: machines agree on float32
                vectors[i] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return vectors


@cache
def _static_weights():  # type: ignore[no-untyped-def]  # tokenizers has no stubs
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = find_spec("wordllama")  # found, not imported: only its data files are wanted
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "the default text encoder needs the wordllama package: pip install wordllama==0.4.0.post1"
        )
    root = Path(spec.submodule_search_locations[0])
    table = load_file(root / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    return table.astype(np.float32), Tokenizer.from_file(
        str(root / "tokenizers" / "l2_supercat_tokenizer_config.json")
    )


class Cached:
    """An encoder that remembers, by content hash, in an SQLite file that several processes may share."""

    def __init__(self, encoder: Encoder, path: str | Path) -> None:
        self.name, self.dim = encoder.name, encoder.dim
        self._encoder = encoder
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
        )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        content = [sha256(f"{self.name}\0{text}".encode()).digest() for text in texts]
        found = {key: vector for key in content for vector in self._lookup(key)}
        new = {key: text for key, text in zip(content, texts, strict=True) if key not in found}
        if new:
            vectors = np.asarray(self._encoder.encode(list(new.values())), dtype=np.float32)
            if vectors.shape != (len(new), self.dim):
                raise ValueError(
                    f"encoder {self.name} gave shape {vectors.shape}; must be {(len(new), self.dim)}"
                )
            found |= {key: vector.tobytes() for key, vector in zip(new, vectors, strict=True)}
            with self._db:
                self._db.executemany(
                    "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                    [(key, found[key]) for key in new],
                )
        return (
            np.stack([np.frombuffer(found[key], dtype=np.float32) for key in content])
            if content
            else np.zeros((0, self.dim), dtype=np.float32)
        )

    def _lookup(self, key: bytes) -> list[bytes]:
        return [
            row[0] for row in self._db.execute("SELECT vector FROM vectors WHERE key = ?", (key,))
        ]
