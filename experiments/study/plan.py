"""A study as its yaml in configs/study says it: what is asked, in which associations, of whom.

Open this file for what such a yaml may hold, and for what `study=` offers. A person's own yaml lies
in the folder `study` of --config-dir, and names the analysis that goes with it by `find`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hydra.core.config_store import ConfigStore

from experiments.runner.configs import CONFIGS, Settings, list_configs, read_policy

DATA = "@data"  # in a world's changes: the study's data; without any the world is left out
GROUP, EVERY = "study", "all"  # the folder in configs/, and the option that stands for all of it
LIKE = "like"  # what a policy's entry may hold beside its options


@dataclass(frozen=True)
class Study:
    """What one study asks.

    title: a few words
    asks: the question, in a sentence
    setting: what is simulated, in words
    reads: how the page is to be read, and what it cannot say
    worlds: associations by name; each is what differs from the command's simulator, as on the
        command line. The first is the one that is meant where none is named; others may be fitted
        to a log of one of its units, as simulator.log='@random', or to the data, '@data'
    policies: by name on the page; options that differ from the policy of that name, or of the name
        `like`; or a config with a `_target_`
    only: the worlds of policies that are not simulated in all of them
    data: a file or folder of real data that the analysis reads beside, or that worlds are fitted
        to; None: it does without, and those worlds are left out
    find: the analysis, MODULE.FUNCTION: it takes the `experiments.study.cells.Cells` and returns a
        `experiments.report.study.page.Finding`; None: `find` of experiments.studies.NAME

    Raises ValueError naming the first thing that cannot be.
    """

    title: str
    asks: str
    setting: str
    reads: str
    worlds: Mapping[str, list[str]]
    policies: Mapping[str, Settings | None]
    only: Mapping[str, list[str]] = field(default_factory=dict)
    data: str | None = None
    find: str | None = None

    def __post_init__(self) -> None:
        for what in ("title", "asks", "setting", "reads"):
            text = " ".join(str(getattr(self, what)).split())
            if not text:
                raise ValueError(f"{what} is empty; the page shows it")
            object.__setattr__(self, what, text)
        for what in ("worlds", "policies", "only"):
            given = getattr(self, what)
            if given and not isinstance(given, Mapping):
                raise ValueError(f"{what} = {given!r}; must be settings by name")
        if self.data is not None and not Path(self.data).exists():
            raise ValueError(f"data = {self.data!r}; there is no such file or folder")
        kept = {
            name: [change.replace(DATA, str(self.data)) for change in changes]
            for name, changes in (self.worlds or {}).items()
            if self.data is not None or not any(DATA in change for change in changes)
        }
        object.__setattr__(self, "worlds", kept)
        if not self.worlds or not self.policies:
            raise ValueError("worlds and policies must each name one")
        for label, worlds in self.only.items():
            for what, known, names in (
                ("policy", self.policies, [label]),
                ("world", self.worlds, worlds),
            ):
                if wrong := [name for name in names if name not in known]:
                    there = ", ".join(known)
                    raise ValueError(f"only.{label}: no {what} {wrong[0]!r}; there are {there}")

    @property
    def cells(self) -> list[tuple[str, str]]:
        """The pairs (world, policy) that are simulated, world by world."""
        return [
            (world, label)
            for world in self.worlds
            for label in self.policies
            if world in self.only.get(label, self.worlds)
        ]

    def describe_policy(self, label: str) -> Settings:
        """The whole config of a policy. Raises ValueError where there is none of its name."""
        options = dict(self.policies[label] or {})
        if "_target_" in options:
            return options
        return read_policy(options.pop(LIKE, label)) | options


def enter_studies(folders: Iterable[Path] = (CONFIGS,)) -> None:
    """Tell Hydra of the option `study=all`, which is every study in the folders of configs."""
    ConfigStore.instance().store(EVERY, {"defaults": list_configs(GROUP, folders)}, group=GROUP)


def read_studies(told: Mapping[str, Settings]) -> dict[str, Study]:
    """The studies of a composed configuration, by name.

    Raises ValueError naming a study and the first thing in it that cannot be.
    """
    found = {}
    for name, one in told.items():
        try:
            found[name] = Study(**{key: value for key, value in one.items() if key != "_target_"})
        except (TypeError, ValueError) as error:
            raise ValueError(f"configs/{GROUP}/{name}.yaml: {error}") from None
    return found
