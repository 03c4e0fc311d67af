"""What was sent before: who got what in the last issues.

Open this file to see how folders of earlier sends keep articles from being repeated.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bandit.core.columns import Columns
from bandit.core.files import read_pieces
from bandit.core.ids import Aliases, follow
from serving.checks.measure import measure
from serving.sending.record import SEND, SLATES, read_parts
from serving.tables.rows import Rows


class Past:
    """Earlier sends, the latest one last.

    folders: of whole campaigns, each the folder of a send or of one in waves
    campaign: what is sent now, which must not be among them

    Raises ValueError for a folder that holds no finished send, and for two of one campaign: each
    counts as an issue.
    """

    def __init__(self, folders: Sequence[str | Path], campaign: str) -> None:
        issues = [read_parts(Path(folder)) for folder in folders]
        self._issues = [list(parts) for parts in issues]
        found: dict[object, Path] = {}
        for part, told in (next(iter(parts.items())) for parts in issues):
            name = told.get("campaign")
            if name == campaign:
                raise ValueError(f"--sent {part} is of campaign {name!r}, the one sent now")
            if name in found:
                raise ValueError(
                    f"--sent {found[name]} and {part} are of one campaign, {name!r}: "
                    "of one in waves, name the folder that holds them"
                )
            found[name] = part

    def refuse_unlike(self, now: Mapping[str, bool]) -> None:
        """Raise ValueError for a send whose ids are of another kind, for they could match none.

        now: for `member` and `article`, whether the ids of the lists are whole numbers
        """
        for path in (part / SLATES for parts in self._issues for part in parts):
            schema = pq.read_schema(path)
            for name, whole in now.items():
                kind = schema.field(name).type
                if not pa.types.is_null(kind) and pa.types.is_integer(kind) != whole:
                    raise ValueError(
                        f"{path}: column {name!r} has type {kind}, and the {name}s of now have ids "
                        f"that are {'whole numbers' if whole else 'text'}: none could match"
                    )

    def __len__(self) -> int:
        """How many issues there are."""
        return len(self._issues)

    @property
    def last(self) -> Sequence[Path]:
        """The folders of the last issue; none where there is no issue."""
        return self._issues[-1] if self._issues else []

    @property
    def digest(self) -> str | None:
        """SHA-256 of what the sends say of themselves; those of one issue are joined by a plus."""
        issues = [[measure(part / SEND).sha256 for part in parts] for parts in self._issues]
        return " ".join("+".join(parts) for parts in issues) or None

    def read_sent(self, issues: int) -> Iterator[Columns]:
        """Pairs of `member` and `article` that were in the last issues, some after the others."""
        last = self._issues[len(self) - min(issues, len(self)) :]
        for part in chain.from_iterable(last):
            for table in read_pieces(part / SLATES, ("member", "article")):
                yield Columns.from_arrow(table.filter(pc.is_valid(table["article"])))


def read_seen(seen: Rows | None, past: Past, no_repeat: int, aliases: Aliases) -> Iterator[Columns]:
    """Pairs of `member` and `article` that count as seen, some after the others.

    seen: those that a list names
    past: was sent before; of its last `no_repeat` issues all counts as seen
    aliases: the present id of each old one, under which members are found
    """
    listed = seen.read_columns() if seen is not None else ()
    for pairs in chain(listed, past.read_sent(no_repeat)):
        yield pairs.assign(member=follow(pairs["member"], aliases))
