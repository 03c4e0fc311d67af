"""Tables of a comparison: intervals, lifts and parity, against closed forms."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from experiments.tables.cold_start import find_parity
from experiments.tables.summary import student_interval, summarise


def test_paired_interval_is_students() -> None:
    values = np.array([0.10, 0.13, 0.09, 0.16])
    mean, low, high = student_interval(values)
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(
        (mean, low, high), (values.mean(), reference.low, reference.high), rtol=1e-12
    )
    assert np.isnan(student_interval(values[:1])[1:]).all()


def test_lift_is_paired_by_seed_over_the_later_issues() -> None:
    rows = []
    for seed, (ours, theirs) in enumerate([(30, 20), (66, 60)]):
        for policy, clicks in (("a", ours), ("b", theirs)):
            for issue in (1, 2, 3):
                values = {
                    "delivered": 1000,
                    "opened": 400,
                    "clicks": clicks if issue > 1 else 1,
                    "clicked_opens": 1,
                }
                values |= {"expected": 0.1, "exploration_cost": 0.025}
                rows += [(policy, seed, issue, metric, value) for metric, value in values.items()]
    table = summarise(
        pd.DataFrame(rows, columns=["policy", "seed", "issue", "metric", "value"]), "b", 2
    ).set_index("policy")
    assert table.loc["a", "lift"] == pytest.approx((0.5 + 0.1) / 2)
    assert table.loc["a", "clicks_per_delivered_late"] == pytest.approx(0.048)
    assert table.loc["a", "exploration_cost"] == pytest.approx(0.2)
    assert np.isnan(table.loc["b", "lift"])


def test_parity_is_the_first_issue_from_which_a_policy_stays_ahead() -> None:
    ours = {
        "early": [1, 5, 5, 5, 5],
        "late": [1, 1, 1, 9, 9],
        "never": [1, 1, 1, 1, 1],
        "base": [3, 3, 3, 3, 3],
    }
    rows = [
        (name, 0, since, 100, 0, value)
        for name, values in ours.items()
        for since, value in enumerate(values)
    ]
    table = pd.DataFrame(
        rows, columns=["policy", "seed", "since", "delivered", "clicks", "expected"]
    )
    assert find_parity(table, "base", window=1) == {"early": 1, "late": 3, "never": None}
