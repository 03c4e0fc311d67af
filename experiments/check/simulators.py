"""What every simulator keeps: a seed decides all, a twin forgets, and asking changes nothing.

Each function raises AssertionError with a sentence that says what was asked, and what came of it.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bandit.core.types import Array, Context, Round, Slates
from bandit.policies.random import Random
from bandit.slates.propensity import draw
from experiments.check.words import require, same_arrays
from simulators.base import Simulator, Truthful
from simulators.play import play, send

Build = Callable[
    ..., Simulator
]  # build(seed=3, copy=0): nothing is remembered; a copy is made anew
Check = Callable[[Build], None]
FEEDBACK = ("delivered", "opened", "unsubscribed", "examined", "clicked", "dwell_seconds")


def choose(context: Context, seed: int = 7) -> Slates:
    """Slates by chance."""
    return draw(Random().plan(context), context, seed)


def list_arrays(round: Round) -> dict[str, Array]:
    """All that a round holds, by name: what was known, what was sent, what came back."""
    return list_known(round.context) | vars(round.slates) | vars(round.feedback)


def list_known(context: Context) -> dict[str, Array]:
    """What a context says in numbers, by name."""
    names = ("member_ids", "article_ids", "member_features", "article_features", "eligible", "seen")
    return {name: getattr(context, name) for name in names}


def is_same(one: Mapping[str, Array], other: Mapping[str, Array]) -> bool:
    """Whether the same names hold equal arrays."""
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


def members_are_listed_once(build: Build) -> None:
    """It is a simulator, its members are listed once, and whoever is sent an issue is listed."""
    simulator = build()
    require(isinstance(simulator, Simulator), f"{type(simulator).__name__} is no Simulator")
    require(simulator.seed == 3, f"made with seed=3, it has seed = {simulator.seed}")
    require(simulator.members["member"].is_unique, "members: one is listed twice")
    for round in play(Random(), simulator):
        strange = set(round.context.member_ids) - set(simulator.members["member"])
        said = f"issue {round.context.issue} goes to members who are not listed"
        require(not strange, f"{said}, such as {next(iter(strange), None)}")


def a_seed_decides_all(build: Build) -> None:
    """The same seed gives the same contexts and answers; another gives other answers."""
    one, again, other = build(), build(copy=1), build(seed=4)
    require(one is not again, "made twice, it is one object")
    rounds = [list(play(Random(), each, seed=7)) for each in (one, again, other)]
    differ = False
    for first, second, third in zip(*rounds, strict=True):
        path = f"seed 3, twice -> issue {first.context.issue}"
        _same(path, list_arrays(first), list_arrays(second))
        differ |= not is_same(vars(first.feedback), vars(third.feedback))
    require(differ, "seeds 3 and 4 give the same answers to every issue")


def _same(path: str, one: Mapping[str, Array], other: Mapping[str, Array]) -> None:
    """As `same_arrays`, for arrays that may hold ids: those must be equal."""
    numbers = {name for name in one if one[name].dtype != object}
    same_arrays(path, {n: one[n] for n in numbers}, {n: other[n] for n in numbers})
    for name in set(one) - numbers:
        require(np.array_equal(one[name], other[name]), f"{path}: other {name}")


def issues_are_counted_from_one(build: Build) -> None:
    """Issues are counted from 1; one that does not exist is refused by its number."""
    simulator = build()
    numbers = [simulator.issue(number).issue for number in range(1, simulator.issues + 1)]
    require(numbers == [*range(1, simulator.issues + 1)], f"issue(1), ... are numbered {numbers}")
    for number in (0, -1, simulator.issues + 2):
        said = _refuse_issue(build(), number)
        require(
            bool(said), f"issue({number}) is made; must be refused, there are {simulator.issues}"
        )
        require(f"issue = {number};" in said, f"issue({number}): {said!r}; must say 'issue = N; '")


def _refuse_issue(simulator: Simulator, number: int) -> str:
    try:
        simulator.issue(number)
    except ValueError as error:
        return str(error)
    return ""


def expected_clicks_are_clicks(build: Build) -> None:
    """Expected clicks are finite, at least 0, and none are expected of an empty slot."""
    simulator = build()
    context = simulator.issue(1)
    slates = choose(context)
    expected, shape = simulator.expected(context, slates), slates.choice.shape
    require(expected.shape == shape, f"expected has shape {expected.shape}; must be {shape}")
    for i, j in np.argwhere(~(np.isfinite(expected) & (expected >= 0)))[:1]:
        who = f"member {context.member_ids[i]}, slot {j + 1}"
        raise AssertionError(f"expected: {who}: {expected[i, j]}; must be a number from 0 on")
    contexts = map(build().issue, range(1, simulator.issues + 1))
    hoped = any((simulator.expected(each, choose(each)) > 0).any() for each in contexts)
    require(hoped, "expected: no click of anybody, in any issue")
    emptied = slates.choice.copy()
    emptied[::2, -1] = -1
    part = simulator.expected(context, Slates(**(vars(slates) | {"choice": emptied})))
    require((part[emptied < 0] == 0).all(), "expected: clicks on an empty slot")


def asking_what_is_expected_changes_nothing(build: Build) -> None:
    """Asked before or after, it expects the same, and asking changes no answer."""
    one, other = build(), build()
    for number in (1, 2):
        context = one.issue(number)
        slates = choose(context)
        first = one.expected(context, slates)
        answer = one.respond(context, slates)
        unasked = other.respond(other.issue(number), slates)
        _same(f"expected -> respond, issue {number}", vars(unasked), vars(answer))
        again = other.expected(context, slates)
        same_arrays(f"respond -> expected, issue {number}", {"it": first}, {"it": again})


def feedback_fits_the_slates(build: Build) -> None:
    """Clicks are on filled slots of opened mails, and what is opened was delivered."""
    for round in play(Random(), build()):
        feedback, filled = round.feedback, round.slates.choice >= 0
        where = f"respond, issue {round.context.issue}"
        for what in FEEDBACK:
            shape = filled.shape if what in FEEDBACK[3:] else filled.shape[:1]
            has = getattr(feedback, what).shape
            require(has == shape, f"{where}: {what} has shape {has}; must be {shape}")
        lost = feedback.clicked & ~(filled & feedback.opened[:, None])
        require(not lost.any(), f"{where}: a click on a slot that is empty, or in a closed mail")
        closed = feedback.opened & ~feedback.delivered
        require(not closed.any(), f"{where}: a mail is opened that was not delivered")
        looked = set(np.unique(feedback.examined).tolist())
        require(looked <= {-1, 0, 1}, f"{where}: examined holds {looked}; must be -1, 0 or 1")


def a_twin_goes_on_from_a_log(build: Build) -> None:
    """A twin that remembers what was sent goes on as if it had answered."""
    simulator, resumed = build(), build()
    last = simulator.issues
    for round in play(Random(), simulator, seed=7, issues=last - 1):
        resumed.remember(resumed.issue(round.context.issue), round.slates, round.feedback)
    ends = [send(Random(), each, each.issue(last), 7) for each in (simulator, resumed)]
    _same(f"remember -> issue {last}", *map(list_arrays, ends))


def a_twin_has_a_memory_of_its_own(build: Build) -> None:
    """What a twin was sent, the simulator has not seen."""
    simulator = build()
    before = list_known(simulator.twin().issue(2))
    list(play(Random(), simulator.twin()))
    after = list_known(simulator.issue(2))
    kept = ("member_ids", "seen")
    _same("twin -> play -> issue 2", {n: before[n] for n in kept}, {n: after[n] for n in kept})


def members_have_joined_when_they_are_sent(build: Build) -> None:
    """Each member has joined, by the number of an issue, before being sent one."""
    simulator = build()
    everybody = simulator.joined(simulator.members["member"].to_numpy())
    shape = (len(simulator.members),)
    require(everybody.shape == shape, f"joined has shape {everybody.shape}; must be {shape}")
    whole = np.issubdtype(everybody.dtype, np.integer)
    require(whole, f"joined has type {everybody.dtype}; must be whole numbers")
    require(everybody.min() == 1, f"joined: the first is {everybody.min()}; must be issue 1")
    for number in range(1, simulator.issues + 1):
        late = (simulator.joined(simulator.issue(number).member_ids) > number).any()
        require(not late, f"issue {number} goes to a member who joined later")


def features_have_names(build: Build) -> None:
    """Feature matrices have a column for each name."""
    simulator = build()
    context, features = simulator.issue(2), simulator.features
    for what, names in (("member", features.member_names), ("article", features.article_names)):
        columns = getattr(context, f"{what}_features").shape[1]
        require(columns == len(names), f"{columns} {what} features, and {len(names)} names")


def the_truth_is_chances(build: Build) -> None:
    """Where it tells the truth, that is a chance, and no column of members' features is one."""
    simulator = build()
    if not isinstance(simulator, Truthful):
        return  # it need not be: then no policy can be shown its truth
    context = simulator.issue(1)
    try:
        truth = simulator.truth(context)
    except ValueError:
        return  # it may refuse, in words
    shape = context.eligible.shape
    require(truth.shape == shape, f"truth has shape {truth.shape}; must be {shape}")
    require(((truth >= 0) & (truth <= 1)).all(), "truth: a chance outside [0, 1]")
    for name, column in zip(
        simulator.features.member_names, context.member_features.T, strict=True
    ):
        told = np.ptp(column) > 0 and any(np.array_equal(column, p) for p in truth.T)
        require(not told, f"the feature {name} of members is the truth of an article")


EVERY: Sequence[Check] = (
    members_are_listed_once,
    a_seed_decides_all,
    issues_are_counted_from_one,
    expected_clicks_are_clicks,
    asking_what_is_expected_changes_nothing,
    feedback_fits_the_slates,
    a_twin_goes_on_from_a_log,
    a_twin_has_a_memory_of_its_own,
    members_have_joined_when_they_are_sent,
    features_have_names,
    the_truth_is_chances,
)
