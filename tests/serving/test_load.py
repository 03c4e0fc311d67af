"""A sender in a program gives each member what `serving.send` gives, alone or among others."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import serving
from bandit.core.columns import Columns
from bandit.core.rules import Rules
from serving.checks.pins import refuse_outside
from serving.sending import choose
from tests.support.bundle_cases import ROOT, SEED, train

CHEAP = ["profile", "lin_ts", "random", "segment_rules"]


@pytest.mark.parametrize("name", CHEAP)
def test_one_member_gets_what_a_send_of_all_gives(name: str, tmp_path: Path) -> None:
    train(name).write(tmp_path / "b")
    context = train(name).context
    rows, columns = np.nonzero(context.seen)
    pairs = {"member": context.member_ids[rows], "article": context.article_ids[columns]}
    sender = serving.load(tmp_path / "b")
    asked = (context.articles, context.rules, context.campaign, SEED)
    sent = pa.concat_tables(choose.compose(sender.bundle, context.members, *asked, Columns(pairs)))
    sent = sent.drop_columns(["holdout"])
    issue, k = sender.prepare(*asked), context.rules.slots
    assert issue.compose(context.members, pairs).tabulate().equals(sent)
    for row in (0, 3, 11):
        one = issue.compose(context.members.take([row]), pairs)
        assert one.tabulate().equals(sent.slice(row * k, k))
        assert one.articles[0].tolist() == sent["article"].slice(row * k, k).to_pylist()


def test_an_issue_that_cannot_be_is_refused_before_members_come(folder: Path) -> None:
    context, sender = train("profile").context, serving.load(folder)
    with pytest.raises(ValueError, match="campaign is empty"):
        sender.prepare(context.articles, context.rules, " ", SEED)
    with pytest.raises(ValueError, match="gone"):
        sender.prepare(context.articles, Rules(slots=4, pins={1: "gone"}), "may", SEED)
    kinds = dict(zip(context.articles["article"], context.articles["kind"], strict=True))
    article, kind = next(iter(kinds.items()))
    other = next(each for each in kinds.values() if each != kind)
    section = Rules(slots=4, pins={1: article}, only={1: {"kind": [other]}})
    with pytest.raises(ValueError, match=r"pins: slot 1 is .*, but only: slot 1 allows kind"):
        sender.prepare(context.articles, section, "may", SEED)
    twice = context.articles.take([0, 1, 0])
    with pytest.raises(ValueError, match="pool"):
        sender.prepare(twice, Rules(slots=2), "may", SEED)


def test_the_documented_example_runs(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one member of this association in the place of the page's."""
    page = (ROOT / "docs/sending.md").read_text()
    section = page.partition("## From a program of your own")[2]
    example = re.search("```python\n(.*?)```", section, re.DOTALL)
    assert example
    context = train("profile").context
    member = dict(context.members.take([3]).items())
    code = re.sub("(?m)^member = .*$", "member = own", example[1])
    monkeypatch.chdir(folder.parent)
    (folder.parent / "bundle").symlink_to(folder)
    names: dict[str, Any] = {"pool": context.articles, "own": member}
    exec(code, names)  # noqa: S102
    alone = names["composed"].articles[0].tolist()
    assert str(alone) in capsys.readouterr().out
    assert len(set(alone)) == 4
    assert names["composed"].slates.propensity.min() > 0


def test_one_member_as_a_program_has_it(folder: Path) -> None:
    """A missing number may be None; an id of another type would be another member in silence."""
    context = train("profile").context
    sender = serving.load(folder)
    issue = sender.prepare(context.articles, Rules(slots=4), "may", 7)
    member = dict(context.members.take([3]).items())
    (name,) = sender.bundle.features.attributes.numeric
    without = [issue.compose(member | {name: [gone]}) for gone in (None, float("nan"))]
    features = [composed.context.member_features for composed in without]
    np.testing.assert_array_equal(*features)
    assert without[0].articles.tolist() == without[1].articles.tolist()
    for odd in (3.0, b"a", True, ("a", "b")):
        with pytest.raises(ValueError, match=r"members row 0: id .* must be text or a whole"):
            issue.compose(member | {"member": [odd]})
    with pytest.raises(ValueError, match="seen lacks column 'article'"):
        issue.compose(member, {"member": member["member"]})


COUNTS = st.dictionaries(st.sampled_from(["article", "event", "resource"]), st.integers(0, 2))


@st.composite
def write_rules(draw: st.DrawFn, articles: Columns) -> Rules:
    """Any rules of this pool that do not contradict one another."""
    slots, ids = draw(st.integers(1, 5)), articles["article"].tolist()
    any_slot = st.integers(1, slots)
    told: dict[str, Any] = {"slots": slots}
    told["pins"] = draw(st.dictionaries(any_slot, st.sampled_from(ids), max_size=2))
    told["at_most"] = {"kind": draw(COUNTS), "source": {"*": draw(st.integers(1, 3))}}
    told["at_least"] = {"kind": draw(COUNTS)}
    kinds = st.lists(st.sampled_from(["article", "event"]), min_size=1)
    told["only"] = {slot: {"kind": draw(kinds)} for slot in draw(st.sets(any_slot, max_size=2))}
    try:
        rules = Rules(**told)
        rules.check_pool(ids, articles.names)
        refuse_outside(rules, articles)
    except ValueError:
        assume(False)
    return rules


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_alone_or_among_others_under_any_rules(data: st.DataObject, folder: Path) -> None:
    """Pins, caps, minimums, sections, repeats, audiences and stories: the same bits."""
    context, sender = train("profile").context, serving.load(folder)
    members, m = context.members.take(range(9)), len(context.articles)
    stories = data.draw(st.lists(st.sampled_from(["", "", "x", "y"]), min_size=m, max_size=m))
    lots = data.draw(st.lists(st.sampled_from([np.nan, 0.3, 0.7]), min_size=m, max_size=m))
    pool = context.articles.assign(story=stories, admit_below=np.array(lots))
    issue = sender.prepare(pool, data.draw(write_rules(pool)), "may", data.draw(st.integers(0, 9)))
    seen = np.array(data.draw(st.lists(st.booleans(), min_size=9 * m, max_size=9 * m)))
    rows, columns = np.nonzero(seen.reshape(9, m))
    pairs = {"member": members["member"][rows], "article": pool["article"][columns]}
    together = issue.compose(members, pairs)
    for row in (0, 4, 8):
        alone = issue.compose(members.take([row]), pairs)
        for name, array in vars(alone.slates).items():
            np.testing.assert_array_equal(array[0], getattr(together.slates, name)[row])
