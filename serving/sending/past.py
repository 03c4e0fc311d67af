"""What was sent before: who got what in the last issues.

Open this file to see how folders of earlier sends keep articles from being repeated.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bandit.core.columns import Columns
from bandit.core.files import read_table
from bandit.core.types import Ids
from serving.checks.measure import measure
from serving.sending.record import SEND, SLATES, read_parts


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

    def refuse_unlike(self, members: Ids, articles: Ids) -> None:
        """Raise ValueError for a send whose ids are of another kind, for they could match none.

        members, articles: the ids of the lists now
        """
        now = {"member": members, "article": articles}
        for path in (part / SLATES for parts in self._issues for part in parts):
            schema = pq.read_schema(path)
            for name, ids in now.items():
                kind, whole = schema.field(name).type, not isinstance(ids[0], str)
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

    def list_sent(self, issues: int) -> Columns | None:
        """Pairs of `member` and `article` that were in the last issues, if there are issues."""
        last = self._issues[len(self) - min(issues, len(self)) :]
        parts = [part for issue in last for part in issue]
        if not parts:
            return None
        tables = [read_table(part / SLATES).select(["member", "article"]) for part in parts]
        shown = [table.filter(pc.is_valid(table["article"])) for table in tables]
        pairs = pa.concat_tables(shown, promote_options="permissive")
        return Columns.from_arrow(pairs)


def join_seen(seen: Columns | None, sent: Columns | None) -> Columns | None:
    """The pairs of both, where there are any."""
    both = [pairs for pairs in (seen, sent) if pairs is not None]
    return Columns.stack(both) if both else None
