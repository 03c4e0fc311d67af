"""The page an editor approves: it says what is mailed, and nothing on it runs or is fetched."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from serving import send
from tests.support.desk_cases import K, N, list_arguments


class Page(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " " * (tag in ("dd", "td", "dt", "br"))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def page(unit: Path, desk: Path) -> Page:
    """Of a second issue, after a first one with another pool, with odd titles and void rules."""
    pool = pd.read_parquet(desk / "pool.parquet")
    pool.iloc[:9].to_parquet(desk / "first.parquet")
    asked = {"campaign": "week-29", "out": desk / "first", "pool": desk / "first.parquet"}
    assert send.main(list_arguments(desk, unit / "bundle", **asked)) == 0
    pool = pool.iloc[2:].reset_index(drop=True)
    pool.loc[4:, "kind"] = "event"
    first, second = np.flatnonzero(pool["kind"] != "event")[:2]
    pool.loc[first, "title"] = (
        "<script>alert(1)</script>Naloxone &lt;img src=x onerror=alert(2)&gt;"
    )
    pool.loc[second, "title"] = (
        '"><img src="https://evil.example.org/x.png"> {{ campaign }} \u202ecba'
    )
    pool.to_parquet(desk / "pool.parquet")
    pins = {1: pool["article"][first], 2: pool["article"][second]}
    rules = f"slots: {K}\npins: {pins}\nat_least: {{kind: {{event: {K - 1}}}}}\n"
    (desk / "rules.yaml").write_text(rules)
    members = pd.read_parquet(desk / "members.parquet")["member"]
    (desk / "left.csv").write_text(f"member\n{members[0]}\n")
    more = ["--sent", str(desk / "first"), "--suppress", str(desk / "left.csv")]
    more += ["--holdout", ".3", "--series", "2026"]
    assert send.main([*list_arguments(desk, unit / "bundle"), *more]) == 0
    return Page((desk / "out" / "preview.html").read_text(encoding="utf-8"))


def test_nothing_on_the_page_runs_or_is_fetched(page: Page) -> None:
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "link", "iframe", "object", "form", "a"}
    attributes = {name for _, given in page.tags for name in given}
    assert not [name for name in attributes if name.startswith("on") or name in ("src", "href")]
    policy = [given for tag, given in page.tags if "http-equiv" in given]
    assert policy[0]["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in page.text
    assert "\u202e" not in page.text
    assert "{\u200b{ campaign }}" in page.text  # shown as it was written, not filled in


def test_the_page_says_what_is_mailed(page: Page, desk: Path) -> None:
    told = json.loads((desk / "out" / "send.json").read_text())
    text = " ".join(page.text.split())
    assert f"{N - 1} newsletters wait for your approval" in text
    assert f"{told['held_out']} members are held out, for good in 2026: random newsletters" in text
    assert "1 members are on a list" in text
    letters = [
        given for tag, given in page.tags if (given.get("class") or "").startswith("letter ")
    ]
    assert len(letters) == 10
    assert text.count("pinned by the editor") == 20
    slates = pd.read_parquet(desk / "out" / "slates.parquet")
    reach = slates["article"].value_counts()
    for article, facts in told["reach"].items():
        assert facts["members"] == reach.get(article, 0)
        assert re.search(rf"· {article}[^%]*? {facts['members']} ", text), article
    exploring = (slates["role"] == 3).mean()
    assert f"{100 * exploring:.0f}\u00a0% of the slots explore" in page.text.replace("\n", " ")


def test_the_page_says_what_was_given_up_and_what_is_new(page: Page, desk: Path) -> None:
    told = json.loads((desk / "out" / "send.json").read_text())
    text = " ".join(page.text.split())
    rule = f"at_least kind 'event' = {K - 1}"
    assert told["given_up"] == {rule: N - 1}
    (sentence,) = told["contradictions"]
    assert sentence == (
        f"no newsletter can obey {rule}, the pin of slot 1 and the pin of slot 2 "
        f"(given up: {rule} in {N - 1} newsletters)"
    )
    assert sentence[1:] in text
    assert f"{rule} {N - 1} newsletters" in text
    assert "2 of 9 articles are new, 7 were in the last pool as well." in text
    assert "0 members are mailed who were not, and 1 no longer." in text
    assert "The bundle is the same." in text
    assert "Reached in week-29" in text
