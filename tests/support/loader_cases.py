"""Small files as the replay loaders read them, made from a few options."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulators.replay.loaders.columbia import Columbia
from simulators.replay.loaders.hillstrom import MAILINGS, Hillstrom
from simulators.replay.loaders.mind import Mind
from simulators.replay.loaders.open_bandit import OpenBandit
from simulators.replay.loaders.upworthy import Upworthy


def open_bandit(
    folder: Path, logger: str = "random", n: int = 120, m: int = 3, **columns: Any
) -> OpenBandit:
    """A folder with a log of n rounds; any column of the log can be given."""
    at = folder / logger / "men"
    at.mkdir(parents=True, exist_ok=True)
    items = {"item_id": range(m), "item_feature_0": np.linspace(-1, 1, m)} | {
        f"item_feature_{i}": "h" for i in (1, 2, 3)
    }
    pd.DataFrame(items).to_csv(at / "item_context.csv")
    rounds = {
        "timestamp": [f"2019-11-24 00:{i // 60:02}:{i % 60:02}.{i:06}+00:00" for i in range(n)],
        "item_id": np.arange(n) % m,
        "position": np.arange(n) % 5 % 3 + 1,
        "click": (np.arange(n) % 7 == 0).astype(int),
        "propensity_score": np.full(n, 1 / m),
    }
    rounds |= {f"user_feature_{i}": [f"u{j % (i + 2)}" for j in range(n)] for i in range(4)}
    rounds |= {f"user-item_affinity_{j}": np.arange(n) % (j + 2) for j in range(m)}
    pd.DataFrame(rounds | columns).to_csv(at / "men.csv")
    return OpenBandit(str(folder), logger, "men")


NEWS = (
    "N1\tsports\tgolf\tA title\tAn abstract\turl\t[]\t[]\nN2\tnews\tcrime\tAnother\t\turl\t[]\t[]\n"
    "N3\tnews\tworld\tThird\tx\tu\t[]\t[]\n"
)
BEHAVIORS = (
    "1\tU1\t11/15/2019 9:05:58 AM\tN1 N2\tN3-1 N2-0\n"
    "2\tU2\t11/15/2019 12:05:58 PM\t\tN1-0 N2-0 N3-0\n"
    "3\tU1\t11/15/2019 1:05:58 PM\tN3\tN2-1\n4\tU3\t11/16/2019 1:05:58 AM\tN3\tN1-0 N2-1 N3-0\n"
)


def mind(folder: Path, behaviors: str = BEHAVIORS, news: str = NEWS) -> Mind:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "behaviors.tsv").write_bytes(behaviors.encode())
    (folder / "news.tsv").write_bytes(news.encode())
    return Mind(str(folder))


def upworthy(folder: Path, arms: Sequence[tuple[str, str, str, int, int, int]]) -> Upworthy:
    """The archive's own csv of arms: test, headline, picture, impressions, clicks, week."""
    columns = [
        "clickability_test_id",
        "headline",
        "eyecatcher_id",
        "impressions",
        "clicks",
        "test_week",
    ]
    table = pd.DataFrame(list(arms), columns=columns).assign(lede="l", excerpt="e", slug="unused")
    table.to_csv(folder / "arms.csv", index=False)
    return Upworthy(str(folder / "arms.csv"))


ARMS = [
    ("t1", "best", "p", 1000, 50, 201440),
    ("t1", "worst, with a comma", "p", 1200, 24, 201440),
    ("t1", "middle", "p", 900, 27, 201440),
    ("t1", "other picture", "q", 1000, 99, 201440),
    ("t2", "best", "p", 500, 10, 201441),
    ("t2", 'the "quoted" one', "p", 800, 4, 201441),
    ("t3", "same", "p", 700, 5, 201441),
    ("t3", "same", "p", 700, 6, 201441),
    ("t4", "broken a", "p", 700, 5, 201325),
    ("t4", "broken b", "p", 700, 9, 201402),
    ("t5", "unseen", "p", 0, 0, 201441),
    ("t5", "alone", "p", 30, 0, 201441),
]


def hillstrom(folder: Path, n: int = 30, **columns: Any) -> Hillstrom:
    visit = np.arange(n) % 4 == 0
    table = {
        "recency": np.arange(n) % 12 + 1,
        "history_segment": "1) $0 - $100",
        "history": np.arange(n) * 1.5,
    }
    table |= {"mens": 1, "womens": 0, "zip_code": "Rural", "newbie": 1, "channel": "Web"}
    table |= {"segment": [MAILINGS[i % 3] for i in range(n)], "visit": visit.astype(int)}
    bought = visit & (np.arange(n) % 8 == 0)
    table |= {"conversion": bought.astype(int), "spend": bought * 29.5}
    pd.DataFrame(table | columns).to_csv(folder / "hillstrom.csv", index=False)
    return Hillstrom(str(folder / "hillstrom.csv"))


def columbia(folder: Path, n: int = 40, **columns: Any) -> Columbia:
    table = {"arm": np.arange(n) % 10 + 1, "click": np.arange(n) % 3 == 0}
    table = {name: np.asarray(values).astype(int) for name, values in table.items()}
    pd.DataFrame(
        table | {"features": [" ".join(map(str, range(i, i + 100))) for i in range(n)]} | columns
    ).to_csv(folder / "ten.csv", index=False)
    return Columbia(str(folder / "ten.csv"))
