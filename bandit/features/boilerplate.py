"""Sentences that say nothing of the article they stand under.

There are two signs of them: many articles have the same one, or it asks the reader to click. The
second serves where a pool is too small for the first. Open this file to add a call that was missed.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache, lru_cache

# A sentence is boilerplate that stands under at least so many articles of different titles, and
# under at least this share of them. In a pool of 40 an honest sentence comes twice or three times.
COUNT, SHARE = 4, 0.05

_MORE = (
    r"(?:more|on|further|(?:the |this |our )?(?:full|whole|complete|entire|rest of (?:the|this))"
    r"(?: (?:story|article|text|post|report|piece|review|release|interview))?"
    r"|(?:the|this) (?:story|article|post))"
)
_WHERE = (
    r"(?: (?:here|now|online|below|today|(?:on|at|in|from|via) (?:our|the|this|your)"
    r"(?: \w+)? ?(?:web ?site|site|blog|page|web page|app|browser|newsroom|magazine)))*"
)
_CALLS = (
    rf"(?:please )?(?:read|reading|see|view|get|continue|continue reading|keep reading|find out"
    rf"|learn|discover|explore) {_MORE}{_WHERE}",
    r"(?:for more|more)(?: information| details)?(?: here| below| online)?",
    r"(?:please )?(?:click|tap)(?: here| below| on the link| the link)"
    r"(?: (?:to|for) (?:read|see|view|learn|find out|get|more|register|sign up)[^.]{0,40})?",
    r"(?:full|whole) (?:story|article|text)(?: here| below)?|continue(?: reading)?|read on",
    r"(?:view|read|open|see) (?:this|it|the)?(?: ?(?:e-?mail|message|newsletter|page))? ?"
    r"(?:in|on) (?:your|a|the) (?:web )?browser|view (?:online|in browser)",
    r"(?:to )?(?:unsubscribe|opt out)(?: here| at any time| from .{0,40})?",
    r"(?:manage|update|change) (?:your|my) (?:e-?mail )?(?:preferences|subscriptions?|settings)",
    r"forward (?:this |it )?(?:e-?mail |message |newsletter )?to a (?:friend|colleague)",
    r"(?:share|tweet|like|pin)(?: this)?(?: (?:article|story|post))?"
    r"(?: on (?:facebook|twitter|x|linkedin|instagram))?|follow us(?: on .{1,60})?",
    r"(?:subscribe|sign up|register|rsvp|join|log in|sign in)"
    r"(?: (?:here|now|today|online|to (?:our|the) newsletter))+",
    r"the post .{1,300} (?:appeared first|first appeared) on .{1,80}",
    r"(?:copyright )?(?:\(c\) )?(?:\d{4} )?.{0,60}all rights reserved",
    r"(?:an? )?\d{1,3}[- ]min(?:ute)?s? read|advertisement|sponsored content",
)
_READING_ON = 4  # of these calls, the first, which ask to read more of the same article
# A call that follows a sentence without a stop between them, as in "... in spring Read more"
_TAIL = re.compile(
    r"(?<=[\w).,])[\s.>\-\[(]{1,9}"
    r"(?:Read [Mm]ore|Read on|Read the (?:full|whole) (?:story|article)|Continue [Rr]eading"
    r"|Learn [Mm]ore|Click [Hh]ere|Full story|View online|READ MORE|LEARN MORE|CLICK HERE)\W*$"
)
_WORD = re.compile(r"\w+")
_STOPS = " .,;:!?<>[](){}-_*#~'\"/\\|=+\u2026\u2192\u203a\u00bb"


def drop_call(sentence: str) -> str:
    """The sentence without a call to read on somewhere else; "" where it is nothing else."""
    return _drop(sentence, len(_CALLS))


def drop_reading_on(sentence: str) -> str:
    """The same for calls to read more alone: "Register today" is what an article may say."""
    return _drop(sentence, _READING_ON)


def _drop(sentence: str, kinds: int) -> str:
    left = _TAIL.sub("", sentence)
    return "" if _compile_calls(kinds).fullmatch(left.strip(_STOPS)) else left


@cache
def _compile_calls(kinds: int) -> re.Pattern[str]:
    """One pattern for the first calls; it takes longer to compile than a sender takes to start."""
    return re.compile("|".join(f"(?:{call})" for call in _CALLS[:kinds]), re.IGNORECASE)


@lru_cache(maxsize=1 << 16)
def name_sentence(sentence: str) -> str:
    """What two sentences have in common that differ in capitals, stops and numbers alone."""
    return " ".join("0" if word.isdigit() else word for word in _WORD.findall(sentence.casefold()))


def find_repeated(articles: Sequence[Sequence[str]]) -> frozenset[str]:
    """The boilerplate of a pool or an archive: what `name_sentence` says of each such sentence.

    articles: the sentences of each of m articles, its title first, which is never boilerplate
    """
    under: dict[str, set[str]] = defaultdict(set)
    for title, *sentences in filter(None, articles):
        for sentence in sentences:
            under[name_sentence(sentence)].add(name_sentence(title))
    least = max(COUNT, SHARE * len(articles))
    return frozenset(name for name, titles in under.items() if len(titles) >= least)


def drop_repeated(sentences: Sequence[str], repeated: Collection[str]) -> list[str]:
    """An article's sentences, its title first, without those whose name is among `repeated`."""
    return [
        sentence
        for place, sentence in enumerate(sentences)
        if not place or name_sentence(sentence) not in repeated
    ]
