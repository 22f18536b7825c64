"""What the gateway counts is what the provider sent, in every protocol and however it comes."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from decimal import Decimal

import pytest
import requests

from bot.adapters.gateway.dialects import Dialect
from bot.adapters.recorded_model import RecordedTurn, event
from bot.core.base import ZERO_USD
from bot.ports import ModelCall
from tests.support.dialects import answer, cut_answer, request, without_question
from tests.support.doorway import PAID, ask, door_to, gateway, post, tier_at
from tests.support.scripted_model import (
    DONE,
    MODEL,
    Fault,
    ScriptedModel,
    call,
    refusal,
    stream,
)

TURN = RecordedTurn(text="Done. " * 40, input_tokens=1234, cached_tokens=200, output_tokens=77)
COUNTED = ModelCall(1, 1234, 200, 77, MODEL, MODEL, counted=True)

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))


@every_dialect
@pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])
def test_an_answer_passes_unchanged_and_is_counted_to_the_token(
    dialect: Dialect, streamed: bool
) -> None:
    whole = answer(dialect, TURN, stream=streamed)
    asks = {"stream_options": {"include_usage": True}} if streamed and dialect == "chat" else {}
    with ScriptedModel([whole]) as model, door_to(model.base_url) as door:
        got = ask(door, dialect, stream=streamed, **asks)
        kept = 1 if dialect is Dialect.MESSAGES else 0  # the others tell nothing of it
        assert door.calls() == (replace(COUNTED, written_tokens=kept),)
    sent = b"".join(whole.pieces)
    ours = event(json.loads(whole.pieces[-2][6:])) if streamed and dialect is Dialect.CHAT else b""
    assert got.content == (sent if asks else sent.replace(ours, b"", 1) if ours else sent)
    assert got.headers["Content-Type"] == whole.content_type
    expected = request(dialect, stream=streamed, **asks)[1]
    body = model.requests[0].body
    assert {k: v for k, v in body.items() if k in expected} == expected


@every_dialect
def test_what_broke_off_is_estimated_from_what_was_seen_and_marked(dialect: Dialect) -> None:
    with ScriptedModel([cut_answer(dialect, TURN)]) as model, door_to(model.base_url) as door:
        with pytest.raises(requests.RequestException):
            ask(door, dialect, stream=True)
        (one,) = door.calls()
    assert not one.counted
    assert one.output_tokens == len(TURN.text) // 4
    assert one.input_tokens > 0
    assert one.model_returned == MODEL


@every_dialect
def test_each_sending_is_a_call_of_its_own_and_a_failure_costs_nothing(dialect: Dialect) -> None:
    script = [refusal(500, "down"), refusal(429, "slow", retry_after="0"), answer(dialect, TURN)]
    with ScriptedModel(script) as model, door_to(model.base_url) as door:
        got, calls = ask(door, dialect), door.calls()
    assert got.status_code == 200
    assert [(c.n, c.input_tokens, c.output_tokens, c.counted) for c in calls] == [
        (1, 0, 0, True),
        (2, 0, 0, True),
        (3, 1234, 77, True),
    ]


def test_a_client_that_did_not_ask_for_the_count_does_not_get_it() -> None:
    script = [answer(Dialect.CHAT, TURN, stream=True)] * 2
    with ScriptedModel(script) as model, door_to(model.base_url) as door:
        quiet = ask(door, Dialect.CHAT, stream=True)
        curious = ask(door, Dialect.CHAT, stream=True, stream_options={"include_usage": True})
        assert [c.counted for c in door.calls()] == [True, True]
    assert b'"usage"' not in quiet.content
    assert b'"usage"' in curious.content
    assert quiet.content.endswith(DONE)
    assert [r.body["stream_options"] for r in model.requests] == [{"include_usage": True}] * 2


def test_a_provider_that_cannot_be_asked_for_its_count_is_not_asked_again() -> None:
    script = [refusal(400, "Unknown field: stream_options"), *[without_question(TURN)] * 2]
    with ScriptedModel(script) as model, door_to(model.base_url) as door:
        assert ask(door, Dialect.CHAT, stream=True).status_code == 200
        assert ask(door, Dialect.CHAT, stream=True).status_code == 200
        assert [c.counted for c in door.calls()] == [True, False, False]
    assert ["stream_options" in r.body for r in model.requests] == [True, False, False]


WRONG: dict[str, dict[str, object]] = {
    "in its words": {"messages": [{"role": "stream_options", "content": "x"}]},
    "in its options": {"stream_options": {"include_obfuscation": "stream_options"}},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_request_of_one_agents_keeps_no_other_from_being_counted(wrong: str) -> None:
    says = refusal(400, "there is no such thing: stream_options")
    script = [says, says, answer(Dialect.CHAT, TURN, stream=True)]
    with ScriptedModel(script) as model, ExitStack() as stack:
        ours, tier = gateway(), tier_at(model.base_url)
        one, other = (stack.enter_context(ours.open(tier, ZERO_USD)) for _ in range(2))
        assert ask(one, Dialect.CHAT, stream=True, **WRONG[wrong]).status_code == 400
        assert ask(other, Dialect.CHAT, stream=True).status_code == 200
    assert model.requests[-1].body["stream_options"] == {"include_usage": True}


def test_a_count_is_found_however_the_bytes_are_cut() -> None:
    whole = b"".join(answer(Dialect.CHAT, TURN, stream=True).pieces).replace(b"\n", b"\r\n")
    pieces = tuple(whole[at : at + 7] for at in range(0, len(whole), 7))
    with ScriptedModel([Fault(pieces=pieces)]) as model, door_to(model.base_url) as door:
        ask(door, Dialect.CHAT, stream=True)
        assert door.calls() == (COUNTED,)


def test_a_gemini_stream_that_is_one_document_is_counted() -> None:
    parts = answer(Dialect.GEMINI, TURN, stream=True).pieces
    document = b"[" + b",".join(part[6:].strip() for part in parts) + b"]"
    with (
        ScriptedModel([Fault(200, {}, "application/json", (document,))]) as model,
        door_to(model.base_url) as door,
    ):
        path, body = request(Dialect.GEMINI, stream=True)
        assert post(door, path.partition("?")[0], json=body).content == document
        assert door.calls() == (COUNTED,)
    assert model.requests[0].path.endswith(":streamGenerateContent")


def chat_with(usage: object, **more: object) -> Fault:
    """A whole answer with a count of whatever kind."""
    choice = {"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}
    return document({"model": MODEL, "choices": [choice], "usage": usage, **more})


def document(body: object, status: int = 200) -> Fault:
    return Fault(status, {}, "application/json", (json.dumps(body).encode(),))


def test_thoughts_that_only_the_total_tells_are_counted() -> None:
    step = chat_with({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115})
    with ScriptedModel([step]) as model, door_to(model.base_url) as door:
        ask(door, Dialect.CHAT)
        assert door.calls()[0].output_tokens == 105


NO_COUNTS: dict[str, dict[str, object]] = {
    "a text": {"prompt_tokens": "9", "completion_tokens": 1},
    "half a token": {"prompt_tokens": 9, "completion_tokens": 1.5},
    "a yes": {"prompt_tokens": True, "completion_tokens": True},
    "less than nothing": {"prompt_tokens": 9, "completion_tokens": -1},
    "nothing at all for a prompt": {"prompt_tokens": 0, "completion_tokens": 0},
    "nothing said": {"prompt_tokens": None, "completion_tokens": None},
    "another number": {"cost": 0},
    "more than there is": {"prompt_tokens": 10**30, "completion_tokens": 1},
}


@pytest.mark.parametrize("no_count", NO_COUNTS)
def test_what_is_no_count_costs_what_the_answer_may_have(no_count: str) -> None:
    step = chat_with(NO_COUNTS[no_count])
    with ScriptedModel([step]) as model, door_to(model.base_url, "2", **PAID) as door:
        assert ask(door, Dialect.CHAT).status_code == 200
        (one,) = door.calls()
        assert ask(door, Dialect.CHAT).status_code == 403
    assert not one.counted
    assert one.usd is not None
    assert one.usd > 1  # for 100 tokens of an answer


USAGE = {"input_tokens": 9, "output_tokens": 1}
DEARER: dict[str, tuple[Dialect, Fault]] = {
    "OpenAI's": (
        Dialect.CHAT,
        chat_with({"prompt_tokens": 9, "completion_tokens": 1}, service_tier="priority"),
    ),
    "OpenAI's other": (
        Dialect.RESPONSES,
        document({"status": "completed", "output": [], "service_tier": "fast", "usage": USAGE}),
    ),
    "Anthropic's": (
        Dialect.MESSAGES,
        document({"type": "message", "stop_reason": "x", "usage": {**USAGE, "speed": "fast"}}),
    ),
}


@pytest.mark.parametrize("whose", DEARER)
def test_a_dearer_service_that_answers_unasked_costs_what_the_answer_may_have(whose: str) -> None:
    dialect, step = DEARER[whose]
    with ScriptedModel([step]) as model, door_to(model.base_url, "2", **PAID) as door:
        ask(door, dialect)
        (one,) = door.calls()
    assert not one.counted
    assert one.usd is not None
    assert one.usd > 1  # for 100 tokens of an answer


def test_a_model_may_call_itself_anything_and_the_record_has_a_name() -> None:
    odd = "Free 70B | [x](https://evil.example)\n" + "x" * 300
    step = chat_with({"prompt_tokens": 9, "completion_tokens": 1}, model=odd)
    with ScriptedModel([step]) as model, door_to(model.base_url) as door:
        assert ask(door, Dialect.CHAT).json()["model"] == odd
        (one,) = door.calls()
    assert one.model_returned is not None
    assert one.model_returned.startswith("Free_70B____x__https://evil.example__x")
    assert len(one.model_returned) == 200


def test_another_success_than_an_answer_is_not_taken_for_nothing() -> None:
    step = document({"id": "later"}, status=202)
    with ScriptedModel([step]) as model, door_to(model.base_url, "2", **PAID) as door:
        assert ask(door, Dialect.CHAT).status_code == 400
        (one,) = door.calls()
    assert not one.counted
    assert one.usd is not None
    assert one.usd > 1


def test_a_cache_that_is_written_to_unasked_is_paid_for_and_holds_no_more_than_the_prompt() -> None:
    written = {"cached_tokens": 60, "cache_write_tokens": 30}
    beyond = {"cached_tokens": 10**6, "cache_write_tokens": 10**6}
    usages = [
        {"prompt_tokens": 100, "completion_tokens": 1, "prompt_tokens_details": details}
        for details in (written, beyond)
    ]
    prices = {"cached_usd_per_million": "100", "cache_write_usd_per_million": "5000"}
    script = [chat_with(usage) for usage in usages]
    with ScriptedModel(script) as model, door_to(model.base_url, "9", **PAID, **prices) as door:
        assert [ask(door, Dialect.CHAT).status_code for _ in script] == [200, 200]
        first, second = door.calls()
    # 10 at $1000 a million, 60 at $100, 30 at $5000, and one at $10000
    assert (first.cached_tokens, first.written_tokens, first.usd) == (60, 30, Decimal("0.176"))
    assert (second.cached_tokens, second.written_tokens) == (100, 0)


KEPT = {"cache_control": {"type": "ephemeral", "ttl": "1h"}, "text": "x", "type": "text"}
IN_ALL = {"input_tokens": 10, "cache_creation_input_tokens": 50}
BY_TIME = {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 30}
AN_HOUR: dict[str, tuple[Dialect, Fault, int]] = {
    "said first, and not again": (
        Dialect.MESSAGES,
        Fault(
            pieces=(
                event({"message": {"usage": {**IN_ALL, "cache_creation": BY_TIME}}}),
                event({"type": "message_delta", "usage": {**IN_ALL, "output_tokens": 1}}),
                event({"type": "message_stop"}),
            )
        ),
        30,
    ),
    "said first, and nothing of it again": (
        Dialect.MESSAGES,
        Fault(
            pieces=(
                event({"message": {"usage": {**IN_ALL, "cache_creation": BY_TIME}}}),
                event({"type": "message_delta", "usage": {"input_tokens": 10, "output_tokens": 1}}),
                event({"type": "message_stop"}),
            )
        ),
        30,
    ),
    "never said": (
        Dialect.MESSAGES,
        document({"type": "message", "stop_reason": "x", "usage": {**IN_ALL, "output_tokens": 1}}),
        50,
    ),
    "never said in another protocol": (
        Dialect.CHAT,
        chat_with(
            {
                "prompt_tokens": 60,
                "completion_tokens": 1,
                "prompt_tokens_details": {"cache_write_tokens": 50},
            }
        ),
        50,
    ),
}


@pytest.mark.parametrize("said", AN_HOUR)
def test_what_is_kept_for_an_hour_as_was_asked_is_not_priced_as_for_minutes(said: str) -> None:
    dialect, step, for_an_hour = AN_HOUR[said]
    messages = [{"role": "user", "content": [KEPT]}]
    with ScriptedModel([step]) as model, door_to(model.base_url, "9", **PAID) as door:
        got = ask(door, dialect, stream=bool(step.pieces[1:]), messages=messages)
        (one,) = door.calls()
    assert got.status_code == 200
    assert one.counted
    assert (one.input_tokens, one.written_for_an_hour_tokens) == (60, for_an_hour)
    assert one.written_tokens == 50 - for_an_hour


ODD = {
    "wrong kinds": Fault(pieces=(b'data: {"choices": {"a": 1}, "usage": [3], "model": 7}\n\n',)),
    "counts below nothing": Fault(
        pieces=(event({"choices": [], "usage": {"prompt_tokens": -5, "completion_tokens": "7"}}),)
    ),
    "an error in the stream": Fault(
        pieces=(*stream({"content": "half"}), b'data: {"error": {"message": "overloaded"}}\n\n')
    ),
}


@pytest.mark.parametrize("odd", ODD)
def test_an_odd_answer_passes_and_is_not_taken_for_counted(odd: str) -> None:
    with ScriptedModel([ODD[odd]]) as model, door_to(model.base_url, "10", **PAID) as door:
        asks = {"stream_options": {"include_usage": True}}
        assert ask(door, Dialect.CHAT, stream=True, **asks).content == b"".join(ODD[odd].pieces)
        (one,) = door.calls()
    assert not one.counted
    assert (one.input_tokens, one.output_tokens) >= (0, 0)


def test_calls_of_tools_count_where_nobody_counted() -> None:
    turn = call("write_file", path="a.txt", content="x" * 400)
    with ScriptedModel([without_question(turn)]) as model, door_to(model.base_url) as door:
        ask(door, Dialect.CHAT, stream=True)
        assert door.calls()[0].output_tokens >= 100
