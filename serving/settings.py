"""Settings that people write by hand, in YAML: the editor's rules of an issue, and of segments.

Open this file to see what is refused before a setting is looked at.
"""

import re
from collections.abc import Hashable, Sequence
from hashlib import sha256
from pathlib import Path

import yaml

from bandit.core.check import shorten
from bandit.core.files import read_bytes


def read_settings(path: str | Path, example: str) -> tuple[dict[str, object], str]:
    """The settings in a YAML file, and the file's SHA-256.

    example: a setting, for the message where there is none

    Raises ValueError naming the file, and the line where it is no YAML.
    """
    data = read_bytes(Path(path))
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        row, odd = data[: error.start].count(b"\n") + 1, data[error.start : error.start + 1]
        why = f"byte {odd!r} is not valid UTF-8; save the file as UTF-8"
        raise ValueError(f"{path} line {row}: {why}") from None
    try:
        content = yaml.load(text, _Loader)  # noqa: S506  # a SafeLoader
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark.line if error.problem_mark else -1
        line = f" line {at + 1}" if error.problem_mark else ""
        why = _tell_colon(text.splitlines()[: at + 1]) if _COLON.search(error.problem or "") else ""
        raise ValueError(f"{path}{why or f'{line}: {error.problem}'}") from None
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: {shorten(content)}; must be settings such as {example}")
    return content, sha256(data).hexdigest()


def _tell_colon(lines: Sequence[str]) -> str:
    """Where a colon stands that YAML stumbles over, and what to do; "" where none is found.

    lines: those above the one at which YAML gave up, and this one: `slots:6` is no mistake until
        the next line
    """
    for number, line in reversed(list(enumerate(lines, start=1))):
        if glued := re.match(r"\s*[A-Za-z_][\w -]*:(?=[^\s:/])", line):
            name = shorten(line.strip())
            return f" line {number}: {name}: write a space behind {shorten(glued[0].strip())}"
    if lines and "{" not in lines[-1] and len(re.findall(r":(?=\s|$)", lines[-1])) > 1:
        twice = shorten(lines[-1].strip())
        return f" line {len(lines)}: {twice}: put a text that holds a colon in quotes"
    return ""


class _Loader(yaml.SafeLoader):
    """YAML that reads what is written, and refuses a key given twice.

    Of such a key only the last would count, and a pin could go missing. Only 12, -3, 2.5, true,
    false and null are anything but text: 010, 1_0, 0x1F, 1:30, NO and 2026-01-01 are what an editor
    wrote, not 8, 10, 31, 90, false and a date, as other YAML has it.
    """

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def construct_mapping(
        self, node: yaml.MappingNode, deep: bool = False
    ) -> dict[Hashable, object]:
        keys: set[Hashable] = set()
        for key_node, _ in node.value:
            key, mark = self.construct_object(key_node, deep=True), key_node.start_mark
            if not isinstance(key, Hashable):
                odd = f"{shorten(key)} cannot be the name of a setting"
                raise yaml.constructor.ConstructorError(None, None, odd, mark)
            if key in keys:
                twice = f"{shorten(key)} is given twice"
                raise yaml.constructor.ConstructorError(None, None, twice, mark)
            keys.add(key)
        return super().construct_mapping(node, deep)

    def construct_whole(self, node: yaml.ScalarNode) -> int:
        """A whole number, also where a tag says that there must be one."""
        text = str(self.construct_scalar(node))
        if not _WHOLE.match(text):
            odd, mark = f"{shorten(text)} is no whole number", node.start_mark
            raise yaml.constructor.ConstructorError(None, None, odd, mark)
        return int(text)


_COLON = re.compile("mapping values are not allowed|could not find expected ':'")
_WHOLE = re.compile(r"-?(0|[1-9][0-9]*)$")
for _tag, _pattern, _first in (
    ("int", _WHOLE, "-0123456789"),
    ("float", re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+$"), "-0123456789"),
    ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("null", re.compile(r"(~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))
_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_whole)
