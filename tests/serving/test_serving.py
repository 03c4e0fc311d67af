"""Promises 2 and 5: a bundle gives bit for bit what the policy in the experiment gives.

It does so in any order and in any chunks.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bandit.core.types import PINNED
from bandit.slates.propensity import draw
from experiments.check.words import same_chances, same_table
from serving import bundle
from serving.sending import choose
from tests.support.bundle_cases import CONFIGS, SEED, load_class, train

EXPORTABLE = [
    name
    for name, config in CONFIGS.items()
    if not hasattr(load_class(config["_target_"]), "reveal")
]


@cache
def list_seen_pairs(name: str) -> pd.DataFrame:
    context = train(name).context
    rows, columns = np.nonzero(context.seen)
    pairs = pd.DataFrame(
        {"member": context.member_ids[rows], "article": context.article_ids[columns]}
    )
    strangers = pd.DataFrame(
        {"member": [999_999, pairs["member"][0]], "article": [pairs["article"][0], "gone"]}
    )
    return pd.concat([strangers, pairs.iloc[::-1]])


@pytest.fixture(params=EXPORTABLE)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def compose(
    found: bundle.Bundle,
    name: str,
    rows: Any = slice(None),
    pool: Any = slice(None),
    chunk: int = 999,
) -> pd.DataFrame:
    context = train(name).context
    members, articles = context.members.take(rows), context.articles.take(pool)
    tables = choose.compose(
        found,
        members,
        articles,
        context.rules,
        context.campaign,
        SEED,
        list_seen_pairs(name),
        chunk,
    )
    return pa.concat_tables(tables).to_pandas()


def test_there_are_policies_to_export() -> None:
    assert {"profile", "vw", "lin_ts", "segment_learned", "segment_rules"} <= set(EXPORTABLE)
    assert {"oracle", "bayes_limit", "profile_true_topics"} <= set(CONFIGS) - set(EXPORTABLE)


def test_production_gives_what_research_gives(name: str, tmp_path: Path) -> None:
    mine = train(name)
    mine.write(tmp_path / "b")
    found = bundle.read(tmp_path / "b")
    context = mine.context
    here, there = mine.policy.plan(context), found.policy.plan(context)
    chances = here(context.eligible), there(context.eligible)
    same_chances("bundle -> read -> plan", context, here.scores, there.scores, "score")
    same_chances("bundle -> read -> plan", context, *chances)
    slates = draw(here, context, SEED)
    rng = np.random.default_rng(5)
    order, pool = rng.permutation(len(context.members)), rng.permutation(len(context.articles))
    straight = compose(found, name)
    same_table("bundle -> send", context, slates, straight)
    shuffled = compose(found, name, order, pool, chunk=37)
    moved = context.take(order), slates.take(order)
    same_table("bundle -> send in another order, in chunks of 37", *moved, shuffled)
    assert shuffled["member"].tolist() == context.member_ids[order].repeat(4).tolist()
    k = np.arange(4)
    pd.testing.assert_frame_equal(
        shuffled, straight.iloc[(4 * order[:, None] + k).ravel()].reset_index(drop=True)
    )
    few = order[:5]
    pd.testing.assert_frame_equal(compose(found, name, few, chunk=1), shuffled.iloc[: 4 * len(few)])


def test_slates_obey_the_hard_rules(folder: Path) -> None:
    context = train("profile").context
    assert context.rules.pins
    assert context.seen.any()
    assert not context.eligible.all()
    table = compose(bundle.read(folder), "profile")
    place = {article: j for j, article in enumerate(context.article_ids)}
    at = table["article"].map(place).to_numpy().reshape(-1, 4)
    assert context.eligible[np.arange(len(at))[:, None], at].all()
    pinned = table[table["slot"] == 3]
    assert set(pinned["article"]) == set(context.rules.pins.values())
    assert set(pinned["role"]) == {PINNED}
    assert (pinned["propensity"] == 1).all()
