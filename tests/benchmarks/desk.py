"""A profile bundle that has learned two issues, for benchmarks of the sender."""

from pathlib import Path

from bandit.core.rules import Rules
from bandit.core.types import Context
from bandit.policies.profile import Profile
from serving import bundle
from simulators.association.association import Association
from simulators.play import play

RULES = Rules(slots=6, at_most={"kind": {"event": 2}})
MEMBERS = 2500


def make_bundle(folder: Path) -> Context:
    """Write the bundle, and return the next issue: its members and a pool of 200 articles."""
    association = Association(seed=0, members=MEMBERS, issues=3, pool=200, slots=6, pin_every=0)
    policy = Profile(max_slots=6)
    for _ in zip(range(2), play(policy, association, 7), strict=False):
        pass
    target = "bandit.policies.profile.Profile"
    bundle.write(folder, policy, target, {"max_slots": 6}, association.features, {})
    return association.issue(3)
