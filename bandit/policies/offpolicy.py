"""A policy learned from a log alone: it maximises an off-policy estimate of its own clicks.

pi(slate) is Plackett-Luce: slot by slot the softmax, at a temperature, of s = (W x + g * own) . a
over what is open. x are the attributes, own is what the member's clicks said until then (online
logistic regression, one precision a dimension), a is the text. Each slot is a decision of its own
given the slots above, which the log was drawn from with a known propensity: its weight is pi / p,
not a product down the slate. W and g maximise a clipped and penalised estimate: ips, snips, or
doubly robust (dr) with a click model fitted to the same log, which is also where it starts.
Clipping and penalty are those whose policy earns most by the clicks of members held out; unless
that is surely more, the click model is trusted alone. Nothing but the log is asked.

The arithmetic is in `bandit/models/offpolicy/`: what is kept of an issue (`pages.py`), the
estimates (`objectives.py`), what is fitted (`exposures.py`), what is chosen (`search.py`), and each
member's own taste (`own_taste.py`).
"""

from collections.abc import Sequence
from itertools import product

import numpy as np

from bandit.core import check, exact
from bandit.core.ids import Aliases
from bandit.core.state import State, nest, part, require
from bandit.core.types import Context, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.link import expit, logit
from bandit.models.offpolicy.exposures import OBJECTIVES, Exposures, Weights
from bandit.models.offpolicy.own_taste import OwnTaste
from bandit.models.offpolicy.pages import KINDS, Decisions, Page, check_array, keep_page
from bandit.models.offpolicy.search import Search, hold_out
from bandit.policy import Policy
from bandit.slates.exploration import epsilon_greedy, softmax

COUNTS = ("issues", "row of prior_sds", "row of choices", "trained")


class OffPolicy(Policy):
    """The options, and what a higher value does.

    objective: ips, snips (self-normalised) or dr (doubly robust, starts from a click model)
    temperature: of the policy, learned and acted on, in log-odds; higher explores more
    floor: share of slots filled at random, so that the log supports any other policy
    logging_issues: issues filled at random before anything is learned; higher explores more
    every: issues between trainings
    clips: largest importance weights, to choose from; lower trusts the click model more
    penalties: standard errors taken off an estimate, to choose from; higher stays nearer to what
        was logged
    unclicked: share of the exposures without a click that the log keeps, by key; higher learns more
        slowly, and a bit better
    window: issues that the log keeps
    prior_sds: how far attributes may be thought to move taste, to choose from by held-out clicks
    own_sd: how far members differ beyond their attributes; at 0 their own clicks are not looked at
    rate: click rate to start from
    steps: of the optimiser; higher learns more slowly
    max_slots: slots of the examination curve; those below share the last one's chance

    Raises ValueError naming an option that is out of range.
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
        check.share("floor", floor)
        check.between("unclicked", unclicked, 1e-6, 1)
        check.between("rate", rate, 1e-6, 1 - 1e-6)
        check.at_least("temperature", temperature, 1e-6)
        counts = {"logging_issues": logging_issues, "every": every, "window": window}
        for what, count in (counts | {"steps": steps}).items():
            check.whole(what, count, 1, 10_000)
        check.between("own_sd", own_sd, 0, 100)
        lists = {"clips": clips, "penalties": penalties, "prior_sds": prior_sds}
        for what, values in lists.items():
            check.listed(what, values, 20)
            for value in values:
                check.at_least(what, value, 0 if what == "penalties" else 1e-6)
        self.objective, self.temperature, self.floor = objective, temperature, floor
        self.logging_issues, self.every, self.window = logging_issues, every, window
        self.steps, self.unclicked, self.prior_sds = steps, unclicked, tuple(prior_sds)
        # The first stays unless another is surely better. Doubly robust with weights of 0 is the
        # click model alone.
        self.choices = [*([(0.0, 0.0)] if objective == "dr" else []), *product(clips, penalties)]
        self._own_sd, self._rate = own_sd, rate
        check.whole("max_slots", max_slots, 1, check.MOST_SLOTS)
        self.max_slots = max_slots

    def start(self, features: Features) -> None:
        """Forget everything, and set up the prior for these features."""
        p, q = len(features.member_names), len(features.article_names)
        is_text = np.array([name.startswith("text") for name in features.article_names])
        pull = np.where(is_text, 1.0, 2.0) * np.ones((p, 1))  # the prior's width, in prior_sds
        pull[0] *= 2
        sds = [pull * width for width in self.prior_sds]
        for sd in sds:
            sd[0, 0] = 2.0  # how readily members click at all
        W = np.zeros((p, q))
        W[0, 0] = logit(self._rate)
        prior = Weights(W, np.ones(q))
        self._search = Search(self.objective, prior, sds, self.choices)
        self.policy = self.clicks = prior  # what acts, and the click model
        self._own = OwnTaste(self._own_sd, is_text)
        self._examination = Examination.start(self.max_slots)
        self._pages: list[Page] = []
        self._issues = 0
        self._chosen = (0, 0)  # rows of prior_sds and of choices
        self._trained = False

    def plan(self, context: Context) -> SlotPmf:
        """Scores are log-odds, or nothing yet: until the first training every slot is random."""
        own, _ = self._own.look_up(context.member_ids)
        member = exact.dot(context.member_features, self.policy.W.T) + self.policy.g * own
        scores = exact.dot(member, context.article_features)
        if not self._trained:
            return SlotPmf(scores, epsilon_greedy(1.0))
        return SlotPmf(scores, softmax(self.temperature, self.floor))

    def learn(self, round: Round) -> None:
        """Keep a page of the log, learn each opener's own taste, and train every few issues.

        Raises ValueError for a propensity outside (0, 1], naming its place.
        """
        decisions = Decisions.read(round)
        if not len(decisions.send):
            return
        context, slot, clicked = decisions.context, decisions.slot, decisions.clicked
        own, precision = self._own.look_up(context.member_ids)
        vectors = context.member_features @ self.clicks.W + self.clicks.g * own
        shown = context.article_features[decisions.article]
        p = np.clip(expit(np.einsum("eq,eq->e", vectors[decisions.send], shown)), 1e-4, 0.9)
        page = keep_page(decisions, own, self.unclicked, len(self._examination.support))
        self._pages = [*self._pages, page][-self.window :]
        looked = self._examination.weigh(p, slot, clicked)
        self._examination.learn(p, slot, clicked)
        self._own.learn(decisions, own, precision, p, looked)
        self._issues += 1
        since = self._issues - self.logging_issues
        if since >= 0 and since % self.every == 0:
            self.clicks = self._train()

    def finish(self) -> None:
        """Learn from the whole log now, whatever `every` says.

        Only what acts is new then. The click model that weighs the next issue's slots stays, so the
        policy learns on as if nobody had asked.
        """
        self._train()

    def _train(self) -> Weights:
        """Let what acts learn from the whole log. Returns the click model beside it.

        Without a click there is nothing to learn.
        """
        if not any(page.clicked.any() for page in self._pages):
            return self.clicks
        train, held = map(self._read_log, hold_out(self._pages))
        self._chosen = self._search.choose(train, held)
        everything = self._read_log(self._pages)
        self.policy, clicks = self._search.fit(everything, *self._chosen)
        self._trained = True
        return clicks

    def _read_log(self, pages: Sequence[Page]) -> Exposures:
        return Exposures(pages, self._examination.curve, self.temperature, self.steps)

    def follow(self, aliases: Aliases) -> None:
        """Members' own tastes follow their ids, and add up."""
        self._own.follow(aliases)

    def state(self) -> State:
        """The log, what was learned from it, and every member's own taste."""
        log = nest(**{str(number): vars(page) for number, page in enumerate(self._pages)})
        counts = np.array([self._issues, *self._chosen, self._trained])
        return nest(
            profiles=self._own.state(), log=log, policy=vars(self.policy), clicks=vars(self.clicks)
        ) | {"counts": counts, "examination": self._examination.state()}

    def restore(self, state: State) -> None:
        """Raises ValueError for arrays that do not fit the features and options, or cannot be."""
        # the log of one that has learned has pages that this one need not have
        require(state, [name for name in self.state() if not name.startswith("log.")])
        p, q = self._search.prior.W.shape
        check_array("examination", state["examination"], self._examination.state().shape, "f8")
        weights = [part(state, name) for name in ("policy", "clicks")]
        for name, arrays in zip(("policy", "clicks"), weights, strict=True):
            check_array(f"{name}.W", arrays["W"], (p, q), "f8")
            check_array(f"{name}.g", arrays["g"], (q,), "f8")
        check_array("counts", state["counts"], (4,), "i8")
        most = (np.iinfo(np.int64).max, len(self.prior_sds) - 1, len(self.choices) - 1, 1)
        for what, count, top in zip(COUNTS, state["counts"].tolist(), most, strict=True):
            if not 0 <= count <= top:
                raise ValueError(f"counts: {what} = {count}; must be in [0, {top}]")
        self.policy, self.clicks = (Weights(a["W"].copy(), a["g"].copy()) for a in weights)
        self._examination = self._examination.read_state(state["examination"])
        self._issues, *chosen, trained = map(int, state["counts"])
        self._chosen, self._trained = (chosen[0], chosen[1]), bool(trained)
        log = part(state, "log")
        numbers = sorted({int(name.split(".")[0]) for name in log})
        pages = [part(log, str(number)) for number in numbers]
        for number, arrays in zip(numbers, pages, strict=True):
            require(arrays, KINDS, f"log.{number}.")
        self._pages = [Page(**{name: page[name] for name in KINDS}) for page in pages]
        for page in self._pages:
            page.check(p, q, len(self._examination.support))
        self._own.restore(part(state, "profiles"))
