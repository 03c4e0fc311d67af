"""What the one loop refuses by name, and how an issue that it sent lies in memory."""

from collections.abc import Callable

import numpy as np
import pytest

from bandit.core.types import Context, Ints, SlotPmf
from bandit.policies.random import Random
from bandit.slates.exploration import greedy
from simulators.association.association import Association
from simulators.play import play, send

World = Callable[..., Association]


class SendsTo(Random):
    """Sends to the waves that it is given."""

    def __init__(self, waves: list[Ints]) -> None:
        self._waves = waves

    def waves(self, context: Context) -> list[Ints]:
        return self._waves


@pytest.mark.parametrize("waves", [[], [np.arange(3)], [np.arange(90), np.array([4])]])
def test_waves_hold_every_member_once(waves: list[Ints], world: World) -> None:
    association = world(seed=3, members=90, joiners=0.0, issues=2)
    count = sum(map(len, waves))
    with pytest.raises(ValueError, match=rf"SendsTo\.waves gives {count} rows of 90 members"):
        send(SendsTo(waves), association, association.issue(1), 7)


def test_what_is_no_policy_is_refused_by_the_name_of_what_it_lacks(world: World) -> None:
    class Lacks:
        plan = start = learn = state = restore = Random.start

    association = world(seed=3, members=90, issues=2)
    with pytest.raises(ValueError, match=r"Lacks has no method waves; derive it from bandit\."):
        list(play(Lacks(), association))  # type: ignore[arg-type]  # no policy, as is said


def test_a_method_that_takes_something_else_is_refused(world: World) -> None:
    class Forgets(Random):
        def plan(self) -> SlotPmf:  # type: ignore[override]  # it takes no context
            raise NotImplementedError  # it is refused before it is called

    association = world(seed=3, members=90, issues=2)
    with pytest.raises(
        ValueError, match=r"Forgets\.plan takes \(self\); must take \(self, context\)"
    ):
        list(play(Forgets(), association))


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (None, "NoneType"),
        (np.zeros((81, 8)), "ndarray"),
        (SlotPmf(np.zeros(8), greedy), r"scores \[8\]"),
        (SlotPmf(np.zeros((3, 8)), greedy), r"scores \[3, 8\]"),
    ],
)
def test_a_plan_has_a_score_for_each_member_and_article(
    plan: SlotPmf, says: str, world: World
) -> None:
    class Gives(Random):
        def plan(self, context: Context) -> SlotPmf:
            return plan

    association = world(seed=3, members=90, joiners=0.0, issues=2)
    with pytest.raises(
        ValueError, match=rf"Gives\.plan gives {says}; must give a SlotPmf with sco"
    ):
        list(play(Gives(), association))


def test_a_score_that_is_no_number_is_refused_with_its_place(world: World) -> None:
    """Infinite ones are numbers: an article may be wanted at any price, or at none."""

    class Gives(Random):
        def __init__(self, score: float) -> None:
            self._score = score

        def plan(self, context: Context) -> SlotPmf:
            scores = np.zeros(context.eligible.shape)
            scores[:, :3] = (np.inf, -np.inf, 1.0)
            scores[2, 5] = self._score
            return SlotPmf(scores, greedy)

    association = world(seed=3, members=90, joiners=0.0, issues=1)
    context = association.issue(1)
    place = f"member {context.member_ids[2]} and article {context.article_ids[5]}"
    with pytest.raises(ValueError, match=rf"Gives\.plan gives a score that is NaN, for {place}"):
        list(play(Gives(np.nan), association))
    assert len(list(play(Gives(2.0), association))) == 1


def test_scores_are_a_numpy_array_and_no_tensor() -> None:
    import torch

    with pytest.raises(ValueError, match=r"scores is a torch\.Tensor; must be a numpy array \[n, "):
        SlotPmf(torch.zeros(3, 8), greedy)  # type: ignore[arg-type]  # as is said


def test_pieces_hold_at_least_one_member(world: World) -> None:
    association = world(seed=3, members=90, issues=2)
    with pytest.raises(ValueError, match="piece = 0; must be at least 1"):
        list(play(Random(), association, piece=0))


def test_a_whole_issue_lies_in_memory_alike_in_however_many_pieces_it_was_sent(
    world: World,
) -> None:
    """Sums over slots then run in one order, and have the same bits."""
    association = world(seed=3, members=90, issues=1)
    for piece in (None, 40):
        for round in play(Random(), association.twin(), piece=piece):
            assert all(table.flags.c_contiguous for table in vars(round.slates).values())
            assert all(table.flags.c_contiguous for table in vars(round.feedback).values())
