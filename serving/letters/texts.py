"""What a mail shows of each article of a pool, ready to be put into mails.

Open this file to see where subject lines, titles, links and images come from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bandit.core.columns import Columns
from serving.letters.links import check_link
from serving.letters.plain import drop_last_calls, make_plain


@dataclass(frozen=True)
class Texts:
    """Of m articles, in the order of the pool: plain text, and "" where there is none.

    article: ids; subject: the subject line of mails that the article leads, mostly its title
    """

    article: Sequence[str | int]
    subject: Sequence[str]
    title: Sequence[str]
    summary: Sequence[str]
    url: Sequence[str]
    image: Sequence[str]
    kind: Sequence[str]
    source: Sequence[str]

    def __len__(self) -> int:
        """How many articles there are."""
        return len(self.article)

    @classmethod
    def read(cls, articles: Columns, path: str | Path) -> "Texts":
        """The texts of a pool.

        path: of the pool's file, for the errors

        Raises ValueError naming an article whose url or image is no web address.
        """
        ids = articles["article"].tolist()
        columns = {
            name: [_write(cell) for cell in articles[name].tolist()]
            if name in articles
            else [""] * len(ids)
            for name in ("subject", "title", "summary", "url", "image", "kind", "source")
        }
        for name in ("url", "image"):
            for article, link in zip(ids, columns[name], strict=True):
                if link:
                    check_link(f"{path} article {article!r}: {name}", link)
        for name in ("subject", "title", "summary", "kind", "source"):
            columns[name] = [make_plain(text) for text in columns[name]]
        columns["summary"] = [drop_last_calls(text) for text in columns["summary"]]
        columns["title"] = [title or "(untitled)" for title in columns["title"]]
        pairs = zip(columns["subject"], columns["title"], strict=True)
        columns["subject"] = [subject or title for subject, title in pairs]
        return cls(ids, **columns)


def _write(cell: object) -> str:
    return "" if cell is None or cell != cell else str(cell).strip()
