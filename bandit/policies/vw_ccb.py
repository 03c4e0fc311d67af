"""Vowpal Wabbit's conditional contextual bandit, ccb_explore_adf: whole slates.

A slate is one example of VW's: the member, the articles and the slots, each with its article, cost
and logged propensity. VW crosses attributes and text with the slot, so it learns what each slot is
worth and for whom, where `vw` divides clicks by an examination curve. The slots are filled one
after the other by a function of VW's costs in that slot.

VW's own answer excludes what it drew above and leaves each article's cost only in the last slot it
was open for. Here every slot of the question has its own copy of the pool, and so all costs come at
once. Under mtr, which learns from the article that was shown only, an example lists just the
slate's articles: VW goes through all it lists for every slot.
"""

from typing import Any

from bandit.core.state import State
from bandit.core.types import Bools, Context, Floats, Round, SlotPmf
from bandit.features.features import Features
from bandit.models.vowpal import asking, text, workspace
from bandit.models.vowpal.exploration import BY_COSTS, Exploration
from bandit.models.vowpal.options import VowpalOptions
from bandit.models.vowpal.text import Example
from bandit.models.vowpal.workspace import Workspace
from bandit.policy import Policy


class VWSlates(Policy):
    """The options are those of `VowpalOptions`, given by name. Two have defaults of their own.

    explore: epsilon, first, softmax or squarecb
    gamma_scale: of squarecb; higher explores less
    learning_rate: VW's step size; higher learns faster

    Raises ValueError for what VW would not take, or would take and be harmed by.
    """

    def __init__(
        self, *, gamma_scale: float = 1000.0, learning_rate: float = 0.025, **common: Any
    ) -> None:
        self.options = VowpalOptions(gamma_scale=gamma_scale, learning_rate=learning_rate, **common)
        self.exploration = Exploration(self.options, known=BY_COSTS)
        how = f"{self.exploration.arguments} {self.options.learning}"
        self._arguments = f"--ccb_explore_adf {how}"

    def start(self, features: Features) -> None:
        """Forget everything, and make an untaught model."""
        self._names, self._inputs = features.member_names, text.measure_inputs(features)
        self._model, self._decisions = workspace.make_model(self._arguments), 0

    def plan(self, context: Context) -> SlotPmf:
        """Scores are rewards (costs below 0) of each member, article and slot, [n, m, k]."""
        on = text.switch_on(self._names, context.member_features)
        m, k = len(context.articles), context.rules.slots
        with workspace.open_model(self._model, self._arguments) as vw:
            pool = [text.parse(vw, line) for _ in range(k) for line in _write_articles(context)]
            lists = [",".join(map(str, range(s * m, s * m + m))) for s in range(k)]
            slots = [text.parse(vw, f"ccb slot {listed} |") for listed in lists]

            def ask_rewards(one: Bools) -> Floats:
                return -asking.ask_costs(vw, _write_member(one), pool, slots).reshape(k, m).T

            scores = asking.ask_all(on, self.options.interactions, ask_rewards)
            asking.release(vw, [text.parse(vw, "ccb shared |m"), *pool, *slots])
        return SlotPmf(scores, self.exploration.pmf(self._decisions))

    def learn(self, round: Round) -> None:
        """Raises ValueError for a propensity outside (0, 1], naming its place."""
        lessons = asking.pick_lessons(round, self.options.unclicked, self.options.clip)
        rows, slots, _, clicked, propensity = lessons
        if not len(rows):
            return
        slates: dict[int, list[str]] = {}  # of each member who teaches: a label for each slot
        blank, told = [""] * round.slates.choice.shape[1], (rows, slots, clicked, propensity)
        for row, slot, click, p in zip(*(each.tolist() for each in told), strict=True):
            slates.setdefault(row, blank.copy())[slot] = text.write_label("{}", -click, p)
        on = text.switch_on(self._names, round.context.member_features)
        with workspace.open_model(self._model, self._arguments) as vw:
            pool = [text.parse(vw, line) for line in _write_articles(round.context)]
            for row, labels in sorted(slates.items()):
                while not labels[-1]:  # slots below the last that teaches say nothing
                    labels.pop()
                choice = round.slates.choice[row, : len(labels)].tolist()
                self._teach(vw, on[row], pool, choice, labels)
            question = [text.parse(vw, "ccb shared |m"), *pool, text.parse(vw, "ccb slot |")]
            asking.release(vw, question)
            self._model = workspace.save_model(vw)
        self._decisions += len(rows)

    def _teach(
        self, vw: Workspace, on: Bools, pool: list[Example], choice: list[int], labels: list[str]
    ) -> None:
        """Teach one slate.

        A slot that does not teach (a pin, or thinned out) only takes its article out of the pool.
        An empty slot takes one that was not shown, because VW wants one.
        """
        taken = set(choice)
        spare = (j for j in range(len(pool)) if j not in taken)
        filled = [j if j >= 0 else next(spare) for j in choice]
        listed = filled if self.options.cb_type == "mtr" else range(len(pool))
        place = {j: at for at, j in enumerate(listed)}
        lines = [_write_member(on)]
        for j, label in zip(filled, labels, strict=True):
            lines.append(f"ccb slot {(label or '{}').format(place[j])} |")
        member, *slots = text.parse_all(vw, lines)
        vw.learn([member, *(pool[j] for j in listed), *slots])
        vw.finish_example([member, *slots])

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


def _write_member(on: Bools) -> str:
    return f"ccb {text.write_member(on)}"


def _write_articles(context: Context) -> list[str]:
    return [f"ccb action {line}" for line in text.write_articles(context)]
