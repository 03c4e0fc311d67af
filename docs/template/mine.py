"""A policy of one's own: what a member wants is a small network of the member's attributes.

P(click) = sigmoid(w(x) . a + b), for attributes x and an article's features a. It plans in numpy
and learns in torch. Copy this file, change what you like, and ask `python -m experiments.check`.
"""

import numpy as np
import torch

from bandit import Context, Features, Policy, Round, SlotPmf
from bandit.core import check
from bandit.core.exact import dot
from bandit.core.state import State, require
from bandit.slates.exploration import epsilon_greedy


class Mine(Policy):
    """Shows the articles that the network thinks a member clicks on most.

    hidden: units of the hidden layer
    rate: step of gradient descent; higher learns faster, and forgets faster
    epsilon: share of slots filled at random; higher explores more
    seed: of the first weights

    Raises ValueError naming the option at fault.
    """

    def __init__(
        self, hidden: int = 16, rate: float = 1.0, epsilon: float = 0.05, seed: int = 1
    ) -> None:
        check.whole("hidden", hidden, 1)
        check.at_least("rate", rate, 0.0)
        check.share("epsilon", epsilon)
        self.hidden, self.rate, self.epsilon, self.seed = hidden, rate, epsilon, seed

    def start(self, features: Features) -> None:
        """Forget everything: the weights are those of the seed."""
        p, q, h = len(features.member_names), len(features.article_names), self.hidden
        rng = np.random.default_rng(self.seed)
        self._weights = {
            "inner": rng.normal(0, p**-0.5, (h, p)),
            "inner_bias": np.zeros(h),
            "outer": rng.normal(0, 0.1 * h**-0.5, (q, h)),
            "bias": np.full(1, -2.0),
        }

    def plan(self, context: Context) -> SlotPmf:
        """Scores are logits. `dot` gives a member the same bits whoever else is planned for."""
        weights = self._weights
        inner = dot(context.member_features, weights["inner"]) + weights["inner_bias"]
        wants = dot(np.maximum(inner, 0.0), weights["outer"])
        return SlotPmf(dot(wants, context.article_features), epsilon_greedy(self.epsilon))

    def learn(self, round: Round) -> None:
        """One step for each 256 slots of openers, in an order that the issue decides."""
        rows, _, shown, clicked = round.list_exposures()  # of members who opened: filled slots
        x = torch.as_tensor(round.context.member_features[rows])
        a = torch.as_tensor(round.context.article_features[shown])
        y = torch.as_tensor(clicked, dtype=torch.float64)
        weights = {k: torch.tensor(v, requires_grad=True) for k, v in self._weights.items()}
        steps = torch.optim.SGD(list(weights.values()), lr=self.rate)
        order = np.random.default_rng(round.context.issue).permutation(len(rows))
        for some in np.array_split(order, max(1, len(rows) // 256)) if len(rows) else ():
            inner = torch.relu(x[some] @ weights["inner"].T + weights["inner_bias"])
            logits = ((inner @ weights["outer"].T) * a[some]).sum(dim=1) + weights["bias"]
            loss = torch.nn.functional.binary_cross_entropy_with_logits(logits, y[some])
            steps.zero_grad()
            loss.backward()
            steps.step()
        self._weights = {name: weight.detach().numpy() for name, weight in weights.items()}

    def state(self) -> State:
        """The weights: plain gradient descent keeps nothing else."""
        return {name: weight.copy() for name, weight in self._weights.items()}

    def restore(self, state: State) -> None:
        """Raises ValueError naming what is missing, or has another shape."""
        require(state, self._weights)
        for name, own in self._weights.items():
            check.like(name, state[name], own)
        self._weights = {name: np.array(state[name]) for name in self._weights}
