"""Until when a yes to money holds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.core.expiry import expiry

NOW = datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2026-12-01", datetime(2026, 12, 1, 23, 59, 59, 999_999, UTC)),
        ("2026-11-21", datetime(2026, 11, 21, 23, 59, 59, 999_999, UTC)),
        ("3d", NOW + timedelta(days=3)),
        ("12h", NOW + timedelta(hours=12)),
        ("2 weeks", NOW + timedelta(days=14)),
    ],
)
def test_a_day_holds_to_its_end_and_a_span_begins_now(text: str, until: datetime) -> None:
    assert expiry(text, NOW) == until


@pytest.mark.parametrize(
    "text", ["2026-11-20", "2026-02-30", "0d", "9999d", "9999-12-31", "soon", "", "3", "-3d"]
)
def test_what_is_over_too_far_off_or_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        expiry(text, NOW)
