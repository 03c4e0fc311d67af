"""The one loop: the same rounds as the loop written by hand, whatever it is cut into."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bandit.core.state import State
from bandit.core.types import Context, Feedback, Floats, Ints, Round, Slates, SlotPmf
from bandit.features.features import Features
from bandit.log import issue as log
from bandit.log.learning import learn_again
from bandit.policies.oracle import Oracle
from bandit.policies.popular import Popular
from bandit.policies.random import Random
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy
from bandit.slates.propensity import draw
from simulators.association.association import Association
from simulators.base import Simulator
from simulators.play import begin, play, play_back, read_back, send

World = Callable[..., Association]


class Counting(Policy):
    """Wants what was clicked most, sends in waves of every third member, and keeps what it met."""

    def __init__(self, waves: int = 3) -> None:
        self._waves = waves

    def start(self, features: Features) -> None:
        self.clicks: dict[object, float] = {}
        self.planned: list[Context] = []
        self.taught: list[Round] = []

    def plan(self, context: Context) -> SlotPmf:
        self.planned.append(context)
        scores = [self.clicks.get(article, 0.0) for article in context.article_ids.tolist()]
        wide = np.broadcast_to(scores, context.eligible.shape) + context.member_features[:, :1]
        return SlotPmf(wide, lambda scores, open: epsilon_greedy(0.3)(scores, open))

    def learn(self, round: Round) -> None:
        self.taught.append(round)
        _, _, index, clicked = round.list_exposures()
        for article, click in zip(round.context.article_ids[index], clicked, strict=True):
            self.clicks[article] = self.clicks.get(article, 0.0) + click

    def state(self) -> State:
        return {"clicks": np.array(sorted(self.clicks.values()))}

    def restore(self, state: State) -> None: ...

    def waves(self, context: Context) -> list[Ints]:
        rows = np.arange(len(context.members))
        return [rows[rows % 3 == wave] for wave in range(self._waves)]


class Everybody(Counting):
    """The same in one wave."""

    def waves(self, context: Context) -> list[Ints]:
        return [np.arange(len(context.members))]


def same(one: Round, other: Round) -> bool:
    contexts = [round.context for round in (one, other)]
    parts = ("member_features", "article_features", "eligible", "seen")
    arrays = [
        [context.member_ids, *(getattr(context, part) for part in parts)] for context in contexts
    ]
    for round, found in zip((one, other), arrays, strict=True):
        found += [*vars(round.slates).values(), *vars(round.feedback).values()]
    return all(np.array_equal(a, b) for a, b in zip(*arrays, strict=True))


def all_same(one: Iterator[Round] | list[Round], other: Iterator[Round] | list[Round]) -> bool:
    return all(same(a, b) for a, b in zip(one, other, strict=True))


# Identities


@pytest.mark.parametrize("kind", [Random, Popular, Everybody])
def test_play_is_the_loop_written_by_hand(kind: Callable[[], Policy], world: World) -> None:
    association, policy = world(), kind()
    policy.start(association.features)
    rounds = []
    for number in range(1, association.issues + 1):
        context = association.issue(number)
        slates = draw(policy.plan(context), context, 5)
        rounds.append(Round(context, slates, association.respond(context, slates)))
        policy.learn(rounds[-1])
    other = kind()
    assert all_same(play(other, world(), seed=5), rounds)
    for name, array in policy.state().items():
        assert np.array_equal(array, other.state()[name]), name


def test_the_seed_is_the_simulators_where_none_is_given_and_decides_the_slates(
    world: World,
) -> None:
    rounds = list(play(Random(), world()))
    assert all_same(rounds, play(Random(), world(), seed=world().seed))
    assert not all_same(rounds, play(Random(), world(), seed=5))
    assert len(rounds) == world().issues
    assert all_same(rounds[:2], play(Random(), world(), issues=2))


@pytest.mark.parametrize("kind", [Everybody, Counting])
@pytest.mark.parametrize("piece", [1, 7, 100, 10_000])
def test_pieces_change_no_slate(kind: type[Counting], piece: int, world: World) -> None:
    issues = 2 if piece == 1 else 4
    whole, cut = kind(), kind()
    rounds = list(play(whole, world(), issues=issues))
    assert all_same(rounds, play(cut, world(), issues=issues, piece=piece))
    assert max(len(context.members) for context in cut.planned) <= piece
    assert all_same(whole.taught, cut.taught)  # pieces are learned from as a wave


def test_the_log_plays_back_the_same_rounds_and_teaches_the_same(
    tmp_path: Path, world: World
) -> None:
    sent, again = Counting(), Counting()
    rounds = list(play(sent, world()))
    for round in rounds:
        log.write(tmp_path / f"{round.context.issue:03d}.parquet", round)
    begin(again, world())
    for round, read in zip(rounds, play_back(tmp_path, world()), strict=True):
        assert same(round, read)
        learn_again(again, read)
    assert again.clicks == sent.clicks
    assert all_same(again.taught, sent.taught)

    resumed = world()  # and where the log ends, the loop goes on
    for number in (1, 2):
        read_back(tmp_path / f"{number:03d}.parquet", resumed, resumed.issue(number))
    goes_on = Counting()
    begin(goes_on, resumed)
    for round in rounds[:2]:
        learn_again(goes_on, round)
    assert same(send(goes_on, resumed, resumed.issue(3), resumed.seed), rounds[2])


# What the policy meets


def test_waves_send_every_member_once_and_learn_between(world: World) -> None:
    policy = Counting()
    for round in play(policy, world(), issues=3):
        taught = policy.taught[-3:]
        ids = np.concatenate([part.context.member_ids for part in taught])
        assert sorted(ids) == sorted(round.context.member_ids)
        assert [len(part.context.members) for part in taught] == [
            len(round.context.member_ids[wave::3]) for wave in range(3)
        ]
        for wave, part in enumerate(taught):
            rows = np.arange(wave, len(round.context.members), 3)
            assert same(part, round.take(rows))
    assert policy.clicks
    assert len(policy.planned) == len(policy.taught) == 9


def test_a_wave_is_planned_from_what_the_waves_before_it_taught(world: World) -> None:
    policy, known = Counting(), []

    def note(wave: int, plan: SlotPmf | None, sent: Round | None) -> None:
        known.append(sum(policy.clicks.values()))

    clicks = [round.feedback.clicked for round in play(policy, world(), issues=1, watch=note)]
    so_far = np.cumsum([clicks[0][wave::3].sum() for wave in range(3)])
    assert known == [0, *so_far[:2]]
    assert so_far[1] > 0


def test_what_the_policy_is_told_does_not_reach_the_simulator(world: World) -> None:
    asked: list[Context] = []

    class Listening(Random):
        def plan(self, context: Context) -> SlotPmf:
            asked.append(context)
            return super().plan(context)

        def learn(self, round: Round) -> None:
            asked.append(round.context)

    def tell(context: Context) -> Context:
        return replace(context, member_features=np.zeros_like(context.member_features))

    rounds = list(play(Listening(), world(), tell=tell))
    assert all_same(rounds, play(Random(), world()))  # Random chooses the same, and is answered so
    assert all(round.context.member_features.any() for round in rounds)
    assert len(asked) == 2 * len(rounds)
    assert not any(context.member_features.any() for context in asked)


def test_without_learning_nothing_is_taught(world: World) -> None:
    policy = Counting()
    rounds = list(play(policy, world(), issues=3, learn=False))
    assert len(rounds) == 3
    assert not policy.taught
    assert not policy.clicks


def test_a_policy_that_has_begun_goes_on_from_what_it_knows(world: World) -> None:
    policy = Counting()
    list(play(policy, world(), issues=2))
    known = dict(policy.clicks)
    list(play(policy, world(), issues=1, started=True, learn=False))
    assert policy.clicks == known
    list(play(policy, world(), issues=1, learn=False))
    assert not policy.clicks


# Who watches


def test_every_wave_is_watched_also_an_empty_one(world: World) -> None:
    seen: list[tuple[int, int]] = []

    def note(wave: int, plan: SlotPmf | None, sent: Round | None) -> None:
        if plan is None or sent is None:
            assert plan is sent is None
            seen.append((wave, 0))
            return
        n, _ = plan.scores.shape
        assert sent.slates.choice.shape[0] == n
        seen.append((wave, n))

    class Gap(Counting):
        def waves(self, context: Context) -> list[Ints]:
            rows = np.arange(len(context.members))
            return [rows[::2], rows[:0], rows[1::2]]

    round = next(play(Gap(), world(), watch=note))
    n = len(round.context.members)
    assert seen == [(0, -(-n // 2)), (1, 0), (2, n // 2)]
    seen.clear()
    next(play(Gap(), world(), watch=note, piece=100))
    assert [wave for wave, _ in seen] == [0, 0, 1, 2, 2]
    assert sum(size for _, size in seen) == n


def test_the_stages_hold_the_work_and_come_in_order(world: World) -> None:
    stages: list[str] = []

    @contextmanager
    def stage(name: str) -> Iterator[None]:
        stages.append(name)
        yield

    next(play(Everybody(), world(), stage=stage))
    assert stages == ["compose", "compose", "plan", "draw", "respond", "learn", "learn"]


# What cannot be


class Mute(Simulator):
    """A simulator that cannot tell the truth behind its answers."""

    def __init__(self, association: Association) -> None:
        self.seed, self.issues = association.seed, association.issues
        self.features, self.members = association.features, association.members
        self._association = association

    def issue(self, number: int) -> Context:
        return self._association.issue(number)

    def respond(self, context: Context, slates: Slates) -> Feedback:
        return self._association.respond(context, slates)

    def expected(self, context: Context, slates: Slates) -> Floats:
        return self._association.expected(context, slates)


def test_a_policy_that_must_be_shown_the_truth_is_refused_where_there_is_none(world: World) -> None:
    mute = Mute(world())
    with pytest.raises(ValueError, match="Oracle must be shown the truth, which Mute cannot tell"):
        next(play(Oracle(), mute))
    assert all_same(play(Random(), mute), play(Random(), world()))
    oracle = next(play(Oracle(), world()))
    plain = next(play(Random(), world()))
    expected: Any = [world().expected(each.context, each.slates).sum() for each in (oracle, plain)]
    assert expected[0] > 1.2 * expected[1]


def test_a_log_with_a_gap_is_refused_by_name(tmp_path: Path, world: World) -> None:
    first = next(play(Random(), world()))
    log.write(tmp_path / "001.parquet", first)
    back = play_back(tmp_path, world())
    assert same(next(back), first)
    with pytest.raises(ValueError, match=r"002\.parquet is missing; the log must be whole"):
        next(back)
