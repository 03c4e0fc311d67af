"""Dirt moves slots where texts are read as they come, and none where they are cleaned."""

from experiments.checks.dirty_text import WAYS, count_moved
from simulators.association.association import Association


def test_what_is_cleaned_moves_nothing() -> None:
    simulator = Association(seed=31, members=150, issues=14, pool=12, slots=3, text_dims=8)
    ways = {name: WAYS[name] for name in ("links", "tags", "all in capitals")}
    table = count_moved(simulator, simulator.features, ways, every=2)
    assert (table["raw_slots"] > 0.04).all()  # links .05, tags .13: counted words hold them off
    assert (table.loc[["links", "tags"], ["read_slots", "read_clicks"]] == 0).all().all()
    assert table["read_slots"]["all in capitals"] < table["raw_slots"]["all in capitals"] / 4
