"""Policies learned from a log alone, in the made-up world of Open Bandit Pipeline's `examples/opl`.

Saito, Aihara, Matsutani & Narita (2021), "Open Bandit Dataset and Pipeline", release 0.5: 10,000
rounds of ten actions, logged by a policy that prefers what is clicked least. The world is drawn in
their order from the generator of their seed, so that the published figures are of the same log.
Open this file to see what `offpolicy` learns from it, beside their own learner by weights.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from bandit.core.rules import Rules
from bandit.core.types import Context, Feedback, Floats, Ints, Round, Slates
from bandit.features.attributes import Attributes
from bandit.features.features import Features
from bandit.models.link import expit
from bandit.policy import Policy
from experiments.ope_benchmark.measure import Goal, Part, list_errors
from experiments.runner.configs import Settings, make, read_policy
from simulators.examples import Labels

ROUNDS, ACTIONS, WIDTH, BETA = 10_000, 10, 5, -3.0
SEED = 12345  # of the published figures
PUBLISHED = {"IPWLearner": 0.782, "NNPolicyLearner": 0.736}  # clicks a round on the test log
CASE = "ten actions"
TOLD: Settings = {  # half of all is clicked, contexts matter much, and nobody comes twice
    "rate": 0.5,
    "prior_sds": [0.3, 1.0],
    "own_sd": 0.0,
    "unclicked": 1.0,
    "floor": 0.0,
    "logging_issues": 1,
}


class World:
    """A world of theirs; each log continues the generator, and its coefficients stay.

    seed: of everything
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rng = np.random.RandomState(seed)  # their generator

    def expect(self, x: Floats) -> Floats:
        """Chances of a click [n, m]; logits have mean 0 and deviation 1 over the log.

        x: [n, d]
        """
        rng = np.random.RandomState(self._seed)
        whole = np.column_stack([np.ones(len(x)), x])
        actions = np.column_stack([np.ones(ACTIONS), np.eye(ACTIONS)])
        of_x, of_action = (rng.uniform(-1, 1, part.shape[1]) for part in (whole, actions))
        of_both = rng.uniform(-1, 1, (whole.shape[1], actions.shape[1]))
        logits = (whole @ of_x)[:, None] + actions @ of_action + whole @ of_both @ actions.T
        return np.asarray(expit((logits - logits.mean()) / logits.std()))

    def log(self) -> tuple[Floats, Floats, Ints, Floats, Ints]:
        """Contexts [n, d], chances of a click [n, m], actions [n], their propensities, clicks."""
        x = self._rng.normal(size=(ROUNDS, WIDTH))
        chances = self.expect(x)
        powers = np.exp(BETA * chances)
        logged = powers / powers.sum(axis=1, keepdims=True)
        u = np.random.RandomState(self._seed).uniform(size=ROUNDS)
        action = (logged.cumsum(axis=1) > u[:, None]).argmax(axis=1)
        rows = np.arange(ROUNDS)
        reward = self._rng.binomial(n=1, p=chances[rows, action])
        return x, chances, action, logged[rows, action], reward


def value_learners(seed: int) -> dict[str, float]:
    """What learners that saw one log earn on the next, by their names."""
    world = World(seed)
    x, _, action, propensity, reward = world.log()
    test, chances, *_ = world.log()
    return {
        "uniform": float(chances.mean()),
        "by weights": _value_by_weights(x, action, propensity, reward, test, chances),
        "offpolicy": _value_ours(x, action, propensity, reward, test, chances),
        "best possible": float(chances.max(axis=1).mean()),
    }


def _value_by_weights(
    x: Floats, action: Ints, propensity: Floats, reward: Ints, test: Floats, chances: Floats
) -> float:
    """Their IPWLearner: a classifier of the action shown, each click weighed by 1 / propensity."""
    from sklearn.linear_model import LogisticRegression

    clicked = reward > 0
    model = LogisticRegression(C=100, max_iter=10_000)
    model.fit(x[clicked], action[clicked], sample_weight=1 / propensity[clicked])
    return float(chances[np.arange(len(test)), model.predict(test)].mean())


def _value_ours(
    x: Floats, action: Ints, propensity: Floats, reward: Ints, test: Floats, chances: Floats
) -> float:
    """The policy `offpolicy` as in its yaml, but for what it is `TOLD` of this world."""
    names = [f"action_{j}" for j in range(ACTIONS)]
    columns = {f"x{d}": (0.0, 1.0) for d in range(WIDTH)}
    features = Features(Attributes(numeric=columns), encoder=Labels(names), verbatim=True)
    policy: Policy = make(read_policy("offpolicy") | TOLD)
    policy.start(features)
    context = _make_context(features, names, x, 1)
    n, column = len(x), (slice(None), None)
    slates = Slates(
        choice=action[column].astype(np.int32),
        propensity=propensity[column],
        role=np.zeros((n, 1), dtype=np.int8),
        relaxed=np.zeros((n, 1), dtype=np.int8),
        supported=np.ones((n, 1), dtype=bool),
    )
    everyone, clicked = np.ones(n, dtype=bool), (reward > 0)[column]
    answered = Feedback(
        everyone, everyone, ~everyone, np.ones((n, 1), dtype=np.int8), clicked, 0.0 * clicked
    )
    policy.learn(Round(context, slates, answered))
    later = _make_context(features, names, test, 2)
    pmf = policy.plan(later)(np.ones((len(test), ACTIONS), dtype=bool))
    return float((pmf * chances).sum(axis=1).mean())


def _make_context(features: Features, names: list[str], x: Floats, issue: int) -> Context:
    members = pd.DataFrame(x, columns=[f"x{d}" for d in range(WIDTH)])
    members.insert(0, "member", np.arange(len(x)) + issue * ROUNDS)
    pool = pd.DataFrame({"article": names, "title": names, "summary": ""})
    pool["kind"], pool["source"] = "article", "made up"
    return features.make_context(f"log-{issue}", issue, members, pool, Rules(slots=1))


def run(runs: int, seed: int, tick: Callable[[], None]) -> Part:
    """What is earned in so many worlds, of which the first is the published one."""
    rows: list[dict[str, object]] = []
    for each in range(runs):
        rows += list_errors(CASE, each, value_learners(SEED + seed + each))
        tick()
    errors = pd.DataFrame(rows)
    first = errors[errors["run"] == 0].set_index("estimator")["error"]
    ours = float(first["offpolicy"])
    goals = [
        Goal(f"the published world: {name} earned {value}, offpolicy {ours:.3f}", value / ours, 1.0)
        for name, value in PUBLISHED.items()
        if seed == 0
    ]
    title = f"Learned from {ROUNDS:,} rounds: clicks a round on the next {ROUNDS:,}"
    return Part("learners", title, 1.0, errors, goals)
