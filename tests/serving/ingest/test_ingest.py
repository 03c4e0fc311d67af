"""From a send and a provider's files to the log: the same whoever mailed it, nothing lost."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bandit.core.files import read_json
from bandit.log import archive
from serving.ingest.__main__ import main
from simulators.association.association import Association
from tests.support.desk_cases import K, N
from tests.support.ingest_cases import (
    ENDS,
    PROVIDERS,
    START,
    Happened,
    Post,
    list_days,
    read_files,
    write_rows,
)


def ingest(sent: Path, log: Path, *words: object) -> dict[str, object]:
    """Add an issue, and return what the log notes of the last one."""
    assert main([str(sent), *map(str, words), "--log", str(log)]) == 0
    told = read_json(log / "ingest.json")
    return dict(told[max(told)])


def write(folder: Path, provider: str, text: str, name: str = "") -> Path:
    path = folder / f"{name or provider}.{ENDS.get(provider, 'json')}"
    path.write_text(text, encoding="utf-8")
    return path


def write_addresses(folder: Path, post: Post) -> Path:
    rows = [
        {"Member ID": mail["member"], "E-mail": post.name(i)} for i, mail in enumerate(post.mails)
    ]
    pd.DataFrame(rows).to_csv(folder / "addresses.csv", index=False)
    return folder / "addresses.csv"


@pytest.mark.parametrize("provider", PROVIDERS)
def test_whoever_mailed_it_the_log_is_what_happened(
    provider: str, sent: Path, post: Post, tmp_path: Path, association: Association
) -> None:
    days = list_days(post)
    if provider not in ("mailchimp",):
        days += [Happened(7, "unsubscribe", 7200), Happened(8, "complaint", 7300)]
    days.append(Happened(11, "bounce", 60))
    file = write(tmp_path, provider, write_rows(provider, post, days))
    words = ["--addresses", write_addresses(tmp_path, post)] if provider == "mailchimp" else []
    words += ["--delivered-at", "2026-07-07T14:00:03Z"] if provider == "mailchimp" else []
    told = ingest(sent, tmp_path / "log", file, *words)
    assert told["aside"] == {}
    assert told["duplicates"] == 0
    (round,) = archive.read(tmp_path / "log", association.features)
    rows = {
        kind: sorted({each.row for each in days if each.kind == kind}) for kind in ("open", "click")
    }
    clicks = np.zeros((N, K), dtype=bool)
    for each in days:
        if each.kind == "click":
            clicks[each.row, each.slot - 1] = True
    assert np.array_equal(round.feedback.clicked, clicks)
    assert np.flatnonzero(round.feedback.opened).tolist() == rows["open"]
    lost = np.flatnonzero(~round.feedback.delivered).tolist()
    assert lost == [11]
    gone = [] if provider == "mailchimp" else [7, 8]
    assert np.flatnonzero(round.feedback.unsubscribed).tolist() == gone
    events = pd.read_parquet(tmp_path / "log" / "events" / "001.parquet")
    least = 1.0 if provider in ("sendgrid", "salesforce", "mailchimp") else 1e-3
    where = events[events["kind"] == "open"].set_index("member")["seconds"]
    for each in (each for each in days if each.kind == "open"):
        went = 3 if provider == "mailchimp" else each.row % 7
        seconds = where[post.mails[each.row]["member"]]
        assert seconds == pytest.approx(each.seconds - went, abs=least)


def test_nothing_is_lost_and_everything_is_counted(sent: Path, post: Post, tmp_path: Path) -> None:
    """Rows in are rows used, duplicates and rows set aside, whatever comes."""
    days = list_days(post)
    good = [json.loads(line) for line in write_rows("mailgun", post, days).splitlines()]
    odd = [json.loads(json.dumps(good[0])) for _ in range(8)]
    for number, row in enumerate(odd):
        row["event-data"] |= {"id": f"odd-{number}", "event": "opened"}
    odd[0]["event-data"]["timestamp"] = "yesterday"
    odd[1]["event-data"]["timestamp"] = "2026-07-07 15:00:00"
    del odd[2]["event-data"]["timestamp"]
    odd[3]["event-data"]["event"] = "levitated"
    odd[4]["event-data"]["user-variables"]["member"] = "nobody"
    odd[5]["event-data"] |= {"event": "clicked", "url": "https://elsewhere.example.org/"}
    odd[6]["event-data"]["timestamp"] += 90 * 86400
    odd[7]["event-data"]["user-variables"]["campaign"] = "2026-26"
    lines = [json.dumps(row) for row in good + odd] + ['{"event-data": {"id": "torn', "17"]
    lines += [json.dumps(good[-1])] * 45
    file = write(tmp_path, "mailgun", "\n".join(lines))
    told = ingest(sent, tmp_path / "log", file)
    assert told["rows"] == {"mailgun": len(lines)}
    assert told["used"] == len(good)
    assert told["duplicates"] == 45
    assert told["aside"] == {
        "a time without a zone": 1,
        "an impossible time": 1,
        "its link is nobody's: see --links": 1,
        "its member was not mailed": 1,
        "it is of another campaign": 1,
        "kind levitated is not read": 1,
        "more than 30 days after delivery": 1,
        "no time": 1,
        "not JSON": 1,
        "not a row": 1,
    }
    aside = pd.read_parquet(tmp_path / "log" / "aside" / "001.parquet")
    assert aside["count"].sum() == 10
    assert aside["row"].str.contains("levitated").sum() == 1


def test_files_of_three_providers_make_one_log_in_any_order(
    sent: Path, post: Post, tmp_path: Path
) -> None:
    """Also where they are cut otherwise, and overlap."""
    days = list_days(post)
    parts = {
        name: [each for each in days if each.row % 3 == number]
        for number, name in enumerate(("mailgun", "postmark", "ses"))
    }
    texts = {name: write_rows(name, post, part) for name, part in parts.items()}
    files = [write(tmp_path, name, text) for name, text in texts.items()]
    ingest(sent, tmp_path / "log", *files)
    whole = read_files(tmp_path / "log")
    rng = np.random.default_rng(3)
    pieces = []
    for name, text in texts.items():
        lines = np.array(text.splitlines(), dtype=object)
        rng.shuffle(lines)
        for number, part in enumerate(np.array_split(lines, 3)):
            pieces.append(write(tmp_path, name, "\n".join(part), f"{name}-{number}"))
    pieces = [pieces[at] for at in rng.permutation(len(pieces))]
    ingest(sent, tmp_path / "other", *pieces)
    assert read_files(tmp_path / "other") == whole
    told = ingest(sent, tmp_path / "twice", *files, pieces[0])
    assert told["duplicates"]
    for name in ("log/001.parquet", "events/001.parquet"):
        assert read_files(tmp_path / "twice")[name] == whole[name]


def test_an_issue_that_is_in_the_log_stays_and_others_come_behind_it(
    sent: Path, post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    days = list_days(post)
    file = write(tmp_path, "mailgun", write_rows("mailgun", post, days))
    ingest(sent, tmp_path / "log", file)
    whole = read_files(tmp_path / "log")
    ingest(sent, tmp_path / "log", file)
    assert "was there already" in capsys.readouterr().out
    more = write(
        tmp_path, "mailgun", write_rows("mailgun", post, [*days, Happened(1, "open", 900)])
    )
    assert main([str(sent), str(more), "--log", str(tmp_path / "log")]) == 2
    assert "a log is only added to" in capsys.readouterr().err
    assert read_files(tmp_path / "log") == whole
    assert [path.name for path in tmp_path.glob(".*")] == []


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_order_and_no_division_changes_the_bytes(
    data: st.DataObject, sent: Path, post: Post, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Of files and of rows, good ones and bad."""
    folder = tmp_path_factory.mktemp("order")
    rows = [write_rows("postmark", post, [each]) for each in list_days(post, every=4)]
    rows += rows[:9] + ['{"RecordType": "Open"', '{"RecordType": "Open", "MessageID": "1"}'] * 2
    rows.append(write_rows("postmark", post, [Happened(2, "open", 1e9)]))
    texts = ["\n".join(rows), "\n".join(data.draw(st.permutations(rows)))]
    logs = []
    for number, text in enumerate(texts):
        cut = data.draw(st.integers(1, len(rows) - 1)) if number else len(rows) // 2
        lines = text.split("\n")
        # whose a file is must show in it
        parts = [[rows[0], *lines[:cut]], [rows[0], *lines[cut:]]]
        files = [folder / f"{number}-{part}.jsonl" for part in (0, 1)]
        for file, part in zip(files, parts, strict=True):
            file.write_text("\n".join(part))
        log = folder / f"log-{number}"
        assert main([str(sent), *map(str, files[:: 1 - 2 * number]), "--log", str(log)]) == 0
        logs.append(read_files(log))
    assert logs[0] == logs[1]


def test_a_second_delivery_is_of_the_same_decision(sent: Path, post: Post, tmp_path: Path) -> None:
    """Seconds count from the delivery of the message that was opened."""
    day = 86400.0
    texts = [
        write_rows("mailgun", post, [Happened(5, "delivered", 0), Happened(6, "delivered", 0)]),
        write_rows("mailgun", post, [Happened(5, "delivered", 2 * day)]).replace("m5@", "again@"),
        write_rows("mailgun", post, [Happened(5, "open", 2 * day + 5000)]).replace("m5@", "again@"),
        write_rows("mailgun", post, [Happened(6, "open", 3600)]),
    ]
    told = ingest(sent, tmp_path / "log", write(tmp_path, "mailgun", "\n".join(texts)))
    assert (told["used"], told["opened"]) == (5, 2)
    events = pd.read_parquet(tmp_path / "log" / "events" / "001.parquet")
    assert sorted(events["seconds"].round(3)) == [3600.0, 5000.0]


def test_a_bounce_after_an_open_does_not_undo_it(
    sent: Path, post: Post, tmp_path: Path, association: Association
) -> None:
    days = [Happened(3, "delivered", 0), Happened(3, "open", 600), Happened(3, "bounce", 900)]
    file = write(tmp_path, "mailgun", write_rows("mailgun", post, days))
    ingest(sent, tmp_path / "log", file)
    (round,) = archive.read(tmp_path / "log", association.features)
    assert round.feedback.delivered.all()
    assert np.flatnonzero(round.feedback.opened).tolist() == [3]


@pytest.mark.parametrize("address", ["to", "{first: [to], lower: true}"])
def test_addresses_are_known_without_their_capital_letters(
    address: str, sent: Path, post: Post, tmp_path: Path
) -> None:
    """Whether or not the provider's mapping says so, in any alphabet."""
    mapping = tmp_path / "tracker.yaml"
    mapping.write_text(
        f"provider: tracker\naddress: {address}\nkind: what\nkinds: {{sent: delivered}}\ntime: at\n"
    )
    rows = [{"to": f"İΝΑΣ.{post.name(i)}", "what": "sent", "at": START} for i in range(len(post))]
    file = write(tmp_path, "tracker", json.dumps(rows))
    known = write_addresses(tmp_path, post)
    table = pd.read_csv(known)
    table.assign(**{"E-mail": "İΝΑΣ." + table["E-mail"]}).to_csv(known, index=False)
    words = ["--mapping", mapping, "--addresses", known]
    told = ingest(sent, tmp_path / "log", file, *words)
    assert (told["used"], told["aside"]) == (len(rows), {})


def test_clocks_are_said(sent: Path, post: Post, tmp_path: Path) -> None:
    """Milliseconds are read as what they are; opens that come hours early are told."""
    days = list_days(post, every=1)
    rows = [json.loads(row) for row in write_rows("mailgun", post, days).splitlines()]
    for row in rows:
        row["event-data"]["timestamp"] *= 1000
        if row["event-data"]["event"] != "delivered":
            row["event-data"]["timestamp"] -= 3 * 3600 * 1000
    file = write(tmp_path, "mailgun", "\n".join(map(json.dumps, rows)))
    told = ingest(sent, tmp_path / "log", file)
    assert told["clocks"] == [
        f"mailgun: {len(days)} times were in milliseconds",
        "mailgun: 100.0 % of opens and clicks are before their mail was delivered",
        "mailgun: times look 3 hours early: is the zone right?",
    ]


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ('{"a": 1}', [], "it is no provider's that is known here; say what it calls things by"),
        ("", [], "the files hold no rows, as after an export"),
        (
            "[]",
            ["--delivered-at", "2026-07-07T14:00Z"],
            "the files hold no rows, as after an export",
        ),
        ("", ["--delivered-at", "9" * 400], "999' is an impossible time; must be such as"),
        ("mailchimp", [], "no file says when mails were delivered: give one that does"),
        ("mailchimp", ["--delivered-at", "2026-07-07T14:00"], "is a time without a zone; must be"),
        ("two mailings", [], "the files are of several mailings, 27, 28, and their rows do not"),
        ("mailchimp", ["--window", "0"], "--window = 0.0; must be at least 0.01"),
    ],
)
def test_what_cannot_be_ingested_leaves_nothing(
    text: str,
    words: list[str],
    said: str,
    sent: Path,
    post: Post,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if text == "mailchimp":
        text = write_rows("mailchimp", post, list_days(post))
    if text == "two mailings":
        text = write_rows("salesforce", post, list_days(post))
        text += text.split("\n", 1)[1].replace("27,", "28,", 1)
    file = write(tmp_path, "mailgun", text)
    assert main([str(sent), str(file), *words, "--log", str(tmp_path / "log")]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert [path.name for path in tmp_path.iterdir()] == [file.name]
