"""A mail that nobody opened is in the log as it was sent, and says nothing against its articles."""

from pathlib import Path

import numpy as np
import pytest

from bandit.log import archive
from bandit.policies.popular import Popular
from bandit.policies.profile import Profile
from bandit.policy import Policy
from simulators.association.association import Association
from tests.serving.ingest.test_ingest import ingest, write
from tests.support.desk_cases import N
from tests.support.ingest_cases import Happened, Post, list_days, write_rows

DAY = 86400.0


@pytest.mark.parametrize("kind", [Popular, Profile])
def test_an_unopened_mail_is_not_a_negative(
    kind: type[Policy], sent: Path, post: Post, tmp_path: Path, association: Association
) -> None:
    """Each mail has its rows, whatever came back, and nothing is learned from those left closed.

    Two mails were never heard of, one bounced, and one was opened when its events no longer count.
    """
    silent, bounced, tardy = (1, 2), 4, 5
    days = [each for each in list_days(post) if each.row not in silent]
    days += [Happened(bounced, "bounce", 60), Happened(tardy, "open", 31 * DAY)]
    file = write(tmp_path, "mailgun", write_rows("mailgun", post, days))
    told = ingest(sent, tmp_path / "log", file)
    assert told["aside"] == {"more than 30 days after delivery": 1}
    (round,) = archive.read(tmp_path / "log", association.features)
    feedback, opened = round.feedback, np.arange(N) % 3 == 0
    assert round.context.member_ids.tolist() == [mail["member"] for mail in post.mails]
    assert np.array_equal(feedback.opened, opened)
    assert np.flatnonzero(~feedback.delivered).tolist() == [bounced]
    assert not feedback.clicked[~opened].any()
    assert (feedback.examined[~opened] == -1).all()  # nobody knows that a slot was passed over
    row, *_ = round.list_exposures()
    assert set(row) == set(np.flatnonzero(opened))
    whole, part = kind(), kind()
    for policy, shown in ((whole, round), (part, round.take(np.flatnonzero(opened)))):
        policy.start(association.features)
        policy.learn(shown)
    known, learned = whole.state(), part.state()
    assert known.keys() == learned.keys()
    assert all(np.array_equal(known[name], learned[name]) for name in known)
