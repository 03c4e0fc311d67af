"""Settings are read as they are written, or refused in one short line."""

import re
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from bandit.core.rules import Rules
from serving import send
from serving.errors import Parser
from serving.explain.__main__ import parse as parse_explain
from serving.ingest.__main__ import parse as parse_ingest
from serving.prepare.__main__ import parse as parse_prepare
from serving.sending.arguments import read_arguments
from serving.settings import read_settings
from serving.verdict.__main__ import parse as parse_verdict
from tests.support.bundle_cases import ROOT
from tests.support.desk_cases import list_arguments


def read(tmp_path: Path, text: str) -> dict[str, object]:
    (tmp_path / "rules.yaml").write_text(text)
    return read_settings(tmp_path / "rules.yaml", "slots: 6")[0]


@pytest.mark.parametrize(
    "word", ["010", "1_0", "0x1F", "1:30", "0o17", "NO", "on", "y", "2026-01-01", "1e3", "+3", ".5"]
)
def test_what_other_yaml_reads_as_something_else_is_text(word: str, tmp_path: Path) -> None:
    assert read(tmp_path, f"only: {{6: {{kind: [{word}]}}}}") == {"only": {6: {"kind": [word]}}}


def test_numbers_flags_and_nothing_are_what_they_are(tmp_path: Path) -> None:
    told = read(tmp_path, "a: 12\nb: -3\nc: 2.5\nd: true\ne: null\nf:\ng: 0\nh: '5'")
    assert told == {"a": 12, "b": -3, "c": 2.5, "d": True, "e": None, "f": None, "g": 0, "h": "5"}
    assert [type(value) for value in told.values()][:3] == [int, int, float]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("slots: 010", r"slots = '010': must be a valid integer"),
        ("slots: 6\nby: Caf\udce9", r"rules\.yaml line 2: byte b'\\xe9' is not valid UTF-8; save"),
        ("slots: 1_0", r"slots = '1_0': must be a valid integer"),
        ("slots: !!int 010", r"rules\.yaml line 1: '010' is no whole number"),
        ("slots: !!python/name:os.system", r"rules\.yaml line 1: could not determine"),
        ("? [a]\n: b", r"rules\.yaml line 1: \['a'\] cannot be the name of a setting"),
        ("<<: {slots: 3}", r"<< = .*: there is no such setting"),
        ("a: &a [*a]", r"a = .*: there is no such setting"),
        ("slots:6\npins: {1: a}", r"yaml line 1: 'slots:6': write a space behind 'slots:'"),
        ("pins: {1: a}\nslots:6", r"yaml line 2: 'slots:6': write a space behind 'slots:'"),
        ("slots:6\nno_repeat:2", r"rules\.yaml: 'slots:6 no_repeat:2'; must be settings such as"),
        ("featured: Now: a", r"yaml line 1: 'featured: Now: a': put a text that holds a colon in"),
        ("at_mots: {kind: {event: 2}}", r"there is no such setting; the nearest is 'at_most'"),
        ("Slots: 6", r"Slots = 6: there is no such setting; the nearest is 'slots'"),
        ("at_most:\n  kind: event 2", r"at_most\.kind = 'event 2': must be a valid list of names"),
        ("at_most:\n  kind: event 2", r"such as \{name: 1\}; a space follows each colon"),
        ("slots: " + "[" * 20_000, r"rules\.yaml: maximum recursion depth"),
        ("slots: " + "9" * 10_000, r"rules\.yaml: Exceeds the limit|rules\.yaml"),
        ("slots: " + "x" * 15_000_000, r"slots = 'xxx.*xxx': must be a valid integer"),
        ("pins: {1: " + "y" * 9_000_000 + "}", r"pins: slot 1 pins article 'yyy"),
    ],
)
def test_surprises_are_refused_in_a_short_line(
    text: str, why: str, unit: Path, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "rules.yaml").write_bytes(text.encode(errors="surrogateescape"))
    assert send.main(list_arguments(desk, unit / "bundle")) == 2
    said = capsys.readouterr().err
    assert len(said) < 1500
    assert len(said.splitlines()) == 1
    assert re.search(why, said), said
    assert not (desk / "out").exists()


def test_many_pins_are_checked_in_linear_time(tmp_path: Path) -> None:
    begun = time.process_time()
    Rules(slots=100_000, pins={slot: f"a{slot}" for slot in range(1, 100_001)})
    assert time.process_time() - begun < 2
    with pytest.raises(ValueError, match="article 'a7' is pinned to two slots"):
        Rules(slots=3, pins={1: "a7", 2: "b", 3: "a7"})


SEND = "bundle --members m --pool p --rules r --campaign c --seed 1 --out o"
EXPLAIN = "bundle log --members m --member 1 --pool p --rules r --campaign c --seed 1 --out o"


@pytest.mark.parametrize(
    ("parse", "words", "option"),
    [
        *((read_arguments, SEND, option) for option in ("suppress", "sent", "earlier")),
        *((parse_prepare, "--members m", option) for option in ("articles", "leave-out")),
        *((parse_ingest, "sent file --log l", option) for option in ("mapping", "mailing")),
        *((parse_explain, EXPLAIN, option) for option in ("earlier", "sent", "deny")),
        (parse_verdict, "log --out o", "sent"),
    ],
)
def test_a_list_in_two_parts_is_one_list(parse: Any, words: str, option: str) -> None:
    """The later part is not all: members on the first of two lists would be mailed."""
    asked = parse([*words.split(), f"--{option}", "a", f"--{option}", "b", "c"])
    assert getattr(asked, option.replace("-", "_")) == ["a", "b", "c"]
    with pytest.raises(SystemExit):  # a variable that the shell had nothing for
        parse([*words.split(), f"--{option}"])


COMMANDS = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in sorted((ROOT / "serving").rglob("*.py"))
    if re.search(r"\w*Parser\((?!arg)", path.read_text()) and path.name != "errors.py"
]


def test_every_command_is_found() -> None:
    assert len(COMMANDS) == 9, COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_is_given_once(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of `--seed 1 --seed 2` the last would count, and nobody would be told."""
    taken: list[Parser] = []
    monkeypatch.setattr(Parser, "parse_args", lambda self, _: taken.append(self) or 1 / 0)
    module = vars(import_module(command))
    read = next(module[name] for name in ("read_arguments", "parse", "main") if name in module)
    with pytest.raises(ZeroDivisionError):
        read([])
    monkeypatch.undo()
    options = [each for each in taken[0]._actions if each.option_strings and each.nargs is None]
    assert options or command == "serving.exchange.__main__"
    for option in options:
        (one, other), name = option.choices or ("1", "2"), option.option_strings[-1]
        with pytest.raises(SystemExit):
            taken[0].parse_args([name, one, f"{name}={other}"])
        said = capsys.readouterr().err.splitlines()[-1]
        both = rf"'?{one}(\.0)?'? and '?{other}(\.0)?'?"
        assert re.search(f"argument {name}.*: is given twice, as {both}; give it once", said), said
