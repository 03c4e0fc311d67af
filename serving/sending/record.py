"""send.json: what was sent with what. It is written last, so a folder that has one is finished.

Open this file to tell a finished send from an unfinished one.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.files import read_json, read_pieces, write_json
from bandit.core.told import read
from serving.checks.measure import File, measure
from serving.errors import shorten

SEND, SLATES = "send.json", "slates.parquet"


def refuse_place(out: Path, bundle: str | Path, *files: str | Path) -> None:
    """Raise ValueError if what a send writes to `out` would lie among what it is made from.

    bundle, files: what the send reads, files and folders. Links are followed, but for the folder of
    a wave, which must be no link.
    """
    place = find_place(out)
    for wave in sorted(out.glob("wave-*")):
        if wave.is_symlink():
            raise ValueError(f"{wave} is a link; the folder of a wave must be one of its own")
    for path in map(Path, (bundle, *files)):
        source = find_place(path)
        if source.is_dir() and place.is_relative_to(source):
            where = "the bundle" if path == Path(bundle) else path
            raise ValueError(f"--out {out} lies in {where}, which it would spoil; choose another")
        if source.is_relative_to(place):
            raise ValueError(f"--out {out} holds {path.name}, which is read; choose another")


def refuse_spoiling(what: str, path: str | Path, *read: str | Path) -> None:
    """Raise ValueError if what is written to `path` would lie in what is read, and spoil it.

    what: the setting that names the path
    read: files and folders. Links are followed
    """
    place = find_place(Path(path))
    for source in read:
        if place.is_relative_to(find_place(Path(source))):
            raise ValueError(
                f"{what} {path} is or lies in {source}, which is read and would be spoilt; choose "
                "another place"
            )


def find_place(path: Path) -> Path:
    """Where a path leads, links followed. Raises ValueError where they lead round in a circle."""
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise ValueError(f"{path} is a link that leads nowhere, round in a circle") from None
    except ValueError as error:  # a null byte, of which no file's name may be
        raise ValueError(f"{str(path)!r} is no path: {error}") from None


def refuse_other(out: Path, made_from: dict[str, object]) -> dict[str, object] | None:
    """What the finished send in `out` says of itself; None where there is none.

    Raises ValueError if it is of other inputs, for it may be out already.
    """
    target = out / SEND
    if not target.exists():
        return None
    told = read_send(out)
    then, now = _flatten(told), _flatten(made_from)
    now.pop("inputs")
    for what, value in now.items():
        if what not in then or then[what] != value:
            raise ValueError(
                f"{target} was made with other {what}: {_word(then.get(what))}, now "
                f"{_word(value)}; choose another --out"
            )
    return told


def refuse_unlike(part: Path, target: Path) -> None:
    """Raise ValueError if `target` is there, no send.json says what it is, and it is not `part`.

    It may be what a send left that was killed at its end; then the same send makes the same bytes.
    """
    if target.exists() and not (target.parent / SEND).exists() and measure(target) != measure(part):
        raise ValueError(
            f"{target} exists without a {SEND} that says what it is, and this send makes "
            "another; remove it, or choose another --out"
        )


def write_send(out: Path, facts: dict[str, object], names: Collection[str]) -> None:
    """Say that the send in `out` is finished: its facts, and size and SHA-256 of its files."""
    files = {name: asdict(measure(out / name)) for name in names}
    write_json(out / SEND, facts | {"files": files})


def read_send(folder: Path, names: Collection[str] | None = None) -> dict[str, object]:
    """What a finished send says of itself.

    names: of the files that are about to be read, whose bytes are looked at; of the others only
        the size is (default: all are read)

    Raises ValueError where the send was not finished, or a file is not the one that it wrote.
    """
    path = folder / SEND
    if not path.is_file():
        raise ValueError(f"{folder} holds no {SEND}: it is no send, or not a finished one")
    told = read_json(path)
    try:
        files = {name: read(File, file) for name, file in told["files"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {type(error).__name__}: {error}") from None
    for name, promised in files.items():
        if not (folder / name).is_file():
            raise ValueError(f"{folder / name} is missing; {SEND} names it")
        same = (folder / name).stat().st_size == promised.size
        if same and (names is None or name in names):
            same = measure(folder / name) == promised
        if not same:
            raise ValueError(f"{folder / name} is not the file that {SEND} names: it was changed")
    return dict(told)


def read_mailed(slates: Path) -> Iterator[pa.ChunkedArray]:
    """The ids of those who were mailed, each once and some after the others, from the slates."""
    for piece in read_pieces(slates, ("member", "slot")):
        yield piece.filter(pc.equal(piece["slot"], 1))["member"]


def read_parts(folder: Path, names: Collection[str] | None = None) -> dict[Path, dict[str, object]]:
    """The finished sends of one campaign, each with what it says of itself: the folder, or its
    waves in order.

    names: as in `read_send`

    Raises ValueError where there is none.
    """
    waves = [path.parent for path in folder.glob(f"wave-*/{SEND}")]
    if (folder / SEND).exists() or not waves:
        waves = [folder]
    ordered = sorted(waves, key=lambda path: (len(path.name), path.name))
    return {part: read_send(part, names) for part in ordered}


def _word(value: object) -> str:
    """A part of what a send was made from, for a message: of a file, how its digest begins."""
    if value is None:
        return "none"
    if re.fullmatch(r"[0-9a-f]{64}([ +][0-9a-f]{64})*", str(value)):
        return f"one whose SHA-256 begins {str(value)[:8]}"
    return shorten(value)


def _flatten(made_from: dict[str, object]) -> dict[str, object]:
    """What a send was made from, with its inputs beside the rest."""
    inputs = made_from.get("inputs")
    return made_from | (inputs if isinstance(inputs, dict) else {})
