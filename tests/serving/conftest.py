"""What a sender has in front of them: a bundle, a finished unit, and the editor's files."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from bandit.core.types import Context
from bandit.policies.profile import Profile
from serving import bundle
from simulators.association.association import Association
from tests.support.bundle_cases import train
from tests.support.desk_cases import K, M, N


@pytest.fixture(scope="module")
def association() -> Association:
    return Association(members=N, issues=3, pool=M, slots=K, text_dims=8, joiners=0.0)


@pytest.fixture(scope="module")
def unit(association: Association, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished unit's folder, as experiments leave it."""
    folder = tmp_path_factory.mktemp("runs") / "units" / "profile-0"
    policy = Profile(budget=0.2)
    policy.start(association.features)
    bundle.write(
        folder / "bundle",
        policy,
        "bandit.policies.profile.Profile",
        {"budget": 0.2},
        association.features,
        {},
    )
    (folder / "unit.json").write_text('{"exportable": true}')
    return folder


@pytest.fixture
def desk(association: Association, tmp_path: Path) -> Path:
    """The editor's files, all in order."""
    context: Context = association.issue(1)
    members, articles = context.members.to_pandas(), context.articles.to_pandas()
    members.assign(email="x@example.org").to_parquet(tmp_path / "members.parquet")
    links = "https://news.example.org/" + articles["article"].astype(str)
    articles.assign(url=links).to_parquet(tmp_path / "pool.parquet")
    (tmp_path / "rules.yaml").write_text(f"slots: {K}\nat_most: {{kind: {{event: 2}}}}\n")
    pairs = {"member": context.member_ids[:3], "article": context.article_ids[[5, 5, 1]]}
    pd.DataFrame(pairs).to_parquet(tmp_path / "seen.parquet")
    return tmp_path


@pytest.fixture(scope="module", autouse=True)
def _let_go() -> Iterator[None]:
    """Vowpal Wabbit complains if it is still there when the interpreter goes."""
    yield
    train.cache_clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One profile bundle, to be copied before it is harmed."""
    path = tmp_path_factory.mktemp("bundles") / "profile"
    train("profile").write(path)
    return path
