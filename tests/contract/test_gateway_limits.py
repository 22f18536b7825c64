"""What a door holds back: requests, tokens and money, before anything is sent."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.adapters.gateway.dialects import Dialect
from bot.adapters.recorded_model import RecordedTurn
from bot.core.allowance import Purse
from bot.core.base import ZERO_USD
from bot.core.outcomes import OutcomeClass
from bot.ports import KeptCalls
from tests.support.dialects import answer, cut_answer, path_of, request
from tests.support.doorway import PAID, Clock, ask, door_to, gateway, post, tier_at
from tests.support.scripted_model import MODEL, Fault, ScriptedModel, say, without_usage

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))
TURN = RecordedTurn(text="ok", input_tokens=100, output_tokens=10)
BEGAN = datetime(2026, 11, 21, tzinfo=UTC)


class HasBody(Protocol):
    status_code: int

    def json(self) -> dict[str, object]: ...


def error_of(dialect: Dialect, got: HasBody) -> tuple[int, str, str]:
    """Read an error as a client of the protocol does: status, kind, message."""
    body = got.json()
    error = body["error"]
    assert isinstance(error, dict)
    match dialect:
        case Dialect.MESSAGES:
            assert body["type"] == "error"
            return got.status_code, error["type"], error["message"]
        case Dialect.GEMINI:
            assert error["code"] == got.status_code
            return got.status_code, error["status"], error["message"]
        case _:
            return got.status_code, error["code"], error["message"]


OVER = ["access_denied", "access_denied", "permission_error", "PERMISSION_DENIED"]
MODELS = ["model_not_found", "model_not_found", "not_found_error", "NOT_FOUND"]


@every_dialect
def test_what_may_cost_more_than_is_left_is_refused_in_the_protocols_words(
    dialect: Dialect,
) -> None:
    script = [answer(dialect, TURN)]
    # One answer may cost $1.00 and a prompt a few cents; this one costs $0.20 in the end.
    with ScriptedModel(script) as model, door_to(model.base_url, "1.25", **PAID) as door:
        assert ask(door, dialect).status_code == 200
        got = ask(door, dialect)
        assert "of $1.25 is left" in str(door.failure())
        assert len(door.calls()) == 1
    status, kind, message = error_of(dialect, got)
    assert (status, kind) == (403, OVER[list(Dialect).index(dialect)])
    assert "of $1.25 is left" in message
    assert got.headers["x-should-retry"] == "false"


NIGHT = datetime(2026, 11, 20, 23, 0, tzinfo=UTC)


@every_dialect
def test_a_minutes_requests_are_counted_for_all_doors_of_a_tier_and_the_next_is_waited_for(
    dialect: Dialect,
) -> None:
    clock = Clock(NIGHT)
    with ScriptedModel([answer(dialect, TURN)] * 3) as model, ExitStack() as stack:
        ours = clock.gateway()
        tier = tier_at(model.base_url, requests_per_minute=2)
        one, two = (stack.enter_context(ours.open(tier, ZERO_USD)) for _ in range(2))
        assert [ask(door, dialect).status_code for door in (one, two, one)] == [200] * 3
        assert one.failure() is None
    assert clock.waited == [61]


def test_a_minute_that_the_attempt_does_not_have_ends_it() -> None:
    clock = Clock(NIGHT)
    with ScriptedModel([answer(Dialect.CHAT, TURN)]) as model:
        tier, until = tier_at(model.base_url, requests_per_minute=1), NIGHT + timedelta(seconds=50)
        with clock.gateway().open(tier, ZERO_USD, until=until) as door:
            assert [ask(door, Dialect.CHAT).status_code for _ in range(2)] == [200, 403]
            failure = door.failure()
    assert failure is not None
    assert failure.outcome is OutcomeClass.RATE_LIMIT
    assert failure.back_at == NIGHT + timedelta(seconds=61)


@pytest.mark.parametrize(
    ("limit", "says"),
    [({"requests_per_day": 1}, "1 requests per day"), ({"tokens_per_day": 150}, "150 tokens per")],
)
def test_a_days_allowance_comes_back_at_midnight(limit: dict[str, int], says: str) -> None:
    clock = Clock(NIGHT)
    with (
        ScriptedModel([answer(Dialect.CHAT, TURN)] * 2) as model,
        clock.gateway().open(tier_at(model.base_url, **limit), ZERO_USD) as door,
    ):
        assert ask(door, Dialect.CHAT).status_code == 200
        got = ask(door, Dialect.CHAT)
        assert (got.status_code, says in got.json()["error"]["message"]) == (403, True)
        failure = door.failure()
        assert failure is not None
        assert failure.outcome is OutcomeClass.QUOTA
        assert failure.back_at == NIGHT + timedelta(seconds=3601)
        clock.at += timedelta(hours=1, minutes=1)
        assert door.failure() is None
        assert ask(door, Dialect.CHAT).status_code == 200


@every_dialect
def test_another_model_than_the_tiers_is_not_to_be_had(dialect: Dialect) -> None:
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        _, body = request(dialect)
        other = {"model": "expensive-1"} if "model" in body else {}
        path = path_of(dialect, model="expensive-1")
        got = post(door, path, json={**body, **other})
    assert error_of(dialect, got)[:2] == (404, MODELS[list(Dialect).index(dialect)])


def test_a_paid_variant_that_answers_for_a_free_one_stops_its_tier() -> None:
    free, paid = f"{MODEL}:free", MODEL
    with ScriptedModel([answer(Dialect.CHAT, TURN, model=paid)]) as model, ExitStack() as stack:
        ours, tier = gateway(), tier_at(model.base_url, model=free)
        one, two = (stack.enter_context(ours.open(tier, ZERO_USD)) for _ in range(2))
        assert ask(one, Dialect.CHAT, model=free).status_code == 200
        got = ask(two, Dialect.CHAT, model=free)
        assert one.calls()[0].model_returned == paid
    assert error_of(Dialect.CHAT, got) == (
        403, "access_denied", f"tier t is stopped: {paid} answered for {free}",
    )  # fmt: skip


def test_a_paid_request_without_a_limit_is_given_the_tiers() -> None:
    limits, more = (
        {"max_tokens", "max_output_tokens", "generationConfig"},
        {"max_output_tokens": 300},
    )
    script = [answer(dialect, TURN) for dialect in Dialect]
    with ScriptedModel(script) as model, door_to(model.base_url, "9", **PAID, **more) as door:
        for dialect in Dialect:
            path, body = request(dialect)
            post(door, path, json={k: v for k, v in body.items() if k not in limits})
    told = [request.body for request in model.requests]
    assert told[0]["max_completion_tokens"] == 300
    assert told[1]["max_output_tokens"] == 300
    assert told[2]["max_tokens"] == 300
    assert told[3]["generationConfig"] == {"maxOutputTokens": 300}


@pytest.mark.parametrize("end", ["cut", "counted late"])
def test_an_answer_that_nobody_counted_costs_what_it_may_have(end: str) -> None:
    half = cut_answer(Dialect.CHAT, say("half " * 20))
    step = half if end == "cut" else without_usage(say("half"))
    with ScriptedModel([step]) as model, door_to(model.base_url, "1.5", **PAID) as door:
        try:
            ask(door, Dialect.CHAT, stream=True)
        except requests.RequestException:
            assert end == "cut"
        assert ask(door, Dialect.CHAT, stream=True).status_code == 403


def test_what_goes_into_a_cache_is_paid_for_and_set_aside_for() -> None:
    usage = {
        "input_tokens": 100,
        "cache_read_input_tokens": 1_000,
        "cache_creation_input_tokens": 500,
        "cache_creation": {"ephemeral_5m_input_tokens": 300, "ephemeral_1h_input_tokens": 200},
        "output_tokens": 10,
    }
    said = {"type": "message", "content": [{"type": "text", "text": "x"}], "stop_reason": "end"}
    step = Fault(200, {}, "application/json", (json.dumps({**said, "usage": usage}).encode(),))
    keep = [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]
    prices = {"cached_usd_per_million": "100", "cache_write_usd_per_million": "1250"}
    with ScriptedModel([step]) as model, door_to(model.base_url, "4", **PAID, **prices) as door:
        assert ask(door, Dialect.MESSAGES, system=keep).status_code == 200
        (call,) = door.calls()
    assert (call.input_tokens, call.written_tokens, call.written_for_an_hour_tokens) == (
        1_600, 300, 200,
    )  # fmt: skip
    # 100 at $1000 a million, 1,000 at $100, 300 at $1250, 200 at $2000, and 10 at $10000
    assert call.usd == Decimal("1.075")
    with ScriptedModel([]) as model, door_to(model.base_url, "1.3", **PAID, **prices) as door:
        _, body = request(Dialect.MESSAGES)
        assert len(json.dumps({**body, "system": keep})) * 1_000 < 300_000  # were it plain input
        assert ask(door, Dialect.MESSAGES, system=keep).status_code == 403


PRICE = {**PAID, "cache_write_usd_per_million": "9000"}
TOOL = {"name": "f", "input_schema": {}}
KNOWN = {"type": "bash_20250124", "name": "bash"}
UNSEEN: dict[str, tuple[str, Dialect, Mapping[str, list[object]]]] = {
    "what is put before tools": ("2", Dialect.MESSAGES, {"tools": [TOOL]}),
    "what describes a tool that is known": ("3", Dialect.MESSAGES, {"tools": [KNOWN]}),
    "what is kept unasked": ("1.5", Dialect.CHAT, {}),
}


@pytest.mark.parametrize("unseen", UNSEEN)
def test_what_a_request_does_not_show_is_set_aside_for_too(unseen: str) -> None:
    usd, dialect, more = UNSEEN[unseen]
    with ScriptedModel([]) as model, door_to(model.base_url, usd, **PRICE) as door:
        assert ask(door, dialect, **more).status_code == 403


def test_what_a_killed_process_had_sent_is_the_attempts_too(tmp_path: Path) -> None:
    file = tmp_path / "calls" / "a.1.jsonl"
    script = [answer(Dialect.CHAT, TURN)] * 2
    with ScriptedModel(script) as model:
        tier = tier_at(model.base_url, **PAID)
        with gateway().open(tier, Decimal("1.5"), kept=KeptCalls(str(file), BEGAN)) as door:
            assert ask(door, Dialect.CHAT).status_code == 200
        assert file.stat().st_mode & 0o777 == 0o600
        # Killed after the second was sent, in the middle of the line that says what it took.
        sent, _ = [line for line in file.read_text().splitlines() if line]
        with file.open("a") as writing:
            gives = sent.replace('"n":1', '"n":3').replace('"usd":"', '"usd":"-9')
            writing.write("\n" + sent.replace('"n":1', '"n":2') + f'\n{gives}\n{{"n":2,"input_')
        with gateway().open(tier, Decimal("2.5"), kept=KeptCalls(str(file), BEGAN)) as door:
            first, second = door.calls()
            # The second may have cost a dollar: with it, and with what the first did cost, there
            # is not enough left for two more of them, but for one.
            assert ask(door, Dialect.CHAT).status_code == 200
            assert ask(door, Dialect.CHAT).status_code == 403
            assert [call.n for call in door.calls()] == [1, 2, 3]
    assert (first.counted, first.usd) == (True, Decimal("0.2"))
    assert second.usd is not None
    assert (second.counted, second.usd > 1) == (False, True)


# --- never over the budget -----------------------------------------------------------------------

amounts = st.decimals("0.01", "3", places=2)
steps = st.lists(
    st.tuples(st.integers(0, 31), amounts, st.sampled_from(["whole", "part", "killed", "free"])),
    max_size=120,
)


@settings(max_examples=1_000, deadline=None)
@given(steps, st.decimals("0", "20", places=2))
def test_spent_and_reserved_are_never_more_than_the_money_in_any_schedule(
    schedule: list[tuple[int, Decimal, str]], limit: Decimal
) -> None:
    purse, held = Purse(limit), dict[int, Decimal]()
    for client, amount, how in schedule:
        if client not in held:
            if purse.reserve(amount) is None:
                held[client] = amount
        else:
            most = held.pop(client)
            cost = {"whole": most, "part": min(amount, most), "killed": most, "free": ZERO_USD}
            purse.settle(most, cost[how])
        assert purse.spent + purse.reserved <= limit
        assert purse.reserved == sum(held.values(), ZERO_USD)


def clients_at(door_url: str, seed: int) -> Callable[[int], int]:
    """Return a client that asks a few times, and sometimes goes before its answer is there."""

    def client(nth: int) -> int:
        chance, passed = random.Random(seed * 100 + nth), 0
        for _ in range(4):
            path, body = request(Dialect.CHAT, stream=True, max_tokens=chance.randint(1, 300))
            with requests.Session() as session:
                session.trust_env = False
                got = session.post(door_url + path, json=body, stream=True, timeout=20)
                passed += got.status_code == 200
                if chance.random() < 0.3:
                    next(got.iter_content(10), None)  # and away
                else:
                    assert got.content
        return passed

    return client


class Endless(ScriptedModel):
    """Answers everybody, with a count that is no more than what was asked for."""

    def __init__(self) -> None:
        super().__init__([])
        self.cost = ZERO_USD
        self._lock = threading.Lock()

    def take(self, request: object) -> Fault:
        body = request.body  # type: ignore[attr-defined]
        used = random.randint(1, body["max_tokens"])
        with self._lock:
            self.cost += (1000 * 20 + Decimal(10_000) * used) / 1_000_000
        return answer(Dialect.CHAT, RecordedTurn(text="ok", input_tokens=20, output_tokens=used),
                      stream=True)  # fmt: skip


@pytest.mark.parametrize("seed", range(3))
def test_32_clients_at_once_do_not_overspend_a_budget_even_where_some_are_killed(
    seed: int,
) -> None:
    with Endless() as model, door_to(model.base_url, "20", **PAID) as door:
        with ThreadPoolExecutor(32) as pool:
            passed = sum(pool.map(clients_at(door.url, seed), range(32)))
        calls = door.calls()
        assert str(door.failure())
    assert len(calls) == passed > 0
    assert model.cost <= 20
