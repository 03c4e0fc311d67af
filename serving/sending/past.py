"""What was sent before: who got what in the last issues.

Open this file to see how folders of earlier sends keep articles from being repeated.
"""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.columns import Columns
from bandit.core.files import read_table
from serving.checks.measure import measure
from serving.sending.record import SEND, SLATES, list_parts, read_send


class Past:
    """Earlier sends, the latest one last.

    folders: of whole campaigns, each the folder of a send or of one in waves
    campaign: what is sent now, which must not be among them

    Raises ValueError for a folder that holds no finished send.
    """

    def __init__(self, folders: Sequence[str | Path], campaign: str) -> None:
        self._issues = [list_parts(Path(folder)) for folder in folders]
        for parts in self._issues:
            if read_send(parts[0]).get("campaign") == campaign:
                raise ValueError(f"--sent {parts[0]} is of campaign {campaign!r}, the one sent now")

    def __len__(self) -> int:
        """How many issues there are."""
        return len(self._issues)

    @property
    def last(self) -> Sequence[Path]:
        """The folders of the last issue; none where there is no issue."""
        return self._issues[-1] if self._issues else []

    @property
    def digest(self) -> str | None:
        """SHA-256 of what the sends say of themselves."""
        files = [part / SEND for parts in self._issues for part in parts]
        return " ".join(measure(file).sha256 for file in files) or None

    def list_sent(self, issues: int) -> Columns | None:
        """Pairs of `member` and `article` that were in the last issues, if there are issues."""
        last = self._issues[len(self) - min(issues, len(self)) :]
        parts = [part for issue in last for part in issue]
        if not parts:
            return None
        tables = [read_table(part / SLATES).select(["member", "article"]) for part in parts]
        pairs = pa.concat_tables([table.filter(pc.is_valid(table["article"])) for table in tables])
        return Columns.from_arrow(pairs)


def join_seen(seen: Columns | None, sent: Columns | None) -> Columns | None:
    """The pairs of both, where there are any."""
    both = [pairs for pairs in (seen, sent) if pairs is not None]
    return Columns.stack(both) if both else None
