"""The merge files: what a platform is given says what the slates say, and can do no harm."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import send
from serving.letters.links import check_link, split_link
from serving.letters.plain import drop_last_calls, keep_from_sheets, make_plain
from tests.support.desk_cases import K, list_arguments

ODD = [
    "Q&amp;A: <b>naloxone</b> &#8212; what changed",
    '=HYPERLINK("http://example.org";"free") | tumor: a\u202ebc',
    "line one\nline two",
    "@here, -50 % | {{member.email}} *|EMAIL|*",
    "&lt;script&gt;alert(1)&lt;/script&gt; 5 < 6, p<.05",
    "La vacunación, \u05e9\u05dc\u05d5\u05dd",
]


@pytest.fixture
def odd(desk: Path) -> Path:
    """A pool of odd titles; one article has neither link nor image, another a link to a place."""
    pool = pd.read_parquet(desk / "pool.parquet")
    pool.loc[:5, "title"] = ODD
    pool.loc[:5, "summary"] = ODD[::-1]
    pool.loc[2, "url"] = None
    pool.loc[3, "url"] = "https://news.example.org/a?utm_source=feed&x=%20#part"
    pool["image"] = "https://img.example.org/a.png"
    pool["subject"] = [None, "Come to Cleveland", *[None] * (len(pool) - 2)]
    pool.to_parquet(desk / "pool.parquet")
    return desk


def test_both_merge_files_say_what_the_slates_say(unit: Path, odd: Path) -> None:
    assert send.main(list_arguments(odd, unit / "bundle")) == 0
    out, pool = odd / "out", pd.read_parquet(odd / "pool.parquet").fillna("").set_index("article")
    slates = pd.read_parquet(out / "slates.parquet")
    lines = [json.loads(line) for line in (out / "merge.jsonl").read_text().split("\n")[:-1]]
    with (out / "merge.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = ["member", "mail", "subject", "title_1", "summary_1", "url_1", "image_1", "event_1"]
    assert list(rows[0])[:8] == names
    assert len(lines) == len(rows) == slates["member"].nunique()
    groups = slates.groupby("member", sort=False)
    for (member, slots), line, row in zip(groups, lines, rows, strict=True):
        assert (line["member"], row["member"]) == (member, str(member))
        assert line["mail"] == row["mail"] == slots["mail"].iloc[0]
        shown = slots.dropna(subset="article")
        lead = pool.loc[shown["article"].iloc[0]]
        subject = make_plain(lead["subject"] or lead["title"])
        assert (line["subject"], row["subject"]) == (subject, keep_from_sheets(subject))
        assert [slot["slot"] for slot in line["slots"]] == shown["slot"].tolist()
        for slot, told in zip(shown.itertuples(), line["slots"], strict=True):
            article, event = pool.loc[slot.article], slot.event
            before, behind = split_link(article["url"] or "")
            link = f"{before}{event}{behind}" if article["url"] else ""
            assert (told["article"], told["event"], told["url"]) == (slot.article, event, link)
            assert told["title"] == make_plain(article["title"])
            for name in ("title", "summary", "url", "image", "event"):
                cell = row[f"{name}_{slot.slot}"]
                assert cell == keep_from_sheets(told[name]), name
    links = {slot["url"] for line in lines for slot in line["slots"]}
    assert any(link.endswith("#part") and "&x=%20&lb=s" in link for link in links)


def test_nothing_in_a_merge_file_is_read_as_code(unit: Path, odd: Path) -> None:
    assert send.main(list_arguments(odd, unit / "bundle")) == 0
    text = (odd / "out" / "merge.csv").read_text(encoding="utf-8")
    for harm in ("<script", "<b>", "{{", "*|", "\u202e", "\r"):
        assert harm not in text, harm
    with (odd / "out" / "merge.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r")]
    assert "\u200b=HYPERLINK" in text
    assert "5 < 6, p<.05" in text
    assert "line one line two" in text
    assert "\u05e9\u05dc\u05d5\u05dd" in text


@given(
    text=st.text()
    | st.text(alphabet="<>&;=+-@|{}*% \n\u202ea1!/\u200b\u200e\u200f\u061c\ufeff\u200d\uff1d")
)
def test_plain_text_stays_plain(text: str) -> None:
    """Made plain twice it is the same, one line, in which nothing begins a tag or a field."""
    plain = make_plain(text)
    assert make_plain(plain) == plain
    assert len(plain.splitlines()) <= 1
    assert "{{" not in plain
    assert "*|" not in plain
    assert not re.search("<[a-zA-Z/!?]", plain)
    assert keep_from_sheets(plain)[:1] not in {*"=+-@", "\uff1d", "\uff0b", "\uff0d", "\uff20"}
    assert not re.search("[\u200e\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff]", plain)
    assert keep_from_sheets(plain).replace("\u200b", "") == plain.replace("\u200b", "")


@pytest.mark.parametrize(
    ("link", "parts"),
    [
        ("https://e.org", ("https://e.org?lb=", "")),
        ("https://e.org/a?b=c", ("https://e.org/a?b=c&lb=", "")),
        ("https://e.org/a?#d?e", ("https://e.org/a?lb=", "#d?e")),
        ("https://e.org/#", ("https://e.org/?lb=", "#")),
    ],
)
def test_the_event_stands_in_the_query(link: str, parts: tuple[str, str]) -> None:
    assert split_link(link) == parts


def test_marks_that_nobody_sees_are_left_out_of_texts() -> None:
    """Direction, no width, a byte order mark within; what scripts and pictures need stays."""
    assert make_plain("a\u200eb\u200fc\u061cd\ufeffe\u200bf\u2066g\u3164") == "abcdefg"
    for kept in ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469"):
        assert make_plain(kept) == kept
    assert make_plain("a\u200cb") == "ab"


@pytest.mark.parametrize(
    ("summary", "shown"),
    [
        ("The board met. Read more...", "The board met."),
        ("The board met Read More \u00bb", "The board met"),
        ("The board met. [Read more\u2026]", "The board met."),
        ("The board met. Read on. Click here to read more", "The board met."),
        ("Read more.", ""),
        ("Doors open at six. Register today.", "Doors open at six. Register today."),
        ("We read more in winter.", "We read more in winter."),
    ],
)
def test_a_call_to_read_on_is_no_part_of_a_summary(summary: str, shown: str) -> None:
    assert drop_last_calls(summary) == shown


@pytest.mark.parametrize(
    "link",
    [
        *("javascript:alert(1)", "example.org/a", "see https://e.org/a"),
        *("http:///a", "http://[/", "http://[::1/", "https://e.org:99999/", "https://e.org:x/"),
    ],
)
def test_what_is_no_web_address_is_refused(link: str, unit: Path, desk: Path, capsys: Any) -> None:
    pool = pd.read_parquet(desk / "pool.parquet")
    pool.loc[4, "url"] = link
    pool.to_parquet(desk / "pool.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 2
    said = capsys.readouterr().err
    assert f"pool.parquet article {pool['article'][4]!r}: url = {link!r}; must be a web" in said
    assert not (desk / "out").exists()


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("https://e.org/\x01", "holds U+0001"),
        ("https://e.org/a\u202eb", "holds U+202E"),
        ("https://e.org/\u200b", "holds U+200B"),
        ("https://e.org/{{contact.email}}", "holds '{{', by which mail platforms mark a field"),
        ("https://e.org/?a=*|EMAIL|*", "holds '*|', by which mail platforms mark a field"),
        ("https://e.org/%%email%%", "holds '%%', by which mail platforms mark a field"),
        ("https://e.org/?a=${x}", "holds '${', by which mail platforms mark a field"),
        (
            "https://e.org/a b",
            "= 'https://e.org/a b' holds a space at place 16, which no web addre",
        ),
        ("https://e.org/a b", "take it out, or write %20"),
        ('https://e.org/"x', "holds '\"' at place 15, which no web address does: take it out, or"),
        ("HTTPS://e.org/é<", "holds '<' at place 16, which no web address does"),
        (f"https://e.org/?lb=s{'0a' * 10}#b", f"is copied from a mail, whose id is 's{'0a' * 10}'"),
    ],
)
def test_a_link_with_a_field_or_a_hidden_mark_is_refused(link: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)):
        check_link("pool.csv article 'a': url", link)


def test_an_id_like_a_formula_is_refused_and_an_empty_newsletter_not_mailed(
    unit: Path, desk: Path, capsys: Any
) -> None:
    members = pd.read_parquet(desk / "members.parquet").astype({"member": "str"})
    pool = pd.read_parquet(desk / "pool.parquet")
    region = members["region"][0]
    pool.assign(only_region=region).to_parquet(desk / "pool.parquet")
    seen = pd.DataFrame({"member": members["member"][1:2], "article": ["b"]})
    seen.to_parquet(desk / "seen.parquet")
    members.to_parquet(desk / "members.parquet")
    assert send.main(list_arguments(desk, unit / "bundle")) == 0
    told = json.loads((desk / "out" / "send.json").read_text())
    there = int((members["region"] == region).sum())
    assert (told["mails"], told["empty_newsletters"]) == (there, len(members) - there)
    assert len((desk / "out" / "merge.jsonl").read_text().splitlines()) == there
    assert told["roles"]["empty"] == (len(members) - there) * K
    capsys.readouterr()
    for odd in ("=1+1", "\uff1d1+1"):
        members.loc[0, "member"] = odd
        members.to_parquet(desk / "members.parquet")
        assert send.main(list_arguments(desk, unit / "bundle", out=desk / "b")) == 2
        said = capsys.readouterr().err
        told = f"members.parquet row 0: member '{odd}': the id begins like a spreadsheet's formula"
        assert told in said
        assert not (desk / "b").exists()
