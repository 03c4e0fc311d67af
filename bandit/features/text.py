"""How article text becomes vectors.

Open this file to use another text model: any object with `name`, `dim` and `encode` serves, for
instance one around a sentence-transformers model or around a service.
"""

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
    """Turns texts into unit vectors.

    name: identifies the weights; vectors in a cache and components in a bundle are kept under it
    dim: numbers in a vector
    """

    name: str
    dim: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dim]."""


class StaticEncoder:
    """The mean of a text's token vectors, scaled to unit length.

    The vectors are the 256-dimensional static embeddings that WordLlama (Miller 2024) ships inside
    its wheel, read with safetensors and tokenizers. This works offline; 40 texts take a few ms.
    """

    name = "wordllama-l2-supercat-256"
    dim = 256

    def __init__(self) -> None:
        self._table, self._tokenizer = _static_weights()

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [len(texts), 256]; 0 for a text without a known token."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for i, text in enumerate(texts):  # one text at a time: padding must not touch the bits
            tokens = self._tokenizer.encode(text, add_special_tokens=False).ids
            if tokens:
                # rounded to float32 below, on which machines agree
                mean = self._table[tokens].mean(axis=0, dtype=np.float64)
                vectors[i] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return vectors


@cache
def _static_weights():  # type: ignore[no-untyped-def]  # tokenizers has no stubs
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    spec = find_spec("wordllama")  # found, not imported: only its data files are wanted
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(
            "the default text encoder needs the wordllama package: "
            "pip install wordllama==0.4.0.post1"
        )
    root = Path(spec.submodule_search_locations[0])
    table = load_file(root / "weights" / "l2_supercat_256.safetensors")["embedding.weight"]
    return table.astype(np.float32), Tokenizer.from_file(
        str(root / "tokenizers" / "l2_supercat_tokenizer_config.json")
    )


class Cached:
    """An encoder that keeps each text's vector in an SQLite file, by a hash of the text.

    Several processes may share the file.

    encoder: encodes the texts that the file does not have
    path: of the file, which is made where it does not exist
    """

    def __init__(self, encoder: Encoder, path: str | Path) -> None:
        self.name, self.dim = encoder.name, encoder.dim
        self._encoder = encoder
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(path, timeout=60)
        self._db.execute(
            "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
        )

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dim]. Raises ValueError if the encoder gives another shape."""
        content = [sha256(f"{self.name}\0{text}".encode()).digest() for text in texts]
        found = {key: vector for key in content for vector in self._look_up(key)}
        new = {key: text for key, text in zip(content, texts, strict=True) if key not in found}
        if new:
            vectors = np.asarray(self._encoder.encode(list(new.values())), dtype=np.float32)
            if vectors.shape != (len(new), self.dim):
                must = (len(new), self.dim)
                raise ValueError(f"encoder {self.name} gave shape {vectors.shape}; must be {must}")
            found |= {key: vector.tobytes() for key, vector in zip(new, vectors, strict=True)}
            with self._db:
                self._db.executemany(
                    "INSERT OR IGNORE INTO vectors VALUES (?, ?)",
                    [(key, found[key]) for key in new],
                )
        joined = b"".join(found[key] for key in content)
        return np.frombuffer(joined, dtype=np.float32).reshape(len(content), self.dim).copy()

    def _look_up(self, key: bytes) -> list[bytes]:
        return [
            row[0] for row in self._db.execute("SELECT vector FROM vectors WHERE key = ?", (key,))
        ]
