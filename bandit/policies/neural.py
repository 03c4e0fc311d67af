"""Neural two-tower ranking: attributes and past clicks on one side, article text on the other.

The network and its loss are in `bandit/models/neural/network.py`; what is kept of past issues, to
train on again, in `bandit/models/neural/replay_memory.py`. After each issue some Adam steps go on
from where the last ones ended, over old and new newsletters alike. Exploration is neural-linear
(Riquelme, Tucker & Snoek 2018): a Gaussian posterior over the last layer, given the features that
the network has learned, drawn by key. The chance of an article in a slot is the share of draws in
which it is the best, plus a floor.
"""

import numpy as np

from bandit.core import check, exact, keys
from bandit.core.ids import Aliases
from bandit.core.state import State, nest, part, require
from bandit.core.types import Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.models import bilinear
from bandit.models.neural import network as net
from bandit.models.neural.replay_memory import ReplayMemory
from bandit.policy import Policy
from bandit.slates.exploration import Draws, thompson

DEVICES = ("auto", "cpu", "cuda")
MOST = {"dim": 1024, "history": 1000, "replay": 10**7, "steps": 10**5, "batch": 10**6}
MOST |= {"draws": 1000, "max_slots": check.MOST_SLOTS}
LAPLACE = 4096  # newsletters that the last layer's posterior is computed from


class Neural(Policy):
    """The options, and what a higher value does.

    dim: hidden units of each tower; higher can tell more kinds of members and articles apart
    history: clicks of a member that are kept; 4 bytes each
    replay: newsletters that are kept to train on again
    steps: Adam steps an issue; higher learns faster and takes longer
    batch: newsletters that each step looks at
    learning_rate: length of a step, in standard deviations of the prior
    text_sd: prior standard deviation of the bilinear part; lower keeps closer to one newsletter for
        all members
    tower_sd: the same of the hidden parts' outer layers; lower stays closer to a bilinear model
    last_sd: prior standard deviation of the last layer around 1
    gain: what a member's clicks are thought to say, were there many, before data says otherwise
    kappa: clicks at which they say half of that, n / (n + kappa); higher trusts attributes longer
    scale: width of the posterior draws; higher explores more, 0 is greedy and 1 textbook
    draws: how many posterior draws there are in an issue; higher makes the propensities finer
    floor: share of slots filled at random, so that the log supports any other policy
    rate: click rate to start from
    device: auto, cpu or cuda, for learning; planning is always in numpy. On cuda, sums may differ
        in the last bits between runs
    max_slots: the longest layout that will be met

    Raises ValueError naming an option that is out of range.
    """

    def __init__(
        self,
        dim: int = 16,
        history: int = 16,
        replay: int = 50_000,
        steps: int = 40,
        batch: int = 1024,
        learning_rate: float = 0.03,
        text_sd: float = 0.05,
        tower_sd: float = 0.05,
        last_sd: float = 0.1,
        gain: float = 0.25,
        kappa: float = 10.0,
        scale: float = 1.0,
        draws: int = 16,
        floor: float = 0.02,
        rate: float = 0.03,
        device: str = "auto",
        max_slots: int = 24,
    ) -> None:
        size = {"dim": dim, "history": history, "replay": replay, "steps": steps, "batch": batch}
        size |= {"draws": draws, "max_slots": max_slots}
        for what, count in size.items():
            check.whole(what, count, 1, MOST[what])
        sds = {"text_sd": text_sd, "tower_sd": tower_sd, "last_sd": last_sd}
        for what, value in (sds | {"learning_rate": learning_rate, "rate": rate}).items():
            check.between(what, value, 1e-6, 1)
        check.between("kappa", kappa, 1e-6, 1e6)
        check.between("scale", scale, 0, 100)
        check.between("gain", gain, 0, 10)
        check.share("floor", floor)
        if device not in DEVICES:
            raise ValueError(f"device = {device!r}; choose from {', '.join(DEVICES)}")
        self._size, self._sds, self._gain, self._kappa = size, sds, gain, kappa
        self.learning_rate, self.scale, self.floor = learning_rate, scale, floor
        self.rate, self.device = rate, device

    def start(self, features: Features) -> None:
        """Forget everything. The inner layers start at random, at the same numbers each time."""
        p, q = len(features.member_names), len(features.article_names)
        size = self._size
        self._shapes = net.list_shapes(p, q, size["dim"], size["max_slots"])
        tower_sd = self._sds["tower_sd"]
        width = {"B": self._sds["text_sd"], "C2": tower_sd, "A2": tower_sd}
        width |= {"C1": p**-0.5, "A1": q**-0.5, "last": self._sds["last_sd"]}
        width |= {"attention": 0.1, "gain": 0.1, "kappa": 0.5, "slots": 0.2}
        total = sum(int(np.prod(shape)) for shape in self._shapes.values())
        flat_mean, flat_sd = np.zeros((2, total))
        z, first, second = np.zeros((3, total), dtype=np.float32)  # what torch trains
        mean, sd = net.split(flat_mean, self._shapes), net.split(flat_sd, self._shapes)
        for name, values in sd.items():
            values[...] = width[name]
        mean["B"][0, 0], sd["B"][0, 0] = np.log(self.rate), 1.0
        mean["gain"][:], mean["kappa"][:], mean["last"][:] = self._gain, np.log(self._kappa), 1.0
        mean["slots"][:], sd["slots"][0] = -np.log(1 + 0.15 * np.arange(size["max_slots"])), 0.0
        noise = keys.generator("neural", "start")
        for name in ("C1", "A1"):
            net.split(z, self._shapes)[name][:] = noise.standard_normal(self._shapes[name])
        self._prior = flat_mean, flat_sd
        adam: tuple[Floats, ...] = (z, first, second, np.zeros(1))
        self._adam = dict(zip(net.ADAM, adam, strict=True))
        self._factor: Floats = np.eye(q) / self._sds["last_sd"]
        self._seen = 0
        self.memory = ReplayMemory(p, q, size["history"], size["replay"], size["max_slots"])

    @property
    def weights(self) -> dict[str, Floats]:
        """The network's weights by name, as `network.list_shapes` has them."""
        mean, sd = self._prior
        return net.split(mean + sd * self._adam["z"], self._shapes)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are log click rates, given that the slot is looked at.

        Raises ValueError for more slots than max_slots.
        """
        check.slots(context.rules.slots, self._size["max_slots"])
        w, draws = self.weights, self._size["draws"]
        history = self.memory.look_up(context.member_ids)
        u = net.embed_members(w, context.member_features, self.memory.table, history, exact.dot)
        v = net.article_tower(w, context.article_features, exact.dot)
        noise = keys.generator("neural", context.campaign).standard_normal((len(w["last"]), draws))
        lasts = bilinear.draw_gaussian(w["last"], self._factor, self.scale * noise.T)
        articles = exact.Factor.of(v)

        def give(rows: slice | Ints) -> Floats:
            weighed = (u[rows][:, None] * lasts).reshape(-1, lasts.shape[1])
            return np.moveaxis(exact.dot(weighed, articles).reshape(-1, draws, len(v)), 1, 0)

        scores = exact.dot(u * w["last"], articles)
        return SlotPmf(scores, thompson(Draws(draws, give), self.floor))

    def learn(self, round: Round) -> None:
        """Take the issue's newsletters into the memory, train on, renew the last layer's posterior.

        An issue that nobody opened teaches nothing. Raises ValueError for more slots than
        max_slots.
        """
        before = self._seen
        self._seen += self.memory.add(round)
        if self._seen == before:
            return
        size, kept = self._size, self.memory.newsletters
        noise = keys.generator("neural", "batches", round.context.campaign, self._seen)
        rows = min(size["batch"], len(kept["x"]))
        batches = list(noise.integers(0, len(kept["x"]), (size["steps"], rows)))
        device = net.pick_device(self.device)
        self._adam = net.train(
            self._adam,
            self._prior,
            self._shapes,
            self.memory.table,
            kept,
            batches,
            self._seen,
            self.learning_rate,
            device,
        )
        self.memory.trim()
        self._factor = np.linalg.cholesky(self._last_precision())

    def _last_precision(self) -> Floats:
        """The last layer's posterior precision [q, q], from a uniform sample scaled up to all."""
        w, (x, items, clicks, history) = self.weights, self.memory.sample(LAPLACE)
        u = net.embed_members(w, x, self.memory.table, history, net.multiply)
        v = net.article_tower(w, self.memory.table.astype(np.float64), net.multiply)
        features = u[:, None, :] * v[items]
        offset = np.where(items >= 0, w["slots"][: items.shape[1]], -np.inf)
        found = net.last_layer_precision(features, features @ w["last"], offset, clicks)
        return np.eye(len(found)) / self._sds["last_sd"] ** 2 + found * (self._seen / len(x))

    def follow(self, aliases: Aliases) -> None:
        """Members' histories follow their ids: `ReplayMemory.follow`."""
        self.memory.follow(aliases)

    def state(self) -> State:
        """Adam's vectors, the memory, the last layer's precision and how many were seen."""
        adam = {name: array.copy() for name, array in self._adam.items()}
        kept = {"factor": self._factor.copy(), "seen": np.array([self._seen])}
        return nest(adam=adam, memory=self.memory.state()) | kept

    def restore(self, state: State) -> None:
        """Raises ValueError for arrays that do not fit the features and options, or cannot be."""
        require(state, self.state())
        adam = part(state, "adam")
        for name, own in self._adam.items():
            check.like(f"adam.{name}", adam[name], own)
            check.finite(f"adam.{name}", adam[name][None], ["the network"])
        for name in ("second", "steps"):
            check.at_least(f"adam.{name}", float(adam[name].min()), 0)
        factor = state["factor"]
        check.like("factor", factor, self._factor)
        check.finite("factor", factor, np.arange(len(self._factor)))
        diagonal = np.diagonal(factor)
        if not (diagonal > 0).all():
            raise ValueError(f"factor has a diagonal down to {diagonal.min()}; must be above 0")
        check.like("seen", state["seen"], np.array([self._seen]))
        check.at_least("seen", float(state["seen"][0]), 0)
        self.memory.restore(part(state, "memory"))
        self._adam = {name: adam[name].copy() for name in net.ADAM}
        self._factor, self._seen = factor.copy(), int(state["seen"][0])
