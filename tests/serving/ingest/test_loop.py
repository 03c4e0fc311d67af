"""The loop closed: sends, providers' events of what simulated members did, ingested to a log."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from bandit.core.types import Context, Feedback, Slates
from bandit.log import archive
from bandit.log.issue import read_slates
from bandit.policies.popular import Popular
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from experiments.evaluate.judge import judge
from experiments.machines.learning import Counted
from serving import bundle, send
from serving.ingest import __main__ as ingest
from serving.update import __main__ as update
from simulators.association.association import Association
from simulators.noise.noise import Noise
from simulators.noise.recorded import record_feedback
from simulators.play import play
from tests.support.ingest_cases import FIREFOX, Happened, Post, write_rows

AGENTS = {"browser": FIREFOX, "mail": "Microsoft Outlook 16.0", "bare": "Mozilla/5.0", "none": ""}
AGENTS |= {"imageproxy": "GoogleImageProxy", "scanner": "Barracuda scan", "script": "curl/8.5"}
QUIET = {"prefetch_share": 0.0, "scanner_share": 0.0, "duplicates": 0.0, "late": 0.0}
QUIET |= {"blocked": 0.0, "relay": 0.0}
ISSUES = [pytest.param(3, id="few"), pytest.param(52, id="year", marks=pytest.mark.slow)]
NAMES = ["clicked", "opened", "delivered", "unsubscribed", "examined"]
LINK = "https://news.example.org/unsubscribe"


def send_issue(desk: Path, context: Context, bundle: str = "bundle") -> Path:
    """Send an issue, as an association does.

    bundle: name of its folder
    """
    context.members.to_pandas().to_parquet(desk / "members.parquet")
    articles = context.articles.to_pandas()
    links = "https://news.example.org/" + articles["article"].astype(str)
    articles.assign(url=links).to_parquet(desk / "pool.parquet")
    rules = {name: value for name, value in vars(context.rules).items() if value}
    (desk / "rules.yaml").write_text(yaml.safe_dump(rules))
    words = [str(desk / bundle), "--campaign", context.campaign, "--seed", "7"]
    words.append("--allow-unmatched")  # a cap on events holds in issues without any
    if (desk / "seen.parquet").exists():
        words += ["--seen", str(desk / "seen.parquet")]
    if earlier := sorted(map(str, desk.glob("issue-*/pool.parquet"))):
        words += ["--earlier", *earlier]  # a story may be told twice
    for name in ("members.parquet", "pool.parquet", "rules.yaml"):
        words += [f"--{name.partition('.')[0]}", str(desk / name)]
    assert send.main([*words, "--out", str(desk / context.campaign)]) == 0
    return desk / context.campaign


def write_events(
    desk: Path, sent: Path, noise: Noise, context: Context, slates: Slates, feedback: Feedback
) -> list[str]:
    """What Mailgun would say of what simulated members did; a third in a file of its own."""
    events, _ = noise.record_events(context, slates, feedback, strict=False)
    post = Post(sent)
    row = {member: at for at, member in enumerate(context.member_ids.tolist())}
    lines: list[list[str]] = [[], []]
    epoch = (events["sent"] - pd.Timestamp("1970-01-01")) / pd.Timedelta("1s")
    texts: dict[object, str] = {}
    for each, went in zip(events.itertuples(), epoch, strict=True):
        at = row[each.member]
        link = f"{LINK}?member={at}" if each.kind == "unsubscribe" else ""
        what = Happened(
            at,
            "click" if link else str(each.kind),
            went + each.seconds,
            int(each.slot),
            AGENTS[str(each.agent)],
            str(each.network),
            link=link,
        )
        text = write_rows("mailgun", post, [what])
        text = text.replace(f"Reader{at}@Example.org", f"reader{at}@{each.domain}")
        text = text.replace(what.id, str(each.event))
        texts[at] = text
        lines[at % 3 == 0].append(text)
    mailed = (events["member"].map(row), epoch)
    for at, went in dict(zip(*mailed, strict=True)).items():
        lines[0].append(write_rows("mailgun", post, [Happened(at, "delivered", went)]))
    for at in np.flatnonzero(~feedback.delivered):
        lines[0].append(write_rows("mailgun", post, [Happened(int(at), "bounce", went)]))
    files = [desk / f"{context.campaign}-{number}.jsonl" for number in (0, 1)]
    for file, some in zip(files, lines, strict=True):
        file.write_text("\n".join(some))
    return list(map(str, files))


@pytest.mark.parametrize("issues", ISSUES)
@pytest.mark.parametrize("quiet", [True, False])
def test_a_year_of_sends_comes_back_as_the_simulator_knows_it(
    issues: int, quiet: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the bit what the simulator's own log recorded; without noise nearly what members did.

    What is lost there are opens within minutes of delivery, which the filter takes for machines'.
    """
    monkeypatch.setattr("tests.support.ingest_cases.START", 0.0)
    association = Association(members=150, issues=issues, pool=10, slots=4, text_dims=8)
    policy, noise = Random(), Noise(seed=5, **(QUIET if quiet else {"gateways": no_heads()}))
    policy.start(association.features)
    target = "bandit.policies.random.Random"
    bundle.write(tmp_path / "bundle", policy, target, {}, association.features, {})
    (tmp_path / "links.yaml").write_text(f"unsubscribe: ['{LINK}*']\n")
    known, true = [], []
    for number in range(1, issues + 1):
        context = association.issue(number)
        sent = send_issue(tmp_path, context)
        slates = read_slates(sent / "slates.parquet", context)
        feedback = association.respond(context, slates)
        files = write_events(tmp_path, sent, noise, context, slates, feedback)
        words = [str(sent), *files, "--links", str(tmp_path / "links.yaml")]
        assert ingest.main([*words, "--window", "3650", "--log", str(tmp_path / "log")]) == 0
        recorded = record_feedback(noise, context, slates, feedback, True, 7)
        known.append((context, slates, recorded))
        true.append(feedback)
    rounds = list(archive.read(tmp_path / "log", association.features))
    assert len(rounds) == issues
    for round, (context, slates, feedback) in zip(rounds, known, strict=True):
        assert round.context.campaign == context.campaign
        assert np.array_equal(round.context.member_ids, context.member_ids)
        assert np.array_equal(round.slates.choice, slates.choice)
        assert np.array_equal(round.slates.propensity, slates.propensity)
        for name in NAMES[:4]:
            got, told = getattr(round.feedback, name), getattr(feedback, name)
            assert np.array_equal(got, told), (name, context.campaign)
    if quiet:
        pairs = [(round.feedback, did) for round, did in zip(rounds, true, strict=True)]
        assert all(np.array_equal(got.clicked, did.clicked) for got, did in pairs)
        assert sum((got.opened != did.opened).sum() for got, did in pairs) <= 0.01 * sum(
            did.opened.sum() for _, did in pairs
        )


@pytest.mark.parametrize(
    ("members", "issues"),
    [
        pytest.param(100, 3, id="few"),
        pytest.param(800, 52, id="year", marks=pytest.mark.slow),
    ],
)
def test_learning_by_the_commands_is_learning_in_the_simulator(
    members: int, issues: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Send, events with noise, ingest, update, send: to the bit what `play` does with that noise.

    A year of it gives at least .97 of the clicks of learning from what people did.
    """
    monkeypatch.setattr("tests.support.ingest_cases.START", 0.0)
    noise = Noise(seed=5, gateways=no_heads())
    size: dict[str, Any] = {
        "members": members,
        "issues": issues,
        "pool": 20,
        "slots": 4,
        "text_dims": 8,
    }
    association = Counted(seed=7, noise=noise, **size)
    policy = Profile()
    policy.start(association.features)
    target = "bandit.policies.profile.Profile"
    bundle.write(tmp_path / "bundle-0", policy, target, {}, association.features, {})
    (tmp_path / "links.yaml").write_text(f"unsubscribe: ['{LINK}*']\n")
    log, seen = str(tmp_path / "log"), str(tmp_path / "seen.parquet")
    for number in range(1, issues + 1):
        context = association.issue(number)
        old, new = (f"bundle-{each}" for each in (number - 1, number))
        sent = send_issue(tmp_path, context, old)
        slates = read_slates(sent / "slates.parquet", context)
        did = association.people(context, slates)
        files = write_events(tmp_path, sent, noise, context, slates, did)
        words = [str(sent), *files, "--links", str(tmp_path / "links.yaml"), "--log", log]
        assert ingest.main([*words, "--window", "3650"]) == 0
        words = [str(tmp_path / old), log, str(tmp_path / new), "--seen", seen]
        assert update.main(words) == 0
        association.respond(context, slates)
    played = Profile()
    *_, round = play(played, Association(seed=7, noise=noise, **size))
    learned = bundle.read(tmp_path / f"bundle-{issues}").policy.state()
    assert all(np.array_equal(learned[name], each) for name, each in played.state().items())
    assert np.array_equal(round.slates.choice, slates.choice)
    other, sender = Popular(), Profile()
    for each in (other, sender):
        each.start(association.features)
    rounds = list(archive.read(Path(log), association.features))
    found = judge(other, rounds, 1, False, sender, 0, 2, 0.2, sender_from=1)
    assert found.whole is not None  # the archive's chances are those of the bundles that sent it
    assert found.clicks == sum(int(each.feedback.clicked.sum()) for each in rounds) > 0
    with pytest.raises(ValueError, match="it is not the policy that sent this"):
        judge(other, rounds, 1, False, other, 0, 2, 0.2)
    if issues >= 26:
        told = Counted(seed=7, **size)
        list(play(Profile(), told))
        assert association.clicks >= 0.97 * told.clicks


def no_heads() -> dict[str, dict[str, float]]:
    """Gateways that send no HEAD requests, of which providers tell nothing."""
    return {"quick": {"weight": 0.7}, "slow": {"weight": 0.3, "gap": 2.0}}
