"""Nothing is sent that could pass a limit, and nothing paid without a price and a yes."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.adapters.engines.builtin.budget import Spent, may_send
from bot.adapters.engines.builtin.job import Endpoint, Limits

COUNT = st.integers(0, 100_000)


def limits(**changes: object) -> Limits:
    usual = {
        "max_requests": 10,
        "max_input_tokens": 100_000,
        "max_output_tokens": 100_000,
        "seconds": 60,
    }
    return Limits.model_validate(usual | changes)


PRICED = {"input_usd_per_million": "0.5", "output_usd_per_million": "2"}
ROWS = [
    ("all is well", {}, Spent(9, 50_000, 99_999), None),
    ("the last request is gone", {}, Spent(10, 0, 0), "10 requests"),
    ("the prompt would be too much", {}, Spent(1, 99_001, 0), "100,000 input tokens"),
    ("the answers are used up", {}, Spent(1, 0, 100_000), "100,000 output tokens"),
    ("just enough money", {**PRICED, "max_usd": "0.0025"}, Spent(), None),
    ("not quite enough", {**PRICED, "max_usd": "0.0025"}, Spent(1, 1, 0), "$0.0025"),
    ("free needs no price", {"max_usd": 0}, Spent(), None),
    ("paid at an unknown price", {"paid": True, "max_usd": 5}, Spent(), "a known price"),
    ("half a price is none", {"paid": True, "max_usd": 5, "input_usd_per_million": 0}, Spent(),
     "a known price"),
    ("paid, and nobody said how much", {**PRICED, "paid": True}, Spent(), "amount"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "spent", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_a_request_is_sent_or_the_reason_is_said(
    changes: dict[str, object], spent: Spent, why: str | None
) -> None:
    stop = may_send(limits(**changes), spent, prompt_tokens=1_000, answer_tokens=1_000)
    assert (stop is None) == (why is None)
    if stop is not None:
        assert str(why) in stop.message


@given(
    cap=st.decimals(0, 1, places=6),
    price=st.decimals(0, 100, places=4),
    steps=st.lists(st.tuples(COUNT, COUNT)),
)
def test_money_never_runs_over_where_estimates_hold(
    cap: Decimal, price: Decimal, steps: list[tuple[int, int]]
) -> None:
    held = limits(
        max_requests=1_000, max_input_tokens=10**8, max_output_tokens=10**8, paid=True,
        max_usd=cap, input_usd_per_million=price, output_usd_per_million=price,
    )  # fmt: skip
    spent = Spent()
    for prompt, answer in steps:
        if may_send(held, spent, prompt, answer) is None:
            spent = Spent(
                spent.requests + 1, spent.input_tokens + prompt, spent.output_tokens + answer
            )
    assert price * (spent.input_tokens + spent.output_tokens) / 1_000_000 <= cap


@pytest.mark.parametrize(
    "bad",
    [
        {"base_url": "file:///etc/passwd"},
        {"base_url": "https://user:pass@example.test/v1"},
        {"base_url": "https://example.test/v1?key=abc"},
        {"api_key": "two words\r\nX-Other: 1"},
        {"max_output_tokens": 9_000},
    ],
    ids=str,
)
def test_an_endpoint_that_cannot_be_is_refused_without_repeating_it(bad: dict[str, str]) -> None:
    good = {
        "base_url": "https://example.test/v1/",
        "model": "m",
        "context_tokens": 8_000,
        "max_output_tokens": 1_000,
    }
    assert Endpoint.model_validate(good).base_url == "https://example.test/v1"
    with pytest.raises(ValidationError) as caught:
        Endpoint.model_validate(good | bad)
    assert "input_value" not in str(caught.value)
