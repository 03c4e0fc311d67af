"""The page that tells a member's profile and slate, and the same as JSON for programs.

Open this file to see what both hold.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bandit.core.files import replacing, write_json
from bandit.core.types import EMPTY, EXPLOIT, PINNED
from bandit.log.words import name_articles
from bandit.policies.profile import Profile
from serving.explain.portrait import Topic
from serving.explain.sentences import Entry, Reason
from serving.letters.page import fill_template
from serving.profiles.denied import NOTE, Denied

if TYPE_CHECKING:
    from bandit.log.issues import Issue
    from serving.explain.case import Case
    from serving.explain.evidence import Evidence
    from serving.sending.sender import Composed

TEMPLATES = Path(__file__).parent / "templates"
MOST = 12  # topics in the plot
WIDEST = (8.0, 16.0, 64.0, 1024.0)  # odds at the ends of the plot: the first that holds all dots


@dataclass(frozen=True)
class Explanation:
    """All that is told of one member.

    case: what the slate follows from
    composed: the slate
    evidence: what was shown and clicked
    topics: what pulls the member, most first
    rests: how far the newsletter rests on the member's own behaviour, 0 to 1; None where the policy
        keeps no profile of members by topic, and there are no topics
    reasons: of each slot
    tried: how many changes were run
    known: the issues that were learned
    whole: clicks could be told of
    attributes: those that are told -> what the member list says of them
    denied: what is left out
    """

    case: "Case"
    composed: "Composed"
    evidence: "Evidence"
    topics: Sequence[Topic]
    rests: float | None
    reasons: Sequence[Sequence[Reason]]
    tried: int
    known: "Sequence[Issue]"
    whole: bool
    attributes: dict[str, Entry]
    denied: Denied


@dataclass(frozen=True)
class Slot:
    """One line of the newsletter.

    number: from 1
    article: its id; None where the slot is empty
    title: of the article
    about: its main topic, if it is told, and its source
    how: pinned, the favourite, or drawn by chance
    chance: with which the article got into the slot
    reasons: why it is there
    """

    number: int
    article: object
    title: str
    about: str
    how: str
    chance: float
    reasons: Sequence[Reason]


def write_page(path: Path, told: Explanation) -> None:
    """Write the page, and the JSON beside it under the same name; each whole or not at all."""
    slots, ticks = _list_slots(told), _list_ticks(told.topics)
    page = fill_template(
        "explain.html.j2",
        folder=TEMPLATES,
        filters={"place": place_odds},
        member=told.evidence.member,
        campaign=told.case.campaign,
        facts=[f"{name}: {own or 'unknown'}" for name, own in told.attributes.values()],
        evidence=told.evidence,
        clicks=len(told.evidence.list_clicks()),
        topics=_choose(told.topics),
        others=max(len(told.topics) - MOST, 0),
        rests=told.rests,
        slots=slots,
        tried=told.tried,
        whole=told.whole,
        policy=told.case.bundle.manifest.policy.rpartition(".")[2],
        alone=type(told.case.bundle.policy) is Profile,
        note=NOTE,
        ticks=ticks,
        widest=ticks[-1],
        hidden=len(told.denied.topics) + len(told.denied.attributes),
        origins=_list_origins(told),
    )
    write_json(path.with_suffix(".json"), describe(told, slots))
    with replacing(path) as part:
        part.write_text(page, encoding="utf-8")


def place_odds(odds: float, widest: float) -> float:
    """Where odds lie on the plot's scale, in per cent of its width.

    widest: the odds at its right end
    """
    share = math.log(min(max(odds, 1 / widest), widest) * widest) / math.log(widest**2)
    return round(100 * share, 2)


def _list_ticks(topics: Sequence[Topic]) -> list[float]:
    """The odds that the plot's scale names, from one end to the other."""
    dots = [max(odds, 1 / odds) for topic in topics for odds in (topic.odds, topic.at_first)]
    widest = next((end for end in WIDEST if end >= max(dots, default=1.0)), WIDEST[-1])
    step = {8.0: 2.0, 16.0: 4.0, 64.0: 4.0, 1024.0: 32.0}[widest]
    right = [step**power for power in range(round(math.log(widest, step)) + 1)]
    return [1 / tick for tick in right[:0:-1]] + right


def describe(told: Explanation, slots: Sequence[Slot]) -> dict[str, object]:
    """The same as the page, for programs: every sentence with the change that was run."""
    return {
        "member": told.evidence.member,
        "campaign": told.case.campaign,
        "seed": told.case.seed,
        "bundle": told.case.bundle.digest,
        "received": told.evidence.received,
        "opened": told.evidence.opened,
        "rests_on_behaviour": told.rests,
        "topics": [
            {
                "topic": topic.name,
                "odds": topic.odds,
                "low": topic.low,
                "high": topic.high,
                "attributes_alone": topic.at_first,
                "chance_above_average": topic.sure,
                "shown": topic.shown,
                "clicked": list(topic.clicked),
                "words": topic.words,
            }
            for topic in told.topics
        ],
        "slate": [
            {
                "slot": slot.number,
                "article": slot.article,
                "title": slot.title,
                "how": slot.how,
                "chance": slot.chance,
                "reasons": [_describe_reason(reason) for reason in slot.reasons],
            }
            for slot in slots
        ],
        "note": NOTE,
    }


def _describe_reason(reason: Reason) -> dict[str, object]:
    change = asdict(reason.change)
    if isinstance(change["value"], float):  # a number that is unknown; JSON has no NaN
        change["value"] = None
    change["clicks"] = [list(click) for click in reason.change.clicks]
    return {
        "words": reason.words,
        "shown": reason.shown,
        "otherwise": reason.otherwise,
        "moved": reason.moved,
        "change": change,
    }


def _choose(topics: Sequence[Topic]) -> list[Topic]:
    """The topics that say most: those that are farthest from the average, in their order."""
    far = sorted(topics, key=lambda topic: -abs(topic.pull))[:MOST]
    return [topic for topic in topics if topic in far]


def _list_slots(told: Explanation) -> list[Slot]:
    context, slates = told.composed.context, told.composed.slates
    names = name_articles(told.case.bundle.features, context.article_features)
    secret = told.denied.find_articles(told.case.bundle.features, context.article_features)
    found = []
    for slot, place in enumerate(slates.choice[0].tolist()):
        title, about = "(empty)", ""
        if place >= 0:
            title = str(context.articles["title"][place])
            parts = [str(context.articles["source"][place])]
            parts = parts if secret[place] or not names[place] else [names[place], *parts]
            about = " · ".join(parts)
        chance = float(slates.propensity[0, slot])
        how = _word_role(int(slates.role[0, slot]))
        article = context.article_ids.tolist()[place] if place >= 0 else None
        found.append(Slot(slot + 1, article, title, about, how, chance, told.reasons[slot]))
    return found


def _word_role(role: int) -> str:
    words = {PINNED: "pinned by the editor", EXPLOIT: "the policy's favourite", EMPTY: "empty"}
    return words.get(role, "drawn by chance, so that something is learned")


def _list_origins(told: Explanation) -> list[tuple[str, str]]:
    last = told.known[-1]
    return [
        ("policy", told.case.bundle.manifest.policy),
        ("bundle", told.case.bundle.digest[:12]),
        ("log", f"{len(told.known)} issues, the last {last.name}"),
        ("seed", f"{told.case.seed}"),
    ]
