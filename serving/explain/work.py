"""What `serving.explain` does: read what was sent, learn the log again, try changes, write a page.

Open this file to see in which order.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bandit.core.check import shorten
from bandit.core.columns import Columns, read_text
from bandit.core.ids import Aliases
from bandit.core.types import Context
from bandit.log.issues import Issue
from bandit.policies.profile import Profile
from bandit.policy import Policy
from serving import bundle
from serving.aliases import read_aliases, refuse_old
from serving.bundle import Bundle
from serving.checks.names import find_columns
from serving.explain.case import Case
from serving.explain.changes import run_all
from serving.explain.evidence import Evidence
from serving.explain.page import Explanation, write_page
from serving.explain.portrait import Topic, list_topics
from serving.explain.sentences import Entry, find_reasons
from serving.explain.tale import Retold
from serving.inputs import load
from serving.profiles.again import find_learned, find_profile, learn_known, make_again
from serving.profiles.denied import Denied, read_denied
from serving.profiles.tastes import set_scale
from serving.sending.audience import limit_audience
from serving.sending.past import Past, read_seen
from serving.sending.record import refuse_spoiling
from serving.sending.sender import Composed
from serving.tables.rows import keep_lists


def explain(asked: argparse.Namespace) -> str:
    """Write the page and its JSON. Returns a line to print.

    Raises ValueError naming what is wrong with the bundle, the log or the files.
    """
    out = Path(asked.out)
    if out.suffix != ".html":
        raise ValueError(f"--out {out}: its name must end in .html")
    for file in (out, out.with_suffix(".json")):
        refuse_spoiling("--out", file, asked.bundle, asked.log, *asked.sent)
    given = bundle.read(asked.bundle, trusted=asked.trust)
    profile = find_profile(given.policy)
    known = find_learned(asked.bundle, given, asked.log, asked.learned)
    denied = read_denied(given.features, asked.deny, asked.deny_list)
    aliases: Aliases = {}
    if asked.aliases is not None:
        aliases, _ = read_aliases(asked.aliases, asked.encoding)
    case, everybody, names = read_case(asked, given, aliases)
    given.policy.follow(aliases)
    evidence = learn_evidence(asked, given, known, denied, case, aliases)
    composed = case.compose()
    shown = list(composed.articles[0])
    tales = evidence.list_tales() if evidence.truth.fits(given.policy) else {}
    outcomes = list(run_all(case, shown, denied.attributes, tales))
    topics, rests = list[Topic](), None
    if profile is not None:
        topics = measure_topics(profile, make_context(given, everybody, case), composed, evidence)
        rests = float(profile.rests_on(composed.context)[0])
    titles, attributes = _name_articles(case.articles), _list_attributes(case, denied, names)
    told = Explanation(
        case=case,
        composed=composed,
        evidence=evidence,
        topics=topics,
        rests=rests,
        reasons=find_reasons(shown, outcomes, attributes, titles.__getitem__),
        tried=len(outcomes),
        known=known,
        whole=bool(tales) or not evidence.list_clicks(),
        attributes=attributes,
        denied=denied,
    )
    write_page(out, told)
    count = sum(map(len, told.reasons))
    return f"member {asked.member}: {count} reasons from {len(outcomes)} slates: {out}"


def read_case(
    asked: argparse.Namespace, given: Bundle, aliases: Aliases
) -> tuple[Case, Columns, Sequence[str]]:
    """All that the member's slate follows from, everybody in the list, and the list's headings.

    Raises ValueError where the member is not in the list.
    """
    past = Past(asked.sent, asked.campaign)
    with TemporaryDirectory() as folder, keep_lists(folder) as keep:
        files = (asked.members, asked.pool, asked.rules, keep, asked.seen, asked.earlier)
        inputs = load(given.features, *files, encoding=asked.encoding)
        everybody = inputs.members.gather()
        pairs = list(read_seen(inputs.seen, past, inputs.rules.no_repeat, aliases))
    if aliases:
        refuse_old(asked.members, [everybody], aliases)
    ids = [str(one) for one in everybody["member"].tolist()]
    if asked.member not in ids:
        bare = asked.member.strip().lstrip("0")  # as spreadsheets leave an id
        near = next((f"; there is {one!r}" for one in ids if one.lstrip("0") == bare), "")
        raise ValueError(f"--member {shorten(asked.member)} is not in {asked.members}{near}")
    seen = Columns.stack(pairs) if pairs else None
    articles, _ = limit_audience(inputs.articles, [everybody])
    member = everybody.take([ids.index(asked.member)])
    parts = (given, member, articles, inputs.rules, asked.campaign, asked.seed)
    return Case(*parts, seen, inputs.earlier), everybody, inputs.members.names


def learn_evidence(
    asked: argparse.Namespace,
    given: Bundle,
    known: list[Issue],
    denied: Denied,
    case: Case,
    aliases: Aliases,
) -> Evidence:
    """Learn the log once more, watching the member.

    Raises ValueError where the log does not give what the bundle has learned.
    """

    def start() -> Policy:
        return make_again(given)

    policy = start()
    if type(policy) is Profile:  # whose members are learned again each for himself
        policy = Retold(**given.manifest.parameters)  # type: ignore[arg-type]  # checked there
        policy.start(given.features)
    member = case.member["member"].tolist()[0]
    evidence = Evidence(member, given.features, denied, policy, start)
    learn_known(asked.bundle, given, policy, asked.log, known, aliases, evidence.look)
    evidence.finish()
    return evidence


def measure_topics(
    profile: Profile, everybody: Context, composed: Composed, evidence: Evidence
) -> list[Topic]:
    """What the member's profile says of each topic that is told.

    everybody: the members of the list, for what is usual
    composed: the member's newsletter
    """
    features, context = evidence.features, composed.context
    pools = [*evidence.articles, context.article_features]
    told = evidence.denied.list_told(features)
    scale = set_scale(profile, features, everybody, told, pools)
    return list_topics(scale.measure(profile, features, context), scale, features, evidence)


def make_context(given: Bundle, everybody: Columns, case: Case) -> Context:
    """Everybody in the list, for what is usual."""
    asked = (case.campaign, 0, everybody, case.articles, case.rules)
    return given.features.make_context(*asked)


def _name_articles(articles: Columns) -> dict[object, str]:
    """The title of each article, in quotes, by its id; None is an empty slot."""
    ids, titles = articles["article"].tolist(), articles["title"].tolist()
    named = {one: f"“{title}”" for one, title in zip(ids, titles, strict=True)}
    for one, title in list(named.items()):
        if list(named.values()).count(title) > 1:  # two articles of one title
            named[one] = f"{title} ({one})"
    return named | {None: "nothing"}


def _list_attributes(case: Case, denied: Denied, names: Sequence[str]) -> dict[str, Entry]:
    """Each attribute that is told, and what the member list, with columns `names`, says of it."""
    headings = find_columns(Path(), names, case.bundle.features.attributes.columns)
    found = {}
    for name, heading in headings.items():
        if name not in denied.attributes:
            (own,) = read_text(np.asarray(case.member[name]))
            found[name] = Entry(heading, own or "")
    return found
