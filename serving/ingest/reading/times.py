"""Times as providers write them, in seconds since 1970, UTC; and clocks that are wrong.

Seconds, with or without a fraction; milliseconds and microseconds, where seconds would be a year
beyond 5000; ISO 8601 and RFC 2822 with an offset; or a mapping's own format and zone. A time
without a zone is nobody's time, and is not guessed. Open this file for what is said about clocks.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TypeGuard

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bandit.core.types import Floats, Ints
from bandit.log.events import YEARS

WHY = ("", "no time", "a time without a zone", "an impossible time")
FIRST, END = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in YEARS)
EARLY = 300.0  # seconds before delivery at which gateways may look
MANY = 0.05  # share of negative delays from which a clock is doubted
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def parse_zone(text: str) -> timezone:
    """How far a zone is from UTC: `-06:00`. Raises ValueError for anything else."""
    found = re.fullmatch(r"([+-])(\d\d):(\d\d)", text)
    if not found or int(found[2]) > 15 or int(found[3]) > 59:
        raise ValueError(f"zone = {text!r}; must be such as -06:00")
    away = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return timezone(-away if found[1] == "-" else away)


def _are_whole(values: Sequence[object]) -> TypeGuard[Sequence[int]]:
    """Whether all values are whole numbers that a float holds to the second."""
    return all(type(value) is int and abs(value) < 2**62 for value in values) and bool(values)


def parse_times(
    values: Sequence[object], zone: timezone | None = None, form: str | None = None
) -> tuple[Floats, Ints, int]:
    """Seconds since 1970 [n], NaN where there is none; why not, a place in WHY; and how many were
    in milliseconds.

    zone: of times without one
    form: how times are written, as in `strptime`
    """
    why = np.zeros(len(values), dtype=np.int8)
    if form is not None:
        texts = pa.array([v if isinstance(v, str) else None for v in values], pa.string())
        read = pc.strptime(texts, format=form, unit="s", error_is_null=True)
        away = (zone or UTC).utcoffset(None).total_seconds()
        found = read.cast(pa.int64()).cast(pa.float64()).to_numpy(zero_copy_only=False) - away
        if zone is None and "%z" not in form:
            why[:] = 2
        why[np.isnan(found)] = 3
        why[[v is None for v in values]] = 1
    elif _are_whole(values):
        found = np.array(values, dtype=np.float64)
    else:
        found = np.full(len(values), np.nan)
        for row, value in enumerate(values):
            if isinstance(value, int | float) and not isinstance(value, bool):
                # a whole number may be larger than any float
                found[row] = value if abs(value) < 1e300 else np.inf
            elif isinstance(value, str):
                found[row], why[row] = _parse(value, zone)
            else:
                why[row] = 1
    milli = np.abs(found) > 1e11
    micro = np.abs(found) > 1e14
    found = np.where(micro, found / 1e6, np.where(milli, found / 1e3, found))
    odd = (why == 0) & ~((found >= FIRST) & (found < END))
    why[odd] = 3
    return np.where(why == 0, found, np.nan), why, int((milli & (why == 0)).sum())


def _parse(text: str, zone: timezone | None) -> tuple[float, int]:
    """A time that is written as text, or why it is none."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text), 0
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        try:
            when = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            return np.nan, 3
    if when.tzinfo is None:
        if zone is None:
            return np.nan, 2
        when = when.replace(tzinfo=zone)
    return when.timestamp(), 0


def describe_clocks(delays: Floats) -> list[str]:
    """Sentences about clocks that look wrong.

    delays: seconds from delivery to each open and click of one provider
    """
    if not len(delays):
        return []
    said, early = [], delays < -EARLY
    if early.mean() > 0.001:
        said.append(
            f"{100 * early.mean():.1f} % of opens and clicks are before their mail was delivered"
        )
    shift = find_shift(delays)
    if shift:
        away = "1 hour" if abs(shift) == 1 else f"{abs(shift)} hours"
        said.append(f"times look {away} {'late' if shift > 0 else 'early'}: is the zone right?")
    return said


def find_shift(delays: Floats) -> int:
    """By how many whole hours a clock goes wrong: late if positive; 0 where nothing says so.

    A clock that is early has people open before delivery. Of one that is late, nobody opens within
    the first minutes of a whole number of hours, and many right after it.
    """
    if len(delays) < 50:
        return 0
    if (delays < -EARLY).mean() > MANY:
        for hours in range(1, 15):
            if (delays + 3600 * hours < -EARLY).mean() < 0.001:
                return -hours
        return 0
    first = float(np.quantile(delays, 0.002))
    hours = int(first // 3600)
    soon = ((delays >= 3600 * hours) & (delays < 3600 * (hours + 1))).mean()
    return hours if hours and first % 3600 < 900 and soon > 0.05 else 0
