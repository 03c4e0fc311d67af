"""Examination models put to the proof, as `experiments.calibrate` shows it.

Each model is recovered from clicks that it made, and all models are judged on one log. Open this
file to see how a log with known attractions is made, or to add a measure of examination models.
"""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from bandit.core.types import Floats, Round
from bandit.policies.random import Random
from experiments.runner.configs import make
from simulators.base import Truthful
from simulators.examination.compare import compare_models, read_opens
from simulators.examination.em import fit
from simulators.examination.walk import Examine
from simulators.play import play

FAR = 0.5  # where EM starts: this share of the way from the truth to a coin's 1/2
Models = Mapping[str, Examine]


def make_uniform_log(simulator: Mapping[str, object], seed: int) -> tuple[list[Round], Floats]:
    """What the policy `random` sent and got, and what the members who opened it wanted.

    simulator: the config of a simulator that can tell the truth
    seed: of the simulator and of the slates

    Returns the whole issues, and P(click | examined) of each opened slot [o, k], in the order of
    `simulators.examination.compare.read_opens`; 0 where a slot is empty.
    """
    association: Truthful = make(dict(simulator), seed=seed)
    rounds: list[Round] = []
    wanted: list[Floats] = []
    for round in play(Random(), association, seed):
        opened = round.feedback.opened
        choice = round.slates.choice[opened]
        truth = association.truth(round.context)[opened]
        p = np.take_along_axis(truth, np.maximum(choice, 0), axis=1)
        wanted.append(np.where(choice >= 0, p, 0.0))
        rounds.append(round)
    return rounds, np.concatenate(wanted)


def recover_parameters(models: Models, simulator: Mapping[str, object], seed: int) -> pd.DataFrame:
    """Fit each model to a uniform log of `simulator` in which members click by that model.

    P(click | examined) of members and articles is given. Columns: model, parameter, true, and found
    (by the model's EM); a row for each parameter.
    """
    rows = []
    for name, model in models.items():
        rounds, p = make_uniform_log({**simulator, "examine": model}, seed)
        _, article, clicks = read_opens(rounds)
        found = fit(_move_away(model), article, clicks, p).model
        pairs = zip(_list_parameters(model), _list_parameters(found), strict=True)
        rows += [(name, parameter, true, value) for (parameter, true), (_, value) in pairs]
    return pd.DataFrame(rows, columns=["model", "parameter", "true", "found"])


def compare_perplexities(models: Models, rounds: list[Round]) -> pd.DataFrame:
    """Perplexity of each model on the half of a log that it was not fitted to, the best first.

    Each article has one attraction, the same for all members.
    """
    _, article, clicks = read_opens(rounds)
    return compare_models(models, article, clicks)


def _list_parameters(model: Any) -> list[tuple[str, float]]:
    """A model's parameters by name, followed by their places where there are several, from 1."""

    def flatten(name: str, value: Any) -> list[tuple[str, float]]:
        if isinstance(value, float | int):
            return [(name, float(value))]
        return [pair for j, part in enumerate(value, 1) for pair in flatten(f"{name} {j}", part)]

    named = [(field.name, getattr(model, field.name)) for field in fields(model)]
    return [pair for name, value in named for pair in flatten(name, value)]


def _move_away(model: Any) -> Any:
    """The same kind of model, with its parameters moved towards 1/2 by `FAR` of the distance."""

    def move(value: Any) -> Any:
        if isinstance(value, float | int):
            return value + FAR * (0.5 - value)
        return [move(part) for part in value]

    return replace(model, **{f.name: move(getattr(model, f.name)) for f in fields(model)})
