"""From a send and a provider's files to the log: the same whoever mailed it, nothing lost."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit.core.files import read_json
from bandit.log import archive
from serving.ingest.__main__ import main
from simulators.association.association import Association
from tests.support.desk_cases import K, N
from tests.support.ingest_cases import (
    ENDS,
    PROVIDERS,
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
    rng.shuffle(pieces)  # type: ignore[arg-type]
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
