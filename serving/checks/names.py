"""Names of columns: found though they are spelt otherwise, and told where they are nearly right.

What is no letter or digit, and capital letters, do not count: `Member Type` is `member_type`.
`Member ID` also stands for `member`, `Article ID` for `article` and `Old ID` for `old`. Open this
file to see which names of columns are taken for one another, and which are refused.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType

IDS = ("member", "article", "old")  # `Member ID` stands for `member`, and so on
_NEAR = 0.8  # of 1, how much two names must have in common to be thought one misspelt
# Other words for the columns of a pool that need not be there, so nobody misses them.
_OTHERWISE = {
    "url": "link links href permalink website web_address web_link article_url article_link",
    "image": "picture photo thumbnail img image_url image_link picture_url",
    "subject": "subject_line subject_lines email_subject mail_subject",
    "story": "story_id storyid story_key story_number stories",
    "audience": "max_audience audience_limit audience_size audience_max limit_audience",
}
_WORDS = {word: name for name, words in _OTHERWISE.items() for word in words.split()}
# what the names of columns say of members who want no mail, or gave their consent
_CONSENT = re.compile(
    r"(.*_)?(newsletters?|unsubscribed?|opt(ed)?_?(in|out)|do_not_(e_?mail|contact|mail)|no_e_?mail"
    r"|consent|e_?mail_(opt_?(in|out)|consent|permission|ok)|suppress(ed|ion)?|bounced?"
    r"|marketing_permission|gdpr)(_.*)?"
)


def name_plainly(name: str) -> str:
    """A column's name as names are compared: letters and digits, in words joined by `_`.

    >>> name_plainly(" Member-Type ")
    'member_type'
    """
    return re.sub(r"[\W_]+", "_", name.casefold()).strip("_")


def find_columns(
    path: Path,
    names: Sequence[str],
    needed: Sequence[str],
    asked: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """Each needed column, and the name that it has in the file.

    asked: what asks for a column, for the message

    Raises ValueError where there is none, or where several could be it.
    """
    found: dict[str, str] = {}
    for name in dict.fromkeys(needed):
        plain = name_plainly(name)
        for wanted in (plain, f"{plain}_id") if name in IDS else (plain,):
            alike = [each for each in names if name_plainly(each) == wanted]
            if name in alike:
                alike = [name]
            if len(alike) > 1:
                raise ValueError(f"{path} has several columns for {name!r}: {alike}")
            found |= {name: alike[0]} if alike and name not in found else {}
        if name not in found:
            also = f" or '{name.title()} ID'" if name in IDS else ""
            asks = f", which {asked[name]} asks for" if name in asked else ""
            near = find_near(name, names)
            hint = f"; the nearest is {near!r}" if near else ""
            raise ValueError(
                f"{path} lacks column {name!r}{also}{asks}; it has {list(names)}{hint}"
            )
    return found


def find_heading(rows: Iterable[Sequence[str]], needed: Sequence[str]) -> int | None:
    """The first row whose cells are the names of the needed columns; None where none is."""
    for row, cells in enumerate(rows):
        try:
            find_columns(Path(), cells, needed)
        except ValueError:
            continue
        return row
    return None


def find_near(name: str, names: Collection[str]) -> str:
    """The one of the names that is nearest to a column's; "" where none is near."""
    plain = {name_plainly(each): each for each in names}
    near = get_close_matches(name_plainly(name), plain, n=1, cutoff=0.6)
    return plain[near[0]] if near else ""


def find_nearly_right(names: Collection[str], read: Collection[str]) -> Iterator[tuple[str, str]]:
    """Each column of a pool whose name is nearly that of one that would be read, and that name.

    names: of all its columns
    read: those that are read; whatever is there under its right name is not looked for
    """
    for name in names:
        plain = name_plainly(name)
        if name in read or plain.startswith("only_"):
            continue
        if plain.startswith("only"):
            yield name, f"only_{plain.removeprefix('only')}"
            continue
        near = get_close_matches(plain, _OTHERWISE, n=1, cutoff=_NEAR)
        right = _WORDS.get(plain) or (near[0] if near else "")
        if right and right not in names:
            yield name, right


def find_consent(names: Collection[str]) -> list[str]:
    """The columns of a member list that seem to say who wants no mail."""
    return [name for name in names if _CONSENT.fullmatch(name_plainly(name))]
