"""Speed of ingesting, as a ratio. Run with `pytest tests/benchmarks --benchmark-only`, in a single
process on a quiet machine; other runs of pytest skip these tests."""

import json
from pathlib import Path
from time import process_time
from typing import Any

from serving.ingest.reading.mapping import find_mapping, list_known
from serving.ingest.reading.records import read_records
from serving.ingest.reading.rows import Bad, read_pieces

AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"


def write(path: Path, rows: int) -> None:
    lines = [
        json.dumps(
            {
                "email": f"reader{row}@example.org",
                "timestamp": 1783414863 + row,
                "event": "click",
                "sg_event_id": f"c-{row}",
                "sg_message_id": f"m{row}.filter0001.16648.5515E0B88.0",
                "useragent": AGENT,
                "ip": f"198.{row % 200}.{row % 250}.7",
                "url": f"https://news.example.org/a/{row % 40}?utm_source=x&lb=s{row:020x}",
            }
        )
        for row in range(rows)
    ]
    path.write_text("\n".join(lines))


def test_records_beside_the_bare_json(benchmark: Any, tmp_path: Path) -> None:
    """Finding fields, times, links, agents and networks costs some 5 times what parsing does."""
    path = tmp_path / "events.jsonl"
    write(path, 60_000)

    def read() -> int:
        count = 0
        for piece in read_pieces(path):
            first = [row for row in piece[:1] if not isinstance(row, Bad)]
            mapping = find_mapping(first, list_known()) or list_known()[0]
            count += len(read_records(mapping, piece).table)
        return count

    def parse() -> None:
        for line in path.read_text().splitlines():
            json.loads(line)

    assert benchmark(read) == 60_000
    begun = process_time()
    read()
    middle = process_time()
    parse()
    assert middle - begun <= 12 * (process_time() - middle)
