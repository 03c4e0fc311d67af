"""A policy learned from a log alone: it maximises an off-policy estimate of its own clicks.

pi(slate) is Plackett-Luce: slot by slot the softmax, at a temperature, of s = (W x + g * own) . a over what is open. x are
the attributes, own is what the member's clicks said until then (online logistic regression, one precision a dimension), a
is the text. Each slot is a decision of its own given the slots above, which the log was drawn from with a known
propensity: its weight is pi / p, not a product down the slate. W and g maximise a clipped and penalised estimate
(`bandit.models.offpolicy.objectives`): ips, snips, or doubly robust (dr) with a click model fitted to the same log, which is also where it
starts. Clipping and penalty are those whose policy earns most by the clicks of members held out; unless that is surely
more, the click model is trusted alone. Nothing but the log is asked.
"""

from collections.abc import Sequence
from dataclasses import fields
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from bandit.core import check, exact, keys
from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Ints, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.offpolicy.exposures import OBJECTIVES, Exposures, Page, Weights, array
from bandit.models.profiles import Profiles
from bandit.ope.intervals import normal_interval
from bandit.policy import Policy
from bandit.slates.editorial import Desk
from bandit.slates.exploration import epsilon_greedy, plackett_luce, softmax

HELD_OUT = 0.25  # share of the members whose exposures judge, and do not teach, while clipping and penalty are chosen
COUNTS = ("issues", "row of prior_sds", "row of choices", "trained")


class OffPolicy(Policy):
    """objective: ips, snips or dr. temperature: of the policy, learned and acted on (higher explores more). floor: share of
    slots filled at random, so that the log supports any other policy. logging_issues: filled at random before anything is
    learned. every: issues between trainings. clips, penalties: the largest weights, and the multiples of the standard
    error, to choose from. unclicked: share of the exposures without a click that is kept, by key. window: issues kept.
    prior_sds: how far attributes may be thought to move taste, to choose from by held-out clicks. own_sd: how far members
    differ beyond them (0: own clicks are not looked at). rate: click rate to start from. steps: of the optimiser.
    """

    def __init__(
        self,
        objective: str = "dr",
        temperature: float = 0.1,
        floor: float = 0.02,
        logging_issues: int = 3,
        every: int = 5,
        clips: Sequence[float] = (3.0, 30.0),
        penalties: Sequence[float] = (0.0, 1.0),
        unclicked: float = 0.1,
        window: int = 52,
        prior_sds: Sequence[float] = (0.1, 0.2),
        own_sd: float = 0.3,
        rate: float = 0.03,
        steps: int = 15,
        max_slots: int = 24,
    ) -> None:
        if objective not in OBJECTIVES:
            raise ValueError(f"objective = {objective!r}; choose from {', '.join(OBJECTIVES)}")
        for what, value in {"floor": floor, "rate": rate, "unclicked": unclicked}.items():
            check.share(what, value)
        for what, value in {
            "temperature": temperature,
            "unclicked": unclicked,
            "rate": rate,
        }.items():
            check.at_least(what, value, 1e-6)
        for what, value in {
            "logging_issues": logging_issues,
            "every": every,
            "window": window,
            "steps": steps,
        }.items():
            check.at_least(what, value, 1)
        check.at_least("own_sd", own_sd, 0)
        for what, values in {
            "clips": clips,
            "penalties": penalties,
            "prior_sds": prior_sds,
        }.items():
            if not len(values):
                raise ValueError(f"{what} is empty; give at least one value to choose from")
            for value in values:
                check.at_least(what, value, 0 if what == "penalties" else 1e-6)
        self.objective, self.temperature, self.floor = objective, temperature, floor
        self.logging_issues, self.every, self.window, self.steps = (
            logging_issues,
            every,
            window,
            steps,
        )
        # the first stays unless another is surely better: doubly robust with weights of 0 is the click model alone
        self.choices = [*([(0.0, 0.0)] if objective == "dr" else []), *product(clips, penalties)]
        self.prior_sds, self.unclicked, self._own_sd, self._rate = (
            tuple(prior_sds),
            unclicked,
            own_sd,
            rate,
        )
        self._examination = Examination.start(max_slots)

    def start(self, features: Features) -> None:
        p, q = len(features.member_names), len(features.article_names)
        is_text = np.array([name.startswith("text") for name in features.article_names])
        self._pull = np.where(is_text, 1.0, 2.0) * np.ones(
            (p, 1)
        )  # the prior's standard deviations, in prior_sds
        self._pull[0] *= 2
        W = np.zeros((p, q))
        W[0, 0] = logit(self._rate)
        self._prior = Weights(W, np.ones(q))
        self.policy = self.clicks = self._prior  # what acts, and the click model
        self._own_variance = np.where(is_text, max(self._own_sd, 1e-6) ** 2, 1.0)
        self._profiles = Profiles(q)
        self._pages: list[Page] = []
        self._issues = 0
        self._chosen = (0, 0)  # of prior_sds and of choices
        self._trained = False

    def plan(self, context: Context) -> SlotPmf:
        member = (
            exact.dot(context.member_features, self.policy.W.T)
            + self.policy.g * self._own(context.member_ids)[0]
        )
        scores = exact.dot(member, context.article_features)
        if not self._trained:
            return SlotPmf(scores, lambda scores, open: epsilon_greedy(scores, open, 1.0))
        if self.floor == 0:
            return plackett_luce(scores, self.temperature)
        return SlotPmf(scores, self._acting)

    def _acting(self, scores: Floats, open: Bools) -> Floats:
        share = self.floor
        return (1 - share) * softmax(scores, open, self.temperature) + share * epsilon_greedy(
            scores, open, 1.0
        )

    def _own(self, ids: NDArray[Any]) -> tuple[Floats, Floats]:
        """Mean and precision [n, q] of what members want beyond their attributes, for what they clicked so far."""
        rows, profiles = self._profiles.rows(ids), self._profiles
        precision, shift = (
            np.tile(1 / self._own_variance, (len(ids), 1)),
            np.zeros((len(ids), len(self._own_variance))),
        )
        met = rows >= 0
        precision[met] += profiles.precision[rows[met]]
        shift[met] = profiles.shift[rows[met]]
        return shift / precision * (self._own_sd > 0), precision

    def learn(self, round: Round) -> None:
        """Raises ValueError for a propensity outside (0, 1], naming its place."""
        rows, slots, index, clicked = round.exposures()
        check.propensities(round.slates.propensity[rows, slots], rows, slots)
        decided = ~round.slates.pinned[rows, slots]  # a pin was nobody's decision
        rows, slots, index, clicked = (
            rows[decided],
            slots[decided],
            index[decided],
            clicked[decided],
        )
        if not len(rows):
            return
        opened, row = np.unique(rows, return_inverse=True)
        context = round.context.take(opened)
        own, precision = self._own(context.member_ids)
        x, articles = context.member_features, context.article_features
        vectors = x @ self.clicks.W + self.clicks.g * own
        p = np.clip(expit(np.einsum("eq,eq->e", vectors[row], articles[index])), 1e-4, 0.9)
        self._pages = [
            *self._pages,
            self._page(round, context, own, opened, row, slots, index, clicked),
        ][-self.window :]
        looked = self._examination.weights(p, slots, clicked)
        self._examination.learn(p, slots, clicked)

        # own: a step of online logistic regression for each opener (the Newton step with a diagonal precision)
        learned = np.zeros((2, *own.shape))
        np.add.at(learned[0], row, (looked * p * (1 - p))[:, None] * articles[index] ** 2)
        np.add.at(learned[1], row, (looked * (clicked - p))[:, None] * articles[index])
        at = self._profiles.add(context.member_ids)
        self._profiles.precision[at] += learned[0]
        self._profiles.shift[at] = (precision + learned[0]) * own + learned[1]

        self._issues += 1
        if (
            self._issues >= self.logging_issues
            and (self._issues - self.logging_issues) % self.every == 0
        ):
            self.finish()

    def _page(
        self,
        round: Round,
        context: Context,
        own: Floats,
        opened: Ints,
        row: Ints,
        slots: Ints,
        index: Ints,
        clicked: Floats,
    ) -> Page:
        """What is kept of an issue: every click, and a share of the rest."""
        member = keys.member_keys(context.member_ids)
        k = round.slates.choice.shape[1]
        chance = keys.uniforms(0, context.campaign, "offpolicy", member, k)[row, slots]
        kept = (clicked > 0) | (chance < self.unclicked)
        desk, choice = Desk(context), round.slates.choice[opened]
        open = np.zeros((len(row), len(context.articles)), dtype=bool)
        for slot in np.unique(slots):
            at = slots == slot
            open[at] = desk.open(int(slot), choice)[0][row[at]]
        used, send = np.unique(row[kept], return_inverse=True)
        return Page(
            context.member_features[used].astype(np.float32),
            own[used].astype(np.float32),
            member[used],
            context.article_features.astype(np.float32),
            send.astype(np.int64),
            index[kept].astype(np.int64),
            np.minimum(slots[kept], len(self._examination.support) - 1).astype(np.int64),
            round.slates.propensity[opened][row, slots][kept],
            clicked[kept],
            np.where(clicked[kept] > 0, 1.0, 1 / self.unclicked),
            open[kept],
        )

    def finish(self) -> None:
        """Learn from the whole log now, whatever `every` says. Without a click there is nothing to learn."""
        if not any(page.clicked.any() for page in self._pages):
            return
        out = [
            keys.uniforms(0, "", "held out", page.member, 1)[page.send, 0] < HELD_OUT
            for page in self._pages
        ]
        train = self._exposures(
            [page.take(~held) for page, held in zip(self._pages, out, strict=True)]
        )
        held = self._exposures(
            [page.take(held) for page, held in zip(self._pages, out, strict=True)]
        )
        self._chosen = self._choose(train, held)
        everything, (prior, choice) = self._exposures(self._pages), self._chosen
        self.clicks = everything.click_model(self._prior, self._sd(prior))
        alone = self.choices[choice][0] == 0  # the click model is acted on as it is
        self.policy = (
            self.clicks if alone else self._learned(everything, self.clicks, prior, choice)
        )
        self._trained = True

    def _exposures(self, pages: Sequence[Page]) -> Exposures:
        return Exposures(pages, self._examination.curve, self.temperature, self.steps)

    def _sd(self, prior: int) -> Floats:
        sd = self._pull * self.prior_sds[prior]
        sd[0, 0] = 2.0  # how readily members click at all
        return sd

    def _learned(self, log: Exposures, clicks: Weights, prior: int, choice: int) -> Weights:
        """The policy that a row of `choices` makes of a log."""
        start = clicks if self.objective == "dr" else self._prior
        return log.policy(start, self._sd(prior), clicks, self.objective, *self.choices[choice])

    def _choose(self, train: Exposures, held: Exposures) -> tuple[int, int]:
        """The row of `prior_sds` whose click model expects the held-out members' clicks best; and the row of `choices`
        whose policy earns most by them, the first where no other's gain on it has an interval above 0."""
        if (
            not train.clicks or not held.clicks or len(np.unique(held.member)) < 2
        ):  # nothing to choose by
            return 0, 0
        models = [
            train.click_model(self._prior, self._sd(prior)) for prior in range(len(self.prior_sds))
        ]
        prior = int(np.argmin([held.surprise(model) for model in models]))
        clicks = models[prior]
        # not the click model as it is: what the others gain must be the log's correction, not a sharper softmax
        base = held.estimate(self._learned(train, clicks, prior, 0), clicks)
        best, most = 0, 0.0
        for choice in range(1, len(self.choices)):
            gain = held.estimate(self._learned(train, clicks, prior, choice), clicks) - base
            interval = normal_interval(gain, held.member)
            if interval.low > most:
                best, most = choice, interval.low
        return prior, best

    def state(self) -> State:
        kept = {f"profiles.{name}": array for name, array in self._profiles.state().items()}
        for number, page in enumerate(self._pages):
            kept |= {
                f"log.{number}.{field.name}": getattr(page, field.name) for field in fields(Page)
            }
        for name, weights in (("policy", self.policy), ("clicks", self.clicks)):
            kept |= {f"{name}.W": weights.W, f"{name}.g": weights.g}
        counts = np.array([self._issues, *self._chosen, self._trained])
        return kept | {"counts": counts, "examination": self._examination.state()}

    def restore(self, state: State) -> None:
        p, q = self._prior.W.shape
        array("examination", state["examination"], self._examination.state().shape, "f8")
        for name in ("policy", "clicks"):
            array(f"{name}.W", state[f"{name}.W"], (p, q), "f8")
            array(f"{name}.g", state[f"{name}.g"], (q,), "f8")
        array("counts", state["counts"], (4,), "i8")
        most = (np.iinfo(np.int64).max, len(self.prior_sds) - 1, len(self.choices) - 1, 1)
        for what, count, top in zip(COUNTS, state["counts"].tolist(), most, strict=True):
            if not 0 <= count <= top:
                raise ValueError(f"counts: {what} = {count}; must be in [0, {top}]")
        self.policy, self.clicks = (
            Weights(state[f"{name}.W"].copy(), state[f"{name}.g"].copy())
            for name in ("policy", "clicks")
        )
        self._examination = Examination.restore(state["examination"])
        self._issues, *chosen, trained = map(int, state["counts"])
        self._chosen, self._trained = (chosen[0], chosen[1]), bool(trained)
        numbers = sorted({int(name.split(".")[1]) for name in state if name.startswith("log.")})
        pages = [
            {field.name: state[f"log.{number}.{field.name}"] for field in fields(Page)}
            for number in numbers
        ]
        self._pages = [Page(**page) for page in pages]
        for page in self._pages:
            page.check(p, q, len(self._examination.support))
        self._profiles = Profiles(q)
        self._profiles.restore(
            {n.removeprefix("profiles."): a for n, a in state.items() if n.startswith("profiles.")}
        )
