"""Examination models put to the proof: each recovers itself from clicks it made, and all are judged on one log."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from bandit.core.types import Floats, Round
from bandit.policies.random import Random
from bandit.slates.walk import draw
from experiments.runner.unit import make
from simulators.examination.compare import compare_models, read_opens
from simulators.examination.em import fit
from simulators.examination.walk import Examine

FAR = 0.5  # where EM starts: half-way from the truth to a coin


def uniform_log(simulator: Mapping[str, Any], seed: int) -> tuple[list[Round], Floats]:
    """What the policy `random` sent and got, whole, and P(click | examined) of each opened slot [o, k], in the order of
    `simulators.examination.compare.read_opens`; 0 where a slot is empty."""
    association, policy = make(dict(simulator), seed=seed), Random()
    policy.start(association.features)
    rounds: list[Round] = []
    wanted: list[Floats] = []
    for number in range(1, association.issues + 1):
        context = association.issue(number)
        slates = draw(policy.plan(context), context, seed)
        rounds.append(Round(context, slates, association.respond(context, slates)))
        opened = rounds[-1].feedback.opened
        choice = slates.choice[opened]
        truth = np.take_along_axis(
            association.truth(context)[opened], np.maximum(choice, 0), axis=1
        )
        wanted.append(np.where(choice >= 0, truth, 0.0))
    return rounds, np.concatenate(wanted)


def recovered(
    models: Mapping[str, Examine], simulator: Mapping[str, Any], seed: int
) -> pd.DataFrame:
    """For each parameter of each model, `true` and as `found` by its EM from a uniform log of `simulator` that this model
    made; P(click | examined) of members and articles is given. Columns model, parameter, true, found."""
    rows = []
    for name, model in models.items():
        rounds, p = uniform_log({**simulator, "examine": model}, seed)
        _, article, clicks = read_opens(rounds)
        found = fit(_moved(model), article, clicks, p).model
        for (parameter, true), (_, value) in zip(_numbers(model), _numbers(found), strict=True):
            rows.append({"model": name, "parameter": parameter, "true": true, "found": value})
    return pd.DataFrame(rows, columns=["model", "parameter", "true", "found"])


def judged(models: Mapping[str, Examine], rounds: list[Round]) -> pd.DataFrame:
    """Perplexity of each model on the half of a log that it was not fitted to, the best first; an attraction an article."""
    _, article, clicks = read_opens(rounds)
    return compare_models(models, article, clicks)


def _numbers(model: Any) -> list[tuple[str, float]]:
    """A model's parameters with their places, counted from 1."""

    def flat(name: str, value: Any) -> list[tuple[str, float]]:
        if isinstance(value, float | int):
            return [(name, float(value))]
        return [pair for j, part in enumerate(value, 1) for pair in flat(f"{name} {j}", part)]

    return [
        pair for field in fields(model) for pair in flat(field.name, getattr(model, field.name))
    ]


def _moved(model: Any) -> Any:
    """The same kind of model, far from its parameters."""

    def off(value: Any) -> Any:
        return (
            value + FAR * (0.5 - value)
            if isinstance(value, float | int)
            else [off(part) for part in value]
        )

    return replace(
        model, **{field.name: off(getattr(model, field.name)) for field in fields(model)}
    )
