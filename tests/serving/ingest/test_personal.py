"""What is kept of people: no row tells an address, and nothing that is looked for is lost."""

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from serving.ingest.personal import cut_addresses
from tests.serving.ingest.test_ingest import ingest, write
from tests.support.ingest_cases import Post, list_days, write_rows


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{"to": "Ann Lee <ann.lee+x@example.org>"}', '{"to": "Ann Lee <…@example.org>"}'),
        ("address: josé@exämple.org; kind: open", "address: …@exämple.org; kind: open"),
        ("O'Neil@Example.co.uk, bounce+ann=b.org@c.net", "…@Example.co.uk, …@c.net"),
        ("https://x.org/a?e=ann%40example.org&s=2", "https://x.org/a?…%40example.org&s=2"),
        ("10.1.2.3 and 198.51.100.77:443", "10.1.2.0 and 198.51.100.0:443"),
        ('"2001:0db8:85a3:0000:0000:8a2e:0370:7334"', '"2001:0db8::"'),
        ("2001:db8::1, 2001:db8:7::9", "2001:db8::, 2001:db8::"),
        ("2026-07-07T12:30:45.250+02:00, 12:30:45", "2026-07-07T12:30:45.250+02:00, 12:30:45"),
        ("Chrome/126.0.0.0 sent @ noon", "Chrome/126.0.0.0 sent @ noon"),
    ],
)
def test_addresses_are_cut_and_nothing_else(text: str, left: str) -> None:
    assert cut_addresses(pa.array([text, None])).to_pylist() == [left, None]
    assert cut_addresses(cut_addresses(pa.array([text]))).to_pylist() == [left]


def test_what_is_kept_tells_nobody_s_address(
    sent: Path, post: Post, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a member's nor a machine's, whatever becomes of the row."""
    days = list_days(post)
    good = write_rows("mailgun", post, days).splitlines()
    torn = [line[:-40] for line in good if '"opened"' in line][:2]
    odd = [line.replace('"opened"', '"levitated"') for line in good]
    lost = [line.replace('"member": "', '"member": "x') for line in good]
    six = odd[0].replace("198.51.0.7", "2001:db8:85a3::8a2e:370:7334")
    file = write(tmp_path, "mailgun", "\n".join([*good, *torn, *odd, *lost, six]))
    ingest(sent, tmp_path / "log", file)
    assert "aside/001.parquet keeps them" in capsys.readouterr().out
    kept = ""
    for path in sorted((tmp_path / "log").rglob("*.parquet")):
        if path.parent.name != "pools":
            kept += pd.read_parquet(path).drop(columns="event", errors="ignore").to_csv()
    for secret in ("reader", "Reader", "198.51.0.7", "198.51.3.7", "370:7334"):
        assert secret not in kept
    assert "…@Example.org" in kept
    assert "open-0-0" in kept  # its id, by which it is found again
