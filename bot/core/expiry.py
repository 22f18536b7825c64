"""Until when a yes to money holds, as people write it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

UNTIL_EXAMPLES = "Write a day such as 2026-12-01, which is its end in UTC, or a time such as 3d."
_LONGEST = timedelta(days=366)
_SPAN = re.compile(r"(?P<number>[0-9]{1,4}) ?(?P<unit>h|d|w|hours?|days?|weeks?)")
_HOURS = {"h": 1, "d": 24, "w": 7 * 24}


def expiry(text: str, now: datetime) -> datetime:
    """Read a day, which holds to its end, or a span from now. Raises ValueError on all else."""
    word = text.strip().lower()
    if span := _SPAN.fullmatch(word):
        until = now + timedelta(hours=int(span["number"]) * _HOURS[span["unit"][0]])
    elif re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", word):
        day = date.fromisoformat(word)
        until = datetime.combine(day, datetime.max.time(), UTC)
    else:
        raise ValueError(f"{text[:40]!r} is no time")
    if not now < until <= now + _LONGEST:
        raise ValueError(f"{text[:40]!r} is not within the next {_LONGEST.days} days")
    return until
