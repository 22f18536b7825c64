"""What a request may ask of a tier's model, and what reaches further or costs what nobody knows."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from bot.adapters.gateway.dialects import Dialect
from tests.support.dialects import answer, request
from tests.support.doorway import PAID, ask, door_to, post
from tests.support.scripted_model import MODEL, ScriptedModel, say

every_dialect = pytest.mark.parametrize("dialect", list(Dialect))


def both(body: Mapping[str, object], name: str, other: object) -> str:
    """Write a field twice."""
    return json.dumps(body)[:-1] + f", {json.dumps(name)}: {json.dumps(other)}}}"


def content(part: Mapping[str, object], **more: object) -> dict[str, object]:
    return {"messages": [{"role": "user", "content": [part], **more}]}


def picture(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


HERE = picture("data:image/png;base64,AAAA")
REACHING = {
    "a second model": {"models": ["expensive-1"]},
    "a plugin": {"plugins": [{"id": "web"}]},
    "a model in capitals": {"MODEL": "expensive-1"},
    "a provider among many": {"provider": {"only": ["expensive"]}},
    "a faster service": {"service_tier": "priority"},
    "a faster service in capitals": {"Service_Tier": "priority"},
    "a service that is no name": {"service_tier": []},
    "a search": {"web_search_options": {"search_context_size": "high"}},
    "a search of another kind": {"search_parameters": {"mode": "on"}},
    "a tool of the provider's": {"tools": [{"type": "web_search"}]},
    "a tool of the provider's in capitals": {"TOOLS": [{"type": "web_search"}]},
    "a tool of another router's": {"tools": [{"type": "openrouter:web_search"}]},
    "a server of tools": {"tools": [{"type": "mcp", "server_url": "https://evil.example"}]},
    "a search among tools, by the provider": {"tools": [{"type": "tool_search"}]},
    "a tool of the provider's in a bag": {
        "tools": [{"type": "namespace", "name": "n", "tools": [{"type": "web_search"}]}]
    },
    "a tool of Gemini's": {"tools": [{"urlContext": {}}]},
    "a link": content(picture("https://evil.example/?stolen=1")),
    "options of another router": {"providerOptions": {"gateway": {"models": ["expensive-1"]}}},
    "what a library would have put elsewhere": {"extra_body": {"google": {}}},
    "a voice": {"modalities": ["text", "audio"]},
    "a guess that is paid for as an answer": {"prediction": {"type": "content", "content": "x"}},
    "an answer later": {"background": True},
    "an answer before": {"previous_response_id": "resp_1"},
    "no number": {"max_tokens": "many"},
    "half a number": {"max_tokens": 1.5},
    "nothing": {"max_tokens": 0},
    "less than nothing": {"max_tokens": -1},
    "a yes for a number": {"max_tokens": True},
    "two answers at once": {"n": 2},
    "two answers in capitals": {"N": 2},
    "the best of two answers": {"best_of": 2},
}


@pytest.mark.parametrize("reaching", REACHING)
def test_what_reaches_further_than_the_tiers_model_is_refused(reaching: str) -> None:
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        got = ask(door, Dialect.CHAT, **REACHING[reaching])
    assert got.status_code == 400, got.text


def parts(**of_gemini: object) -> dict[str, object]:
    return {"contents": [{"role": "user", "parts": [of_gemini]}]}


def settings(**of_gemini: object) -> dict[str, object]:
    return {"generationConfig": {"maxOutputTokens": 1, **of_gemini}}


FURTHER: dict[str, tuple[Dialect, Mapping[str, object]]] = {
    "a faster service": (Dialect.MESSAGES, {"speed": "fast"}),
    "a dearer place": (Dialect.MESSAGES, {"inference_geo": "us"}),
    "a summary, counted apart": (
        Dialect.MESSAGES,
        {"context_management": {"edits": [{"type": "compact_20260112"}]}},
    ),
    "a search": (Dialect.MESSAGES, {"tools": [{"type": "web_search_20250305", "name": "w"}]}),
    "an item that is kept": (
        Dialect.RESPONSES,
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
    ),
    "an item that is kept, by its name alone": (Dialect.RESPONSES, {"input": [{"id": "msg_1"}]}),
    "a summary": (Dialect.RESPONSES, {"context_management": [{"type": "compaction"}]}),
    "Gemini's faster service": (Dialect.GEMINI, {"serviceTier": "priority"}),
    "a cache that is kept": (Dialect.GEMINI, {"cachedContent": "cachedContents/1"}),
    "a tool beside a tool": (Dialect.GEMINI, {"tools": [{"type": "function", "googleSearch": {}}]}),
    "an answer in pictures": (Dialect.GEMINI, settings(responseModalities=["IMAGE"])),
    "a link in what a tool said": (
        Dialect.GEMINI,
        parts(functionResponse={"name": "f", "parts": [{"fileData": {"fileUri": "files/1"}}]}),
    ),
    "a limit in two places": (
        Dialect.GEMINI,
        {"generationConfig": {"maxOutputTokens": 9_999}, "generation_config": {}},
    ),
    "a limit in two ways": (Dialect.GEMINI, settings(max_output_tokens=9_999)),
    "Gemini's two answers": (Dialect.GEMINI, settings(candidateCount=2)),
}


@pytest.mark.parametrize("further", FURTHER)
def test_what_reaches_further_in_another_protocol_is_refused(further: str) -> None:
    dialect, more = FURTHER[further]
    with ScriptedModel([]) as model, door_to(model.base_url) as door:
        got = ask(door, dialect, **more)
    assert got.status_code == 400, got.text


@pytest.mark.parametrize("name", ["max_completion_tokens", "Max_Completion_Tokens"])
def test_of_two_limits_the_larger_is_set_aside_for_however_it_is_written(name: str) -> None:
    with ScriptedModel([]) as model, door_to(model.base_url, "3", **PAID) as door:
        assert ask(door, Dialect.CHAT, **{name: 300}).status_code == 403
        assert "the next call may cost $3." in str(door.failure())


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_paid_tier_is_asked_only_for_what_is_known_and_a_free_one_for_anything(
    dialect: Dialect,
) -> None:
    with ScriptedModel([answer(dialect, say("ok"))]) as model:
        with door_to(model.base_url, "100", **PAID) as door:
            got = ask(door, dialect, ludicrous_speed=True)
            assert (got.status_code, "ludicrousspeed" in got.text) == (400, True)
        with door_to(model.base_url) as door:
            assert ask(door, dialect, ludicrous_speed=True).status_code == 200


def test_a_field_that_is_there_twice_reaches_the_provider_once() -> None:
    with ScriptedModel([answer(Dialect.CHAT, say("ok"))]) as model, door_to(model.base_url) as door:
        path, body = request(Dialect.CHAT)
        assert post(door, path, data=both(body, "model", "expensive-1")).status_code == 404
        twice = both({**body, "model": "expensive-1"}, "model", MODEL)
        assert post(door, path, data=twice).status_code == 200
    assert model.requests[0].body["model"] == MODEL


PICTURES: dict[str, tuple[Dialect, Mapping[str, object]]] = {
    "in a message": (Dialect.CHAT, content(HERE)),
    "in a message that looks like a tool's use": (Dialect.CHAT, content(HERE, type="tool_use")),
    "in a message that looks like a call": (Dialect.CHAT, content(HERE, functionCall={})),
    "a voice that is kept": (Dialect.CHAT, content({}, audio={"id": "audio_1"})),
    "in what a tool said": (
        Dialect.GEMINI,
        parts(functionResponse={"name": "f", "parts": [{"inlineData": {"data": "AAAA"}}]}),
    ),
    "of a screen": (
        Dialect.RESPONSES,
        {"input": [{"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}]},
    ),
    "among instructions": (Dialect.RESPONSES, {"instructions": [{"type": "input_image"}]}),
    "that was made before": (
        Dialect.RESPONSES,
        {"input": [{"type": "image_generation_call", "id": "ig_1", "result": "AAAA"}]},
    ),
}


@pytest.mark.parametrize("where", PICTURES)
def test_pictures_pass_where_they_cost_nothing(where: str) -> None:
    dialect, more = PICTURES[where]
    with ScriptedModel([answer(dialect, say("ok"))]) as model:
        with door_to(model.base_url) as door:
            assert ask(door, dialect, **more).status_code == 200
        with door_to(model.base_url, "100", **PAID) as door:
            assert ask(door, dialect, **more).status_code == 400


OURS = {
    Dialect.CHAT: [{"type": "function", "function": {"name": "fetch_url"}}],
    Dialect.RESPONSES: [
        {"type": "function", "name": "f"},
        {"type": "custom", "name": "patch"},
        {"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "g"}]},
        {"type": "tool_search", "execution": "client"},
    ],
    Dialect.MESSAGES: [{"name": "f", "input_schema": {}}, {"type": "bash_20250124", "name": "b"}],
    Dialect.GEMINI: [{"functionDeclarations": [{"name": "f"}]}],
}


@every_dialect
def test_tools_that_the_client_carries_out_pass(dialect: Dialect) -> None:
    with ScriptedModel([answer(dialect, say("ok"))]) as model, door_to(model.base_url) as door:
        assert ask(door, dialect, tools=OURS[dialect]).status_code == 200
    assert model.requests[0].body["tools"] == OURS[dialect]


CALLED_WITH: dict[str, tuple[Dialect, Mapping[str, object]]] = {
    "Anthropic's": (
        Dialect.MESSAGES,
        content({"type": "tool_use", "name": "f", "input": {"url": "https://example.com"}}),
    ),
    "Gemini's": (
        Dialect.GEMINI,
        parts(functionCall={"name": "f", "args": {"url": "https://example.com"}}),
    ),
    "Gemini's answer": (
        Dialect.GEMINI,
        parts(functionResponse={"name": "f", "response": {"file_id": "1", "type": "image"}}),
    ),
}


@pytest.mark.parametrize("whose", CALLED_WITH)
def test_what_a_tool_is_called_with_and_says_is_no_link_and_no_picture(whose: str) -> None:
    dialect, more = CALLED_WITH[whose]
    with (
        ScriptedModel([answer(dialect, say("ok"))]) as model,
        door_to(model.base_url, "100", **PAID) as door,
    ):
        assert ask(door, dialect, **more).status_code == 200
