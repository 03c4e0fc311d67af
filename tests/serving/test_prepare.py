"""The first bundle, from files as an association has them."""

import csv
import shutil
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bandit.log import archive
from bandit.policies.profile import Profile
from bandit.policies.random import Random
from serving import bundle
from serving.prepare.__main__ import main
from serving.prepare.columns import understand
from serving.tables.table import Table
from simulators.association.association import Association
from simulators.play import play

HEAD = "Member ID,First Name,E-mail,Member Type,Region,Area,Join Date,Since,Interests,Dues,Zip,Void"
ROWS = """\
10001,José,jose@example.org,chemist,Great Lakes,cardiology,03/15/2012,2012,a;b,$250.00,01234,
10002,Li,li@example.org,hospital pharmacist,,oncology,2001-02-03,2001,c,,90210,
00003,Zoë,,pharmacy technician,Southeast,n/a,,,,$0,,NULL
10004,Bob,Bob@Example.org,student ,Pacific,general,2025,2025,career;career; b,25,01234,
10005,Bob,bob@example.org,student,Pacific,general,2025-09-01,2025,,25,90210,n/a
10006,Ann,ann@example.org,NULL,great lakes,N/A,12/31/99,,c,"1,250",01234,
10007,Raj,raj@example.org,hospital pharmacist,Great Lakes,cardiology,2010.0,2010.0,,,90210,
"""
TITLES = ["Vaccines for adults", "Opioid counseling", "Chemotherapy dosing", "Leading a team"]


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A folder with a member list and four past articles."""
    (tmp_path / "members.csv").write_text(f"\ufeff{HEAD}\n{ROWS}", encoding="utf-8")
    rows = [[title, f"What is new about {title.lower()}, and for whom."] for title in TITLES]
    with (tmp_path / "articles.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["Title", "Summary"], *rows])
    return tmp_path


def list_words(office: Path, *more: str, articles: Sequence[str] = ("articles.csv",)) -> list[str]:
    words = ["--out", str(office / "bundle")]
    if "--members" not in more:
        words += ["--members", str(office / "members.csv")]
    return [*words, "--articles", *(str(office / name) for name in articles), *more]


def test_every_column_is_understood(office: Path) -> None:
    table = Table.read(office / "members.csv", ["member"], all_columns=True)
    found = {column.name: column for column in understand(table, ["zip"])}
    assert {name: (column.kind, bool(column.why)) for name, column in found.items()} == {
        "First Name": ("person", True),
        "E-mail": ("e-mail addresses", True),
        "Member Type": ("text", False),
        "Region": ("text", False),
        "Area": ("text", False),
        "Join Date": ("dates", True),
        "Since": ("number", False),
        "Interests": ("tags", False),
        "Dues": ("number", False),
        "Zip": ("person", True),  # 01234 is no number, and says where somebody lives
        "Void": ("empty", True),
    }
    assert found["Since"].values.dropna().tolist() == [2012, 2001, 2025, 2025, 2010]
    assert found["Dues"].values.dropna().tolist() == [250, 0, 25, 25, 1250]
    assert {name: column.missing for name, column in found.items() if column.missing} == {
        "E-mail": 1,
        "Member Type": 1,
        "Region": 1,
        "Area": 2,
        "Join Date": 1,
        "Since": 2,
        "Interests": 3,
        "Dues": 2,
        "Zip": 1,
        "Void": 7,
    }
    assert "they are dates, such as '03/15/2012'" in found["Join Date"].why
    with pytest.raises(ValueError, match="has no column 'shoe_size' to leave out"):
        understand(table, ["Shoe Size"])


def test_ids_are_no_attribute_and_codes_are_no_numbers(tmp_path: Path) -> None:
    n = 60
    frame = {
        "member": [f"m{i}" for i in range(n)],
        "Licence": [f"L{i}" for i in range(n)],
        "Branch": [f"{i % 7:03d}" for i in range(n)],
        "Renewal": pa.array([date(2024, 1, 1 + i % 5) for i in range(n)]),
        "Seats": pa.array([None if i % 9 == 0 else i % 4 for i in range(n)], pa.int64()),
        "Card": [4_000_000_000_000_000 + 7 * i for i in range(n)],
        "#": list(range(n)),
    }
    pq.write_table(pa.table(frame), tmp_path / "m.parquet")
    pq.read_table(tmp_path / "m.parquet").to_pandas().to_csv(tmp_path / "m.csv", index=False)
    for name in ("m.parquet", "m.csv"):
        columns = understand(Table.read(tmp_path / name, ["member"], all_columns=True))
        kinds = [column.kind for column in columns]
        assert kinds == ["id-like", "text", "dates", "number", "id-like", "number"], name
        assert columns[4].why == "its numbers, up to 4e+15, are no amounts"
        assert columns[5].why == "its name has no letter or digit to call it by"
        assert columns[1].values.iloc[3] == "003"
        assert columns[0].why == (
            "has 60 different values for 60 members; they are like ids, of which nothing can be "
            "learned"
        )
        assert columns[3].missing == 7


def test_an_infinite_number_is_refused_by_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pq.write_table(
        pa.table({"member": ["a", "b"], "dues": [1.0, float("inf")]}), tmp_path / "m.parquet"
    )
    assert main(["--members", str(tmp_path / "m.parquet"), "--dry-run"]) == 2
    assert "m.parquet row 1: dues = inf; must be finite" in capsys.readouterr().err


def test_a_dry_run_says_all_and_writes_nothing(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(office.iterdir())
    assert main(list_words(office, "--dry-run")) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].endswith("members.csv: 7 members")
    assert (
        "Member Type: text 'member_type', 1 missing; 4 values: hospital pharmacist 2, " in said[3]
    )
    assert "'student ' counts as 'student' (1)" in said[3]
    assert "'great lakes' counts as 'Great Lakes' (1)" in said[4]
    assert said[7] == "Since: number 'since', 2001 to 2025, 2 missing"
    assert said[12] == (
        "warning: E-mail: members '10004' and '10005' have one address but for capital letters "
        "(Bob@Example.org, bob@example.org); nothing is merged, and each gets a newsletter"
    )
    assert sorted(office.iterdir()) == before
    assert main(list_words(office)) == 0
    later = (office / "members.csv").read_text(encoding="utf-8")
    later = (
        later.replace("student ", "STUDENT")
        .replace("Southeast", "Far West")
        .replace(",Area,", ",Field,")
    )
    (office / "members.csv").write_text(later, encoding="utf-8")
    capsys.readouterr()
    assert main(list_words(office, "--dry-run", "--against", str(office / "bundle"))) == 0
    said = capsys.readouterr().out.splitlines()
    assert "'STUDENT' counts as 'student' (1)" in said[3]
    assert said[4].endswith("never seen before, so unknown: 'Far West' (1)")
    assert said[5] == "Field: text 'field', 2 missing; the bundle has no such attribute"
    assert "area: the bundle has this attribute, and the file has no such column" in said


def test_a_bundle_of_a_handful_of_articles(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list_words(office)) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith(
        "7 members; attributes: member_type, region, area, interests, since, dues; "
    )
    assert "4 different past articles, read as 2 numbers each, for want of articles" in said[1]
    made = bundle.read(office / "bundle")
    assert type(made.policy) is Profile
    assert made.features.text_dims == 2
    assert made.features.attributes.levels["region"] == ["Great Lakes", "Pacific", "Southeast"]
    assert made.manifest.made_from["issues"] == 0
    only = office / "one.csv"
    only.write_text("Title\nVaccines for adults\n")
    assert main(list_words(office, articles=["one.csv"])) == 2
    assert (
        "hold 1 different texts that can be read; a reader of 1 columns needs 2 or more: give "
        in (capsys.readouterr().err)
    )
    assert main(list_words(office, "--text-dims", "9")) == 2
    assert "a reader of 9 columns needs 10 or more" in capsys.readouterr().err
    both = ["one.csv", "articles.csv"]
    assert main(list_words(office, "--text-dims", "4", articles=both)) == 0
    assert bundle.read(office / "bundle").features.text_dims == 4


def test_the_editors_rules_are_a_fallback_or_the_policy(
    office: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = office / "segments.yaml"
    rules.write_text("by: Area\nrules: {CARDIOLOGY: heart}\notherwise: vaccines\nepsilon: 0.1\n")
    assert main(list_words(office, "--segment-rules", str(rules))) == 0
    assert capsys.readouterr().out.splitlines()[-1].endswith("bundle-fallback")
    made = bundle.read(office / "bundle-fallback")
    assert made.manifest.policy == "bandit.policies.segment_rules.SegmentRules"
    assert made.manifest.parameters["by"] == "area"
    words = ["--segment-rules", str(rules), "--policy", "segment_rules"]
    shutil.rmtree(office / "bundle-fallback")
    assert main(list_words(office, *words)) == 0
    assert bundle.read(office / "bundle").manifest == replace(
        made.manifest, made_from=made.manifest.made_from | {"issues": 0, "learned": []}
    )
    assert not (office / "bundle-fallback").exists()


REFUSED = {
    "--policy 'no_such': there is no bandit/policies/no_such.py": ["--policy", "no_such"],
    "--policy 'oracle' exists only in simulation": ["--policy", "oracle"],
    "needs --segment-rules": ["--policy", "segment_rules"],
    "--against is for --dry-run": ["--against", "bundle"],
    "holds no members.parquet": ["--sends", "."],
    "there is no such file": ["--members", "nobody.csv"],
    "segments.yaml: by = 'shoe'": ["--segment-rules", "segments.yaml"],
    "wrong.yaml: rules = ['a']: must be a value and words": ["--segment-rules", "wrong.yaml"],
    "odd.yaml: Otherwise = 'x': there is no such setting; the nearest is 'otherwise'": [
        "--segment-rules",
        "odd.yaml",
    ],
    "twice.yaml: rules name area 'cardiology' twice": ["--segment-rules", "twice.yaml"],
}


@pytest.mark.parametrize("message", REFUSED)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    message: str, office: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(office)
    (office / "segments.yaml").write_text("by: shoe\nrules: {a: heart}\notherwise: vaccines\n")
    (office / "wrong.yaml").write_text("by: area\nrules: [a]\notherwise: vaccines\n")
    (office / "odd.yaml").write_text("by: area\nrules: {a: heart}\nOtherwise: x\n")
    twice = "by: area\nrules: {cardiology: heart, Cardiology: hearts}\notherwise: vaccines\n"
    (office / "twice.yaml").write_text(twice)
    before = sorted(office.iterdir())
    assert main(list_words(office, *REFUSED[message])) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1
    assert sorted(office.iterdir()) == before


def test_past_sends_are_learned(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As a policy learns them that reads with the bundle's own features."""
    association = Association(seed=4, members=60, issues=2, pool=20, slots=4, text_dims=8)
    rounds = list(play(Random(), association, seed=3))
    archive.write(tmp_path / "log", rounds)
    members = pd.read_parquet(tmp_path / "log" / "members.parquet")
    members.to_parquet(tmp_path / "members.parquet")
    pools = [pd.read_parquet(path) for path in sorted((tmp_path / "log" / "pools").iterdir())]
    pd.concat(pools).drop_duplicates("article").to_parquet(tmp_path / "articles.parquet")
    words = ["--members", str(tmp_path / "members.parquet"), "--out", str(tmp_path / "bundle")]
    words += ["--articles", str(tmp_path / "articles.parquet"), "--sends", str(tmp_path / "log")]
    words += ["--text-dims", "4"]
    assert main(words) == 0
    assert "profile has learned 2 issues" in capsys.readouterr().out
    made = bundle.read(tmp_path / "bundle")
    policy = Profile()
    policy.start(made.features)
    for round in archive.read(tmp_path / "log", made.features):
        policy.learn(round)
    for name, array in policy.state().items():
        assert made.policy.state()[name].tobytes() == array.tobytes(), name
    assert len(made.policy.profiles.roster) > 0  # type: ignore[attr-defined]
    assert made.manifest.made_from["issues"] == 2
    forget = [*words[: words.index("--sends")], "--text-dims", "4"]
    assert main(forget) == 2
    said = (
        "bundle: the bundle there has learned 2 issues, and this one 0; name past sends by --sends"
    )
    assert said in capsys.readouterr().err
    assert bundle.read(tmp_path / "bundle").digest == made.digest
    words += ["--policy", "random"]  # which is soon learned
    members.assign(chapter=["north", "south"] * (len(members) // 2)).to_parquet(
        tmp_path / "members.parquet"
    )
    assert main(words) == 0
    assert "log has no 'chapter': it is unknown in all past sends" in capsys.readouterr().err
    members = members.iloc[:50]
    members.to_parquet(tmp_path / "members.parquet")
    assert main(words) == 0
    assert f"10 of {len(pd.read_parquet(tmp_path / 'log' / 'members.parquet'))} members in" in (
        capsys.readouterr().err
    )
    for ids, message in (
        (members["member"] + 10**6, "log: none of its 60 members, such as 100"),
        (members["member"].astype(str), "member ids are numbers, e.g. 100"),
    ):
        members.assign(member=ids).to_parquet(tmp_path / "members.parquet")
        assert main(words) == 2
        assert message in capsys.readouterr().err
