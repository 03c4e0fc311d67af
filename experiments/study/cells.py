"""The finished units of a study, and the numbers that its analysis asks of them.

Every figure is from expected clicks, so luck in clicking is not counted, and every difference is
within seeds: each seed is one association, whose members and articles all policies meet.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np
import pandas as pd

from bandit.core.files import read_json, read_table
from bandit.core.types import Floats
from experiments.report.page import count_places, format_percent
from experiments.runner.configs import Settings
from experiments.runner.worlds import make_simulator
from experiments.study.plan import Study
from experiments.tables.summary import student_interval
from simulators.base import Truthful


class Gain(NamedTuple):
    """A mean over seeds and its 95 % interval (Student's); with one seed the ends are NaN."""

    mean: float
    low: float
    high: float

    @classmethod
    def over(cls, values: Floats) -> "Gain":
        """Of one value a seed."""
        return cls(*student_interval(np.asarray(values, dtype=np.float64)))

    @property
    def sign(self) -> int:
        """1 or -1 where the interval leaves out 0; 0 where nothing is clear."""
        return int(self.low > 0) - int(self.high < 0)

    def span(self) -> str:
        """The interval as shares in words; what is said where there is none."""
        if np.isnan(self.low):
            return "one seed, no interval"
        places = count_places(self.mean)
        low, high = (format_percent(end, places, sign=True) for end in (self.low, self.high))
        return f"95\u00a0% interval {low} to {high}"

    def tell(self) -> str:
        """The share and its interval, such as "+12 % (95 % interval +8 % to +16 %)"."""
        mean = format_percent(self.mean, count_places(self.mean), sign=True)
        return f"{mean} ({self.span()})"


@dataclass(frozen=True)
class Cells:
    """The units of one study.

    study: what is asked
    seeds: one association each
    late: the first issue of those that are called later
    worlds: the simulator's config of each world, with the number of its issues
    folders: of finished units, by world, policy and seed
    """

    study: Study
    seeds: Sequence[int]
    late: int
    worlds: Mapping[str, Settings]
    folders: Mapping[tuple[str, str, int], Path]

    @property
    def usual(self) -> str:
        """The world that is meant where none is named."""
        return next(iter(self.study.worlds))

    def list_units(self, policy: str, world: str = "") -> list[Path]:
        """The folders of a policy's units in a world, a seed each."""
        return [self.folders[world or self.usual, policy, seed] for seed in self.seeds]

    def rates(
        self, policy: str, world: str = "", first: int = 1, last: int = 10_000, name: str = ""
    ) -> Floats:
        """Expected clicks per 1,000 newsletters delivered, a value a seed.

        first, last: the issues that are counted
        name: only the campaign of this name, such as "renewal"; "": all
        """
        found = []
        for unit in self.list_units(policy, world):
            rules = read_json(unit / "rules.json") if name else {}
            clicks = sent = 0.0
            for path in sorted((unit / "issues").glob("*.json")):
                fits = not name or rules[path.stem]["campaign"].startswith(name)
                if first <= int(path.stem) <= last and fits:
                    counts = read_json(path)
                    clicks += counts["expected"] * counts["delivered"]
                    sent += counts["delivered"]
            found.append(1000 * clicks / sent if sent else np.nan)
        return np.array(found)

    def gain(
        self,
        policy: str,
        over: str,
        world: str = "",
        over_in: str = "",
        first: int = 1,
        last: int = 10_000,
        name: str = "",
    ) -> Gain:
        """How much more a policy earns than another one, as a share, over paired seeds.

        over_in: the world of the other one, where that is not the same
        """
        ours = self.rates(policy, world, first, last, name)
        return Gain.over(ours / self.rates(over, over_in or world, first, last, name) - 1)

    def make_worlds(self, world: str = "") -> Iterator[Truthful]:
        """The associations of a world, made anew, a seed each: for what only a simulator knows."""
        for seed in self.seeds:
            yield cast(Truthful, make_simulator(self.worlds[world or self.usual], seed))


def read_last_newsletter(unit: Path) -> pd.DataFrame:
    """The log of a unit's last issue that is a newsletter, and not sent to a few for some end."""
    names = {stem: str(rules["campaign"]) for stem, rules in read_json(unit / "rules.json").items()}
    stem = max(stem for stem in names if names[stem].startswith("issue") or len(names) == 1)
    table: pd.DataFrame = read_table(unit / "log" / f"{stem}.parquet").to_pandas()
    return table
