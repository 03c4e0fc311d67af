"""The parts of the association: what is refused by name, and what the configurations make."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hydra import compose as composed
from hydra import initialize_config_dir

from bandit.policies.random import Random
from experiments.runner.configs import CONFIGS, list_configs, make, resolve
from simulators.association import parts
from simulators.association.association import Association
from simulators.association.campaigns import Campaign, Campaigns
from simulators.association.drift import Drift, Membership
from simulators.association.opens import Opens
from simulators.association.press import Press
from simulators.association.reading import Reading
from simulators.examination.given import read_examination
from simulators.play import play
from tests.support.dynamics_cases import at_random, build
from tests.support.truth_cases import Favourites

# Refused by name


@pytest.mark.parametrize(
    ("make_it", "said"),
    [
        (lambda: Opens(memory=1.4), r"opens: memory = 1.4; must be in \[0, 1\]"),
        (lambda: Opens(subject=-0.1), "opens: subject = -0.1"),
        (lambda: Opens(fatigue=float("nan")), "opens: fatigue = nan"),
        (lambda: Opens(recovery=0.0), "opens: recovery = 0"),
        (lambda: Opens(weekdays=(0.1, 0.2)), "opens: weekdays = .*seven finite numbers"),
        (lambda: Opens(weekday_clicks=(0, 0, 0, 0, 0, 0, float("inf"))), "opens: weekday_clicks"),
        (lambda: Opens(send_days=()), r"opens: send_days = \[\]"),
        (lambda: Opens(send_days=(4, 1)), "opens: send_days"),
        (lambda: Opens(send_days=(7,)), "opens: send_days"),
        (lambda: Drift(walk=-0.1), "drift: walk = -0.1"),
        (lambda: Drift(shift=1.1), "drift: shift = 1.1"),
        (lambda: Drift(broken=2.0), "drift: broken = 2"),
        (lambda: Drift(break_at=-1), "drift: break_at = -1"),
        (lambda: Membership(term=0), "membership: term = 0"),
        (lambda: Membership(renewal=1.2), "membership: renewal = 1.2"),
        (lambda: Membership(served=-1.0), "membership: served = -1"),
        (lambda: Reading(seconds=0.0), "reading: seconds = 0"),
        (lambda: Reading(observed=1.5), "reading: observed = 1.5"),
        (lambda: Reading(skimmed=-0.5), "reading: skimmed = -0.5"),
        (lambda: Press(ads=-0.2), "press: ads = -0.2"),
        (lambda: Press(series=0.6, duplicates=0.6), r"press: series \+ duplicates = 1.2"),
        (lambda: Press(decay=-1.0), "press: decay = -1"),
        (lambda: Press(breaking_lift=float("nan")), "press: breaking_lift = nan"),
        (lambda: Campaign(every=-1), "campaign: every = -1"),
        (lambda: Campaign(first=0), "campaign: first = 0"),
        (
            lambda: Campaign(kinds={"song": 1.0}),
            "there is no kind 'song'; choose from article, event",
        ),
        (lambda: Campaign(kinds={"event": 1.5}), "share of kind 'event' = 1.5"),
        (lambda: Campaign(kinds={"event": 0.0}), "one must have a share above 0"),
        (lambda: Campaign(opens=float("inf")), "campaign: opens = inf"),
        (lambda: Campaigns(shared=1.1), "campaigns: shared = 1.1"),
        (lambda: build(bounce=-0.1), "bounce = -0.1"),
        (lambda: build(bounce=0.75, dead=0.5), r"bounce \+ dead = 1.25"),
        (
            lambda: build(opens="habits"),
            r"opens = 'habits'; must be a simulators\.association\.opens\.Opens, or None",
        ),
        (
            lambda: build(press=Reading()),
            r"press = Reading\(.*; must be a simulators\.association\.press\.Press, or None",
        ),
        (
            lambda: build(catalogue="beekeepers"),
            "catalogue = 'beekeepers'; choose from engineers, pharmacy",
        ),
        (lambda: build(examine="cascade"), "examine = 'cascade'; must be an examination model"),
        (lambda: build(examine=None), "examine = None"),
        (lambda: read_examination([0.9, 0.8], 3), "examine gives 2 slots; the layout has 3"),
    ],
)
def test_what_cannot_be_is_refused_by_name(make_it: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        make_it()


# Configurations

GROUPS = ("opens", "reading", "drift", "membership", "press", "campaigns")


@pytest.fixture
def config() -> Any:
    def read(*overrides: str) -> dict[str, Any]:
        with initialize_config_dir(str(CONFIGS), version_base="1.3"):
            return resolve(composed("run", overrides=list(overrides))["simulator"])

    return read


@pytest.mark.parametrize(
    "choice", [(group, name) for group in GROUPS for name in list_configs(group)], ids="/".join
)
def test_every_part_can_be_chosen_in_yaml(config: Any, choice: tuple[str, str]) -> None:
    group, name = choice
    simulator = config(f"{group}@simulator.{group}={name}")
    association = make(simulator | {"members": 60, "issues": 2, "embeddings": None}, seed=10)
    assert isinstance(make(simulator[group]), parts.PARTS[group])
    association.respond(association.issue(1), at_random(association.issue(1)))


@pytest.mark.parametrize("name", list_configs("clicks"))
def test_every_examination_model_can_be_chosen_in_yaml(config: Any, name: str) -> None:
    association = make(
        config(f"clicks@simulator.examine={name}") | {"members": 1500, "embeddings": None}, seed=10
    )
    terms = []
    for round in play(Random(), association, seed=5, issues=4):
        expected = association.expected(round.context, round.slates)
        terms.append((round.feedback.clicked - expected).sum(axis=1))
    term = np.concatenate(terms)
    assert abs(term.sum() / np.sqrt((term**2).sum())) < 3.5


def test_the_plain_association_stands_still(config: Any) -> None:
    simulator = config("simulator=association")
    assert not set(simulator) & set(GROUPS)
    given = {
        name: value
        for name, value in simulator.items()
        if name not in ("encoder", "embeddings", "_target_")
    }
    default = Association(seed=10, members=200)
    chosen = make(
        given | {"_target_": "simulators.association.association.Association", "members": 200},
        seed=10,
    )
    for number in (1, 2):
        a, b = default.issue(number), chosen.issue(number)
        assert default.truth(a).tobytes() == chosen.truth(b).tobytes()
        one, two = default.respond(a, at_random(a)), chosen.respond(b, at_random(b))
        assert all(
            x.tobytes() == y.tobytes()
            for x, y in zip(vars(one).values(), vars(two).values(), strict=True)
        )


def test_the_newsletter_moves_in_every_part_and_keeps_its_rates(config: Any) -> None:
    simulator = config("simulator=newsletter")
    assert set(GROUPS) <= set(simulator)
    association = make(simulator | {"members": 2500, "embeddings": None}, seed=10)
    sent = opened = clickers = delivered = 0
    for round in play(Favourites(), association, seed=5, issues=12):
        feedback = round.feedback
        sent += len(round.context.members)
        delivered += feedback.delivered.sum()
        opened += feedback.opened.sum()
        clickers += feedback.clicked.any(axis=1).sum()
    assert delivered / sent == pytest.approx(0.98, abs=0.004)
    assert opened / delivered == pytest.approx(0.37, abs=0.025)
    assert clickers / opened == pytest.approx(0.15, abs=0.03)


def test_what_a_config_does_not_know_is_refused_by_name(config: Any) -> None:
    simulator = config() | {"members": 60, "embeddings": None}
    with pytest.raises(ValueError, match=r"simulators\.examination\.models\.Nope.* cannot be had"):
        make(simulator | {"examine": {"_target_": "simulators.examination.models.Nope"}}, seed=10)
    with pytest.raises(ValueError, match=r"simulators\.association\.opens\.Opens: .*'mood'"):
        make(
            simulator | {"opens": {"_target_": "simulators.association.opens.Opens", "mood": 1.0}},
            seed=10,
        )
    with pytest.raises(Exception, match="clicks/nope"):
        config("clicks@simulator.examine=nope")


def test_configs_say_where_their_numbers_come_from() -> None:
    for group in GROUPS:
        for path in sorted((Path(CONFIGS) / group).glob("*.yaml")):
            text = path.read_text(encoding="utf-8")
            assert "chosen" in text or "hosen." in text
            assert text.startswith("#")
