"""What every policy keeps when it learns: its state is all there is, and clicks count for it.

Each function raises AssertionError with a sentence that says what came of what, for whom.
"""

from dataclasses import replace

import numpy as np

from bandit.core.rules import Rules
from bandit.core.types import Floats, Round, Slates
from bandit.policy import Policy
from bandit.slates.propensity import draw
from experiments.check.trial import Check, Trial, copy_state, open_slot, silence
from experiments.check.words import require, same_arrays, same_chances, same_slates
from simulators.play import begin, send


def a_state_restores_to_the_same_slates(trial: Trial) -> None:
    """Restored from its state, it gives the same slates."""
    policy, association = trial.ready
    other = trial.make(association)
    other.restore(policy.state())
    same_arrays("state -> restore -> state", policy.state(), other.state())
    context = association.issue(4)
    one, two = policy.plan(context), other.plan(context)
    path = "state -> restore -> plan"
    same_chances(path, context, one.scores, two.scores, "score")
    same_slates(f"{path} -> draw", context, draw(one, context, 7), draw(two, context, 7))


def nobody_is_learned_from(trial: Trial) -> None:
    """An issue that went to nobody is learned, and is no news."""
    policy, association = trial.teach(2)
    before = copy_state(policy)
    context = association.issue(3).take(np.arange(0))
    slates = draw(policy.plan(context), context, 7)
    policy.learn(Round(context, slates, association.respond(context, slates)))
    require(before.keys() == policy.state().keys(), "learn of nobody -> state: other arrays")


def an_issue_nobody_opened_changes_nothing(trial: Trial) -> None:
    """An issue that nobody opened changes no chance."""
    policy, association = trial.teach()
    context = association.issue(4)
    before = open_slot(policy, context)
    policy.learn(Round(context, draw(policy.plan(context), context, 7), silence(context)))
    same_chances("learn that nobody opened -> plan", context, before, open_slot(policy, context))


def an_unopened_mail_is_no_negative(trial: Trial) -> None:
    """What a mail showed that its reader left unopened changes no chance: nobody declined it."""
    association = trial.build()
    one, other = (trial.make(association) for _ in range(2))
    for policy in (one, other):
        policy.restore(trial.ready[0].state())
    context = association.issue(4)
    sent, unsent = (draw(one.plan(context), context, seed) for seed in (7, 8))
    feedback = association.respond(context, sent)
    opened = feedback.opened[:, None]
    shown = [
        np.where(opened, was, might)
        for was, might in zip(vars(sent).values(), vars(unsent).values(), strict=True)
    ]
    one.learn(Round(context, sent, feedback))
    other.learn(Round(context, Slates(*shown), feedback))
    path = "learn other articles in closed mails -> plan"
    same_chances(path, context, open_slot(one, context), open_slot(other, context))


def started_again_it_is_as_good_as_new(trial: Trial) -> None:
    """Started again, it has forgotten all, and learns as a new one does."""
    new, policy = (trial.make(trial.build()) for _ in range(2))
    policy.restore(trial.ready[0].state())
    send(policy, (used := trial.build()), used.issue(1), 5)
    begin(policy, trial.build())
    same_arrays("learn -> start -> state", new.state(), policy.state())
    context = trial.build().issue(1)
    before, after = (draw(chosen.plan(context), context, 7) for chosen in (new, policy))
    same_slates("learn -> start -> plan -> draw", context, before, after)
    send(new, trial.build(), context, 5)
    send(policy, trial.build(), context, 5)
    same_arrays("learn -> start -> learn -> state", new.state(), policy.state())


def a_state_stays_as_it_was(trial: Trial) -> None:
    """A state that was taken does not change with what is learned later."""
    association = trial.build()
    policy = trial.make(association)
    policy.restore(trial.ready[0].state())
    state = policy.state()
    before = {name: np.array(array) for name, array in state.items()}
    send(policy, association, association.issue(1), 5)
    same_arrays("state -> learn", before, state)


def list_refusals(trial: Trial) -> dict[str, str]:
    """What it says, by the array's name, where a state lacks an array; "" where it takes it."""
    state, other = trial.ready[0].state(), trial.make(trial.build())
    other.restore(state)
    return {
        name: _refuse(other, {key: state[key] for key in state if key != name}) for name in state
    }


def _refuse(policy: Policy, state: dict[str, np.ndarray]) -> str:
    try:
        policy.restore(state)
    except ValueError as error:
        return str(error)
    return ""


def a_state_that_lacks_an_array_is_refused(trial: Trial) -> None:
    """A state that lacks an array is refused with a ValueError that names it."""
    for name, said in list_refusals(trial).items():
        require(bool(said), f"state without {name} -> restore: it is taken; must be refused")
        require(name in said, f"state without {name} -> restore: {said!r} does not name it")


# what a policy that is not told the truth keeps as well


def restored_it_learns_on_as_if_nothing_happened(trial: Trial) -> None:
    """Restored from its state, it learns on to the same state and chances."""
    policy, association = trial.teach()
    other = trial.make(association)
    other.restore(policy.state())
    round = send(policy, association, association.issue(4), 7, learn=False)
    policy.learn(round)
    other.learn(round)
    context = association.issue(5)
    path = "state -> restore -> learn -> plan"
    same_chances(path, context, open_slot(policy, context), open_slot(other, context))
    same_arrays("state -> restore -> learn -> state", policy.state(), other.state())


def a_long_layout_is_learned_from_or_refused(trial: Trial) -> None:
    """26 slots are planned for and learned from, or refused as too many for max_slots."""
    many = {"members": 40, "issues": 2, "pool": 30, "slots": 26, "examine": (0.9,) * 26}
    association = trial.build(**many)
    policy, context = trial.make(association), association.issue(1)
    try:
        policy.plan(context)
    except ValueError as error:
        said = "26 slots -> plan: refused without a word of max_slots: "
        require("max_slots" in str(error), f"{said}{error}")
        return
    send(policy, association, context, seed=5)
    chances = open_slot(policy, association.issue(2))
    require(np.isfinite(chances).all(), "26 slots -> learn -> plan: chances that are no numbers")


def what_is_new_is_planned_for(trial: Trial) -> None:
    """New members, new values of an attribute and a whole new pool are planned for."""
    policy, association = trial.ready
    old = association.issue(4)
    members = old.members.take([0, 1, 2]).assign(
        member=[999_999_001, 999_999_002, 999_999_003],
        region="Chapter of the Moon",
        member_type=["astronaut", *old.members["member_type"][1:3]],
    )
    articles = old.articles.assign(article=[f"new-{j}" for j in range(len(old.articles))])
    context = association.features.make_context("new", 0, members, articles, Rules(slots=4))
    sums = open_slot(policy, context).sum(axis=1)
    told = f"new members and articles -> plan: chances sum to {sums.tolist()}; must be 1"
    require(np.abs(sums - 1).max() < 1e-12, told)
    shown = draw(policy.plan(context), context, 1).choice
    require((shown >= 0).all(), "new members and articles -> draw: a slot stays empty")


def find_echo(trial: Trial) -> Floats:
    """By how much scores are higher where all who open click on article 3 and on nothing else.

    [n, m], over what they are where nobody clicks; the pool stays, so it is one article all along.
    """
    scores = {}
    for clicks in (False, True):
        policy, association = trial.teach(1, carried=1.0)
        for number in (2, 3, 4):
            sent = send(policy, association, association.issue(number), 7, learn=False)
            favourite = (sent.slates.choice == 3) & sent.feedback.opened[:, None]
            clicked = favourite if clicks else np.zeros_like(favourite)
            policy.learn(replace(sent, feedback=replace(sent.feedback, clicked=clicked)))
        scores[clicks] = policy.plan(association.issue(4)).scores
    return np.asarray(scores[True] - scores[False])


def clicks_on_an_article_raise_it(trial: Trial) -> None:
    """More clicks on an article never lower its scores; or no click changes any."""
    echo = find_echo(trial)
    if not echo.any():
        return  # it chooses without asking what was clicked
    mine, all_ = echo[:, 3].mean(), echo.mean()
    told = f"clicks on article 3 alone -> learn -> plan: its scores change by {mine:.3g} on average"
    require(mine > 0, f"{told}; must rise")
    require(mine > all_, f"{told}, those of all by {all_:.3g}; must rise by more")


EVERY: tuple[Check, ...] = (
    a_state_restores_to_the_same_slates,
    nobody_is_learned_from,
    an_issue_nobody_opened_changes_nothing,
    an_unopened_mail_is_no_negative,
    started_again_it_is_as_good_as_new,
    a_state_stays_as_it_was,
    a_state_that_lacks_an_array_is_refused,
)
UNINFORMED: tuple[Check, ...] = (
    restored_it_learns_on_as_if_nothing_happened,
    a_long_layout_is_learned_from_or_refused,
    what_is_new_is_planned_for,
    clicks_on_an_article_raise_it,
)
