"""Rates of a simulated association, counted as a sender counts them, beside the published ones that the presets aim at.

What is measured is an association that sends everyone the same newsletter (`blast`), learned from what its list clicks.
2017 (`informz`): what people did. 2023 (`higher_logic`): what was recorded, prefetched opens and scanners' clicks included.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from bandit.core.types import Context, Feedback, Round, Slates
from bandit.slates.walk import draw
from experiments.runner.runs import CONFIGS, one_thread, plain, policy_config
from experiments.runner.unit import make

START = 4  # issues before rates are counted: the first newsletters are chosen blindly
CHECKED = range(110, 134)  # seeds of the check; the presets were settled on 10-19, 30-39 and 60-99
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
INFORMZ = "Informz 2017"
HIGHER_LOGIC = "Higher Logic 2023"
FATIGUE = "opened at 21-25 mails a month, of that at up to 5"
OVERALL = "opened of delivered, each mailing counted once"
DYNAMIC = "clicked with dynamic content, of that without"
TUESDAY = 1
OFTEN = (0, 1, 2, 3, 4)  # five mails a week are 22 a month


@dataclass(frozen=True)
class Published:
    """A published rate, or a range of them (`low` to `high`), of one preset."""

    preset: str
    what: str
    low: float
    high: float
    source: str

    def error(self, measured: float) -> float:
        """Relative distance from the rate, or from the nearer end of the range: 0 inside."""
        nearest = min(max(measured, self.low), self.high)
        return measured / nearest - 1


def _published() -> list[Published]:
    found = [
        Published("informz", "delivered of sent", 0.98, 0.98, INFORMZ),
        Published("informz", "opened of delivered", 0.356, 0.356, INFORMZ),
        Published("informz", "clicked of opened", 0.156, 0.156, INFORMZ),
        Published("informz", FATIGUE, 0.902, 0.902, f"{INFORMZ}: 20.3 % of 22.5 %"),
        Published("higher_logic", OVERALL, 0.3818, 0.3818, HIGHER_LOGIC),
        Published("higher_logic", DYNAMIC, 1.196, 1.196, f"{HIGHER_LOGIC}: 3.24 % to 2.71 %"),
    ]
    for day, rate in zip(DAYS, (0.3629, 0.3634, 0.3589, 0.3645, 0.3692), strict=False):
        found.append(
            Published("higher_logic", f"opened of delivered, {day}", rate, rate, HIGHER_LOGIC)
        )
    for day, rate in zip(
        DAYS, (0.0203, 0.0205, 0.0227, 0.0198, 0.0196, 0.0164, 0.0203), strict=True
    ):
        found.append(
            Published("higher_logic", f"clicked of delivered, {day}", rate, rate, HIGHER_LOGIC)
        )
    for preset in ("informz", "higher_logic"):
        found += [
            Published(
                preset, "unsubscribed of delivered", 0.001, 0.003, "published unsubscribe rates"
            ),
            Published(preset, "prefetched of recorded opens", 0.5, 0.6, "Litmus, Benchmark 2025"),
            Published(preset, "scanners' of recorded clicks", 0.1, 0.3, "Live Direct Marketing"),
        ]
    return found


PUBLISHED = tuple(_published())


def preset(name: str) -> dict[str, Any]:
    """The config of a simulator by name. Also below a command that Hydra runs, whose own state is put back."""
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            return plain(compose("run", overrides=[f"simulator={name}"])["simulator"])
    finally:
        GlobalHydra.instance().hydra = running


def on(simulator: dict[str, Any], days: Iterable[int]) -> dict[str, Any]:
    """The same association, sending on these days of the week."""
    return simulator | {"opens": simulator["opens"] | {"send_days": list(days)}}


def table(seeds: Sequence[int] = CHECKED) -> pd.DataFrame:
    """Every published figure beside the measured one: columns preset, what, low, high, source, measured, error."""
    found = {name: measured(name, seeds) for name in ("informz", "higher_logic")}
    rows = []
    for figure in PUBLISHED:
        value = found[figure.preset][figure.what]
        rows.append(asdict(figure) | {"measured": value, "error": figure.error(value)})
    return pd.DataFrame(rows)


def measured(name: str, seeds: Sequence[int] = CHECKED) -> dict[str, float]:
    """The published figures of a preset as its simulated logs give them, by `Published.what`. Associations differ by a tenth
    in their clicks, so that a rate needs some twenty seeds, and what is paired (two calendars, the same members) few."""
    return {"informz": informz, "higher_logic": higher_logic}[name](
        list(seeds), list(seeds[: max(len(seeds) // 6, 1)])
    )


def informz(seeds: list[int], few: list[int]) -> dict[str, float]:
    """Of what people did."""
    simulator, blast = preset("informz"), policy_config("blast")
    weekly, often = (
        mailings(simulator, blast, seeds, tracking()),
        mailings(on(simulator, OFTEN), blast, few),
    )
    same = weekly[weekly["seed"].isin(few)]
    return shared(weekly) | {
        "delivered of sent": ratio(weekly, "delivered", "sent"),
        "opened of delivered": ratio(weekly, "opened", "delivered"),
        "clicked of opened": ratio(weekly, "clicked", "opened"),
        FATIGUE: ratio(often, "opened", "delivered") / ratio(same, "opened", "delivered"),
    }


def higher_logic(seeds: list[int], few: list[int]) -> dict[str, float]:
    """Of what was recorded, for the same association sending on one day of the week, the day varied: Tuesday's rate, times
    what a day has over Tuesday for the same few seeds. Dynamic content: an editor's version for each member type
    (`segment_rules`), in people's clicks: scanners' are a share of them."""
    simulator, blast = preset("higher_logic"), policy_config("blast")
    tuesday = mailings(on(simulator, [TUESDAY]), blast, seeds, tracking())
    same = tuesday[tuesday["seed"].isin(few)]
    found = shared(tuesday)
    for number, day in enumerate(DAYS):
        other = (
            same if number == TUESDAY else mailings(on(simulator, [number]), blast, few, tracking())
        )
        for what, recorded in (("opened", "recorded_opened"), ("clicked", "recorded_clicked")):
            more = ratio(other, recorded, "delivered") / ratio(same, recorded, "delivered")
            found[f"{what} of delivered, {day}"] = more * ratio(tuesday, recorded, "delivered")
    dynamic = mailings(on(simulator, [TUESDAY]), policy_config("segment_rules"), seeds)
    found[OVERALL] = float((tuesday["recorded_opened"] / tuesday["delivered"]).mean())
    found[DYNAMIC] = ratio(dynamic, "clicked", "delivered") / ratio(tuesday, "clicked", "delivered")
    return found


def shared(table: pd.DataFrame) -> dict[str, float]:
    return {
        "unsubscribed of delivered": ratio(table, "unsubscribed", "delivered"),
        "prefetched of recorded opens": ratio(table, "prefetches", "open_records"),
        "scanners' of recorded clicks": ratio(table, "scans", "click_records"),
    }


def ratio(table: pd.DataFrame, part: str, whole: str) -> float:
    """Of the sums over mailings."""
    return float(table[part].sum() / table[whole].sum())


def tracking() -> dict[str, Any]:
    """The noise of a log of 2023."""
    return plain(OmegaConf.load(CONFIGS / "noise" / "higher_logic.yaml"))


@one_thread()
def mailings(
    simulator: dict[str, Any],
    policy: dict[str, Any],
    seeds: Iterable[int],
    noise: dict[str, Any] | None = None,
    start: int = START,
) -> pd.DataFrame:
    """What came back from each mailing after the first `start`, one row each. All three are configs with a `_target_`; what
    is recorded goes by the simulator's calendar.

    Columns: seed, campaign; sent, delivered, opened, clicked (mails with a click), clicks, unsubscribed are counts of mails
    and clicks; with `noise` also those of `recorded`.
    """
    rows = []
    if noise and simulator.get("opens"):
        noise = noise | {"send_days": simulator["opens"]["send_days"]}
    for seed in seeds:
        association, learner = make(simulator, seed=seed), make(policy)
        tracking = make(noise, seed=seed) if noise else None
        learner.start(association.features)
        for number in range(1, association.issues + 1):
            context = association.issue(number)
            slates = draw(learner.plan(context), context, seed)
            feedback = association.respond(context, slates)
            learner.learn(Round(context, slates, feedback))
            if number > start:
                counted = answered(feedback) | (
                    recorded(tracking, context, slates, feedback) if tracking else {}
                )
                rows.append({"seed": seed, "campaign": context.campaign} | counted)
    return pd.DataFrame(rows)


def answered(feedback: Feedback) -> dict[str, int]:
    """What people did."""
    return {
        "sent": len(feedback.delivered),
        "delivered": int(feedback.delivered.sum()),
        "opened": int(feedback.opened.sum()),
        "clicked": int(feedback.clicked.any(axis=1).sum()),
        "clicks": int(feedback.clicked.sum()),
        "unsubscribed": int(feedback.unsubscribed.sum()),
    }


def recorded(noise: Any, context: Context, slates: Slates, feedback: Feedback) -> dict[str, int]:
    """What a sender's tool shows, machines and all: mails with a recorded open (the image was loaded, or a link followed:
    Informz counts both), mails with a recorded click; and of the records themselves, repeats apart, how many opens were
    prefetched and how many clicks scanners'."""
    events, truth = noise.record_events(context, slates, feedback)
    click, open, machine = events["kind"] == "click", events["kind"] == "open", truth["source"]
    once = ~truth["duplicate"]
    return {
        "recorded_opened": int(events.loc[click | open, "member"].nunique()),
        "recorded_clicked": int(events.loc[click, "member"].nunique()),
        "open_records": int((open & once & (machine != "scanner")).sum()),
        "prefetches": int((open & once & (machine == "prefetch")).sum()),
        "click_records": int((click & once).sum()),
        "scans": int((click & once & (machine == "scanner")).sum()),
    }
