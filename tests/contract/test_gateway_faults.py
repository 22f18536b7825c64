"""What a provider does wrong: sent again, told, or the end of the attempt."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests

from bot.adapters.clock import SystemClock
from bot.adapters.gateway.dialects import Dialect
from bot.adapters.gateway.gateway import Gateway
from bot.adapters.processes import LocalProcesses
from bot.adapters.recorded_model import RecordedTurn
from bot.core.base import ZERO_USD
from bot.core.outcomes import OutcomeClass
from bot.core.sending import Patience
from bot.ports import Command
from bot.usecases.at_door import AtDoor
from tests.support.dialects import answer, cut_answer, request
from tests.support.doorway import PAID, Clock, ask, door_to, tier_at
from tests.support.scripted_model import Fault, ScriptedModel, refusal, say, stream

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
TURN = RecordedTurn(text="Done.", input_tokens=100, output_tokens=10)
OVERLOADED = (
    b'data: {"type": "error", "error": {"type": "overloaded_error", "message": "Full"}}\n\n'
)


def quota(**headers: str) -> Fault:
    return refusal(429, "You exceeded your current quota", code="insufficient_quota", **headers)


PASSING: Mapping[str, Fault] = {
    "busy": refusal(429, "slow", retry_after="0"),
    "broken": refusal(500, "oops"),
    "unavailable": refusal(503, "later"),
    "overloaded": refusal(529, "overloaded"),
    "a connection that closes": Fault(then="cut"),
    "an error in place of a stream": Fault(pieces=(OVERLOADED,)),
    "a stream of nonsense": Fault(pieces=(b"data: {oops\n\n",)),
    "a stream of nothing": Fault(pieces=(b": ping\n\n", b"data: [DONE]\n\n")),
    "a document that is none": Fault(200, {}, "application/json", (b'{"usage": {"pro',)),
    "a document too deep": Fault(200, {}, "application/json", (b"[" * 100_000,)),
    "an error as a document": Fault(
        200, {}, "application/json", (b'{"error": {"code": 502, "message": "bad gateway"}}',)
    ),
}


@pytest.mark.parametrize("fault", PASSING)
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_what_passes_is_sent_again_and_nobody_notices(fault: str, streamed: bool) -> None:
    whole = answer(Dialect.MESSAGES, TURN, stream=streamed)
    with ScriptedModel([PASSING[fault], whole]) as model, door_to(model.base_url) as door:
        got = ask(door, Dialect.MESSAGES, stream=streamed)
        assert (door.failure(), door.trouble()) == (None, None)
        calls = door.calls()
    assert got.content == b"".join(whole.pieces)
    assert [c.output_tokens for c in calls if c.counted][-1] == 10
    assert len(calls) == 2


def times(fault: str) -> int:
    busy = {"busy": 5, "a stream of nonsense": 3, "a stream of nothing": 3}
    return busy.get(fault, 3 if fault.startswith("a document") else 4)


@pytest.mark.parametrize("fault", PASSING)
def test_what_does_not_pass_after_all_ends_the_attempt(fault: str) -> None:
    script = [PASSING[fault]] * times(fault)
    with ScriptedModel(script) as model, door_to(model.base_url) as door:
        assert ask(door, Dialect.MESSAGES).status_code == 403
        assert ask(door, Dialect.MESSAGES).status_code == 403  # and nothing more is sent
        failure = door.failure()
    assert failure is not None
    limit = OutcomeClass.RATE_LIMIT if fault == "busy" else OutcomeClass.CRASH
    assert failure.outcome is limit, failure


@every_dialect
@pytest.mark.parametrize(
    ("step", "outcome"),
    [
        (quota(), OutcomeClass.QUOTA),
        (refusal(402, "no credits"), OutcomeClass.QUOTA),
        (refusal(401, "no such key"), OutcomeClass.AUTHENTICATION),
        (refusal(403, "not you"), OutcomeClass.AUTHENTICATION),
    ],
    ids=["quota", "credits", "key", "permission"],
)
def test_what_is_final_is_told_in_the_protocols_words_so_that_nobody_asks_again(
    dialect: Dialect, step: Fault, outcome: OutcomeClass
) -> None:
    with ScriptedModel([step]) as model, door_to(model.base_url) as door:
        got = [ask(door, dialect) for _ in range(2)]
        failure = door.failure()
        assert len(door.calls()) == 1
    assert failure is not None
    assert failure.outcome is outcome
    assert [one.status_code for one in got] == [403, 403]
    assert failure.message == got[0].json()["error"]["message"] == got[1].json()["error"]["message"]
    assert got[0].headers["x-should-retry"] == "false"


ASKS = """\
import json, sys, urllib.request
url, body = sys.argv[1:]
print(urllib.request.urlopen(urllib.request.Request(url, body.encode())).status)
"""


def test_while_a_request_is_kept_the_screen_says_so_once(tmp_path: Path) -> None:
    busy, said = refusal(429, "Slow down.", retry_after="1"), list[str]()
    path, body = request(Dialect.CHAT)
    with ScriptedModel([busy, TURN]) as model, door_to(model.base_url) as door:
        asks = (sys.executable, "-c", ASKS, door.url + path, json.dumps(body))
        at_door = AtDoor(door, tier_at(model.base_url), SystemClock())
        command = at_door.in_reach_of(Command(asks, str(tmp_path), {}, 60.0), said.append)
        assert LocalProcesses().run(command).output == "200\n"
        assert door.waits() == "", "it is over"
    assert said == ["t is asked again in 1 s: HTTP 429: Slow down."]


def test_a_long_wait_is_no_wait_but_a_tier_that_comes_back_then_for_all_its_doors() -> None:
    clock = Clock(NOON)
    with ScriptedModel([refusal(429, "slow", retry_after="3600")]) as model:
        ours, tier = clock.gateway(), tier_at(model.base_url)
        with ours.open(tier, ZERO_USD) as one, ours.open(tier, ZERO_USD) as two:
            assert [ask(door, Dialect.CHAT).status_code for door in (one, two)] == [403, 403]
            failures = [one.failure(), two.failure()]
    assert clock.waited == []
    for failure in failures:
        assert failure is not None
        assert failure.outcome is OutcomeClass.RATE_LIMIT
        assert failure.back_at is not None
        assert abs(failure.back_at - NOON - timedelta(hours=1)) <= timedelta(seconds=1)


def test_a_short_wait_is_as_long_as_the_provider_asks() -> None:
    clock = Clock(NOON)
    script = [refusal(429, "Please try again in 4.5s"), answer(Dialect.CHAT, TURN)]
    with (
        ScriptedModel(script) as model,
        clock.gateway().open(tier_at(model.base_url), ZERO_USD) as door,
    ):
        assert ask(door, Dialect.CHAT).status_code == 200
    assert clock.waited == [4.5]


def test_each_sending_counts_against_the_limits() -> None:
    with (
        ScriptedModel([refusal(500, "oops")] * 2) as model,
        door_to(model.base_url, requests_per_day=2) as door,
    ):
        assert ask(door, Dialect.CHAT).status_code == 403
        failure = door.failure()
    assert failure is not None
    assert "2 requests per day" in failure.message


@every_dialect
def test_a_context_that_is_too_long_reaches_the_program_which_may_shorten_it(
    dialect: Dialect,
) -> None:
    too_long = refusal(400, "This model's maximum context length is 8192 tokens")
    with (
        ScriptedModel([too_long, answer(dialect, TURN)]) as model,
        door_to(model.base_url) as door,
    ):
        got = ask(door, dialect)
        assert got.content == b"".join(too_long.pieces)
        trouble = door.trouble()
        assert door.failure() is None
        assert ask(door, dialect).status_code == 200
        assert door.trouble() is None
    assert trouble is not None
    assert trouble.outcome is OutcomeClass.CONTEXT_TOO_LONG


def test_a_program_that_shortens_nothing_is_stopped() -> None:
    too_long = refusal(400, "This model's maximum context length is 8192 tokens")
    with ScriptedModel([too_long] * 3) as model, door_to(model.base_url) as door:
        got = [ask(door, Dialect.CHAT).status_code for _ in range(4)]
        failure = door.failure()
    assert got == [400, 400, 403, 403]
    assert failure is not None
    assert failure.outcome is OutcomeClass.CONTEXT_TOO_LONG


def test_a_program_that_asks_only_for_what_does_not_pass_is_stopped() -> None:
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        got = [ask(door, Dialect.CHAT, background=True).status_code for _ in range(4)]
        failure = door.failure()
    assert got == [400] * 4
    assert failure is not None
    assert failure.outcome is OutcomeClass.BAD_REQUEST


def test_side_calls_to_a_smaller_model_are_refused_and_end_nothing() -> None:
    with ScriptedModel([answer(Dialect.CHAT, TURN)]) as model, door_to(model.base_url) as door:
        got = [ask(door, Dialect.CHAT, model="small").status_code for _ in range(5)]
        assert (door.failure(), door.trouble()) == (None, None)
        assert ask(door, Dialect.CHAT).status_code == 200
    assert got == [404] * 5


def test_a_web_page_says_that_the_address_is_wrong() -> None:
    page = Fault(200, {}, "text/html", (b"<html>sign in</html>",))
    with ScriptedModel([page]) as model, door_to(model.base_url) as door:
        got = ask(door, Dialect.CHAT)
    assert (got.status_code, "base_url" in got.json()["error"]["message"]) == (400, True)


# --- after the first byte ------------------------------------------------------------------------


@every_dialect
def test_what_the_client_has_seen_is_never_sent_again(dialect: Dialect) -> None:
    script = [cut_answer(dialect, say("half " * 20)), answer(dialect, TURN, stream=True)]
    with ScriptedModel(script) as model, door_to(model.base_url) as door:
        with pytest.raises(requests.RequestException):
            ask(door, dialect, stream=True)
        trouble = door.trouble()
        assert len(model.requests) == 1
        assert ask(door, dialect, stream=True).status_code == 200
        assert door.trouble() is None
    assert trouble is not None
    assert trouble.outcome is OutcomeClass.CRASH


def test_an_error_after_the_stream_began_passes_as_it_is_and_is_seen() -> None:
    broke = Fault(pieces=(*answer(Dialect.MESSAGES, TURN, stream=True).pieces[:3], OVERLOADED))
    with ScriptedModel([broke]) as model, door_to(model.base_url) as door:
        assert ask(door, Dialect.MESSAGES, stream=True).content == b"".join(broke.pieces)
        trouble = door.trouble()
        assert door.failure() is None
    assert trouble is not None
    assert trouble.message == "HTTP 529: Full"


def test_money_that_ends_in_the_middle_of_a_stream_is_the_end() -> None:
    gone = b'data: {"error": {"code": 402, "message": "no credits left"}}\n\n'
    broke = Fault(pieces=(*stream({"content": "half"}), gone))
    with ScriptedModel([broke]) as model, door_to(model.base_url) as door:
        ask(door, Dialect.CHAT, stream=True)
        failure = door.failure()
    assert failure is not None
    assert failure.outcome is OutcomeClass.QUOTA


def test_empty_answers_pass_and_three_are_the_end() -> None:
    with (
        ScriptedModel([answer(Dialect.CHAT, RecordedTurn(output_tokens=0))] * 3) as model,
        door_to(model.base_url) as door,
    ):
        assert [ask(door, Dialect.CHAT).status_code for _ in range(3)] == [200] * 3
        failure = door.failure()
    assert failure is not None
    assert failure.message == "the answer is empty"


# --- silence -------------------------------------------------------------------------------------


def impatient(base_url: str) -> Gateway:
    return Gateway(lambda _: None, SystemClock().now, Patience(0.2, 0.001))


def test_a_provider_that_never_answers_is_not_waited_for_until_the_end() -> None:
    with (
        ScriptedModel([Fault(then="hang")] * 3) as model,
        impatient(model.base_url).open(tier_at(model.base_url), ZERO_USD) as door,
    ):
        assert ask(door, Dialect.CHAT).status_code == 403
        failure, calls = door.failure(), door.calls()
    assert failure is not None
    assert "said nothing" in failure.message
    assert [c.counted for c in calls] == [False] * 3  # each may have been billed


def test_silence_in_the_middle_of_an_answer_cuts_it() -> None:
    half = Fault(pieces=stream({"content": "half"}), then="hang")
    with (
        ScriptedModel([half]) as model,
        impatient(model.base_url).open(tier_at(model.base_url), ZERO_USD) as door,
    ):
        with pytest.raises(requests.RequestException):
            ask(door, Dialect.CHAT, stream=True)
        trouble = door.trouble()
    assert trouble is not None
    assert "broke off" in trouble.message


@pytest.mark.parametrize("begins", [False, True], ids=["before an answer", "in the middle of one"])
def test_silence_until_the_attempt_is_over_is_no_fault_of_the_providers(begins: bool) -> None:
    half = stream({"content": "half"}) if begins else ()
    until = SystemClock().now() + timedelta(seconds=1)
    with (
        ScriptedModel([Fault(pieces=half, then="hang")]) as model,
        Gateway(lambda _: None, SystemClock().now).open(
            tier_at(model.base_url), ZERO_USD, until=until
        ) as door,
    ):
        with suppress(requests.RequestException):
            ask(door, Dialect.CHAT, stream=True)
        failure = door.failure()
    assert failure is not None
    assert failure.outcome is OutcomeClass.TIMEOUT
    assert "time was up" in failure.message


# --- money ---------------------------------------------------------------------------------------


def test_a_second_request_waits_for_what_the_first_holds_and_is_not_the_end() -> None:
    """One answer may cost a dollar, and there is one and a half."""
    from threading import Thread

    codes: list[int] = []
    slow = answer(Dialect.CHAT, TURN.model_copy(update={"delay_seconds": 0}))
    with ScriptedModel([slow] * 2) as model, door_to(model.base_url, "1.5", **PAID) as door:
        threads = [
            Thread(target=lambda: codes.append(ask(door, Dialect.CHAT).status_code))
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert door.failure() is None
    assert codes == [200, 200]
