"""A small member list, a small archive, and an encoder that needs no weights."""

from typing import Any

import numpy as np
import pandas as pd

WORDS = ("dosing", "vaccines", "salaries", "congress", "oncology", "statutes", "software", "ethics")
ARCHIVE = [
    f"News {i} on {WORDS[i % 8]} and {WORDS[(i * i + 3) % 8]} for {WORDS[i // 8]}"
    for i in range(64)
]
MEMBERS = pd.DataFrame(
    {
        "member": ["x1", "x2", "x3", "x4"],
        "region": ["north", "south", None, "east"],
        "age": [30.0, 40.0, 50.0, 80.0],
    }
)


class Letters:
    """An encoder that needs no weights: counts of a few letters."""

    name, dim = "letters", 9

    def encode(self, texts: Any) -> np.ndarray:
        return np.array(
            [[text.count(letter) for letter in "aeioutnsr"] for text in texts], dtype=np.float32
        ).reshape(-1, 9)


def pool(titles: list[Any], summaries: list[Any] | None = None) -> pd.DataFrame:
    m = len(titles)
    texts = {"title": titles, "summary": summaries or [f"About {j}" for j in range(m)]}
    ids = {"article": [f"a{j}" for j in range(m)]}
    rest = {
        "kind": [("event", "article", "resource")[j % 3] for j in range(m)],
        "source": ["s"] * m,
    }
    return pd.DataFrame(ids | rest).assign(
        **{name: pd.Series(values, dtype=object) for name, values in texts.items()}
    )
