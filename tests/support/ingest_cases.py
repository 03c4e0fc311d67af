"""What providers say of a send, in the shapes that they document. All of it is invented."""

import csv
import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

START = datetime(2026, 7, 7, 14, 0, tzinfo=UTC).timestamp()
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ENDS = {"sendgrid": "json", "postmark": "jsonl", "salesforce": "csv", "ses": "jsonl"}


@dataclass(frozen=True)
class Happened:
    """One thing that a provider records.

    row: of the mail, in the merge file
    kind: delivered, open, click, unsubscribe, bounce or complaint
    seconds: from START
    slot: of a click, from 1
    """

    row: int
    kind: str
    seconds: float
    slot: int = 0
    agent: str = FIREFOX
    network: str = "198.51.100.7"
    machine: bool = False
    link: str = ""

    @property
    def id(self) -> str:
        return f"{self.kind}-{self.row}-{self.slot}-{self.seconds}-{self.network}"


class Post:
    """The mails of a send, as the merge file has them.

    folder: of the send
    """

    def __init__(self, folder: Path) -> None:
        with (folder / "merge.jsonl").open(encoding="utf-8") as lines:
            self.mails: list[dict[str, Any]] = [json.loads(line) for line in lines]

    def __len__(self) -> int:
        return len(self.mails)

    def name(self, row: int) -> str:
        """Whose address a mail went to."""
        return f"Reader{row}@Example.org"

    def link(self, what: Happened) -> str:
        """The link that was followed, with what providers and analytics add to it."""
        if what.link:
            return what.link
        slots = {slot["slot"]: slot["url"] for slot in self.mails[what.row]["slots"]}
        return str(slots[what.slot]) + "&utm_source=newsletter&mc_cid=7"


def list_days(post: Post, every: int = 3) -> list[Happened]:
    """A day of ordinary reading: all is delivered, some is opened, and links are clicked."""
    days = [Happened(row, "delivered", row % 7) for row in range(len(post))]
    for row in range(0, len(post), every):
        away = 1800 + 61 * row
        days.append(Happened(row, "open", away, network=f"198.51.{row}.7"))
        if row % 2 == 0:
            slots = [slot["slot"] for slot in post.mails[row]["slots"]]
            slot = slots[row % len(slots)]
            days.append(Happened(row, "click", away + 40, slot, network=f"198.51.{row}.7"))
    return days


def _sendgrid(post: Post, what: Happened) -> dict[str, Any]:
    names = {"complaint": "spamreport", "unsubscribe": "group_unsubscribe"}
    told: dict[str, Any] = {
        "email": post.name(what.row),
        "timestamp": int(START + what.seconds),
        "event": names.get(what.kind, what.kind),
        "sg_event_id": what.id,
        "sg_message_id": "one-request.filter0001.16648.5515E0B88.0",
    }
    if what.kind == "delivered":  # custom arguments do not come with every event
        told["unique_args"] = {"mail": post.mails[what.row]["mail"]}
    if what.kind in ("open", "click"):
        told |= {"useragent": what.agent, "ip": what.network}
    if what.kind == "open":
        told["sg_machine_open"] = what.machine
    if what.kind == "bounce":
        told |= {"type": "bounce", "status": "5.1.1"}
    return told | ({"url": post.link(what)} if what.kind == "click" else {})


def _mailgun(post: Post, what: Happened) -> dict[str, Any]:
    names = {"open": "opened", "click": "clicked", "unsubscribe": "unsubscribed"}
    names |= {"complaint": "complained", "bounce": "failed"}
    inner: dict[str, Any] = {
        "id": what.id,
        "event": names.get(what.kind, what.kind),
        "timestamp": START + what.seconds,
        "recipient": post.name(what.row),
        "message": {"headers": {"message-id": f"20260707.m{what.row}@example.org"}},
        "user-variables": {"member": str(post.mails[what.row]["member"])},
    }
    if what.kind in ("open", "click"):
        client = {"user-agent": what.agent, "bot": "apple" if what.machine else ""}
        inner |= {"ip": what.network, "client-info": client}
    if what.kind == "bounce":
        inner["severity"] = "permanent"
    inner |= {"url": post.link(what)} if what.kind == "click" else {}
    return {"signature": {"token": "t", "timestamp": "0"}, "event-data": inner}


def _postmark(post: Post, what: Happened) -> dict[str, Any]:
    names = {"delivered": "Delivery", "open": "Open", "click": "Click"}
    names |= {"unsubscribe": "SubscriptionChange", "complaint": "SpamComplaint"}
    when = datetime.fromtimestamp(START + what.seconds, timezone(timedelta(hours=2)))
    clock = {"delivered": "DeliveredAt", "unsubscribe": "ChangedAt"}
    clock |= {"bounce": "BouncedAt", "complaint": "BouncedAt"}
    told: dict[str, Any] = {
        "RecordType": names.get(what.kind, "Bounce"),
        "MessageID": f"00000000-0000-0000-0000-{what.row:012d}",
        "Email" if what.kind in ("bounce", "complaint") else "Recipient": post.name(what.row),
        clock.get(what.kind, "ReceivedAt"): when.isoformat(),
        "Metadata": {"member": str(post.mails[what.row]["member"])},
    }
    if what.kind in ("open", "click"):
        told |= {"UserAgent": what.agent, "Geo": {"IP": what.network}}
    if what.kind == "click":
        told["OriginalLink"] = post.link(what)
    more = {"bounce": {"Type": "HardBounce"}, "unsubscribe": {"SuppressSending": True}}
    return told | more.get(what.kind, {})


def _ses(post: Post, what: Happened) -> dict[str, Any]:
    names = {"delivered": "Delivery", "unsubscribe": "Subscription"}
    name = names.get(what.kind, what.kind.title())
    when = datetime.fromtimestamp(START + what.seconds, UTC).isoformat().replace("+00:00", "Z")
    inside: dict[str, Any] = {"timestamp": when}
    if what.kind in ("open", "click"):
        inside |= {"ipAddress": what.network, "userAgent": what.agent}
    if what.kind == "click":
        inside |= {"link": post.link(what), "linkTags": {"slot": [str(what.slot)]}}
    if what.kind == "bounce":
        inside["bounceType"] = "Permanent"
    mail = {
        "timestamp": datetime.fromtimestamp(START + what.row % 7, UTC).isoformat(),
        "messageId": f"0100-m{what.row}",
        "destination": [post.name(what.row)],
        "tags": {"member": [str(post.mails[what.row]["member"])]},
    }
    told = {"eventType": name, "mail": mail, name.lower(): inside}
    envelope = {"Type": "Notification", "MessageId": what.id, "TopicArn": "arn:aws:sns:::ses"}
    return envelope | {"Timestamp": when, "Message": json.dumps(told)}


def write_mailchimp(post: Post, happened: Sequence[Happened]) -> str:
    """Mailchimp's report: a list of e-mails. It says nothing of deliveries and complaints."""
    emails: list[dict[str, Any]] = []
    for row in range(len(post)):
        activity: list[dict[str, Any]] = []
        for what in sorted(happened, key=lambda each: each.seconds):
            if what.row == row and what.kind in ("open", "click", "bounce"):
                when = datetime.fromtimestamp(START + what.seconds, UTC).isoformat()
                told = {"action": what.kind, "timestamp": when, "ip": what.network}
                told |= {"url": post.link(what)} if what.kind == "click" else {}
                activity.append(told | ({"type": "hard"} if what.kind == "bounce" else {}))
        names = {"campaign_id": "c27", "email_id": f"e{row}", "email_address": post.name(row)}
        emails.append(names | {"activity": activity})
    return json.dumps({"emails": emails}, indent=1)


def write_salesforce(post: Post, happened: Sequence[Happened]) -> str:
    """Salesforce's tracking extract; its clock is six hours behind UTC."""
    names = {"delivered": "Sent", "bounce": "HardBounce"}
    columns = ["SendID", "SubscriberKey", "EmailAddress", "EventDate", "EventType", "URL"]
    sheet = io.StringIO()
    writer = csv.writer(sheet)
    writer.writerow(columns)
    for what in happened:
        when = datetime.fromtimestamp(START + what.seconds, timezone(timedelta(hours=-6)))
        clock = f"{when.month}/{when.day}/{when.year} {when.strftime('%I:%M:%S %p')}"
        kind = names.get(what.kind, what.kind.title())
        link = post.link(what) if what.kind == "click" else ""
        member = post.mails[what.row]["member"]
        writer.writerow([27, member, post.name(what.row), clock, kind, link])
    return sheet.getvalue()


ROWS: dict[str, Callable[[Post, Happened], dict[str, Any]]] = {
    "sendgrid": _sendgrid,
    "mailgun": _mailgun,
    "postmark": _postmark,
    "ses": _ses,
}
PROVIDERS = (*ROWS, "mailchimp", "salesforce")


def write_rows(provider: str, post: Post, happened: Sequence[Happened]) -> str:
    """What a provider's file says of what happened."""
    if provider == "mailchimp":
        return write_mailchimp(post, happened)
    if provider == "salesforce":
        return write_salesforce(post, happened)
    rows = [ROWS[provider](post, what) for what in happened]
    if provider == "sendgrid":
        return json.dumps(rows)
    return "\n".join(json.dumps(row) for row in rows)


def read_files(folder: Path) -> dict[str, bytes]:
    """The bytes of every file in a folder, by its path there."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}
