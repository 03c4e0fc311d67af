"""Ids: found among many, whose they are, and each event's used once, wherever its records lie."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ingest import ids, once
from serving.ingest.ids import Ids, Owners
from serving.ingest.once import Once
from tests.serving.ingest.test_ingest import ingest, write
from tests.support.ingest_cases import Happened, Post, list_days, read_files, write_rows

TEXTS = st.lists(st.none() | st.text("abé", max_size=3), max_size=12)


def hash_badly(texts: pa.Array) -> np.ndarray:
    """Few hashes for many texts, so that most have company."""
    return np.array([len(text or "") % 2 << 40 for text in texts.to_pylist()], dtype=np.uint64)


@given(TEXTS, TEXTS, st.booleans())
def test_an_id_is_found_where_it_first_stands(
    known: list[str | None], asked: list[str | None], badly: bool
) -> None:
    """Also where all have one of two hashes."""
    with pytest.MonkeyPatch.context() as patch:
        if badly:
            patch.setattr(ids, "hash_texts", hash_badly)
        found = Ids(pa.array(known, pa.string())).find(pa.array(asked, pa.string()))
    place = {text: at for at, text in reversed(list(enumerate(known)))}
    assert found.tolist() == [-1 if text is None else place.get(text, -1) for text in asked]


@given(st.lists(st.tuples(st.none() | st.sampled_from("abc"), st.integers(-1, 3)), max_size=9))
def test_what_two_have_is_nobody_s(pairs: list[tuple[str | None, int]]) -> None:
    texts = pa.array([text for text, _ in pairs], pa.string())
    owners = Owners(texts, np.array([at for _, at in pairs], dtype=np.int64))
    for text in "abcd":
        whose = {at for name, at in pairs if name == text}
        assert owners.find(pa.array([text]))[0] == (whose.pop() if len(whose) == 1 else -1)


ROWS = st.lists(
    st.tuples(st.sampled_from(["ses", "mailgun"]), st.text("ab", max_size=2), st.integers(0, 3)),
    max_size=20,
)


@given(ROWS, st.booleans())
def test_an_id_is_taken_from_the_mail_on_that_follows_its_first(
    rows: list[tuple[str, str, int]], badly: bool
) -> None:
    """Two providers' ids are two; also where all have one of two hashes."""
    table = pa.table({"provider": [row[0] for row in rows], "event": [row[1] for row in rows]})
    table = table.cast(pa.schema([("provider", pa.string()), ("event", pa.string())]))
    mail = np.array([row[2] for row in rows], dtype=np.int64)
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if badly:
            patch.setattr(once, "hash_texts", hash_badly)
        used = Once(Path(folder), 4)
        for half in (slice(0, len(rows) // 2), slice(len(rows) // 2, None)):
            chosen = np.arange(len(rows))[half]
            used.note(table.take(pa.array(chosen)), mail[half])
        used.settle()
        for number in range(4):
            mine = np.flatnonzero(mail == number)
            before = {row[:2] for row in rows if row[2] < number}
            found = used.find_taken(table.take(pa.array(mine)))
            assert found.tolist() == [rows[row][:2] in before for row in mine]


@pytest.mark.parametrize("mails", [1, 7, 40_000])
def test_an_id_of_several_mails_is_used_once_however_many_are_looked_at_together(
    mails: int, sent: Path, post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the first of them, whatever the order of the rows; those of the others lie aside."""
    monkeypatch.setattr("serving.ingest.buckets.MAILS", mails)
    days = [Happened(row, "delivered", 0) for row in range(len(post))]
    rows = write_rows("mailgun", post, days).splitlines()
    shared = [2, 3, 30, 31, 57]
    for row in shared:
        for _ in range(1 + row % 3):  # some of them sent again
            told = json.loads(write_rows("mailgun", post, [Happened(row, "open", 900 + row)]))
            told["event-data"]["id"] = "twice"
            rows.append(json.dumps(told))
    rows += write_rows("mailgun", post, list_days(post)[len(post) :]).splitlines()
    np.random.default_rng(mails).shuffle(rows)
    other = write_rows("ses", post, [Happened(57, "open", 1200)]).replace("open-57-0", "twice")
    files = [write(tmp_path, "mailgun", "\n".join(rows)), write(tmp_path, "ses", other)]
    told = ingest(sent, tmp_path / "log", *files)
    assert told["used"] == len(list_days(post)) + 2
    assert told["aside"] == {"its id is another event's": len(shared) - 1}
    assert told["duplicates"] == sum(row % 3 for row in shared)
    events = pd.read_parquet(tmp_path / "log" / "events" / "001.parquet")
    (whose,) = events.loc[events["event"] == "mailgun:twice", "member"]
    assert whose == post.mails[2]["member"]
    aside = pd.read_parquet(tmp_path / "log" / "aside" / "001.parquet")
    rest = [str(post.mails[row]["member"]) for row in shared[1:]]
    said = pa.array(aside["row"].astype(object))
    found = pc.struct_field(pc.extract_regex(said, r"member: (?P<who>[^;]+)"), "who")
    assert sorted(found.to_pylist()) == sorted(rest)


@pytest.mark.parametrize("least", [1, 2500])
def test_a_log_is_the_same_however_small_its_buckets_are(
    least: int, sent: Path, post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that memory holds are looked at together; of more records fewer mails are, or one."""
    file = write(tmp_path, "mailgun", write_rows("mailgun", post, list_days(post, every=1)))
    ingest(sent, tmp_path / "whole", file)
    monkeypatch.setattr("serving.ingest.buckets.LEAST", least)
    ingest(sent, tmp_path / "log", file)
    assert read_files(tmp_path / "log") == read_files(tmp_path / "whole")
    monkeypatch.setattr("serving.ingest.buckets.RECORDS", 1)
    told = ingest(sent, tmp_path / "apart", file)
    assert told["together"] == len(post)
    assert told["used"] == len(list_days(post, every=1))


def test_an_id_is_used_once_where_a_bucket_is_divided(
    sent: Path, post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of many different events is looked at in parts; how often they came does not matter."""
    opens = [Happened(row, "open", 900 + 70 * each) for row in range(20) for each in range(9)]
    days = [Happened(row, "delivered", 0) for row in range(len(post))]
    rows = write_rows("mailgun", post, [*days, *opens]).splitlines()
    for row in (3, 4, 19):
        told = json.loads(write_rows("mailgun", post, [Happened(row, "open", 5000)]))
        told["event-data"]["id"] = "twice"
        rows.append(json.dumps(told))
    file = write(tmp_path, "mailgun", "\n".join(rows))
    often = write(tmp_path, "mailgun", "\n".join([*rows, *rows[100:]] * 3), "often")
    for name, held in (("RECORDS", 40), ("HELD", 25), ("PARTS", 3)):
        monkeypatch.setattr(f"serving.ingest.buckets.{name}", held)
    told = ingest(sent, tmp_path / "log", file)
    assert told["together"] > 4
    assert (told["used"], told["aside"]) == (len(rows) - 2, {"its id is another event's": 2})
    assert ingest(sent, tmp_path / "often", often)["together"] == told["together"]
    for name in ("log/001.parquet", "events/001.parquet"):
        assert (tmp_path / "often" / name).read_bytes() == (tmp_path / "log" / name).read_bytes()
