"""An association fitted to a log gives back its figures, also of members held out."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core.types import Round
from simulators.association.association import Association
from simulators.fitted.logged import Logged
from tests.support.fitted_cases import send


def figures(rounds: list[Round], some: set[Any] | None = None) -> dict[str, Any]:
    """Counted over members: what a sender's report would show."""
    rows = [
        np.array([some is None or m in some for m in round.context.member_ids]) for round in rounds
    ]
    member = np.concatenate(
        [round.context.member_ids[at] for round, at in zip(rounds, rows, strict=True)]
    )
    answer = {
        name: np.concatenate(
            [getattr(round.feedback, name)[at] for round, at in zip(rounds, rows, strict=True)]
        )
        for name in ("delivered", "opened", "unsubscribed", "clicked", "dwell_seconds")
    }
    table = (
        pd.DataFrame(
            {
                "member": member,
                "sent": 1,
                "opened": answer["opened"],
                "clicks": answer["clicked"].sum(axis=1),
            }
        )
        .groupby("member")
        .sum()
    )
    often = table[table["sent"] >= 8]
    clicks, opens = answer["clicked"], int(answer["opened"].sum())
    most = np.sort(table["clicks"].to_numpy())[::-1]
    return {
        "opens": opens / answer["delivered"].sum(),
        "click_to_open": clicks.any(axis=1).sum() / opens,
        "by_slot": clicks.sum(axis=0) / opens,
        "open_sd": (often["opened"] / often["sent"]).std(),
        "never": (often["opened"] == 0).mean(),
        "click_sd": table["clicks"].std(),
        "top_tenth": most[: len(most) // 10].sum() / most.sum(),
        "without": (table["clicks"] == 0).mean(),
        "mails": table["sent"].mean(),
        "seconds": np.median(answer["dwell_seconds"][clicks]),
        "unsubscribed": answer["unsubscribed"].mean(),
    }


@cache
def large() -> tuple[list[Round], list[Round], Logged]:
    association = Association(seed=10, members=3000, issues=13)
    rounds = send(association)
    world = Logged(rounds, 3, features=association.features, only=0.7)
    return rounds, send(world.twin()), world


# Up to which difference: of members fitted to, whose own opens and clicks are known, and of members
# held out. About three standard errors: 900 members' open rates, which spread by .31, leave .016
# between two samples and the fit.
BOUNDS = {
    "opens": (0.01, 0.048),
    "click_to_open": (0.008, 0.02),
    "by_slot": (0.004, 0.008),
    "open_sd": (0.01, 0.02),
    "never": (0.025, 0.06),
    "click_sd": (0.12, 0.25),
    "top_tenth": (0.04, 0.12),
    "without": (0.03, 0.07),
    "mails": (0.1, 0.15),
    "seconds": (6, 12),
    "unsubscribed": (0.0007, 0.0015),
}


@pytest.mark.slow
@pytest.mark.parametrize("held_out", [False, True])
def test_the_fitted_association_gives_back_the_log(held_out: bool) -> None:
    rounds, simulated, world = large()
    some = set(world.members["member"][~world.fitted if held_out else world.fitted])
    log, found = figures(rounds, some), figures(simulated, some)
    for name, bounds in BOUNDS.items():
        assert found[name] == pytest.approx(log[name], abs=bounds[held_out]), name
