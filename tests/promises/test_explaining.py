"""docs/explaining.md is followed to the letter, on a small simulated association."""

import doctest
import json
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from bandit.log.issues import describe_issues, list_issues
from bandit.log.learning import learn_rounds
from bandit.policies.profile import Profile
from serving import bundle
from serving.profiles.denied import read_denied
from tests.support.member_cases import TARGET, set_desk

PAGE = (Path(__file__).parents[2] / "docs" / "explaining.md").read_text(encoding="utf-8")
COMMAND = re.compile(r"^```\n\$ (python [^\n]*)\n(.*?)^```$", flags=re.MULTILINE | re.DOTALL)


def test_the_page_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = set_desk(tmp_path)
    policy, features = Profile(), desk.association.features
    policy.start(features)
    learn_rounds(policy, desk.rounds[:4])
    learned = {"learned": describe_issues(list_issues(tmp_path / "log")[:4])}
    bundle.write(tmp_path / "old", policy, TARGET, {}, features, learned)
    monkeypatch.chdir(tmp_path)
    commands = COMMAND.findall(PAGE)
    assert len(commands) == 3
    for line, said in commands:
        words = shlex.split(line)
        assert import_module(f"{words[2]}.__main__").main(words[3:]) == 0, capsys.readouterr().err
        printed = capsys.readouterr().out
        same = doctest.OutputChecker().check_output(said, printed, doctest.ELLIPSIS)
        assert same, f"{line} printed\n{printed}\nand the page says\n{said}"
    page = json.loads(Path("page.json").read_text())
    told = [reason["words"] for slot in page["slate"] for reason in slot["reasons"]]
    (sentence,) = re.findall(r"^```\n(“.*)\n```$", PAGE, flags=re.MULTILINE)
    assert sentence in told
    (listed,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    Path("deny.yaml").write_text(listed)
    with pytest.raises(ValueError, match=r"deny.yaml: topics: '.*' is no topic and no attribute"):
        read_denied(features, path="deny.yaml")  # this small association has no such topics
