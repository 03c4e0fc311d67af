"""An experiment that is really sent, and really answered by a simulated association.

python -m tests.support.verdict_cases DIR makes one to look at outside the tests.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from bandit.core.types import Round
from bandit.log import archive
from bandit.log.issue import read_slates
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from bandit.policy import Policy
from bandit.slates.propensity import draw
from serving import bundle, send
from simulators.association.association import Association

SLOTS = 5


def hold_experiment(
    folder: Path, association: Association, before: int, issues: int, arms: str
) -> Sequence[Path]:
    """Send some issues with an experiment of two bundles. Returns the folders of the sends.

    The archive of all issues, those before the experiment too, is in `folder`/log. The bundle
    `profile` has learned from the issues before, `random` chooses at random, and a tenth of the
    members is held out.

    arms: the list of arms as the experiment's file holds it
    """
    (folder / "exp.yaml").write_text(f"name: spring\narms: {arms}\n")
    learner, chance = Profile(), Random()
    rounds = []
    for policy in (learner, chance):
        policy.start(association.features)
    for number in range(1, before + 1):
        context = association.issue(number)
        slates = draw(chance.plan(context), context, 3)
        rounds.append(Round(context, slates, association.respond(context, slates)))
        learner.learn(rounds[-1])
    for name, policy in (("profile", learner), ("random", chance)):
        _write(folder / name, policy, association)
    sent = []
    for number in range(before + 1, before + issues + 1):
        context = association.issue(number)
        context.members.to_pandas().to_parquet(folder / "members.parquet")
        context.articles.to_pandas().to_parquet(folder / "pool.parquet")
        files = [(f"--{name}", f"{folder / name}.parquet") for name in ("members", "pool")]
        rules = {name: own for name, own in vars(context.rules).items() if own} | {"slots": SLOTS}
        (folder / "rules.yaml").write_text(yaml.safe_dump(rules))
        out = folder / "sent" / context.campaign
        options = [
            *files,
            ("--rules", f"{folder / 'rules.yaml'}"),
            ("--experiment", f"{folder / 'exp.yaml'}"),
            ("--series", "weekly"),
            ("--holdout", "0.1"),
            ("--campaign", context.campaign),
            ("--seed", "7"),
            ("--out", f"{out}"),
        ]
        assert send.main([word for option in options for word in option]) == 0
        slates = read_slates(out / "slates.parquet", context)
        rounds.append(Round(context, slates, association.respond(context, slates)))
        sent.append(out)
    archive.write(folder / "log", rounds)
    return sent


def list_arms(random: float, profile: float) -> str:
    """The arms of a file, with these shares."""
    shares = {"random": random, "profile": profile}
    arms = [f"{{name: {name}, bundle: {name}, share: {share}}}" for name, share in shares.items()]
    return f"[{', '.join(arms)}]"


def _write(place: Path, policy: Policy, association: Association) -> None:
    kind = type(policy)
    target = f"{kind.__module__}.{kind.__name__}"
    bundle.write(place, policy, target, {}, association.features, {})


def main(folder: Path) -> None:
    association = Association(members=3000, issues=14, pool=20, slots=SLOTS, text_dims=8)
    hold_experiment(folder, association, 4, 10, list_arms(0.5, 0.5))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
