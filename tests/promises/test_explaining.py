"""docs/explaining.md is followed to the letter, on a small simulated association."""

import json
import re
from pathlib import Path

import pytest

from bandit.log.issues import describe_issues, list_issues
from bandit.log.learning import learn_rounds
from bandit.policies.profile import Profile
from serving import bundle
from serving.profiles.denied import read_denied
from tests.support.member_cases import TARGET, set_desk
from tests.support.pages import follow, list_commands

PAGE = (Path(__file__).parents[2] / "docs" / "explaining.md").read_text(encoding="utf-8")


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
    commands = list_commands(PAGE)
    assert len(commands) == 3
    follow(commands, capsys)
    page = json.loads(Path("page.json").read_text())
    told = [reason["words"] for slot in page["slate"] for reason in slot["reasons"]]
    (sentence,) = re.findall(r"^```\n(“.*)\n```$", PAGE, flags=re.MULTILINE)
    assert sentence in told
    (listed,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    Path("deny.yaml").write_text(listed)
    with pytest.raises(ValueError, match=r"deny.yaml: topics: '.*' is no topic"):
        read_denied(features, path="deny.yaml")  # this small association has no such topics
