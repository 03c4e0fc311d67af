"""Vowpal Wabbit's models as bytes: opened, saved, packed into a policy's state, and checked.

A model lives as the bytes VW saves and is opened for each issue anew. Not everything VW keeps in
memory is saved (with more than one set of weights, as in bag, cover, rnd and dr, it forgets the
scale of all but the first), so a model that was kept open would differ from one that was restored.
Measured against VW's own command line, the progressive loss of a model kept open differs by at most
1e-4; reopened for each issue, that of bag, cover, rnd and dr differs by about 1 %. Predictions
change the bytes (VW counts them), so planning drops its copy.
"""

import re
import struct
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from bandit.core import check
from bandit.core.state import State, require

Workspace = Any  # vowpalwabbit's: it is imported only inside functions, and has no types
SEED = 1  # of VW's own draws (bagging, random networks)


def start_vw(arguments: str, *files: str) -> Workspace:
    """VW, with these arguments and then those that may hold blanks."""
    from vowpalwabbit import Workspace as Started

    return Started(arg_list=[*arguments.split(), *files, "--quiet"])


def make_model(arguments: str) -> bytes:
    """An untaught model."""
    return save_model(start_vw(f"{arguments} --random_seed {SEED}"))


@contextmanager
def open_model(model: bytes, arguments: str) -> Iterator[Workspace]:
    """A workspace that goes on from `model`; the arguments are those that it was made with.

    The seed is in the model.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.vw"
        path.write_bytes(model)
        vw = start_vw(arguments, "-i", str(path))
    try:
        yield vw
    finally:
        vw.finish()


def save_model(vw: Workspace) -> bytes:
    """The model of a workspace, as VW writes it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.vw"
        vw.save(str(path))
        return path.read_bytes()


class InputSizes(NamedTuple):
    """How much VW is told: `text.switch_on` of a member, numbers of an article.

    Its model says neither.
    """

    member_switches: int
    article_features: int


def pack_state(model: bytes, decisions: int, inputs: InputSizes) -> State:
    """A policy's state. With a digest, because VW loads a truncated model without complaint."""
    parts = {"model": model, "digest": _digest(model)}
    counts = {"decisions": np.array([decisions]), "inputs": np.array(inputs)}
    return {name: np.frombuffer(part, dtype=np.uint8) for name, part in parts.items()} | counts


def unpack_state(state: State, arguments: str, inputs: InputSizes) -> tuple[bytes, int]:
    """The model and the number of decisions in a state: the inverse of `pack_state`.

    A model carries options and VW obeys them, so they must be those that an untaught model has.
    Raises ValueError for a model that is damaged or was made by other arguments, of other inputs or
    by another VW.
    """
    require(state, ("model", "digest", "decisions", "inputs"))
    check.shape("decisions", state["decisions"], (1,))
    decisions = int(state["decisions"][0])
    check.at_least("decisions", decisions, 0)
    check.shape("inputs", state["inputs"], (2,))
    for what, theirs, ours in zip(
        InputSizes._fields, state["inputs"].tolist(), inputs, strict=True
    ):
        if theirs != ours:
            raise ValueError(
                f"vw model was made with {theirs} {what.replace('_', ' ')}; must be {ours}"
            )
    model = state["model"].tobytes()
    if state["digest"].tobytes() != _digest(model):
        raise ValueError(f"vw model of {len(model)} bytes is damaged: its digest is another")
    untaught, header = _read_header(make_model(arguments)), _read_header(model)
    if untaught != header:
        raise ValueError(f"vw model was made with {header}; must be {untaught}")
    try:
        with open_model(model, arguments):
            return model, decisions
    except RuntimeError as error:
        raise ValueError(f"vw model of {len(model)} bytes cannot be read: {error}") from None


def _digest(model: bytes) -> bytes:
    return blake2b(len(model).to_bytes(8, "little") + model, digest_size=16).digest()


def _read_header(model: bytes) -> tuple[str, int, str]:
    """VW's version, the bits and the options in a model, without its random state (a number)."""
    try:
        version, at = _read_text(model, 0)
        _, at = _read_text(model, at)
        at += 9  # a letter, the smallest and the largest label
        bits, *rest = struct.unpack_from("<4I", model, at)
        options, _ = _read_text(model, at + 16)
    except (struct.error, UnicodeDecodeError):
        raise ValueError(f"vw model of {len(model)} bytes is none") from None
    if any(rest):
        raise ValueError(f"vw model was made with options of another kind: {rest}")
    return version, bits, " ".join(re.sub(r"--random_seed \d+( |$)", " ", options).split())


def _read_text(model: bytes, at: int) -> tuple[str, int]:
    (length,) = struct.unpack_from("<I", model, at)
    end = at + 4 + length
    if end > len(model):
        raise struct.error
    return model[at + 4 : end].rstrip(b"\0").decode("ascii"), end
