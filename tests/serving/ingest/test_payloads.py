"""What providers send, as their documentation has it, also what is odd: each becomes what it means.

The fields are those of the documented payloads; who and when is invented.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from serving.ingest.reading.agents import find_agent, find_network
from serving.ingest.reading.mapping import find_mapping, read_mapping
from serving.ingest.reading.records import Records, read_records
from serving.ingest.reading.rows import Bad, read_pieces

NOON, TEXT = 1783425600.0, "2026-07-07T12:00:00.000Z"
GONE, LEFT = {"unsubscribeAll": True}, {"unsubscribeAll": False}
TO = ["ann@example.org"]


def sendgrid(event: str, **more: Any) -> dict[str, Any]:
    told = {"email": "Ann@example.org", "timestamp": int(NOON), "sg_event_id": f"{event}-1"}
    return told | {"event": event, "sg_message_id": "14c5d75ce93.dfd.64b469.0", **more}


def mailgun(event: str, **more: Any) -> dict[str, Any]:
    message = {"headers": {"message-id": "20260707.1@example.org"}}
    inner = {"id": f"{event}-1", "event": event, "timestamp": NOON, "message": message}
    return {"signature": {"token": "t"}, "event-data": inner | {"recipient": TO[0], **more}}


def postmark(kind: str, **more: Any) -> dict[str, Any]:
    return {"RecordType": kind, "MessageID": "883953f4", "Recipient": TO[0], **more}


def bounce(kind: str) -> dict[str, Any]:
    when = "2026-07-07T08:00:00.1234567-04:00"
    return postmark("Bounce", ID=42, Type=kind, Email=TO[0], BouncedAt=when)


def suppress(reason: str | None, origin: str, sending: bool = True) -> dict[str, Any]:
    told = {"SuppressSending": sending, "SuppressionReason": reason, "Origin": origin}
    return postmark("SubscriptionChange", ChangedAt="2026-07-07T12:00:00Z", **told)


def ses(event: str, **inside: Any) -> dict[str, Any]:
    mail = {"timestamp": TEXT, "messageId": "0100-m1", "destination": TO, "tags": {}}
    return {"eventType": event, "mail": mail, event.lower(): {"timestamp": TEXT, **inside}}


def choose(preferences: dict[str, Any], *topics: str) -> dict[str, Any]:
    status = [{"topicName": "news", "subscriptionStatus": topic} for topic in topics]
    new = preferences | {"topicSubscriptionStatus": status}
    return ses("Subscription", source="UnsubscribeHeader", newTopicPreferences=new)


def salesforce(kind: str, category: str = "", send: str = "SendID") -> dict[str, Any]:
    told = {send: "27", "SubscriberKey": "01213", "EventDate": "7/7/2026 6:00:00 AM"}
    return told | {"EventType": kind, "BounceCategory": category}


def mailchimp(*activity: dict[str, Any]) -> dict[str, Any]:
    email = {"campaign_id": "42694e9e57", "email_id": "73c88ac1", "email_address": TO[0]}
    return {"emails": [email | {"activity": list(activity), "_links": []}], "total_items": 1}


def act(action: str, **more: Any) -> dict[str, Any]:
    return {"action": action, "timestamp": "2026-07-07T12:00:00+00:00", **more}


ROWS: dict[str, tuple[dict[str, Any], str]] = {
    "sendgrid: processed": (sendgrid("processed"), "ignore"),
    "sendgrid: deferred": (sendgrid("deferred", attempt="5", response="400 try again"), "ignore"),
    "sendgrid: blocked": (sendgrid("bounce", type="blocked", status="5.7.1"), "bounce"),
    "sendgrid: expired": (sendgrid("bounce", type="expired"), "bounce"),
    "sendgrid: dropped": (sendgrid("dropped", reason="Unsubscribed Address"), "bounce"),
    "sendgrid: no type": (sendgrid("bounce", reason="550 5.1.1"), "bounce"),
    "sendgrid: group": (sendgrid("group_unsubscribe", asm_group_id=10), "unsubscribe"),
    "sendgrid: back": (sendgrid("group_resubscribe", asm_group_id=10), "ignore"),
    "mailgun: for now": (mailgun("failed", severity="temporary", reason="greylisted"), "ignore"),
    "mailgun: for good": (mailgun("failed", severity="permanent", reason="bounce"), "bounce"),
    "mailgun: rejected": (mailgun("rejected", reject={"reason": "Sandbox"}), "bounce"),
    "mailgun: complained": (mailgun("complained"), "complaint"),
    "postmark: soft": (bounce("SoftBounce"), "bounce"),
    "postmark: transient": (bounce("Transient"), "ignore"),
    "postmark: absent": (bounce("AutoResponder"), "ignore"),
    "postmark: policy": (bounce("DMARCPolicy"), "bounce"),
    "postmark: asks to leave": (bounce("Unsubscribe"), "unsubscribe"),
    "postmark: left": (suppress("ManualSuppression", "Recipient"), "unsubscribe"),
    "postmark: put off": (suppress("ManualSuppression", "Customer"), "ignore"),
    "postmark: put off by Postmark": (suppress("ManualSuppression", "Admin"), "ignore"),
    "postmark: put off by a bounce": (suppress("HardBounce", "Recipient"), "bounce"),
    "postmark: put off by a complaint": (suppress("SpamComplaint", "Recipient"), "complaint"),
    "postmark: back": (suppress(None, "Customer", sending=False), "ignore"),
    "ses: for good": (ses("Bounce", bounceType="Permanent", bounceSubType="General"), "bounce"),
    "ses: absent": (ses("Bounce", bounceType="Transient", bounceSubType="General"), "ignore"),
    "ses: full": (ses("Bounce", bounceType="Transient", bounceSubType="MailboxFull"), "bounce"),
    "ses: unclear": (ses("Bounce", bounceType="Undetermined"), "ignore"),
    "ses: abuse": (
        ses("Complaint", complaintSubType=None, complaintFeedbackType="abuse"),
        "complaint",
    ),
    "ses: complained before": (
        ses("Complaint", complaintSubType="OnAccountSuppressionList"),
        "bounce",
    ),
    "ses: no spam": (ses("Complaint", complaintFeedbackType="not-spam"), "ignore"),
    "ses: left all": (choose(GONE, "OptOut"), "unsubscribe"),
    "ses: left one": (choose(LEFT, "OptOut"), "unsubscribe"),
    "ses: joined one": (choose(LEFT, "OptIn"), "ignore"),
    "ses: not rendered": (ses("Rendering Failure"), "bounce"),
    "ses: late": (ses("DeliveryDelay", delayType="SpamDetected"), "ignore"),
    "mailchimp: open": (mailchimp(act("open", ip="18.189.8.101")), "open"),
    "mailchimp: soft": (mailchimp(act("bounce", type="soft")), "bounce"),
    "salesforce: not sent": (salesforce("NotSent"), "bounce"),
    "salesforce: soft": (salesforce("SoftBounce"), "bounce"),
    "salesforce: block": (salesforce("Bounce", "Block bounce"), "bounce"),
    "salesforce: other": (salesforce("Bounce", "Technical or other bounce"), "bounce"),
    "salesforce: by job": (salesforce("Open", send="JobID"), "open"),
}


def understand(*rows: dict[str, Any], own: Path | None = None) -> Records:
    mappings = [read_mapping(own)] if own else []
    mapping = find_mapping(rows, mappings)
    assert mapping
    return read_records(mapping, rows)


@pytest.mark.parametrize("name", ROWS)
def test_what_a_provider_says_is_what_is_read(name: str) -> None:
    row, kind = ROWS[name]
    records = understand(row)
    if kind == "ignore":
        (why,) = records.aside["why"].to_pylist()
        assert why.endswith("tells nothing")
        return
    (record,) = records.table.to_pylist()
    assert (record["provider"], record["kind"]) == (name.partition(":")[0], kind)
    assert record["time"] == pytest.approx(NOON, abs=0.2)


def test_two_reports_of_one_campaign_know_each_event_by_one_id() -> None:
    """The second has an earlier event in front, or begins only where the first one ended."""
    first, click = act("open", ip="198.51.100.7"), act("click", url="https://example.org/a")
    late = act("open", ip="203.0.113.9")
    reports = ((first, click), (late, first, click), (click,))
    ids = [understand(mailchimp(*some)).table["event"].to_pylist() for some in reports]
    assert ids[1][1:] == ids[0]
    assert ids[2] == ids[0][1:]
    assert len(set(ids[1])) == 3


@pytest.mark.parametrize(
    ("page", "provider"), [(mailchimp(), "mailchimp"), ({"items": [], "paging": {}}, "mailgun")]
)
def test_a_page_on_which_nobody_did_anything_is_its_provider_s(
    page: dict[str, Any], provider: str
) -> None:
    """It must not keep the other pages from being read."""
    mapping = find_mapping([page], [])
    assert mapping
    assert mapping.provider == provider
    records = read_records(mapping, [page])
    assert len(records.table) == len(records.aside) == 0


def test_what_stands_around_an_event_is_opened(tmp_path: Path) -> None:
    """As Amazon's services hand it on: plain, from a topic, to a function, and from a bus."""
    inner = ses("Click", ipAddress="192.0.2.1", link="https://example.org/a", linkTags=None)
    topic = {"Type": "Notification", "TopicArn": "arn:aws:sns:us-east-1:1:ses", "Timestamp": TEXT}
    topic |= {"MessageId": "19ba9823", "Message": json.dumps(inner) + "\n"}
    function = {"Records": [{"EventSource": "aws:sns", "Sns": topic}]}
    bus = {"version": "0", "id": "19ba9823", "detail-type": "Email Clicked", "detail": inner}
    found = []
    for number, value in enumerate((inner, topic, function, bus)):
        file = tmp_path / str(number)
        file.write_text(json.dumps(value) + "\n")
        (piece,) = read_pieces(file)
        rows = [row for row in piece if not isinstance(row, Bad)]
        (record,) = understand(*rows).table.to_pylist()
        found.append(record)
    assert {record["kind"] for record in found} == {"click"}
    assert {record["link"] for record in found} == {"example.org/a"}
    assert [record["event"] for record in found[1:]] == ["19ba9823"] * 3


def test_what_a_topic_says_of_itself_is_set_aside_and_no_event_with_it() -> None:
    topic = {"TopicArn": "arn:aws:sns:us-east-1:1:ses", "MessageId": "1", "Timestamp": TEXT}
    confirm = topic | {"Type": "SubscriptionConfirmation", "Message": "You have chosen"}
    valid = topic | {"Type": "Notification", "Message": "Successfully validated SNS topic"}
    alone = understand(confirm, valid)
    assert alone.aside["why"].to_pylist() == [
        "kind SubscriptionConfirmation tells nothing",
        "kind Notification tells nothing",
    ]
    assert len(understand(confirm, ses("Open", ipAddress="192.0.2.1")).table) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_an_extract_however_it_is_written(separator: str, encoding: str, tmp_path: Path) -> None:
    rows = [salesforce("Open") | {"EmailAddress": "renée@example.org"}] * 2
    lines = [separator.join(each) for each in (rows[0], *(row.values() for row in rows))]
    (tmp_path / "x").write_bytes("\r\n".join(lines).encode(encoding))
    (piece,) = read_pieces(tmp_path / "x")
    assert piece == rows


BREVO = """
provider: brevo
found_by: [event, message-id, ts_epoch]
message: message-id
address: {first: [email], lower: true}
kind: event
kinds:
  request: ignore
  delivered: delivered
  unique_opened: open
  opened: open
  unique_proxy_open: open
  proxy_open: open
  click: click
  hard_bounce: bounce
  soft_bounce: bounce
  spam: complaint
  unsubscribed: unsubscribe
verdict: event
verdicts: {proxy_open: proxy, unique_proxy_open: proxy, "*": none}
time: ts_epoch
url: link
agent: user_agent
"""


def test_a_provider_of_which_only_a_mapping_knows_may_name_proxies_by_the_kind(
    tmp_path: Path,
) -> None:
    """Brevo has a kind of its own for what a proxy opened, and milliseconds."""
    (tmp_path / "brevo.yaml").write_text(BREVO)
    told = {"email": TO[0], "message-id": "<1@smtp-relay>", "ts_epoch": int(1000 * NOON)}
    kinds = ("unique_opened", "unique_proxy_open", "proxy_open")
    records = understand(*(told | {"event": kind} for kind in kinds), own=tmp_path / "brevo.yaml")
    assert records.table["verdict"].to_pylist() == ["none", "proxy", "proxy"]
    assert records.table["kind"].to_pylist() == ["open"] * 3
    assert records.table["time"].to_pylist() == [NOON] * 3


def test_a_mapping_of_ones_own_counts_before_what_a_topic_says_of_itself(tmp_path: Path) -> None:
    (tmp_path / "brevo.yaml").write_text(BREVO)
    topic = {"TopicArn": "a", "MessageId": "1", "Type": "SubscriptionConfirmation", "Message": "x"}
    told = {"email": TO[0], "message-id": "<1@smtp-relay>", "ts_epoch": int(1000 * NOON)}
    rows = (topic, told | {"event": "opened"})
    assert len(understand(*rows, own=tmp_path / "brevo.yaml").table) == 1


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("198.51.100.7:44321", "198.51.100"),
        ("198.51.100.7, 10.0.0.1", "198.51.100"),
        (" 198.51.100.7 ", "198.51.100"),
        ("[2001:db8:1:2::7]:443", "2001:0db8:0001"),
        ("[2001:db8:1:2::7]", "2001:0db8:0001"),
        (", ", "unknown"),
    ],
)
def test_no_address_of_a_machine_is_kept_however_it_is_written(text: str, network: str) -> None:
    assert find_network(text) == network


def test_a_telephone_is_no_robot() -> None:
    phone = "Mozilla/5.0 (Linux; Android 10; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/126.0 Mobile"
    assert find_agent(phone) == "browser"
    assert find_agent("Mozilla/5.0 (compatible; bingbot/2.0)") == "scanner"
