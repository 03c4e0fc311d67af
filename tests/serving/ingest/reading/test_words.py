"""What each provider calls an event, its mail, a program, a network: one table for all of them."""

import json
from pathlib import Path
from typing import Any

import pytest

from serving.ingest.reading.rows import Bad, read_pieces
from tests.serving.ingest.test_payloads import (
    TEXT,
    act,
    mailchimp,
    mailgun,
    postmark,
    salesforce,
    sendgrid,
    ses,
    understand,
)

# What a click or an open says beside its kind and time: event, message, agent, verdict, network.
SAID: dict[str, tuple[dict[str, Any], tuple[str | None, ...]]] = {
    "sendgrid": (
        sendgrid("open", useragent="curl/8.5", ip="198.51.100.7", sg_machine_open=True),
        ("open-1", "14c5d75ce93", "script", "proxy", "198.51.100"),
    ),
    "mailgun": (
        mailgun("opened", ip="192.0.2.9", **{"client-info": {"user-agent": "", "bot": "apple"}}),
        ("opened-1", "20260707.1@example.org", "none", "proxy", "192.0.2"),
    ),
    "mailgun: a machine": (
        mailgun("clicked", ip="192.0.2.9", **{"client-info": {"bot": "generic"}}),
        ("clicked-1", "20260707.1@example.org", "none", "bot", "192.0.2"),
    ),
    "postmark": (
        postmark("Open", ReceivedAt=TEXT, UserAgent="curl/8.5", Geo={"IP": "203.0.113.4"}),
        (None, "883953f4", "script", "none", "203.0.113"),
    ),
    "ses": (
        {"Type": "Notification", "TopicArn": "arn", "MessageId": "e-7", "Timestamp": TEXT}
        | {"Message": json.dumps(ses("Open", ipAddress="192.0.2.1", userAgent="curl/8.5"))},
        ("e-7", "0100-m1", "script", "none", "192.0.2"),
    ),
    "mailchimp": (
        mailchimp(act("open", ip="18.189.8.101")),
        (None, "42694e9e57/ann@example.org", "browser", "none", "18.189.8"),
    ),
    "salesforce": (salesforce("Open"), (None, "27/01213", "browser", "none", "unknown")),
}


@pytest.mark.parametrize("name", SAID)
def test_each_provider_s_words_are_ours(name: str, tmp_path: Path) -> None:
    """Where a provider gives no id of an event, it has one by all that is said of it."""
    row, (event, *said) = SAID[name]
    (tmp_path / "x").write_text(json.dumps(row) + "\n")
    (piece,) = read_pieces(tmp_path / "x")
    (record,) = understand(*(each for each in piece if not isinstance(each, Bad))).table.to_pylist()
    assert [record[each] for each in ("message", "agent", "verdict", "network")] == said
    assert record["event"] == event if event else len(record["event"]) > 8
