"""Mails and their slots in the log: those left closed, and slots that only a link tells."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bandit.log import archive
from bandit.policies.popular import Popular
from bandit.policies.profile import Profile
from bandit.policy import Policy
from serving.ingest.book import Book
from serving.ingest.matching import OTHER, Matcher
from serving.ingest.reading.links import Places
from serving.ingest.reading.mapping import find_mapping
from serving.ingest.reading.records import read_records
from simulators.association.association import Association
from tests.serving.ingest.test_ingest import ingest, write
from tests.support.desk_cases import N
from tests.support.ingest_cases import Happened, Post, list_days, write_rows

DAY = 86400.0


@pytest.mark.parametrize("kind", [Popular, Profile])
def test_an_unopened_mail_is_not_a_negative(
    kind: type[Policy], sent: Path, post: Post, tmp_path: Path, association: Association
) -> None:
    """Each mail has its rows, whatever came back, and nothing is learned from those left closed.

    Two mails were never heard of, one bounced, and one was opened when its events no longer count.
    """
    silent, bounced, tardy = (1, 2), 4, 5
    days = [each for each in list_days(post) if each.row not in silent]
    days += [Happened(bounced, "bounce", 60), Happened(tardy, "open", 31 * DAY)]
    file = write(tmp_path, "mailgun", write_rows("mailgun", post, days))
    told = ingest(sent, tmp_path / "log", file)
    assert told["aside"] == {"more than 30 days after delivery": 1}
    (round,) = archive.read(tmp_path / "log", association.features)
    feedback, opened = round.feedback, np.arange(N) % 3 == 0
    assert round.context.member_ids.tolist() == [mail["member"] for mail in post.mails]
    assert np.array_equal(feedback.opened, opened)
    assert np.flatnonzero(~feedback.delivered).tolist() == [bounced]
    assert not feedback.clicked[~opened].any()
    assert (feedback.examined[~opened] == -1).all()  # nobody knows that a slot was passed over
    row, *_ = round.list_exposures()
    assert set(row) == set(np.flatnonzero(opened))
    whole, part = kind(), kind()
    for policy, shown in ((whole, round), (part, round.take(np.flatnonzero(opened)))):
        policy.start(association.features)
        policy.learn(shown)
    known, learned = whole.state(), part.state()
    assert known.keys() == learned.keys()
    assert all(np.array_equal(known[name], learned[name]) for name in known)


def strip(link: str) -> str:
    """A link as an association writes it, without our ids and what platforms add."""
    return link.partition("?")[0]


def test_two_links_to_one_article_are_one_slot(
    sent: Path, post: Post, tmp_path: Path, association: Association
) -> None:
    """Title and image of an article are links of their own; neither has our ids here."""
    mail = post.mails[6]
    where = {slot["slot"]: strip(slot["url"]) for slot in mail["slots"]}
    slot = max(where)
    absent = next(
        strip(other["url"])
        for each in post.mails
        for other in each["slots"]
        if strip(other["url"]) not in where.values()
    )
    title = where[slot] + "?utm_source=mail&utm_content=title"
    links = (title, where[slot].replace("news.", "News.") + "/?mc_eid=5#image", absent)
    days = [*list_days(post, every=N), Happened(6, "open", 4000)]
    days += [
        Happened(6, "click", 4060 + 40 * place, slot, link=link) for place, link in enumerate(links)
    ]
    file = write(tmp_path, "mailgun", write_rows("mailgun", post, days))
    told = ingest(sent, tmp_path / "log", file)
    assert told["aside"] == {"its article is not in the member's mail": 1}
    (round,) = archive.read(tmp_path / "log", association.features)
    assert np.flatnonzero(round.feedback.clicked[6]).tolist() == [slot - 1]
    events = pd.read_parquet(tmp_path / "log" / "events" / "001.parquet")
    clicks = events[(events["member"] == mail["member"]) & (events["kind"] == "click")]
    assert clicks["slot"].tolist() == [slot, slot]


def test_a_click_on_another_article_s_link_than_its_slot_s_is_set_aside(
    sent: Path, post: Post, tmp_path: Path
) -> None:
    """As where a send was made again with other options, and the folder of the first is given."""
    own, other = post.mails[6]["slots"][:2]
    link = f"{strip(other['url'])}?{own['url'].partition('?')[2]}"
    days = [*list_days(post, every=N), Happened(6, "open", 4000)]
    days += [Happened(6, "click", 4060, own["slot"], link=link)]
    file = write(tmp_path, "mailgun", write_rows("mailgun", post, days))
    told = ingest(sent, tmp_path / "log", file)
    assert told["aside"] == {OTHER: 1}


def test_a_link_of_two_slots_is_neither_s_unless_our_id_tells(sent: Path, post: Post) -> None:
    """Two articles of a mail may have one address."""
    book = Book.read(sent)
    one = replace(book, link=np.append(np.zeros(len(book.pool), dtype=np.int64), -1))
    slot = post.mails[0]["slots"][1]
    links = (strip(post.link(Happened(0, "click", 60, slot["slot"]))), "")
    texts = [
        write_rows("mailgun", post, [Happened(0, "click", 60, slot["slot"], link=link)])
        for link in links
    ]
    rows = [json.loads(text) for text in texts]
    mapping = find_mapping(rows, [])
    assert mapping
    table = read_records(mapping, rows).table
    matcher = Matcher(replace(one, links=[table["link"][0].as_py()]), Places({}))
    matcher.learn(table)
    matcher.settle()
    _, found = matcher.find_links(table, matcher.find(table))
    assert found.why.to_pylist() == ["its link is in two slots", ""]
    assert found.slot.tolist() == [0, slot["slot"]]
