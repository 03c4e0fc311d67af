"""Experiments inside the sends: who is in which arm, what each gets, and what may not change."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bandit.core import told
from bandit.core.keys import member_keys, uniforms
from bandit.policies.random import Random
from serving import bundle, send
from serving.arms.design import Design
from simulators.association.association import Association
from tests.support.desk_cases import K, N, list_arguments


@pytest.fixture
def bundles(unit: Path, desk: Path, association: Association) -> Path:
    """The editor's desk, with two bundles in `bundles`."""
    bundle.copy(unit / "bundle", desk / "bundles" / "today")
    policy = Random()
    policy.start(association.features)
    place = "bandit.policies.random.Random"
    bundle.write(desk / "bundles" / "random", policy, place, {}, association.features, {})
    return desk


def write_design(desk: Path, name: str = "spring", **shares: float) -> Path:
    arms = [
        f"  - {{name: {arm}, bundle: bundles/{arm}, share: {share}}}\n"
        for arm, share in (shares or {"today": 0.5, "random": 0.3}).items()
    ]
    path = desk / "exp.yaml"
    path.write_text(f"name: {name}\narms:\n{''.join(arms)}")
    return path


def ask(desk: Path, *more: object, source: object = None, **other: Any) -> int:
    """Send with the experiment, and with a bundle for the rest where one is given."""
    argv = list_arguments(desk, Path("nothing"), **other)[1:]
    argv += ["--experiment", str(desk / "exp.yaml"), "--series", "weekly"]
    return send.main([*([str(source)] if source else []), *argv, *map(str, more)])


def read(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "slates.parquet").set_index(["member", "slot"])


def send_plainly(desk: Path, source: Path, out: Path) -> pd.DataFrame:
    assert send.main(list_arguments(desk, source, out=out)) == 0
    return read(out).drop(columns="holdout")


def test_each_arm_gets_what_a_plain_send_of_its_bundle_gives(bundles: Path) -> None:
    """Slates and propensities, bit for bit; the rest is chosen for by the send's own bundle."""
    write_design(bundles)
    source, held = bundles / "bundles" / "today", ("--holdout", "0.2")
    assert ask(bundles, *held, source=source, chunk=7) == 0
    sent = read(bundles / "out")
    plain = {
        name: send_plainly(bundles, bundles / "bundles" / name, bundles / name)
        for name in ("today", "random")
    }
    ids = pd.read_parquet(bundles / "members.parquet")["member"].to_numpy()
    key = member_keys(ids)
    out = uniforms(0, "weekly", "holdout", key, 1)[:, 0] < 0.2
    lot = uniforms(0, "weekly", "arm of spring", key, 1)[:, 0]
    wanted = np.select([out, lot < 0.5, lot < 0.8], ["", "today", "random"], "")
    first = sent.xs(1, level="slot")
    assert first["arm"].fillna("").tolist() == wanted.tolist()
    assert first["holdout"].tolist() == out.tolist()
    for arm in ("today", "random"):
        mine = sent[sent["arm"] == arm].drop(columns=["arm", "holdout"])
        assert len(mine) >= 10 * K
        pd.testing.assert_frame_equal(mine, plain[arm].loc[mine.index])
    rest = sent[sent["arm"].isna() & ~sent["holdout"]].drop(columns=["arm", "holdout"])
    assert len(rest)
    pd.testing.assert_frame_equal(rest, plain["today"].loc[rest.index])
    told = json.loads((bundles / "out" / "send.json").read_text())
    assert told["in_arms"] == first["arm"].value_counts().to_dict()
    digests = {name: bundle.read(bundles / "bundles" / name).digest for name in plain}
    assert told["arms"] == digests
    assert [arm["policy"].rpartition(".")[2] for arm in told["experiment"]["arms"]] == [
        "Profile",
        "Random",
    ]


def test_arms_stay_through_the_series_and_the_waves(bundles: Path) -> None:
    """A member has one arm in every issue and wave; shares of 1 leave nobody over."""
    write_design(bundles, today=0.7, random=0.3)
    assert ask(bundles) == 0
    for wave in (("--wave", 1, "--share", 0.4), ("--wave", 2)):
        assert ask(bundles, *wave, campaign="week-31", out=bundles / "next") == 0
    first = read(bundles / "out")["arm"]
    parts = [read(bundles / "next" / f"wave-{number}")["arm"] for number in (1, 2)]
    assert first.notna().all()
    pd.testing.assert_series_equal(pd.concat(parts).sort_index(), first.sort_index())
    assert ask(bundles, "--workers", 2, out=bundles / "again") == 0
    pd.testing.assert_frame_equal(read(bundles / "again"), read(bundles / "out"))


def test_shares_are_kept_and_another_series_or_name_draws_anew() -> None:
    arms = [{"name": name, "bundle": "b", "share": s} for name, s in (("A", 0.2), ("B", 0.7))]
    members = np.arange(50_000)
    arm = told.read(Design, {"name": "x", "arms": arms}).find("weekly", members)
    shares = np.bincount(arm + 1, minlength=3) / len(members)
    np.testing.assert_allclose(shares, [0.1, 0.2, 0.7], atol=0.006)
    for name, series in (("x", "daily"), ("y", "weekly")):
        other = told.read(Design, {"name": name, "arms": arms}).find(series, members)
        expected = float((shares**2).sum())  # of independent draws
        assert abs((other == arm).mean() - expected) < 0.01
    thirds = [{"name": name, "bundle": "b", "share": 1 / 3} for name in "ABC"]
    assert told.read(Design, {"name": "x", "arms": thirds}).find("s", members).min() == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: x\n", "exp.yaml: arms: it is missing"),
        ("name: x\narms: [{name: A, bundle: b, share: 0.5}]", "at least 2 items"),
        ("name: x\ncolour: red\narms: []", "colour = 'red': there is no such setting"),
        (
            "name: x\narms: [{name: A, bundle: b, share: .5}, {name: B, bundle: b, share: 0.5}]",
            "share = '.5': must be a valid number",
        ),
        (
            "name: x\narms: [{name: A, bundle: b, share: 0.6}, {name: B, bundle: b, share: 0.5}]",
            "the shares of the arms add up to 1.1; must be at most 1",
        ),
        (
            "name: x\narms: [{name: A, bundle: b, share: 0.1}, {name: A, bundle: b, share: 0.5}]",
            "two arms are called 'A'",
        ),
        (
            "name: x\narms: [{name: rest, bundle: b, share: 0.1},"
            " {name: A, bundle: b, share: 0.5, color: red}]",
            "color = 'red': there is no such setting",
        ),
        ("- A\n", "must be settings such as name: spring"),
    ],
)
def test_a_file_that_cannot_be_is_refused(
    text: str, message: str, bundles: Path, capsys: Any
) -> None:
    (bundles / "exp.yaml").write_text(text)
    assert ask(bundles) == 2
    assert message in capsys.readouterr().err
    assert not (bundles / "out").exists()


def test_a_bundle_that_chooses_for_nobody_and_one_that_is_missing_are_refused(
    bundles: Path, capsys: Any
) -> None:
    write_design(bundles)
    assert ask(bundles) == 2
    assert "leave some members over: name the BUNDLE" in capsys.readouterr().err
    write_design(bundles, today=0.5, random=0.5)
    assert ask(bundles, source=bundles / "bundles" / "today") == 2
    assert "would choose for nobody: leave it out" in capsys.readouterr().err
    assert ask(bundles, out=bundles / "bundles" / "random" / "sent") == 2
    assert "lies in the bundle, which it would spoil" in capsys.readouterr().err
    argv = list_arguments(bundles, Path("x"))[1:]
    assert send.main([*argv, "--experiment", str(bundles / "exp.yaml")]) == 2
    assert "--series is empty; it says who is in which arm" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        send.main(argv)


def test_an_experiment_that_is_changed_under_way_is_refused(
    bundles: Path, association: Association, capsys: Any
) -> None:
    """It is found in what was sent before, beside --out or named by --sent, and in waves."""
    write_design(bundles, today=0.6, random=0.4)
    assert ask(bundles, "--wave", 1, "--share", 0.5) == 0
    (bundles / "elsewhere").mkdir()
    beside = {"campaign": "week-31", "out": bundles / "next"}
    away = {"campaign": "week-31", "out": bundles / "elsewhere" / "next"}
    write_design(bundles, today=0.5, random=0.5)
    for more, other in (
        ((), beside),
        (("--wave", 2), {}),
        (("--sent", bundles / "out"), away),
    ):
        assert ask(bundles, *more, **other) == 2
        message = capsys.readouterr().err
        assert "share of arm 'today' is 0.5, but" in message
        assert "was sent with 0.6: an experiment stays as it began" in message
    write_design(bundles, random=0.4, today=0.6)
    assert ask(bundles, **beside) == 2
    assert "the list of arms is ['random', 'today']" in capsys.readouterr().err
    write_design(bundles, today=0.6, random=0.4)
    assert ask(bundles, "--holdout", 0.1, **beside) == 2
    assert "the share of --holdout is 0.1" in capsys.readouterr().err
    policy = Random()
    policy.start(association.features)
    bundle.copy(bundles / "bundles" / "random", bundles / "bundles" / "today")
    assert ask(bundles, **beside) == 2
    assert "policy of arm 'today' is 'bandit.policies.random.Random'" in capsys.readouterr().err
    write_design(bundles, name="summer", today=0.6, random=0.4)
    assert ask(bundles, **beside) == 0


def test_a_plain_send_is_not_taken_for_one_with_an_experiment(bundles: Path, capsys: Any) -> None:
    """Nor the other way round, though both are made with one bundle."""
    write_design(bundles, today=0.6, random=0.4)
    assert ask(bundles) == 0
    assert send.main(list_arguments(bundles, bundles / "bundles" / "today")) == 2
    assert "was made with other experiment" in capsys.readouterr().err
    assert ask(bundles) == 0  # the same again
    assert len(read(bundles / "out")) == N * K


def test_the_preview_says_who_is_in_which_arm(bundles: Path) -> None:
    write_design(bundles, today=0.6, random=0.4)
    assert ask(bundles) == 0
    page = (bundles / "out" / "preview.html").read_text()
    assert "members are in arm random" in page
    assert "· arm today" in page
