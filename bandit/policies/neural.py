"""Neural two-tower ranking: attributes and the articles clicked last on one side, article text on the other.

The network and its loss are in `bandit/models/neural/network.py`; what is kept of past issues, to train on again, in
`bandit/models/neural/replay.py`. After each issue some Adam steps go on from where the last ones ended, over old and new newsletters
alike. Exploration is neural-linear (Riquelme, Tucker & Snoek 2018): a Gaussian posterior over the last layer, given the
features that the network has learned, drawn by key; a slot's pmf is the share of draws in which each article is best,
plus a floor.
"""

import numpy as np

from bandit.core import check, exact, keys
from bandit.core.state import State
from bandit.core.types import Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models import bilinear
from bandit.models.neural import network as net
from bandit.models.neural.replay import Memory
from bandit.policy import Policy
from bandit.slates.exploration import thompson

DEVICES = ("auto", "cpu", "cuda")
LAPLACE = 4096  # newsletters that the last layer's posterior is computed from


class Neural(Policy):
    """dim: hidden units of each tower. history: clicks of a member that are kept. replay: newsletters kept to train on.

    steps, batch, learning_rate: Adam steps an issue, newsletters a step, length of a step in prior sds.
    text_sd, tower_sd, last_sd: prior sds of the bilinear part, the hidden part's outer layers and the last layer, lower
    keeps closer to one newsletter for all. gain, kappa: a member's n clicks count gain * n / (n + kappa) before data says
    otherwise. scale: how wide the last layer is drawn against its posterior (higher explores more, 0 is greedy). draws:
    how many. floor: share of slots filled at random, so that the log supports any other policy. rate: click rate to start
    from. device: auto, cpu or cuda, for learning; planning is numpy. On cuda, sums may differ in the last bits between
    runs. max_slots: the longest layout to be met.
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
        whole = {
            "dim": dim,
            "history": history,
            "replay": replay,
            "steps": steps,
            "batch": batch,
            "draws": draws,
        }
        for what, count in (whole | {"max_slots": max_slots}).items():
            if not isinstance(count, int) or count < 1:
                raise ValueError(f"{what} = {count!r}; must be a whole number, at least 1")
        sds = {"text_sd": text_sd, "tower_sd": tower_sd, "last_sd": last_sd}
        for what, value in (
            sds | {"learning_rate": learning_rate, "kappa": kappa, "rate": rate}
        ).items():
            check.at_least(what, value, 1e-6)
        for what, value in {"scale": scale, "gain": gain}.items():
            check.at_least(what, value, 0)
        check.share("floor", floor)
        check.share("rate", rate)
        if device not in DEVICES:
            raise ValueError(f"device = {device!r}; choose from {', '.join(DEVICES)}")
        self._whole, self._sds, self._gain, self._kappa = (
            whole | {"max_slots": max_slots},
            sds,
            gain,
            kappa,
        )
        self.learning_rate, self.scale, self.floor, self.rate, self.device = (
            learning_rate,
            scale,
            floor,
            rate,
            device,
        )

    def start(self, features: Features) -> None:
        """Set up for these members' and articles' features; the inner layers start at random, by key."""
        p, q = len(features.member_names), len(features.article_names)
        size = self._whole
        self._shapes = net.layout(p, q, size["dim"], size["max_slots"])
        width = {
            "B": self._sds["text_sd"],
            "C2": self._sds["tower_sd"],
            "A2": self._sds["tower_sd"],
        }
        width |= {
            "C1": p**-0.5,
            "A1": q**-0.5,
            "attention": 0.1,
            "gain": 0.1,
            "kappa": 0.5,
            "slots": 0.2,
        }
        width |= {"last": self._sds["last_sd"]}
        total = sum(int(np.prod(shape)) for shape in self._shapes.values())
        flat_mean, flat_sd = np.zeros((2, total))
        z, first, second = np.zeros((3, total), dtype=np.float32)  # what torch trains
        mean, sd = net.split(flat_mean, self._shapes), net.split(flat_sd, self._shapes)
        for name, part in sd.items():
            part[...] = width[name]
        mean["B"][0, 0], sd["B"][0, 0] = np.log(self.rate), 1.0
        mean["gain"][:], mean["kappa"][:], mean["last"][:] = self._gain, np.log(self._kappa), 1.0
        mean["slots"][:], sd["slots"][0] = -np.log(1 + 0.15 * np.arange(size["max_slots"])), 0.0
        noise = keys.generator("neural", "start")
        for name in ("C1", "A1"):
            net.split(z, self._shapes)[name][:] = noise.standard_normal(self._shapes[name])
        self._prior = flat_mean, flat_sd
        self._adam: dict[str, Floats] = {
            "z": z,
            "first": first,
            "second": second,
            "steps": np.zeros(1),
        }
        self._factor: Floats = np.eye(q) / self._sds["last_sd"]
        self._seen = 0
        self.memory = Memory(p, q, size["history"], size["replay"], size["max_slots"])

    @property
    def weights(self) -> dict[str, Floats]:
        """The network's weights by name, as `neural_net.layout` has them."""
        mean, sd = self._prior
        return net.split(mean + sd * self._adam["z"], self._shapes)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are log click rates, given that the slot is looked at."""
        check.slots(context.rules.slots, self._whole["max_slots"])
        w, draws = self.weights, self._whole["draws"]
        history = self.memory.histories(context.member_ids)
        u = net.members(w, context.member_features, self.memory.table, history, exact.dot)
        v = net.article_tower(w, context.article_features, exact.dot)
        noise = keys.generator("neural", context.campaign).standard_normal((len(w["last"]), draws))
        lasts = bilinear.draws(w["last"], self._factor, self.scale * noise.T)
        scored = np.stack([exact.dot(u * last, v) for last in lasts])
        return SlotPmf(
            exact.dot(u * w["last"], v), lambda scores, open: thompson(scored, open, self.floor)
        )

    def learn(self, round: Round) -> None:
        """Take the issue's newsletters into the memory, go on training, and renew the last layer's posterior."""
        before = self._seen
        self._seen += self.memory.add(round)
        if self._seen == before:
            return
        size, kept = self._whole, self.memory.newsletters
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
        """Posterior precision [q, q] of the last layer, from a uniform sample of what was seen, scaled up."""
        w, (x, items, clicks, history) = self.weights, self.memory.sample(LAPLACE)
        u = net.members(w, x, self.memory.table, history, net.plain)
        v = net.article_tower(w, self.memory.table.astype(np.float64), net.plain)
        features = u[:, None, :] * v[items]
        offset = np.where(items >= 0, w["slots"][: items.shape[1]], -np.inf)
        found = net.last_layer(features, features @ w["last"], offset, clicks)
        return np.eye(len(found)) / self._sds["last_sd"] ** 2 + found * (self._seen / len(x))

    def state(self) -> State:
        kept = {f"adam.{name}": array.copy() for name, array in self._adam.items()}
        kept |= {f"memory.{name}": array for name, array in self.memory.state().items()}
        return kept | {"factor": self._factor.copy(), "seen": np.array([self._seen])}

    def restore(self, state: State) -> None:
        """Raises ValueError where arrays do not fit these features and parameters, or hold what they cannot."""
        for part, array in self._adam.items():
            name = f"adam.{part}"
            check.like(name, state[name], array)
            check.finite(name, state[name][None], ["the network"])
        for name in ("adam.second", "adam.steps"):
            check.at_least(name, float(state[name].min()), 0)
        check.like("factor", state["factor"], self._factor)
        check.finite("factor", state["factor"], np.arange(len(self._factor)))
        if not (np.diagonal(state["factor"]) > 0).all():
            raise ValueError(
                f"factor has a diagonal down to {np.diagonal(state['factor']).min()}; must be above 0"
            )
        check.like("seen", state["seen"], np.array([self._seen]))
        check.at_least("seen", float(state["seen"][0]), 0)
        self.memory.restore(
            {n.removeprefix("memory."): a for n, a in state.items() if n.startswith("memory.")}
        )
        self._adam = {name: state[f"adam.{name}"].copy() for name in net.ADAM}
        self._factor, self._seen = state["factor"].copy(), int(state["seen"][0])
