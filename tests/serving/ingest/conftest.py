"""A send, and what came back from it."""

from pathlib import Path

import pytest

from bandit.policies.random import Random
from serving import bundle, send
from simulators.association.association import Association
from tests.support.desk_cases import K, list_arguments
from tests.support.ingest_cases import Post


@pytest.fixture(scope="module")
def sent(association: Association, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished send to 60 members, four articles each."""
    folder = tmp_path_factory.mktemp("sent")
    policy = Random()
    policy.start(association.features)
    target = "bandit.policies.random.Random"
    bundle.write(folder / "bundle", policy, target, {}, association.features, {})
    context = association.issue(1)
    members, articles = context.members.to_pandas(), context.articles.to_pandas()
    members.to_parquet(folder / "members.parquet")
    links = "https://news.example.org/" + articles["article"].astype(str)
    articles.assign(url=links).to_parquet(folder / "pool.parquet")
    members[["member"]].head(1).to_parquet(folder / "seen.parquet")
    (folder / "rules.yaml").write_text(f"slots: {K}\n")
    members[["member"]].head(1).assign(article=context.article_ids[0]).to_parquet(
        folder / "seen.parquet"
    )
    words = list_arguments(folder, folder / "bundle", campaign="2026-27", out=folder / "2026-27")
    assert send.main(words) == 0
    return folder / "2026-27"


@pytest.fixture(scope="module")
def post(sent: Path) -> Post:
    return Post(sent)
