"""From the bytes of a file to records: layouts, rows that cannot be read, times, links, agents."""

import gzip
import json
from datetime import UTC, datetime
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.ingest.reading.agents import KNOWN, find_agent, find_network
from serving.ingest.reading.links import Places, clean_link, read_places
from serving.ingest.reading.mapping import Field, find_mapping, list_known, read_mapping
from serving.ingest.reading.records import find_word, read_records
from serving.ingest.reading.rows import Bad, read_pieces
from serving.ingest.reading.times import find_shift, parse_times, parse_zone

ROWS = [{"a": number, "in": {"b": [{"c": "}, {"}]}} for number in range(5)]
LAYOUTS = {
    "array": json.dumps(ROWS),
    "tight": json.dumps(ROWS, separators=(",", ":")),
    "indented": json.dumps(ROWS, indent=2),
    "lines": "\n".join(map(json.dumps, ROWS)),
    "arrays in lines": "\n".join(json.dumps(ROWS[at : at + 2]) for at in (0, 2, 4)),
    "behind one another": "".join(map(json.dumps, ROWS)),
    "with a mark": "\ufeff" + json.dumps(ROWS),
}


def read(path: Path, data: bytes) -> list[Any]:
    path.write_bytes(data)
    return [row for piece in read_pieces(path) for row in piece]


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("packed", [False, True])
def test_json_in_any_layout(name: str, packed: bool, tmp_path: Path) -> None:
    data = LAYOUTS[name].encode()
    assert read(tmp_path / "x", gzip.compress(data) if packed else data) == ROWS


@pytest.mark.parametrize("name", ["array", "indented", "lines"])
@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_a_row_that_is_torn_takes_no_other_with_it(
    name: str, chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the size of the pieces that are read at a time."""
    monkeypatch.setattr("serving.ingest.reading.rows.CHUNK", chunk)
    rows = [{"a": number, "b": "text"} for number in range(5)]
    text = json.dumps(rows, indent=1) if name == "indented" else json.dumps(rows)
    text = "\n".join(map(json.dumps, rows)) if name == "lines" else text
    place = text.index('"a": 2') + 3
    found = read(tmp_path / "x", (text[:place] + text[place + 2 :]).encode())
    assert [row for row in found if not isinstance(row, Bad)] == rows[:2] + rows[3:]
    (bad,) = (row for row in found if isinstance(row, Bad))
    assert bad.why == "not JSON"


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('{"a\n{":1},5\n', []),
        ('{"a":"x\n{"},{"b":2}\n', [{"b": 2}]),
        ('{"a":[{}\n{}]},{"b":1}\n', [{}, {"b": 1}]),
    ],
)
def test_torn_lines_are_not_joined_to_a_row_that_nobody_wrote(
    text: str, rows: object, tmp_path: Path
) -> None:
    found = read(tmp_path / "x", text.encode())
    sound = [row for row in found if not isinstance(row, Bad)]
    assert sound == rows
    assert len(found) - len(sound) == 2


def test_what_is_cut_off_at_the_end_is_one_row(tmp_path: Path) -> None:
    found = read(tmp_path / "x", json.dumps(ROWS).encode()[:-9])
    assert found[:-1] == ROWS[:-1]
    assert found[-1].why == "cut off"


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    (bad,) = read(tmp_path / "x", b'{"a": NaN}')
    assert bad.why == "not JSON"


def test_sheets_keep_what_is_written(tmp_path: Path) -> None:
    text = 'SendID;Name;URL\r\n007;"Li; ""the"" first";https://example.org\r\n1;2\r\n'
    found = read(tmp_path / "x", text.encode("utf-8-sig"))
    assert found[0] == {"SendID": "007", "Name": 'Li; "the" first', "URL": "https://example.org"}
    assert found[1].why == "another number of cells than the first line"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PAR1....", "a parquet file"),
        (b"PK\x03\x04....", "a zip or XLSX file"),
        (b"only one column\n1\n", "must be JSON, or names of columns"),
    ],
)
def test_files_of_another_kind_are_refused(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=said):
        read(tmp_path / "x", data)


NOON = datetime(2026, 7, 7, 12, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (NOON, NOON),
        (NOON + 0.25, NOON + 0.25),
        (NOON * 1000, NOON),
        (NOON * 1e6, NOON),
        (str(int(NOON)), NOON),
        ("2026-07-07T12:00:00Z", NOON),
        ("2026-07-07T14:00:00+02:00", NOON),
        ("2026-07-07T12:00:00.1234567Z", NOON + 0.123456),
        ("Tue, 07 Jul 2026 08:00:00 -0400", NOON),
    ],
)
def test_one_time_in_many_writings(text: object, seconds: float) -> None:
    found, why, _ = parse_times([text])
    assert why.tolist() == [0]
    assert found[0] == pytest.approx(seconds, abs=1e-6)


def test_times_that_are_none_are_not_guessed() -> None:
    given = [None, "", "2026-07-07 12:00:00", "yesterday", -5.0, 1.0, True, {"at": 1}, "9" * 400]
    found, why, milliseconds = parse_times(given)
    assert np.isnan(found).all()
    assert why.tolist() == [1, 3, 2, 3, 3, 3, 1, 1, 3]
    assert milliseconds == 0
    assert parse_times([NOON * 1000, NOON])[2] == 1


def test_a_number_beyond_all_computers_takes_no_other_row_with_it() -> None:
    nines = "9" * 30
    given = [10**400, -(10**400), f"7 Jul {nines} 12:00 +0000", f"7 Jul 2026 12:00 +{nines}", NOON]
    found, why, _ = parse_times(given)
    assert why.tolist() == [3, 3, 3, 3, 0]
    assert found[-1] == NOON


def test_a_zone_without_summer_time() -> None:
    form = "%m/%d/%Y %I:%M:%S %p"
    given = ["7/7/2026 9:30:05 AM", "1/7/2026 9:30:05 PM", "7/7/2026"]
    found, why, _ = parse_times(given, parse_zone("-06:00"), form)
    assert found[0] == datetime(2026, 7, 7, 15, 30, 5, tzinfo=UTC).timestamp()
    assert found[1] == datetime(2026, 1, 8, 3, 30, 5, tzinfo=UTC).timestamp()
    assert why.tolist() == [0, 0, 3]
    assert parse_times(given, None, form)[1].tolist() == [2, 2, 3]
    told, why, _ = parse_times(["7/7/2026 9:30 -0600"], None, "%m/%d/%Y %H:%M %z")
    assert (told[0], why[0]) == (found[0] - 5, 0)
    with pytest.raises(ValueError, match="zone = 'CST'; must be such as -06:00"):
        parse_zone("CST")


@pytest.mark.parametrize("hours", [-6, -1, 0, 1, 6])
def test_a_clock_that_is_wrong_by_hours_is_found(hours: int) -> None:
    delays = 60 + np.random.default_rng(5).lognormal(9.0, 1.6, 4000)
    assert find_shift(delays + 3600 * hours) == hours


@given(
    st.lists(st.sampled_from(["utm_source=a", "mc_cid=1", "gclid=2", "lb=s123"]), max_size=3),
    st.permutations(["a=1", "b=2"]),
)
def test_what_is_added_to_a_link_does_not_count(added: list[str], own: list[str]) -> None:
    link = "https://News.example.org/a/1/?" + "&".join([*added, *own])
    assert clean_link(link + "#top") == "news.example.org/a/1?a=1&b=2"


def test_links_that_differ_stay_two() -> None:
    links = ["https://a.org/x", "https://a.org/X", "https://a.org/x?id=2", "https://b.org/x"]
    assert len({clean_link(link) for link in links}) == 4
    assert clean_link("https://a.org:x/") == "https://a.org:x/"
    assert clean_link("mailto:Desk@a.org?subject=x") == "mailto:desk@a.org"


def test_places_by_pattern(tmp_path: Path) -> None:
    places = Places({"sponsor": ["https://ads.example.com/*"], "footer": ["https://a.org/privacy"]})
    assert places.find(clean_link("http://ads.example.com/x?utm_source=1")) == "sponsor"
    assert places.find("a.org/privacy") == "footer"
    assert places.find("a.org/privacy/2") == ""
    for link in ("https://ads.example.com", "https://ads.example.com/?id=2"):
        assert places.find(clean_link(link)) == "sponsor"
    assert places.find("ads.example.com.evil.org") == ""
    left = Places({"unsubscribe": ["https://a.org/leave?id=*"], "footer": ["https://a.org/[1]"]})
    assert left.find(clean_link("https://a.org/leave?utm_source=x&id=5")) == "unsubscribe"
    assert left.find(clean_link("https://a.org/leave")) == ""
    assert (left.find("a.org/[1]"), left.find("a.org/1")) == ("footer", "")
    (tmp_path / "links.yaml").write_text("header: [https://a.org]\n")
    with pytest.raises(ValueError, match=r"links\.yaml: 'header' is no place"):
        read_places(tmp_path / "links.yaml")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "none"),
        ("Mozilla/5.0", "bare"),
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com)", "imageproxy"),
        ("Barracuda Sentinel (EE)", "scanner"),
        ("python-requests/2.32", "script"),
        ("Microsoft Outlook 16.0", "mail"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko)", "mail"),
        ("Mozilla/5.0 (iPhone) AppleWebKit/605.1 (KHTML, like Gecko) Safari/604.1", "browser"),
    ],
)
def test_agents_by_what_they_say(text: str | None, kind: str) -> None:
    assert find_agent(text) == kind


def test_networks_tell_no_single_address() -> None:
    assert find_network("2001:db8:1:2::7") == "2001:0db8:0001"
    assert find_network("::ffff:198.51.100.7") == find_network("198.51.100.9") == "198.51.100"
    assert find_network("66.249.84.3") == "google"
    assert find_network("AS64500") == "AS64500"
    assert find_network("999.1.1.1") == "999.1.1"


def test_every_known_provider_tells_itself_by_its_fields() -> None:
    names = [each.provider for each in list_known()]
    assert names == ["mailchimp", "mailgun", "postmark", "salesforce", "sendgrid", "ses"]
    assert find_mapping([{"a": 1}], []) is None
    for each in list_known():
        assert find_word(each.kinds, next(iter(each.kinds))) is not None


def test_a_mapping_of_ones_own_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    text = "provider: mine\nkind: what\nkinds: {hit: click, robot: ignore}\ntime: at\n"
    path.write_text(text + "event: {join: [id, n]}\nverdict: bot\nverdicts: {true: bot}\n")
    mapping = read_mapping(path)
    rows = [{"what": "hit", "at": NOON, "id": 7, "n": 2, "bot": True}, {"what": "robot", "at": 1}]
    records = read_records(mapping, rows)
    (record,) = records.table.to_pylist()
    assert {record["event"], record["verdict"], record["kind"]} == {"7/2", "bot", "click"}
    assert records.aside["why"].to_pylist() == ["kind robot tells nothing"]
    for line, said in (
        ("kinds: {hit: tap}", "'hit' means 'tap'; must be one of delivered, open, click"),
        ("kinds: {}\ncolour: red", "colour = 'red': there is no such setting"),
        ("kinds: {}\nurl: {until: x}", "must name one path"),
        ("kinds: {}\nzone: CST", r"mine\.yaml: zone = 'CST': must be such as -06:00"),
    ):
        path.write_text(text.replace("kinds: {hit: click, robot: ignore}", line))
        with pytest.raises(ValueError, match=said):
            read_mapping(path)


def test_fields_by_path() -> None:
    rows: list[dict[str, Any]] = [{"a": {"b": [5]}}, {"a": "x", "c": "Y/z"}, {"a": {"b": ""}}]
    assert Field(["a.b"]).collect(rows) == [5, None, None]
    assert Field(["a.b", "c"]).read(rows).to_pylist() == ["5", "Y/z", None]
    cut = Field(["c"], until="/", lower=True)
    assert cut.collect(rows) == [None, "y", None]


FIELDS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.one_of(
        st.none(), st.integers(-9, 9), st.sampled_from(["", "x", "y.z"]), st.just({"c": "d"})
    ),
)


@given(
    st.lists(FIELDS, max_size=4),
    st.lists(st.sampled_from(["a", "b", "a.c", "e", "e.c"]), min_size=1, max_size=3, unique=True),
    st.booleans(),
)
def test_fields_that_no_row_has_need_not_be_looked_for(
    rows: list[dict[str, Any]], paths: list[str], join: bool
) -> None:
    field = Field(join=paths) if join else Field(first=paths)
    assert field.collect(rows, set().union(*rows)) == field.collect(rows)


@given(st.ip_addresses(v=4))
def test_a_network_s_name_is_the_one_of_the_list(address: IPv4Address) -> None:
    own = [name for name, some in KNOWN.items() if any(address in each for each in some)]
    block = str(address).rpartition(".")[0]
    assert find_network(str(address)) == (own[0] if own else block)


@pytest.mark.parametrize("text", ["66.102.15.255", "66.249.64.0", "66.249.95.9", "17.0.0.1"])
def test_networks_are_known_to_their_ends(text: str) -> None:
    assert find_network(text) in KNOWN
    assert find_network("66.102.16.0") == "66.102.16"
    assert find_network("999.1.2.3") == "999.1.2"
