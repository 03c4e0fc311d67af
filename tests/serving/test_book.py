"""What a send keeps of members and articles: enough to read its log by itself."""

from pathlib import Path

import pandas as pd

from serving import send
from serving.sending.record import read_send
from tests.support.desk_cases import K, N, list_arguments


def test_the_book_holds_who_was_mailed_in_the_order_of_the_slates(unit: Path, desk: Path) -> None:
    members = pd.read_parquet(desk / "members.parquet")
    gone = members["member"].iloc[[3, 17]]
    gone.to_frame().to_csv(desk / "gone.csv", index=False)
    words = list_arguments(desk, unit / "bundle", suppress=desk / "gone.csv")
    assert send.main(words) == 0
    kept = pd.read_parquet(desk / "out" / "members.parquet")
    slates = pd.read_parquet(desk / "out" / "slates.parquet")
    assert len(kept) == N - 2
    assert kept["member"].tolist() == slates["member"].tolist()[::K]
    attributes = [name for name in kept if name != "member"]
    assert "email" not in attributes  # no more of a person than the bundle reads
    was = members.set_index("member").loc[kept["member"], attributes].reset_index()
    pd.testing.assert_frame_equal(kept, was, check_dtype=False)
    pool = pd.read_parquet(desk / "out" / "pool.parquet").set_index("article")
    assert set(slates["article"].dropna()) <= set(pool.index)
    assert pool["url"].str.startswith("https://news.example.org/").all()
    told = read_send(desk / "out")
    assert told["rules"] == {"at_most": {"kind": {"event": 2}}, "slots": K}
