"""Rates of a simulated association, counted as a sender counts them.

They stand beside the published rates that the presets aim at (`experiments.checks.published`).
What is measured is an association that sends everyone the same newsletter (`blast`), learned from
what its list clicks. Of the preset `informz` (2017) it is what people did; of `higher_logic`
(2023), what was recorded, prefetched opens and scanners' clicks included. Open this file when a
preset is changed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import pandas as pd
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from bandit.core.threads import use_one_thread
from bandit.core.types import Feedback, Round
from experiments.checks.published import DAYS, DYNAMIC, FATIGUE, OVERALL, PUBLISHED
from experiments.runner.configs import (
    CONFIGS,
    Settings,
    make,
    read_config,
    read_policy,
    resolve,
)
from simulators.noise.noise import Noise
from simulators.play import play

START = 4  # issues before rates are counted: the first newsletters are chosen blindly
CHECKED = range(110, 134)  # seeds of the check; the presets were settled on 10-19, 30-39 and 60-99
TUESDAY = 1
OFTEN = (0, 1, 2, 3, 4)  # five mails a week are 22 a month


def load_preset(name: str) -> Settings:
    """The config of a simulator by name.

    May be called below a command that Hydra runs; Hydra's own state is put back.
    """
    running = GlobalHydra.instance().hydra
    GlobalHydra.instance().clear()
    try:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            return resolve(compose("run", overrides=[f"simulator={name}"])["simulator"])
    finally:
        GlobalHydra.instance().hydra = running


def load_tracking() -> Settings:
    """The config of the noise of a log of 2023."""
    return read_config("noise", "higher_logic")


def send_on(simulator: Settings, days: Iterable[int]) -> Settings:
    """The config of the same association, sending on these days of the week (0 is Monday)."""
    return simulator | {"opens": simulator["opens"] | {"send_days": list(days)}}


def compare_with_published(seeds: Sequence[int] = CHECKED) -> pd.DataFrame:
    """Every published figure beside the measured one.

    Columns: preset, what, low, high, source, measured, and error (`Published.error`).
    """
    found = {name: measure(name, seeds) for name in ("informz", "higher_logic")}
    rows = []
    for figure in PUBLISHED:
        value = found[figure.preset][figure.what]
        rows.append(asdict(figure) | {"measured": value, "error": figure.error(value)})
    return pd.DataFrame(rows)


def measure(name: str, seeds: Sequence[int] = CHECKED) -> dict[str, float]:
    """The published figures of a preset as its simulated logs give them, by `Published.what`.

    Associations differ by a tenth in their clicks, so a rate needs some twenty seeds; what is
    paired (two calendars, the same members) needs few, and gets a sixth of them.
    """
    makers = {"informz": _measure_informz, "higher_logic": _measure_higher_logic}
    return makers[name](list(seeds), list(seeds[: max(len(seeds) // 6, 1)]))


def _measure_informz(seeds: list[int], few: list[int]) -> dict[str, float]:
    """What people did: `seeds` for rates, `few` of them for what is paired."""
    simulator, blast = load_preset("informz"), read_policy("blast")
    weekly = count_mailings(simulator, blast, seeds, load_tracking())
    often = count_mailings(send_on(simulator, OFTEN), blast, few)
    same = weekly[weekly["seed"].isin(few)]
    return _measure_shared(weekly) | {
        "delivered of sent": ratio(weekly, "delivered", "sent"),
        "opened of delivered": ratio(weekly, "opened", "delivered"),
        "clicked of opened": ratio(weekly, "clicked", "opened"),
        FATIGUE: ratio(often, "opened", "delivered") / ratio(same, "opened", "delivered"),
    }


def _measure_higher_logic(seeds: list[int], few: list[int]) -> dict[str, float]:
    """What was recorded, for the same association sending on one day of the week, the day varied.

    A day's rate is Tuesday's, times what the day has over Tuesday for the same few seeds. Dynamic
    content is an editor's version for each member type (`segment_rules`). It is counted in people's
    clicks, of which scanners' are a share.
    """
    simulator, blast, noise = load_preset("higher_logic"), read_policy("blast"), load_tracking()
    tuesday = count_mailings(send_on(simulator, [TUESDAY]), blast, seeds, noise)
    same = tuesday[tuesday["seed"].isin(few)]
    found = _measure_shared(tuesday)
    for number, day in enumerate(DAYS):
        other = same
        if number != TUESDAY:
            other = count_mailings(send_on(simulator, [number]), blast, few, noise)
        for what, recorded in (("opened", "recorded_opened"), ("clicked", "recorded_clicked")):
            more = ratio(other, recorded, "delivered") / ratio(same, recorded, "delivered")
            found[f"{what} of delivered, {day}"] = more * ratio(tuesday, recorded, "delivered")
    segments = read_policy("segment_rules")
    dynamic = count_mailings(send_on(simulator, [TUESDAY]), segments, seeds)
    found[OVERALL] = float((tuesday["recorded_opened"] / tuesday["delivered"]).mean())
    found[DYNAMIC] = ratio(dynamic, "clicked", "delivered") / ratio(tuesday, "clicked", "delivered")
    return found


def _measure_shared(table: pd.DataFrame) -> dict[str, float]:
    """The rates that both presets aim at."""
    return {
        "unsubscribed of delivered": ratio(table, "unsubscribed", "delivered"),
        "prefetched of recorded opens": ratio(table, "prefetches", "open_records"),
        "scanners' of recorded clicks": ratio(table, "scans", "click_records"),
    }


def ratio(table: pd.DataFrame, part: str, whole: str) -> float:
    """The sum of column `part` over all mailings, divided by the sum of column `whole`."""
    return float(table[part].sum() / table[whole].sum())


@use_one_thread()
def count_mailings(
    simulator: Settings,
    policy: Settings,
    seeds: Iterable[int],
    noise: Settings | None = None,
    start: int = START,
) -> pd.DataFrame:
    """What came back from each mailing, one row each.

    simulator, policy: configs with a `_target_`
    seeds: of the simulators and the noise; each is another association
    noise: the config of what records the mails, by the simulator's calendar; None: nothing does
    start: how many issues of each association are not counted

    Columns: seed, campaign; the counts of mails and clicks of `count_answers`; with `noise` also
    those of `count_records`.
    """
    rows = []
    if noise and simulator.get("opens"):
        noise = noise | {"send_days": simulator["opens"]["send_days"]}
    for seed in seeds:
        recorder: Noise | None = make(noise, seed=seed) if noise else None
        for round in play(make(policy), make(simulator, seed=seed), seed):
            if round.context.issue <= start:
                continue
            counts = count_answers(round.feedback)
            counts |= count_records(recorder, round) if recorder else {}
            rows.append({"seed": seed, "campaign": round.context.campaign} | counts)
    return pd.DataFrame(rows)


def count_answers(feedback: Feedback) -> dict[str, int]:
    """What people did: `clicked` are mails with a click; `clicks` counts every click."""
    return {
        "sent": len(feedback.delivered),
        "delivered": int(feedback.delivered.sum()),
        "opened": int(feedback.opened.sum()),
        "clicked": int(feedback.clicked.any(axis=1).sum()),
        "clicks": int(feedback.clicked.sum()),
        "unsubscribed": int(feedback.unsubscribed.sum()),
    }


def count_records(noise: Noise, round: Round) -> dict[str, int]:
    """What a sender's tool shows, machines and all.

    recorded_opened: mails with a recorded open (the image was loaded, or a link was followed:
        Informz counts both)
    recorded_clicked: mails with a recorded click
    open_records, click_records: the records themselves, repeats and scanners' opens apart
    prefetches, scans: how many of these were prefetched, and how many were made by scanners
    """
    events, truth = noise.record_events(round.context, round.slates, round.feedback)
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
