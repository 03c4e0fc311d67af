"""What is counted of an issue beside its log: clicks without exploring, and a replay on a log.

Both need a policy's plan as it was before the policy learned from the issue, so they are taken
while the issue is sent: `simulators.play.send` calls a `Watcher` after each wave.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from bandit.core.files import write_json, write_table
from bandit.core.types import Floats, Round, SlotPmf
from bandit.ope.whole.beside import Beside
from bandit.policy import Policy
from bandit.slates.exploration import greedy
from bandit.slates.propensity import draw, replay
from experiments.runner import beside_files
from experiments.runner.configs import Settings
from simulators.base import Simulator

# Beside the log, for a report of many units: fewer than an evaluation of one policy takes. Slates
# that are drawn for each send looked at, and the share of sends looked at without a click.
DRAWS, SHARE = 8, 0.05


class LogReplay:
    """A policy on the log of another one that sent the same issue: chances of the logged slates.

    policy: which is replayed
    simulator: remembers what the other policy sent, not what this one sends
    logged: the issue as the other policy sent it
    seed: keys the draws of the slates that this policy would have sent
    depth: how many of the top slots are replayed; whole newsletters are, beside them, where the log
        was sent by the uniform plan, whose chances in every slot are known
    """

    def __init__(
        self, policy: Policy, simulator: Simulator, logged: Round, seed: int, depth: int
    ) -> None:
        self._policy, self._simulator, self._logged = policy, simulator, logged
        self._seed, self._depth = seed, depth
        self._waves = policy.waves(logged.context)
        self._targets: list[Floats] = []
        self._earned: list[Floats] = []
        self._beside: list[Beside] = []
        from bandit.ope.whole import look  # only a replay has need of it

        self._look = look
        self._uniform = look.is_sent_by(look.plan_uniform(logged.context), logged)

    def add(self, wave: int) -> None:
        """Replay a wave with what the policy knows before it learns from that wave of its own."""
        if wave >= len(self._waves) or not len(self._waves[wave]):
            return
        logged = self._logged.take(self._waves[wave])
        context, plan = logged.context, self._policy.plan(logged.context)
        self._targets.append(replay(plan, context, logged.slates.choice[:, : self._depth]))
        own = draw(plan, context, self._seed, None if self._uniform else self._depth)
        self._earned.append(self._simulator.expected(context, own))
        if self._uniform:
            sent = self._look.plan_uniform(context)
            found = self._look.look_beside(
                plan, sent, logged, self._seed, DRAWS, SHARE, checked=True
            )
            self._beside.append(found)

    def write(self, stem: Path) -> None:
        """Write `stem`.parquet, a row for each (member, slot), and `stem`.json.

        Where whole newsletters are replayed, their file lies in `whole` beside it (`beside_files`).

        target: this policy's propensity of the logged article
        logged, clicked, supported, member, opened: as in the log
        first_sent, first_wanted: of `Beside.first`, where whole newsletters are replayed
        earned: expected clicks of this policy's own slates, by slot, summed over members; of as
            many slots as are replayed
        """
        order = np.argsort(np.concatenate(self._waves))
        target, earned = (np.concatenate(a)[order] for a in (self._targets, self._earned))
        n, k = target.shape
        members = self._logged.context.member_ids
        slates, feedback = self._logged.slates, self._logged.feedback
        columns = {
            "target": target,
            "logged": slates.propensity[:, :k],
            "clicked": feedback.clicked[:, :k],
            "supported": slates.supported[:, :k],
        }
        table = {name: pa.array(column.ravel()) for name, column in columns.items()}
        table["member"] = pa.array(np.repeat(members, k))
        table["opened"] = pa.array(np.repeat(feedback.opened, k))
        if self._beside:
            found = Beside.join(self._beside)
            whole = replace(found, rows=np.concatenate(self._waves)[found.rows], members=members)
            beside_files.write(stem.parent / "whole" / f"{stem.name}.parquet", whole)
            first = np.asarray(found.first)[order]
            for name, column in zip(("first_sent", "first_wanted"), first.T, strict=True):
                table[name] = pa.array(np.repeat(column, k))
        counts = {"slots": k, "delivered": n, "earned": earned.sum(axis=0).tolist()}
        write_json(stem.with_suffix(".json"), counts)
        write_table(stem.with_suffix(".parquet"), pa.table(table))


class Watcher:
    """Watches one issue while it is sent.

    simulator: who answers the issue, and is asked what other slates would be expected to earn
    seed: keys the draws of slates
    replay: is told of each wave; None: there is no log to replay on

    unexplored: expected clicks of the same plans if none of them explored, summed over members
    """

    def __init__(self, simulator: Simulator, seed: int, replay: LogReplay | None) -> None:
        self._simulator, self._seed, self._replay = simulator, seed, replay
        self.unexplored = 0.0

    def __call__(self, wave: int, plan: SlotPmf | None, sent: Round | None) -> None:
        """Count a wave that was planned and sent, and is not learned from yet."""
        if self._replay:
            self._replay.add(wave)
        if plan and sent:
            best = draw(SlotPmf(plan.scores, greedy), sent.context, self._seed)
            self.unexplored += self._simulator.expected(sent.context, best).sum()


def measure_issue(
    simulator: Simulator, round: Round, expected: Floats, unexplored: float
) -> Settings:
    """What is counted of an issue that was sent.

    expected: clicks that the simulator expects of these slates [n, k]: no luck
    unexplored: see `Watcher`

    delivered, opened, clicks: of newsletters, of openers, of all slots
    clicked_opens: how many newsletters got a click
    expected: clicks expected of a delivered newsletter
    expected_by_slot: the same of each slot
    exploration_cost: by how much `expected` would be higher without exploring
    """
    feedback = simulator.happened(round.context, round.slates, round.feedback)
    cost = unexplored - expected.sum()
    clicks = feedback.clicked.sum(axis=1)
    n = max(int(feedback.delivered.sum()), 1)
    return {
        "delivered": int(feedback.delivered.sum()),
        "opened": int(feedback.opened.sum()),
        "clicks": int(clicks.sum()),
        "clicked_opens": int((clicks > 0).sum()),
        "expected": float(expected.sum()) / n,
        "expected_by_slot": (expected.sum(axis=0) / n).tolist(),
        "exploration_cost": float(cost) / n,
    }
