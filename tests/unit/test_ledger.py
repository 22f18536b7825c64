"""Sums over the ledger: exact, each line once, in the month in which it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.core.base import RunId
from bot.core.ledger import Billing, LedgerLine, call_id, month_of, new_lines, spent, totals
from tests.support.builders import RUN, at


def line(nth: int = 1, usd: str = "0.1", **more: object) -> LedgerLine:
    fields: dict[str, object] = {
        "id": call_id(RUN, "a", 1, at(0), nth),
        "at": at(nth),
        "run": RUN,
        "workstream": "a",
        "attempt": 1,
        "tier": "o3",
        "provider": "openai",
        "billing": Billing.PAID,
        "input_tokens": 100,
        "output_tokens": 10,
        "cost_usd": usd,
    }
    return LedgerLine.model_validate({**fields, **more})


def test_ten_times_ten_cents_is_a_dollar() -> None:
    lines = [line(n) for n in range(10)]
    assert spent(lines) == Decimal(1)
    [total] = totals(lines, lambda entry: entry.provider).values()
    assert (total.cost_usd, total.calls, total.input_tokens) == (Decimal(1), 10, 1_000)


micros = st.integers(0, 10**9)


@settings(max_examples=40)
@given(st.lists(micros, max_size=20))
def test_sums_are_exact_in_any_order(amounts: list[int]) -> None:
    lines = [line(n, str(Decimal(micro) / 10**6)) for n, micro in enumerate(amounts)]
    assert spent(lines) == spent(lines[::-1]) == Decimal(sum(amounts)) / 10**6


def test_a_line_is_written_with_all_its_digits_and_read_as_it_was() -> None:
    written = line(usd="0.000001").model_dump_json()
    assert '"cost_usd":"0.000001"' in written
    assert LedgerLine.model_validate_json(written) == line(usd="0.000001")


@pytest.mark.parametrize("usd", ["-0.1", "0.0000001", "NaN", "Infinity", "1e30"])
def test_an_amount_that_cannot_be_is_refused(usd: str) -> None:
    with pytest.raises(ValidationError):
        line(usd=usd)


@pytest.mark.parametrize(
    ("entry", "billing", "usd"),
    [
        pytest.param("spend", "paid", "0.1", id="a paid call"),
        pytest.param("spend", "subscription", "0", id="a notional cost"),
        pytest.param("spend", "free", "0", id="a free call"),
        pytest.param("approve", "paid", "0", id="an approval spends nothing"),
        pytest.param("reserve", "paid", "0", id="a reservation spends nothing"),
        pytest.param("release", "paid", "0", id="a release gives nothing back that was spent"),
    ],
)
def test_only_paid_calls_are_spent(entry: str, billing: str, usd: str) -> None:
    assert spent([line(entry=entry, billing=billing)]) == Decimal(usd)


def test_a_call_has_one_name_however_often_it_is_written() -> None:
    elsewhere = at(0).astimezone(timezone(timedelta(hours=9)))
    names = {call_id(RUN, "a", 1, at(0), 1), call_id(RUN, "a", 1, elsewhere, 1)}
    others = {
        call_id(RUN, "a", 1, at(0), 2),
        call_id(RUN, "a", 2, at(0), 1),
        call_id(RUN, "b", 1, at(0), 1),
        call_id(RunId("x"), "a", 1, at(0), 1),
        call_id(RUN, "a-1", 1, at(0), 1),
    }
    assert len(names) == 1
    assert len(names | others) == 6


def test_an_attempt_that_is_handed_out_again_spends_for_itself() -> None:
    assert call_id(RUN, "a", 1, at(0), 1) != call_id(RUN, "a", 1, at(0.000001), 1)


def test_lines_that_are_known_or_come_twice_are_left_out_in_order() -> None:
    one, two, three = line(1), line(2), line(3)
    again = one.model_copy(update={"cost_usd": Decimal(9)})
    assert new_lines([one], [three, again, two, three]) == (three, two)
    assert new_lines([], []) == ()


@settings(max_examples=40)
@given(st.lists(st.integers(0, 8)), st.lists(st.integers(0, 8)))
def test_writing_lines_twice_is_writing_them_once(known: list[int], more: list[int]) -> None:
    held = new_lines([], [line(n) for n in known])
    fresh = new_lines(held, [line(n) for n in more])
    assert new_lines(held + fresh, [line(n) for n in more]) == ()
    assert {entry.id for entry in held + fresh} == {line(n).id for n in known + more}


@pytest.mark.parametrize(
    ("when", "month"),
    [
        pytest.param(datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), "2026-11", id="its end"),
        pytest.param(datetime(2026, 12, 1, tzinfo=UTC), "2026-12", id="the first moment"),
        pytest.param(
            datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=2))), "2026-11", id="in Cairo"
        ),
        pytest.param(
            datetime(2026, 12, 31, 20, tzinfo=timezone(timedelta(hours=-8))),
            "2027-01",
            id="in Los Angeles at the end of a year",
        ),
    ],
)
def test_months_are_counted_in_utc(when: datetime, month: str) -> None:
    assert line(at=when).month == month_of(when) == month


def test_calls_whose_cost_nobody_knows_are_counted_apart() -> None:
    [total] = totals([line(1), line(2, "0", cost_known=False)], lambda _: "all").values()
    assert (total.calls, total.unknown, total.cost_usd) == (2, 1, Decimal("0.1"))


def test_totals_are_sorted_by_key_and_hold_calls_only() -> None:
    lines = [line(1, provider="z"), line(2, provider="a"), line(3, entry="approve", provider="m")]
    assert list(totals(lines, lambda entry: entry.provider)) == ["a", "z"]


def test_what_a_subscription_would_have_cost_is_no_cost() -> None:
    lines = [line(1), line(2, "7", billing="subscription"), line(3, "0", billing="free")]
    lines += [line(4, "0", billing="subscription", cost_known=False)]
    [total] = totals(lines, lambda _: "all").values()
    assert (total.cost_usd, total.notional_usd, total.unknown) == (Decimal("0.1"), 7, 0)
