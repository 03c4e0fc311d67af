"""Vowpal Wabbit's contextual bandit, cb_explore_adf: attributes x text, one decision for each slot.

VW learns each slot as one decision with its logged propensity. How the slots are filled depends on what VW explores by.

- **epsilon, first, softmax, squarecb** (Foster & Rakhlin 2020): VW gives every article a cost, and each slot is filled among
  what is still open by the function of costs of that name, with VW's schedule.
- **bag, cover, regcb, regcbopt, rnd**: VW's own pmf is asked for, then what it gives articles without mass as if those with
  mass were not there, and so on: tiers. A slot is filled from the best tier still open, in proportion to VW's mass, with a
  uniform share `epsilon`, so that the log supports any other policy. Without it the first slot's pmf is VW's; that of rnd,
  a softmax, is VW's in all slots. (Plain renormalising would leave slots below the first close to uniform.)

Articles are parsed once an issue; costs are asked for once for each attribute value (`vowpal.answers`), pmfs for each
combination of values. A click costs -1, divided by the chance that its slot was looked at; regcb's bounds stay between
the least cost there can be and 0.
"""

from collections.abc import Sequence

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.vowpal import workspace as vowpal
from bandit.models.vowpal.exploration import BY_COSTS, Exploration
from bandit.policy import Policy


class VW(Policy):
    """explore: one of the above. epsilon: uniform share (not in first, softmax, squarecb). first: decisions at random.
    temperature: of softmax. policies: of bag and cover, networks of rnd. mellowness: of regcb. gamma_scale, gamma_exponent:
    gamma = scale * decisions^exponent of squarecb (higher explores less).

    cb_type: mtr, ips, dr or dm (squarecb and regcb: mtr; cover: not dm). clip: a propensity below counts as this much (0:
    textbook, 1: no importance weights; squarecb and regcb never have any). interactions: of m (member) and a (article), such
    as ["ma"]. unclicked: share of the slots without a click that VW is shown. bits: weights, as a power of two.
    """

    def __init__(
        self,
        explore: str = "squarecb",
        epsilon: float = 0.02,
        first: int = 1500,
        temperature: float = 0.005,
        policies: int = 4,
        mellowness: float = 0.001,
        rnd_alpha: float = 0.1,
        gamma_scale: float = 100.0,
        gamma_exponent: float = 0.5,
        learning_rate: float = 0.5,
        l2: float = 0.0,
        clip: float = 1.0,
        cb_type: str = "mtr",
        interactions: Sequence[str] = ("ma",),
        unclicked: float = 0.25,
        bits: int = 18,
        max_slots: int = 24,
    ) -> None:
        self._examination = Examination.start(max_slots)
        self.exploration = Exploration(
            explore,
            cb_type,
            epsilon,
            first,
            temperature,
            gamma_scale,
            gamma_exponent,
            policies,
            mellowness,
            rnd_alpha,
            least_cost=-1 / float(self._examination.curve.min()),
        )
        check.share("unclicked", unclicked)
        check.at_least("unclicked", unclicked, 1e-6)
        learning = vowpal.learning(learning_rate, l2, clip, interactions, bits)
        self._arguments = f"--cb_explore_adf {self.exploration.arguments} {learning}"
        self.interactions, self.unclicked = tuple(interactions), unclicked
        self._decisions = 0

    def start(self, features: Features) -> None:
        self._names, self._inputs = features.member_names, vowpal.inputs(features)
        self._model = vowpal.fresh(self._arguments)

    def plan(self, context: Context) -> SlotPmf:
        on = vowpal.switches(self._names, context.member_features)
        with vowpal.opened(self._model, self._arguments) as vw:
            articles = [vowpal.parsed(vw, line) for line in vowpal.article_lines(context)]

            def rewards(one: Bools) -> Floats:
                return -vowpal.costs(vw, vowpal.member_line(one), articles)

            def tiers(one: Bools) -> Floats:
                return vowpal.tiers(
                    vw, vowpal.member_line(one), articles, enough=2 * context.rules.slots
                )

            by_costs = self.exploration.explore in BY_COSTS
            scores = (
                vowpal.answers(on, self.interactions, rewards)
                if by_costs
                else vowpal.each(on, tiers)
            )
            vowpal.release(vw, [vowpal.parsed(vw, "shared |m"), *articles])
        return SlotPmf(scores, self.exploration.pmf(self._decisions))

    def learn(self, round: Round) -> None:
        rows, slots, index, clicked, propensity = vowpal.taught(round, self.unclicked)
        if not len(rows):
            return
        # a click further down says more: it is divided by the chance that its slot was looked at
        cost = -clicked / self._examination.at(slots)
        lines = vowpal.article_lines(round.context)
        on = vowpal.switches(self._names, round.context.member_features)
        with vowpal.opened(self._model, self._arguments) as vw:
            articles = [vowpal.parsed(vw, line) for line in lines]
            for row, j, c, p in zip(rows, index, cost, propensity, strict=True):
                vowpal.teach(vw, vowpal.member_line(on[row]), articles, lines, j, c, p)
            vowpal.release(vw, [vowpal.parsed(vw, "shared |m"), *articles])
            self._model = vowpal.saved(vw)
        self._decisions += len(rows)

    def state(self) -> State:
        return vowpal.packed(self._model, self._decisions, self._inputs)

    def restore(self, state: State) -> None:
        """Raises ValueError for a model that is damaged or was not made with this policy's settings and features."""
        self._model, self._decisions = vowpal.unpacked(state, self._arguments, self._inputs)
