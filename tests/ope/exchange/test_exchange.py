"""Other tools' formats: a figure by hand, round trips, and VW reads ours."""

import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandit.ope.exchange import dsjson, feedback, personalizer
from bandit.ope.exchange.decisions import Decision, make_log, spread, tabulate
from bandit.ope.exchange.sends import list_decisions
from bandit.ope.single.importance import ips
from bandit.ope.whole.look import plan_uniform
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from serving.exchange.__main__ import main
from simulators.association.association import Association
from simulators.play import play

# 23 choices among four, .85 for one of them: 12 clicks on what had .85, 2 on what had .05, and the
# others none. Uniform IPS is (12 x .25 / .85 + 2 x .25 / .05) / 23 by hand.
CLICKS = [(0.85, 1)] * 12 + [(0.05, 1)] * 2 + [(0.85, 0)] * 7 + [(0.05, 0)] * 2
UNIFORM = (12 * 0.25 / 0.85 + 2 * 0.25 / 0.05) / 23


def make_events(labels: list[tuple[float, int]]) -> list[Decision]:
    found = []
    for i, (chance, click) in enumerate(labels):
        chances = [0.05] * 4
        chances[i % 4] = 0.85
        shown = i % 4 if chance == 0.85 else (i + 1) % 4
        found.append(
            Decision(
                event=f"e{i}",
                time="2026-11-29T10:00:00Z" if i % 2 else "",
                articles=("tea", "coffee", "cocoa", "water"),
                shown=shown,
                chances=tuple(chances),
                reward=float(click),
                known={"part of day": "morning", "age": 20 + i},
                about=({"hot": True}, {"hot": True}, {}, {"price": 0.5}),
            )
        )
    return found


EVENTS = make_events(CLICKS)


def test_the_uniform_policy_is_worth_what_it_is_by_hand(tmp_path: Path) -> None:
    dsjson.write(tmp_path / "log.dsjson", EVENTS)
    log = make_log(dsjson.read(tmp_path / "log.dsjson"))
    assert ips(log.weigh(), log.reward).mean() == pytest.approx(UNIFORM, rel=1e-12)
    assert round(UNIFORM, 5) == 0.58824


def test_a_log_with_the_labels_of_vw_s_own_example_is_worth_what_that_is_by_hand(
    tmp_path: Path,
) -> None:
    """VW's 23 coffees (test/train-sets/dsjson_cb.json): 12 of the 20 that had .85 were taken, none
    of the three that had .05, and its floats are narrow."""
    labels = [(0.85, 1)] * 12 + [(0.85, 0)] * 8 + [(0.05, 0)] * 3
    path = tmp_path / "log.dsjson"
    dsjson.write(path, make_events(labels))
    text = path.read_text().replace('ability":0.85', 'ability":0.8500000238418579')
    assert text.count("0.8500000238418579") == 20
    path.write_text(text)
    log = make_log(dsjson.read(path))
    assert round(float(ips(log.weigh(), log.reward).mean()), 5) == 0.15345


words = st.text(min_size=1, max_size=5)
numbers = st.floats(-1e6, 1e6) | st.integers(-1000, 1000)
told = st.dictionaries(words.filter(lambda w: w not in ("_multi", "_tag")), numbers | words)


@st.composite
def draw_decisions(draw: st.DrawFn) -> list[Decision]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        articles = draw(st.lists(words, min_size=1, max_size=4, unique=True))
        m = len(articles)
        shares = np.array(draw(st.lists(st.integers(1, 9), min_size=m, max_size=m)), float)
        found.append(
            Decision(
                event=str(number),
                time=draw(st.sampled_from(["", "2026-11-29"])),
                articles=tuple(articles),
                shown=draw(st.integers(0, m - 1)),
                chances=tuple((shares / shares.sum()).tolist()),
                reward=draw(st.sampled_from([0.0, 1.0, 0.25, -2.0])),
                known=draw(told),
                about=tuple(draw(told) for _ in articles),
            )
        )
    return found


@settings(max_examples=40, deadline=None)
@given(draw_decisions())
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, decisions: list[Decision]
) -> None:
    path = tmp_path_factory.mktemp("round")
    dsjson.write(path / "a.dsjson", decisions)
    assert dsjson.read(path / "a.dsjson") == decisions
    personalizer.write(path / "a.jsonl", decisions)
    assert personalizer.read(path / "a.jsonl") == decisions


def test_what_only_the_shown_article_has_a_chance_of_stays_unknown(tmp_path: Path) -> None:
    personalizer.write(tmp_path / "a.jsonl", [hide(each) for each in EVENTS])
    again = personalizer.read(tmp_path / "a.jsonl")
    assert [each.propensity for each in again] == [each.propensity for each in EVENTS]
    assert all(math.isnan(c) for c in np.delete(again[0].chances, again[0].shown))
    with pytest.raises(ValueError, match="event 'e0': the chances of what was not shown"):
        make_log(again)
    with pytest.raises(ValueError, match="event e0: dsjson needs the chances of all"):
        dsjson.write(tmp_path / "b.dsjson", again)
    assert not (tmp_path / "b.dsjson").exists()


def hide(each: Decision) -> Decision:
    chances = [c if at == each.shown else math.nan for at, c in enumerate(each.chances)]
    told = {**vars(each), "chances": tuple(chances)}
    return Decision(**told)


def test_open_bandit_feedback_goes_both_ways() -> None:
    told = feedback.to_feedback(EVENTS)
    assert (told["n_rounds"], told["n_actions"]) == (23, 4)
    action, chances = spread(EVENTS)
    np.testing.assert_array_equal(told["context"], [[20 + i] for i in range(23)])
    again = feedback.from_feedback(told)
    assert [each.articles[each.shown] for each in again] == [
        each.articles[each.shown] for each in EVENTS
    ]
    for mine, theirs in zip(spread(again), (action, chances), strict=True):
        np.testing.assert_allclose(mine, theirs)
    second = feedback.to_feedback(again)
    np.testing.assert_array_equal(second["context"], told["context"])
    unknown = feedback.from_feedback(told | {"pi_b": None, "articles": None})
    assert unknown[0].articles == ("0", "1", "2", "3")
    assert math.isnan(unknown[0].chances[1])


def test_the_csv_of_the_open_bandit_dataset_goes_both_ways(tmp_path: Path) -> None:
    feedback.write_csv(tmp_path / "a.csv", EVENTS)
    again = feedback.read_csv(tmp_path / "a.csv")
    for mine, theirs in zip(again, EVENTS, strict=True):
        assert mine.articles[mine.shown] == theirs.articles[theirs.shown]
        assert (mine.reward, mine.propensity, mine.time) == (
            *(theirs.reward, theirs.propensity),
            theirs.time,
        )
        assert mine.known["age"] == str(theirs.known["age"])
    feedback.write_csv(tmp_path / "b.csv", again)
    assert (tmp_path / "b.csv").read_bytes() == (tmp_path / "a.csv").read_bytes()


def test_vw_reads_what_we_write(tmp_path: Path) -> None:
    import vowpalwabbit as vw

    dsjson.write(tmp_path / "a.dsjson", EVENTS)
    learner = vw.Workspace("--cb_explore_adf --dsjson --quiet")
    for each, line in zip(EVENTS, (tmp_path / "a.dsjson").read_text().splitlines(), strict=True):
        examples = learner.parse(line)
        assert len(examples) == 1 + 4  # what was known, and each article
        label = examples[each.shown + 1].get_label(vw.LabelType.CONTEXTUAL_BANDIT).costs[0]
        assert (label.cost, label.probability) == (
            pytest.approx(-each.reward),
            pytest.approx(each.propensity),
        )
        learner.finish_example(examples)
    learner.finish()


def test_the_first_slot_of_our_own_sends(tmp_path: Path) -> None:
    world = Association(seed=3, members=60, issues=2, pool=6, slots=2, text_dims=6, embeddings=None)
    rounds = list(play(Random(), world))
    found = [each for round in rounds for each in list_decisions(round, plan_uniform)]
    assert len(found) == sum(len(round.context.members) for round in rounds)
    clicks = sum(float(round.feedback.clicked[:, 0].sum()) for round in rounds)
    assert sum(each.reward for each in found) == clicks
    log = make_log(found)
    np.testing.assert_allclose(log.weigh(), 1.0)
    dsjson.write(tmp_path / "a.dsjson", found)
    assert dsjson.read(tmp_path / "a.dsjson") == found
    policy = Profile()
    policy.start(world.features)
    with pytest.raises(ValueError, match=r"campaign '.*', member .*: the sender gives what was"):
        list_decisions(rounds[0], policy.plan)


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "a.dsjson"
    dsjson.write(source, EVENTS)
    assert main([str(source), str(tmp_path / "a.jsonl")]) == 0
    assert "23 decisions, mean reward 0.6087" in capsys.readouterr().out
    assert personalizer.read(tmp_path / "a.jsonl") == EVENTS
    assert main([str(tmp_path / "a.jsonl"), str(tmp_path / "a.parquet")]) == 0
    table = pq.read_table(tmp_path / "a.parquet")
    assert table.column_names == ["event", "action", "propensity", "reward", "part of day", "age"]
    assert table.equals(tabulate(EVENTS))
    assert main([str(source), str(tmp_path / "a.txt")]) == 2
    assert "must end with one of .dsjson, .jsonl, .csv, .parquet" in capsys.readouterr().err


def test_impossible_feedback_is_refused() -> None:
    told = feedback.to_feedback(EVENTS)
    for changes, words in (
        ({"reward": None}, "feedback has no reward"),
        ({"position": np.array([0, 1] * 11 + [0])}, "several positions"),
        ({"action": np.full(23, 9)}, "feedback round 0: action = 9; must be below 4"),
        ({"pscore": np.zeros(23)}, "feedback round 0: article number 0 was shown"),
        ({"reward": np.zeros(3)}, r"reward has shape \(3,\)"),
    ):
        with pytest.raises(ValueError, match=words):
            feedback.from_feedback(told | changes)


def test_a_large_open_bandit_file_takes_little_memory(tmp_path: Path) -> None:
    """Three thousand rows as the dataset has them: 80 affinities each, and few chances."""
    import tracemalloc

    affinities = ",".join(f"user-item_affinity_{j}" for j in range(80))
    rest = "," + ",".join(["0.125"] * 80)
    path, n = tmp_path / "all.csv", 3000
    with path.open("w") as file:
        file.write(
            f",timestamp,item_id,position,click,propensity_score,user_feature_0,{affinities}\n"
        )
        for i in range(n):
            file.write(f"{i},2019-11-24,{i % 79},{i % 3 + 1},{i % 7 // 6},0.0125,u{i % 9}{rest}\n")
    tracemalloc.start()
    found = feedback.read_csv(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (len(found), len(found[0].articles)) == (n, 79)
    assert found[8].known == {"0": "u8"}
    assert most < 1_700 * n, f"{most / n:.0f} bytes a row"
