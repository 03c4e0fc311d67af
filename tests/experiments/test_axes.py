"""Figures come back as matplotlib axes that hold the tables' numbers."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments.tables.axes import draw_clicks, draw_lifts


def test_a_line_is_the_mean_of_the_seeds() -> None:
    rows = [
        (policy, seed, issue, metric, value)
        for policy, base in (("a", 10), ("b", 30))
        for seed in (0, 1)
        for issue in (1, 2, 3)
        for metric, value in (("clicks", base + seed + 5 * issue), ("delivered", 200.0))
    ]
    table = pd.DataFrame(rows, columns=["policy", "seed", "issue", "metric", "value"])
    axes = draw_clicks(table)
    assert [line.get_label() for line in axes.lines] == ["a", "b"]
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[1, 177.5], [2, 202.5], [3, 227.5]])


def test_lifts_are_dots_with_intervals_the_best_on_top() -> None:
    nan = float("nan")
    rows = [("base", nan, nan, nan), ("worse", -0.1, nan, nan), ("better", 0.2, 0.1, 0.3)]
    summary = pd.DataFrame(rows, columns=["policy", "lift", "lift_low", "lift_high"])
    own = Figure().subplots()
    axes = draw_lifts(summary, own)
    assert axes is own
    assert [text.get_text() for text in axes.get_yticklabels()] == ["worse", "better"]
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [-10, 20])
    with pytest.raises(ValueError, match="no policy has a lift"):
        draw_lifts(summary[:1])
