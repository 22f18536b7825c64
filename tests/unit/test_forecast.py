"""Where a month ends: a plain estimate that anybody can check with a pencil."""

from __future__ import annotations

import io
from calendar import monthrange
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from bot.core.config import LimitSettings
from bot.core.forecast import Forecast, FreeUse, forecast
from bot.core.ledger import Billing, LedgerLine
from bot.core.routing import Tier
from bot.errors import UserError
from bot.render.forecast import print_forecast
from tests.support.builders import RUN, tier

CAP = Decimal(20)
PAID = tier("groq", usd="1")


def call(day: str | date, usd: str | Decimal = "0", **more: object) -> LedgerLine:
    moment = datetime.combine(date.fromisoformat(str(day)), datetime.min.time(), UTC)
    fields = {"id": f"{day}{usd}", "at": moment, "run": RUN, "tier": "groq", "provider": "groq"}
    paid = {"billing": Billing.PAID, "cost_usd": Decimal(usd)}
    return LedgerLine.model_validate({**fields, **paid, **more})


def free(day: str, tokens: int, **more: object) -> LedgerLine:
    fields = {"tier": "free", "provider": "free", "input_tokens": tokens - 1, "output_tokens": 1}
    return call(day, billing=Billing.FREE, **{**fields, **more})


def of(
    *lines: LedgerLine,
    today: str,
    month: str = "2026-11",
    cap: Decimal = CAP,
    tiers: Sequence[Tier] = (),
) -> Forecast:
    return forecast(
        lines,
        month,
        date.fromisoformat(today),
        limits=LimitSettings(provider_month_usd=cap),
        tiers=tiers,
    )


@pytest.mark.parametrize(
    ("lines", "today", "spent", "daily", "end", "cap_on"),
    [
        pytest.param(
            [call("2026-11-20", "3"), call("2026-11-05", "3")],
            *("2026-11-20", "6", "0.364286", "9.642860", None),
            id="half of 6/20 and half of 3/7, on ten days",
        ),
        pytest.param(
            [call("2026-11-01", "7")],
            *("2026-11-01", "7", "4", "123", "2026-11-05"),
            id="on the first day all is today's: 7/1 and 7/7",
        ),
        pytest.param(
            [call("2026-10-31", "14"), call("2026-10-25", "7"), call("2026-10-24", "70")],
            *("2026-11-01", "0", "1", "29", "2026-11-21"),
            id="the last seven days reach into the month before, and no further",
        ),
        pytest.param(
            [call("2026-11-21", "4.20")],
            *("2026-11-21", "4.20", "0.40", "7.80", None),
            id="all was spent today: 4.20/21 and 4.20/7, on nine days",
        ),
        pytest.param([], *("2026-11-21", "0", "0", "0", None), id="nothing was spent"),
        pytest.param(
            [call("2026-11-30", "3")],
            *("2026-11-30", "3", "0.264286", "3", None),
            id="on the last day it is what was spent",
        ),
        pytest.param(
            [call("2026-11-03", "12"), call("2026-11-09", "8.000001"), call("2026-11-10", "1")],
            *("2026-11-10", "21.000001", "1.692857", "54.857141", "2026-11-09"),
            id="the cap is reached already",
        ),
    ],
)
def test_a_month_that_is_on_is_estimated(lines, today, spent, daily, end, cap_on):
    row = of(*lines, today=today, tiers=[PAID]).providers["groq"]
    assert (row.spent_usd, row.daily_usd, row.forecast_usd) == tuple(
        map(Decimal, (spent, daily, end))
    )
    assert row.cap_on == (cap_on and date.fromisoformat(cap_on))


@pytest.mark.parametrize(
    ("cap", "cap_on"),
    [
        pytest.param("10", None, id="was not reached"),
        pytest.param("7", date(2026, 10, 31), id="was reached on its last day"),
        pytest.param("0", date(2026, 10, 1), id="a cap of nothing is reached at once"),
    ],
)
def test_a_month_that_is_over_is_as_it_was(cap: str, cap_on: date | None) -> None:
    lines = (call("2026-10-31", "5"), call("2026-10-02", "2"), call("2026-11-01", "99"))
    found = of(*lines, today="2026-11-21", month="2026-10", cap=Decimal(cap))
    row = found.providers["groq"]
    assert (row.spent_usd, row.forecast_usd, found.days_left) == (Decimal(7), Decimal(7), 0)
    assert row.cap_on == cap_on


def test_a_month_that_has_not_begun_is_refused() -> None:
    with pytest.raises(UserError, match="2026-12 has not begun"):
        of(today="2026-11-30", month="2026-12")


def test_only_paid_calls_count_and_what_nobody_knows_is_said() -> None:
    lines = (
        call("2026-11-20", "1"),
        call("2026-11-20", "50", entry="approve"),
        call("2026-11-20", "50", billing=Billing.SUBSCRIPTION),
        call("2026-11-20", "0", cost_known=False),
        call("2026-11-20", "2", provider="openai"),
    )
    found = of(*lines, today="2026-11-21")
    assert (found.spent_usd, sorted(found.providers)) == (Decimal(3), ["groq", "openai"])
    assert (found.providers["groq"].unknown, found.providers["openai"].unknown) == (1, 0)
    assert "$1.00 + 1 unknown" in printed(found, 80)


def test_free_tiers_are_held_against_their_limits_by_the_day() -> None:
    limited = tier("free", requests_per_day=50, tokens_per_day=1_000)
    unused = tier("unused", requests_per_day=20)
    lines = (
        *(free("2026-11-20", 100, id=str(n)) for n in range(3)),
        free("2026-11-21", 400),
        free("2026-10-21", 9_999),
        free("2026-11-02", 7, tier="gone"),
    )
    found = of(*lines, today="2026-11-21", tiers=[limited, unused, tier("local")])
    use = {"requests_today": 1, "tokens_today": 400, "requests_most": 3, "tokens_most": 400}
    assert found.free["free"] == FreeUse(**use, requests_per_day=50, tokens_per_day=1_000)
    assert (found.free["unused"].requests_most, found.free["unused"].requests_per_day) == (0, 20)
    assert found.free["gone"].requests_per_day is None
    assert set(found.free) == {"free", "gone", "unused"}, "nothing is to be said of the others"


days = st.dates(date(2026, 9, 1), date(2026, 11, 30))
usd = st.integers(0, 10**8).map(lambda micros: Decimal(micros) / 10**6)
ledgers = st.lists(st.builds(call, days, usd), max_size=12)


@settings(max_examples=40)
@given(ledgers, days, st.integers(0, 300), st.randoms())
def test_an_estimate_is_never_less_than_what_was_spent_and_names_the_cap_when_it_passes_it(
    lines, today, cap, random
):
    month = f"{today:%Y-%m}"
    found = of(*lines, today=str(today), month=month, cap=Decimal(cap), tiers=[PAID])
    row = found.providers["groq"]
    assert row.spent_usd == sum((x.cost_usd for x in lines if x.month == month), Decimal(0))
    assert row.forecast_usd >= row.spent_usd
    assert (row.cap_on is not None) == (row.forecast_usd >= cap)
    assert found.days_gone + found.days_left == monthrange(today.year, today.month)[1]
    random.shuffle(lines)
    again = of(*lines, today=str(today), month=month, cap=Decimal(cap), tiers=[PAID])
    assert again == found, "the order of lines means nothing"


@settings(max_examples=40)
@given(ledgers, days, usd)
def test_who_spends_more_today_is_not_expected_to_end_lower(lines, today, more):
    args = {"today": str(today), "month": f"{today:%Y-%m}", "tiers": [PAID]}
    before = of(*lines, **args).providers["groq"]
    after = of(*lines, call(today, more), **args).providers["groq"]
    assert after.forecast_usd >= before.forecast_usd
    assert (after.cap_on or date.max) <= (before.cap_on or date.max)


def printed(found: Forecast, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, markup=False, highlight=False)
    print_forecast(console, found)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_page_says_when_the_cap_comes_and_how_it_knows(width: int) -> None:
    lines = (call("2026-11-20", "9"), call("2026-11-21", "0.004", provider="openai"))
    found = of(*lines, today="2026-11-21", tiers=[PAID, tier("free", requests_per_day=50)])
    text = printed(found, width)
    flat = " ".join(text.split())
    assert flat.startswith("2026-11, day 21 of 30: spent $9.00, about $16.72 at the end")
    assert "half the daily mean of this month and half that of the last 7 days" in flat
    assert "<$0.01" in flat, "less than a cent is not nothing"
    assert max(map(len, text.splitlines())) <= width
    over = of(*lines, today="2026-11-21", cap=Decimal(10), tiers=[PAID])
    assert f"about {over.providers['groq'].cap_on}" in " ".join(printed(over, 120).split())
    assert "no day is left" in printed(of(today="2026-12-01", tiers=[PAID]), width)
