"""Vowpal Wabbit's contextual bandit, cb_explore_adf: attributes x text, one decision for each slot.

VW learns each slot as one decision with its logged propensity. How the slots are filled depends on
what VW explores by.

- **epsilon, first, softmax, squarecb** (Foster & Rakhlin 2020): VW gives every article a cost, and
  each slot is filled among what is still open by the function of costs of that name, with VW's
  schedule.
- **bag, cover, regcb, regcbopt, rnd**: VW's own pmf is asked for, then what it gives articles
  without mass as if those with mass were not there, and so on: tiers. A slot is filled from the
  best tier still open, in proportion to VW's mass, with a uniform share `epsilon`, so that the log
  supports any other policy. Without it the first slot's pmf is VW's; that of rnd, a softmax, is
  VW's in all slots. (Plain renormalising would leave slots below the first close to uniform.)

Articles are parsed once an issue; costs are asked for once for each attribute value
(`asking.ask_all`), pmfs for each combination of values. A click costs -1, divided by the chance
that its slot was looked at; regcb's bounds stay between the least cost there can be and 0.
"""

from typing import Any

from bandit.core import check
from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.examination import Examination
from bandit.models.vowpal import asking, text, workspace
from bandit.models.vowpal.exploration import BY_COSTS, Exploration
from bandit.models.vowpal.options import VowpalOptions
from bandit.policy import Policy


class VW(Policy):
    """The options beside those of `VowpalOptions`, which are given by name as well.

    policies: how many vote in bag and cover, or networks in rnd; higher is slower
    mellowness: width of the confidence bounds of regcb and regcbopt; higher explores more
    rnd_alpha: size of the bonuses of rnd; higher explores more
    max_slots: slots of the examination curve; those below share the last one's chance

    Raises ValueError for what VW would not take, or would take and be harmed by.
    """

    def __init__(
        self,
        *,
        policies: int = 4,
        mellowness: float = 0.001,
        rnd_alpha: float = 0.1,
        max_slots: int = 24,
        **common: Any,
    ) -> None:
        check.whole("max_slots", max_slots, 1, check.MOST_SLOTS)
        untaught = Examination.start(max_slots)
        self.max_slots = max_slots
        self.options = VowpalOptions(**common)
        least_cost = -1 / float(untaught.curve.min())
        self.exploration = Exploration(self.options, policies, mellowness, rnd_alpha, least_cost)
        how = f"{self.exploration.arguments} {self.options.learning}"
        self._arguments = f"--cb_explore_adf {how}"

    def start(self, features: Features) -> None:
        """Forget everything, and make an untaught model."""
        self._names, self._inputs = features.member_names, text.measure_inputs(features)
        self._examination, self._decisions = Examination.start(self.max_slots), 0
        self._model = workspace.make_model(self._arguments)

    def plan(self, context: Context) -> SlotPmf:
        """Scores are rewards (costs below 0), or the logarithms of VW's pmf, in tiers."""
        on = text.switch_on(self._names, context.member_features)
        with workspace.open_model(self._model, self._arguments) as vw:
            articles = [text.parse(vw, line) for line in text.write_articles(context)]

            def ask_rewards(one: Bools) -> Floats:
                return -asking.ask_costs(vw, text.write_member(one), articles)

            def ask_tiers(one: Bools) -> Floats:
                enough = 2 * context.rules.slots
                return asking.ask_tiers(vw, text.write_member(one), articles, enough)

            scores = (
                asking.ask_all(on, self.options.interactions, ask_rewards)
                if self.options.explore in BY_COSTS
                else asking.ask_each(on, ask_tiers)
            )
            asking.release(vw, [text.parse(vw, "shared |m"), *articles])
        return SlotPmf(scores, self.exploration.pmf(self._decisions))

    def learn(self, round: Round) -> None:
        """Raises ValueError for a propensity outside (0, 1], naming its place."""
        lessons = asking.pick_lessons(round, self.options.unclicked, self.options.clip)
        rows, slots, index, clicked, propensity = lessons
        if not len(rows):
            return
        # a click further down says more: it is divided by the chance that its slot was looked at
        cost = -clicked / self._examination.chance(slots)
        lines = text.write_articles(round.context)
        on = text.switch_on(self._names, round.context.member_features)
        with workspace.open_model(self._model, self._arguments) as vw:
            articles = [text.parse(vw, line) for line in lines]
            for row, j, c, p in zip(rows, index, cost, propensity, strict=True):
                asking.teach(vw, text.write_member(on[row]), articles, lines, j, c, p)
            asking.release(vw, [text.parse(vw, "shared |m"), *articles])
            self._model = workspace.save_model(vw)
        self._decisions += len(rows)

    def state(self) -> State:
        """VW's model as bytes, its digest, the number of decisions and the sizes of the inputs."""
        return workspace.pack_state(self._model, self._decisions, self._inputs)

    def restore(self, state: State) -> None:
        """Go on from a state.

        Raises ValueError for a model that is damaged, or that was not made with this policy's
        options and features.
        """
        restored = workspace.unpack_state(state, self._arguments, self._inputs)
        self._model, self._decisions = restored
