"""Every sentence is replayed: the changed inputs go through the ordinary sender once more."""

import json
import math
import re
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import serving
from bandit.core.rules import Rules
from bandit.core.types import Round
from bandit.log import archive
from bandit.log.learning import learn_rounds
from bandit.models.profiles import Profiles
from bandit.policies.profile import Profile
from serving import bundle, send
from serving.explain.__main__ import main
from serving.explain.change import ATTRIBUTE, Change, Outcome
from serving.explain.sentences import Entry, find_reasons
from serving.inputs import read_rules
from tests.support.member_cases import SLOTS, Desk, set_desk

PARTS = ("precision", "cross", "shift")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return set_desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture(scope="module")
def told(desk: Desk) -> dict[int, dict[str, Any]]:
    """What is told of the two members who clicked most."""
    found = {}
    for member in list(desk.count_clicks())[:2]:
        page = desk.folder / f"{member}.html"
        assert main(desk.list_words(member, out=page)) == 0
        found[member] = json.loads(page.with_suffix(".json").read_text())
    return found


class Recorder(Profile):
    """Keeps what was known when members' own profiles were learned."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[Profile, Round]] = []

    def _learn_members(self, round: Round) -> None:
        kept, self.kept = self.kept, []
        kept.append((deepcopy(self), round))
        self.kept = kept
        super()._learn_members(round)


@pytest.fixture(scope="module")
def records(desk: Desk) -> list[tuple[Profile, Round]]:
    policy, features = Recorder(), desk.association.features
    policy.start(features)
    learn_rounds(policy, archive.read(desk.folder / "log", features))
    return policy.kept


def relearn(
    records: list[tuple[Profile, Round]], member: int, without: set[tuple[int, str]]
) -> Profiles:
    """The member's profile without some clicks, step by step by the formulas of a `Belief`."""
    profiles = Profiles(records[0][0].B.shape[1])
    for policy, round in records:
        row = np.flatnonzero(round.context.member_ids == member)
        if not len(row) or not round.feedback.opened[row[0]]:
            continue
        own, k = round.take(row), round.slates.choice.shape[1]
        places, clicked = own.slates.choice[0], own.feedback.clicked.copy().astype(float)
        for slot, place in enumerate(places):
            if (own.context.issue, own.context.article_ids[place]) in without:
                clicked[0, slot] = 0.0
        policy.profiles = profiles
        before = policy.infer_interests(own.context)
        appeal, doubt = policy.appeal.look_up(own.context.articles)
        looked = policy.examination.chance(np.arange(k))[None]
        a = own.context.article_features[places][None]
        after = before.update(a, appeal[places][None], doubt[places][None], clicked, looked)
        profiles.absorb(profiles.add(own.context.member_ids), before, after)
    return profiles


def replay(
    desk: Desk, records: list[tuple[Profile, Round]], member: int, change: dict[str, Any]
) -> list[object]:
    """What the sender shows with one thing changed, from the files alone."""
    given = bundle.read(desk.folder / "bundle")
    pool = pd.read_parquet(desk.folder / "pool.parquet")
    members = pd.read_parquet(desk.folder / "members.parquet")
    seen: pd.DataFrame | None = pd.read_parquet(desk.folder / "seen.parquet")
    rules, _ = read_rules(desk.folder / "rules.yaml")
    row = members[members["member"] == member].copy()
    kind = change["kind"]
    if kind == "clicks":
        assert isinstance(given.policy, Profile)
        given.policy.profiles = relearn(
            records, member, {(issue, article) for issue, article in change["clicks"]}
        )
    elif kind == "attribute":
        numeric = change["name"] in given.features.attributes.numeric
        row[change["name"]] = np.nan if numeric else change["value"]
    elif kind == "pin":
        pins = {slot: own for slot, own in rules.pins.items() if slot != change["slot"]}
        rules = Rules(slots=SLOTS, pins=pins)
    elif kind == "seen":
        seen = None
    elif kind == "article":
        pool = pool[pool["article"] != change["article"]]
        pins = {slot: own for slot, own in rules.pins.items() if own != change["article"]}
        rules = Rules(slots=SLOTS, pins=pins)
    else:
        raise AssertionError(kind)
    issue = serving.Sender(given).prepare(pool, rules, "week-30", 7)
    return list(issue.compose(row, seen).articles[0])


def test_every_sentence_is_what_the_sender_shows(
    desk: Desk, told: dict[int, dict[str, Any]], records: list[tuple[Profile, Round]]
) -> None:
    titles = pd.read_parquet(desk.folder / "pool.parquet").set_index("article")["title"].to_dict()
    kinds = set()
    for member, page in told.items():
        shown = [slot["article"] for slot in page["slate"]]
        for slot in page["slate"]:
            for reason in slot["reasons"]:
                got = replay(desk, records, member, reason["change"])
                assert got[slot["slot"] - 1] == reason["otherwise"] != slot["article"]
                moved = reason["moved"]
                assert slot["article"] not in got or got[moved - 1] == slot["article"]
                assert (moved == 0) == (slot["article"] not in got)
                assert f"“{titles[slot['article']]}”" in reason["words"]
                assert f"“{titles[reason['otherwise']]}”" in reason["words"]
                assert f"in slot {slot['slot']}" in reason["words"]
                kinds.add(reason["change"]["kind"])
        assert len(set(shown)) == SLOTS
    assert kinds == {"clicks", "attribute", "pin", "seen", "article"}


def test_clicks_are_told_by_topic_and_number(desk: Desk, told: dict[int, dict[str, Any]]) -> None:
    (member, page), *_ = told.items()
    clicks = {
        (round.context.issue, round.context.article_ids[round.slates.choice[row, slot]])
        for round in desk.rounds
        for row in np.flatnonzero(round.context.member_ids == member)
        for slot in np.flatnonzero(round.feedback.clicked[row])
    }
    changes = [r["change"] for slot in page["slate"] for r in slot["reasons"]]
    own = [change for change in changes if change["kind"] == "clicks"]
    assert own
    for change in own:
        assert {tuple(click) for click in change["clicks"]} <= clicks
        assert change["name"] == "everything" or len(change["clicks"]) < len(clicks)
    assert sum(len(topic["clicked"]) for topic in page["topics"]) <= len(clicks)


def test_the_slate_is_the_one_that_is_sent(desk: Desk, told: dict[int, dict[str, Any]]) -> None:
    words = desk.list_words("-", out=desk.folder / "sent")
    files = words[words.index("--members") :]
    assert send.main([str(desk.folder / "bundle"), *files]) == 0
    slates = pd.read_parquet(desk.folder / "sent" / "slates.parquet")
    for member, page in told.items():
        sent = slates[slates["member"] == member]
        assert sent["article"].tolist() == [slot["article"] for slot in page["slate"]]
        assert sent["propensity"].tolist() == [slot["chance"] for slot in page["slate"]]


def test_the_page_fetches_nothing_and_runs_nothing(
    desk: Desk, told: dict[int, dict[str, Any]]
) -> None:
    for member in told:
        page = (desk.folder / f"{member}.html").read_text()
        assert "default-src 'none'" in page
        assert not [word for word in ("<script", "http:", "https:", "src=", "url(") if word in page]
        assert "health" in page


def test_the_numbers_on_top_are_styled_as_numbers_alone(
    desk: Desk, told: dict[int, dict[str, Any]]
) -> None:
    """A class that is styled elsewhere, too, once hid all three of them."""
    page = (desk.folder / f"{next(iter(told))}.html").read_text()
    style, _, body = page.partition("</style>")
    (name,) = re.findall(r'<dl class="numbers (\w+)">', body)
    assert f".numbers.{name} {{" in style
    assert not re.findall(rf"(?<!\.numbers)\.{name}\b", style)


@pytest.mark.parametrize(
    ("own", "other", "words"),
    [
        (
            "Art; Maths",
            "Art",
            "says “Art; Maths” of you under “Subject(s) Taught”; if it said “Art”,",
        ),
        ("Art", None, "says “Art” of you under “Subject(s) Taught”; if it said nothing,"),
        ("", "Art", "says nothing of you under “Subject(s) Taught”; if it said “Art”,"),
        ("1999", math.nan, "says “1999” of you under “Subject(s) Taught”; if it said nothing,"),
    ],
)
def test_an_attribute_is_called_as_the_file_calls_it(
    own: str, other: float | str | None, words: str
) -> None:
    change = Change(ATTRIBUTE, "subject_s_taught", other)
    entries = {"subject_s_taught": Entry("Subject(s) Taught", own)}
    ((reason,),) = find_reasons(["a"], [Outcome(change, ["b"])], entries, str)
    assert reason.words == (
        f"a instead of b in slot 1 because the member list {words} b, and the former nowhere."
    )


def test_the_page_names_attributes_by_the_headings_of_the_file(desk: Desk) -> None:
    members = pd.read_parquet(desk.folder / "members.parquet")
    renamed = desk.folder / "renamed.parquet"
    members.rename(columns={"region": "REGION:"}).to_parquet(renamed)
    member, out = next(iter(desk.count_clicks())), desk.folder / "renamed.html"
    assert main(desk.list_words(member, members=renamed, out=out)) == 0
    (own,) = members.set_index("member").loc[[member], "region"]
    assert f"REGION:: {own}" in out.read_text()


def test_what_is_denied_is_told_nowhere(
    desk: Desk, told: dict[int, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    (member, page), *_ = told.items()
    topic = next(topic for topic in page["topics"] if topic["clicked"])
    word = topic["topic"].split(" / ")[0]
    deny = desk.folder / "deny.yaml"
    deny.write_text(f"topics: [{word}]\nattributes: [Region]\n")
    out = desk.folder / "denied.html"
    assert main([*desk.list_words(member, out=out), "--deny-list", str(deny)]) == 0
    for text in (out.read_text(), out.with_suffix(".json").read_text()):
        assert topic["topic"] not in text
        assert "region" not in text.casefold()
        for title in topic["clicked"]:
            assert title not in text
    less = json.loads(out.with_suffix(".json").read_text())
    assert 0 < len(less["topics"]) < len(page["topics"])
    assert main([*desk.list_words(member, out=out), "--deny", f"{word}x"]) == 2
    assert f"'{word}x' is no topic and no attribute; the nearest is" in capsys.readouterr().err


def test_what_cannot_be_told_is_refused_by_name(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = str(next(iter(desk.count_clicks())))
    for member, other, message in (
        ("7", {"out": tmp_path / "p.html"}, "--member '7' is not in"),
        (f"00{there}", {"out": tmp_path / "p.html"}, f"members.parquet; there is '{there}'"),
        ("7", {"out": tmp_path / "p.pdf"}, "its name must end in .html"),
        ("7", {"out": tmp_path / "p.html", "learned": 3}, "names the issues that it has learned"),
    ):
        assert main(desk.list_words(member, **other)) == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
