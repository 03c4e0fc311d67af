"""Small pools, contexts and associations that tests share.

Sizes are unequal on purpose, n != m and p != q, so that swapped axes are noticed.
"""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from bandit.core.rules import Rules
from bandit.core.types import Context
from simulators.association.association import Association

KINDS = ("event", "article", "resource", "article")
SOURCES = ("gazette", "board", "journal")
SMALL: dict[str, Any] = {"seed": 3, "members": 300, "issues": 8, "pool": 20, "slots": 5}


def pool_of(m: int, **columns: Any) -> pd.DataFrame:
    """m articles a0, a1, ... whose kinds and sources take turns. Any column can be given."""
    made = {
        "article": [f"a{j}" for j in range(m)],
        "title": [f"Title {j}" for j in range(m)],
        "summary": [f"About {j}" for j in range(m)],
        "kind": [KINDS[j % 4] for j in range(m)],
        "source": [SOURCES[j % 3] for j in range(m)],
    }
    return pd.DataFrame(made | columns)


def context_of(n: int = 5, m: int = 7, rules: Rules | None = None, **given: Any) -> Context:
    """An issue for n members (ids 110, 117, ...) with m articles, p = 3, q = 2 and three slots.

    Every article is eligible for every member, and none was seen. Any field of `Context` can be
    given by name in place of the one made here.
    """
    made = {
        "campaign": "issue-007",
        "issue": 7,
        "members": pd.DataFrame(
            {
                "member": 110 + 7 * np.arange(n),
                "region": [("north", "south")[i % 2] for i in range(n)],
            }
        ),
        "articles": pool_of(m),
        "member_features": np.column_stack([np.ones(n), np.arange(n) % 2, np.arange(n) % 3]).astype(
            np.float64
        ),
        "article_features": np.column_stack([np.ones(m), np.linspace(-1, 1, m)]),
        "eligible": np.ones((n, m), dtype=bool),
        "seen": np.zeros((n, m), dtype=bool),
        "rules": rules or Rules(slots=3),
    }
    return Context(**(made | given))


@cache
def _built(**options: Any) -> Association:
    return Association(**options)


def association_of(**options: Any) -> Association:
    """An association in which nothing has been seen yet; options as `Association` takes them.

    The defaults are those of `SMALL`. Equal options, which must be hashable, are built once in a
    process, because that takes half a second; each caller has a memory of its own.
    """
    return _built(**(SMALL | options)).twin()
