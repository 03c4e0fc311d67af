"""The editor's desk and the campaigns: what is in the pools, and who gets them."""

import numpy as np
import pytest
from scipy.special import logit

from bandit.policies.random import Random
from simulators.association.campaigns import Campaign, Campaigns
from simulators.association.drift import Membership
from simulators.association.pools.catalogue import read_catalogue
from simulators.association.press import Press, find_repeats
from simulators.play import play
from tests.support.dynamics_cases import at_random, build

# Articles


def test_appeal_fades_by_its_logits() -> None:
    fading, lasting = build(press=Press(decay=0.3), carried=0.5), build(carried=0.5)
    ages = set()
    for number in range(1, 6):
        context = fading.issue(number)
        age = number - fading.pool(number).since
        moved = logit(lasting.truth(lasting.issue(number))) - logit(fading.truth(context))
        np.testing.assert_allclose(moved, np.tile(0.3 * age, (len(context.members), 1)), atol=1e-9)
        assert (
            fading.pool(number).since == [int(article[1:4]) for article in context.article_ids]
        ).all()
        ages |= set(age.tolist())
    assert ages >= {0, 1, 2}


def test_ads_have_their_share_and_appeal() -> None:
    association = build(press=Press(ads=0.25, ad_appeal=-2.0), carried=0.0)
    pools = [association.pool(number) for number in range(1, 15)]
    kinds = np.concatenate([pool.articles["kind"] for pool in pools])
    quality = np.concatenate([pool.quality for pool in pools])
    assert (kinds == "ad").mean() == pytest.approx(0.25, abs=0.09)
    assert quality[kinds == "ad"].mean() - quality[kinds != "ad"].mean() == pytest.approx(
        -2.0, abs=0.15
    )
    shares = Press(ads=0.25).mix_kinds(read_catalogue("pharmacy"))
    assert shares["ad"] == 0.25
    assert shares["article"] == pytest.approx(0.75 * 0.7)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_series_goes_on_from_the_issue_before() -> None:
    association = build(press=Press(series=0.4))
    found = 0
    for number in range(2, 10):
        pool, before = association.pool(number), association.pool(number - 1)
        for j in np.flatnonzero(
            pool.articles["title"].str.contains(r"\(part \d+\)$") & (pool.since == number)
        ):
            title, _, part = pool.articles["title"].iloc[j].rpartition(" (part ")
            earlier = [title if part == "2)" else f"{title} (part {int(part[:-1]) - 1})"]
            i = before.articles["title"].tolist().index(earlier[0])
            assert (pool.topics[j] == before.topics[i]).all()
            assert pool.quality[j] == before.quality[i]
            assert pool.articles["source"].iloc[j] == before.articles["source"].iloc[i]
            assert not pool.articles["only_region"].iloc[j]
            found += 1
        parts = pool.articles["title"][pool.articles["title"].str.contains(r"\(part \d+\)$")]
        assert parts.is_unique  # one next part each
    assert found > 15


def test_a_near_duplicate_is_the_same_story_in_other_words() -> None:
    association = build(press=Press(duplicates=0.4), carried=0.0)
    texts = found = 0
    for number in range(1, 8):
        pool = association.pool(number)
        for j in range(20):
            for i in range(j):
                if pool.stories[i] is pool.stories[j]:
                    assert (pool.topics[i] == pool.topics[j]).all()
                    assert pool.quality[i] == pool.quality[j]
                    a, b = (
                        pool.articles.iloc[row][["title", "summary"]].tolist() for row in (i, j)
                    )
                    texts += a != b
                    found += 1
    assert found > 15
    assert texts > 0.9 * found


def test_a_story_find_repeats_is_clicked_less() -> None:
    association = build(press=Press(duplicates=0.5, repeated=0.75), carried=0.0, examine=(1.0,) * 5)
    once = build(press=Press(duplicates=0.5), carried=0.0, examine=(1.0,) * 5)
    context = association.issue(1)
    drawn = at_random(context)
    stories = association.pool(1).stories
    again = np.array(
        [
            [
                j >= 0 and any(above >= 0 and stories[above] is stories[j] for above in row[:slot])
                for slot, j in enumerate(row)
            ]
            for row in drawn.choice
        ]
    )
    assert again.sum() > 20
    assert (find_repeats(association.pool(1), drawn.choice) == again).all()
    whole = once.expected(context, drawn)
    np.testing.assert_allclose(
        association.expected(context, drawn), np.where(again, 0.25 * whole, whole)
    )
    empty = np.full((2, 5), -1)
    assert not find_repeats(association.pool(1), empty).any()


def test_breaking_news_is_news_once() -> None:
    association, usual = (
        build(press=Press(breaking=share, breaking_lift=1.7), carried=0.5) for share in (1.0, 0.0)
    )
    carried = 0
    for number in range(1, 9):
        pool = association.pool(number)
        breaking = pool.articles["title"].str.startswith("Breaking: ").to_numpy()
        fresh = breaking & (pool.since == number)
        assert fresh.sum() == 1
        moved = logit(association.truth(association.issue(number))) - logit(
            usual.truth(usual.issue(number))
        )
        np.testing.assert_allclose(moved, np.tile(1.7 * fresh, (len(moved), 1)), atol=1e-9)
        carried += (breaking & ~fresh).sum()
    assert carried > 0


# Campaigns

CAMPAIGNS = Campaigns(
    promotion=Campaign(every=3, first=2, kinds={"event": 1.0}, clicks=0.4),
    renewal=Campaign(every=4, first=4, kinds={"resource": 1.0}),
    conference=Campaign(every=6, first=6, kinds={"session": 1.0}, opens=0.5),
    shared=0.6,
)


def test_campaigns_have_their_days_pools_and_rules() -> None:
    association = build(campaigns=CAMPAIGNS)
    names = [CAMPAIGNS.look_up(number)[0] for number in range(1, 13)]
    assert names == [
        *("issue", "promotion", "issue", "renewal", "promotion", "conference"),
        *("issue", "renewal", "issue", "issue", "promotion", "conference"),
    ]
    kinds = {"promotion": {"event"}, "renewal": {"resource"}, "conference": {"session"}}
    before: dict[str, set[str]] = {}
    for name, round in zip(names, play(Random(), association, seed=5), strict=True):
        context = round.context
        assert context.campaign == f"{name}-{context.issue:03d}"
        assert set(context.articles["kind"]) <= kinds.get(name, {"article", "event", "resource"})
        assert bool(context.rules.at_most) == (name == "issue")
        ids = set(context.article_ids)
        assert len(ids & before.get(name, set())) == (
            4 if name in before else 0
        )  # carried over among their own kind
        before[name] = ids


def test_the_same_members_get_all_campaigns() -> None:
    association = build(campaigns=CAMPAIGNS, joiners=0.0, unsubscribe=0.0)
    contexts = [association.issue(number) for number in (1, 2, 4, 6)]
    for context in contexts[1:]:
        assert context.members.to_pandas().equals(contexts[0].members.to_pandas())
        assert context.member_features.tobytes() == contexts[0].member_features.tobytes()


def test_what_was_seen_is_known_when_it_is_carried_over_issues_later() -> None:
    association, opened_with = build(campaigns=CAMPAIGNS, carried=0.5), {}
    for round in play(Random(), association, seed=5):
        context, feedback = round.context, round.feedback
        ids = context.article_ids.tolist()
        known = [
            [member in opened_with.get(article, ()) for article in ids]
            for member in context.member_ids
        ]
        assert context.seen.tolist() == known
        choice = round.slates.choice
        for i, j in zip(*np.nonzero(feedback.opened[:, None] & (choice >= 0)), strict=True):
            opened_with.setdefault(ids[choice[i, j]], set()).add(context.member_ids[i])
    assert context.seen.any()


def test_a_campaign_shifts_by_its_logits() -> None:
    one, two = (
        build(campaigns=Campaigns(promotion=Campaign(every=1, clicks=more))) for more in (0.0, 0.4)
    )
    truths = [logit(association.truth(association.issue(1))) for association in (one, two)]
    np.testing.assert_allclose(truths[1] - truths[0], 0.4)
    opened = []
    for more in (0.0, 0.5):
        association = build(
            campaigns=Campaigns(promotion=Campaign(every=1, opens=more)), examine=(1.0,) * 5
        )
        context = association.issue(1)
        drawn = at_random(context)
        p = np.take_along_axis(association.truth(context), drawn.choice, axis=1)
        opened.append((association.expected(context, drawn) / p)[:, 0])
    np.testing.assert_allclose(logit(opened[1]) - logit(opened[0]), 0.5, atol=1e-6)


def test_renewal_notices_go_to_those_whose_term_ends_soon_and_help() -> None:
    membership = Membership(term=8, notice=3, renewal=0.5, reminder=9.0)
    association = build(
        campaigns=Campaigns(renewal=Campaign(every=4, first=4)),
        membership=membership,
        members=2000,
        joiners=0.0,
        click_to_open=0.9,
        open_rate=0.8,
        unsubscribe=0.0,
    )
    everyone = {}
    for round in play(Random(), association, seed=5, issues=7):
        number, ids = round.context.issue, round.context.member_ids
        everyone[number] = set(ids)
        if number == 4:
            told, clicked = set(ids), set(ids[round.feedback.clicked.any(axis=1)])
    assert len(told) / len(everyone[3]) == pytest.approx(3 / 8, abs=0.05)
    left = everyone[3] - everyone[7]
    assert len(clicked) > 50
    assert len(left & clicked) < 0.02 * len(clicked)
    silent = told - clicked
    assert len(left & silent) / len(silent) == pytest.approx(0.5, abs=0.12)


@pytest.mark.parametrize("shared", [0.0, 0.6, 1.0])
def test_interests_in_sessions_are_shared_as_asked(shared: float) -> None:
    campaigns = Campaigns(shared=shared)
    sd = np.array([0.9, 0.4, 1.7])
    personal = np.random.default_rng(0).normal(size=(20_000, 3)) * sd
    sessions = campaigns.blend_interests("conference", personal, np.random.default_rng(1), sd)
    assert campaigns.blend_interests("issue", personal, np.random.default_rng(1), sd) is personal
    for j in (1, 2):
        assert np.corrcoef(personal[:, j], sessions[:, j])[0, 1] == pytest.approx(shared, abs=0.02)
        assert sessions[:, j].std() == pytest.approx(sd[j], rel=0.02)
    assert sessions[:, 0].tobytes() == personal[:, 0].tobytes()
