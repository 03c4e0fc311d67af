"""How article text becomes vectors.

Open this file to use another text model: any object with `name`, `dim` and `encode` serves, for
instance one around a sentence-transformers model or around a service.
"""

import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from hashlib import blake2b, sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bandit.core import check

_WORD = re.compile(r"[^\W\d_]+")
Answer = TypeVar("Answer")
_MAGIC = b"SQLite format 3\0"
_DAMAGED = {
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_IOERR_SHORT_READ,
}
_TABLE = """CREATE TABLE IF NOT EXISTS checked
    (key BLOB PRIMARY KEY, vector BLOB NOT NULL, digest BLOB NOT NULL)"""


class Encoder(Protocol):
    """Turns texts into unit vectors.

    name: identifies the weights; vectors in a cache and components in a bundle are kept under it
    dim: numbers in a vector
    """

    name: str
    dim: int

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dim]; 0 for a text of which nothing is known."""


def encode(encoder: Encoder, texts: Sequence[str]) -> NDArray[np.float64]:
    """An encoder's vectors [len(texts), dim], checked.

    Raises ValueError naming the encoder for vectors of another shape, and the text of one that is
    not finite.
    """
    vectors = np.asarray(encoder.encode(texts), dtype=np.float64)
    check.shape(f"encoder {encoder.name}: vectors", vectors, (len(texts), encoder.dim))
    check.finite(f"encoder {encoder.name}: vectors", vectors, np.array(texts, dtype=object))
    return vectors


def check_encoder(what: str, fitted: object, encoder: Encoder) -> None:
    """Raise ValueError unless the encoder is the one that something was fitted with.

    what: was fitted, and how it is said, such as "the bundle was made"
    fitted: name of the encoder that it was fitted with
    """
    if encoder.name != fitted:
        raise ValueError(f"{what} with encoder {fitted!r}; this one is {encoder.name!r}")


class StaticEncoder:
    """The mean of a text's token vectors, scaled to unit length.

    The vectors are the 256-dimensional static embeddings that WordLlama (Miller 2024) ships inside
    its wheel, read with safetensors and tokenizers. This works offline; 40 texts take a few ms.

    The vectors were trained on English. A language that they hardly know falls into short tokens,
    whose mean says in which language a text is, and little else: its texts have the vector 0.
    Finnish, Russian and Chinese are of this kind; Spanish, French and German are read, less well.
    """

    name = "wordllama-l2-supercat-256"
    dim = 256

    def __init__(self) -> None:
        _static_weights()  # missing ones are told here

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [len(texts), 256]; 0 for a text without a token, or in such a language."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for i, text in enumerate(texts):
            vectors[i] = _read_static(text)
        return vectors


@lru_cache(maxsize=1 << 12)  # 4 MB: a text is read for features, for what is unread, in each world
def _read_static(text: str) -> NDArray[np.float32]:
    """A text's vector [256], by itself: padding to the length of others must not touch the bits."""
    table, tokenizer = _static_weights()
    told = tokenizer.encode(text, add_special_tokens=False)
    if not told.ids or _falls_apart(text, told.offsets):
        return np.zeros(table.shape[1], dtype=np.float32)
    # the mean is rounded to float32, on which machines agree
    mean = table[told.ids].astype(np.float32).mean(axis=0, dtype=np.float64)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)


def _falls_apart(text: str, tokens: Sequence[tuple[int, int]]) -> bool:
    """Whether a text's words fall into many short tokens, as those of an unknown language do.

    Of 8,058 English headlines 2 do; of 60 in other languages, those that `StaticEncoder` names.

    tokens: where each begins and ends in the text
    """
    pieces = sum(any(map(str.isalpha, text[start:end])) for start, end in tokens)
    letters, words = sum(map(str.isalpha, text)), len(_WORD.findall(text))
    return pieces >= 8 and letters < 2.6 * pieces and pieces > 2.2 * words


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
    return table, Tokenizer.from_file(  # 16-bit numbers, made longer where they are used
        str(root / "tokenizers" / "l2_supercat_tokenizer_config.json")
    )


class Cached:
    """An encoder that keeps each text's vector in an SQLite file, by a hash of the text.

    Several processes may share the file. A vector whose checksum is not its own is encoded again. A
    cache that SQLite finds damaged is put aside, as `NAME.damaged`, and begun anew.

    encoder: encodes the texts that the file does not have
    path: of the file, which is made where it does not exist

    Raises ValueError for a file that is none of SQLite's, and OSError for one that cannot be used.
    """

    def __init__(self, encoder: Encoder, path: str | Path) -> None:
        self.name, self.dim = encoder.name, encoder.dim
        self._encoder, self._path = encoder, Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._refuse_other()
        self._db: sqlite3.Connection | None = None

    def __getstate__(self) -> dict[str, object]:
        """What travels to another process, which opens the file itself."""
        return vars(self) | {"_db": None}

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors [len(texts), dim].

        Raises ValueError if the encoder gives another shape, or a number that is not finite.
        """
        content = [sha256(f"{self.name}\0{text}".encode()).digest() for text in texts]
        nothing: dict[bytes, bytes] = {}
        found = self._try(lambda db: _look_up(db, content), nothing)
        new = {key: text for key, text in zip(content, texts, strict=True) if key not in found}
        if new:
            vectors = np.asarray(self._encoder.encode(list(new.values())), dtype=np.float32)
            if vectors.shape != (len(new), self.dim):
                must = (len(new), self.dim)
                raise ValueError(f"encoder {self.name} gave shape {vectors.shape}; must be {must}")
            check.finite(f"encoder {self.name}: vectors", vectors, list(new.values()))
            made = {key: vector.tobytes() for key, vector in zip(new, vectors, strict=True)}
            self._try(lambda db: _keep(db, made), None)
            found |= made
        joined = b"".join(found[key] for key in content)
        return np.frombuffer(joined, dtype=np.float32).reshape(len(content), self.dim).copy()

    def _try(self, ask: Callable[[sqlite3.Connection], Answer], otherwise: Answer) -> Answer:
        """What `ask` finds in the cache; `otherwise` where the cache must be begun anew."""
        try:
            if self._db is None:
                self._db = sqlite3.connect(self._path, timeout=60)
                self._db.execute(_TABLE)
            return ask(self._db)
        except (
            sqlite3.Error,
            UnicodeDecodeError,
        ) as error:  # a table's name is none
            if self._db is not None:
                self._db.close()
                self._db = None
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
            if not {code, code & 0xFF} & _DAMAGED:
                raise OSError(f"{self._path}: the embedding cache fails: {error}") from None
        self._refuse_other()
        with suppress(FileNotFoundError):  # another process did so already
            self._path.rename(self._path.with_name(f"{self._path.name}.damaged"))
        self._path.with_name(f"{self._path.name}-journal").unlink(missing_ok=True)
        return otherwise

    def _refuse_other(self) -> None:
        """Raise ValueError where the file is somebody's who has no SQLite."""
        if self._path.exists() and self._path.stat().st_size:
            with self._path.open("rb") as file:
                if file.read(len(_MAGIC)) != _MAGIC:
                    raise ValueError(
                        f"{self._path} is no embedding cache, since it is no SQLite file; "
                        "remove it, or name another"
                    )


def _look_up(db: sqlite3.Connection, keys: Sequence[bytes]) -> dict[bytes, bytes]:
    """The vectors that the cache has, and that are what was put in."""
    asked = "SELECT vector, digest FROM checked WHERE key = ?"
    rows = ((key, *row) for key in keys for row in db.execute(asked, (key,)))
    return {key: vector for key, vector, digest in rows if digest == _digest(key, vector)}


def _keep(db: sqlite3.Connection, vectors: dict[bytes, bytes]) -> None:
    rows = [(key, vector, _digest(key, vector)) for key, vector in vectors.items()]
    with db:
        db.executemany("INSERT OR REPLACE INTO checked VALUES (?, ?, ?)", rows)


def _digest(key: bytes, vector: object) -> bytes:
    """Of one row; a vector that is not bytes any more has none."""
    return blake2b(key + vector, digest_size=16).digest() if isinstance(vector, bytes) else b""
