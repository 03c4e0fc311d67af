"""A bundle and an editor's files, to try a send with outside the tests.

python -m tests.support.desk DIR
"""

import sys
from pathlib import Path

from tests.support.bundle_cases import train


def main(folder: Path) -> None:
    trained = train("profile")
    trained.write(folder / "bundle")
    context = trained.context
    for name, table in (("members", context.members), ("pool", context.articles)):
        table.to_pandas().to_parquet(folder / f"{name}.parquet")
    (folder / "rules.yaml").write_text(f"slots: {context.rules.slots}\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
