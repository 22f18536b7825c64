"""What Codex and Claude Code print, and what it means. The lines are cut to what is looked at."""

from __future__ import annotations

import json

import pytest

from bot.adapters.engines.claude import Claude
from bot.adapters.engines.codex import Codex
from bot.adapters.engines.heard import (
    Ended,
    Heard,
    Said,
    Used,
)
from bot.core.outcomes import OutcomeClass

HTML = "<html>502 Bad Gateway</html>"


def item(kind: str, about: str, **more: object) -> dict[str, object]:
    return {"type": f"item.{kind}", "item": {"id": "item_1", "type": about, **more}}


def turn_failed(message: str) -> dict[str, object]:
    return {"type": "turn.failed", "error": {"message": message}}


CODEX: dict[str, tuple[object, tuple[Heard, ...]]] = {
    "words": (item("completed", "agent_message", text="I begin."), (Said("I begin."),)),
    "a command that begins": (
        item("started", "command_execution", command="/bin/bash -lc 'ls'", exit_code=None),
        (Used("command /bin/bash -lc 'ls'"),),
    ),
    "the same command when it is over": (
        item("completed", "command_execution", command="/bin/bash -lc 'ls'", exit_code=0),
        (),
    ),
    "a tool of a server": (
        item("started", "mcp_tool_call", server="memory", tool="read"),
        (Used("memory read"),),
    ),
    "a warning that it calls an error": (
        item("completed", "error", message="Model metadata for `m` not found."),
        (),
    ),
    "an error that a failed turn will repeat": ({"type": "error", "message": "status 401"}, ()),
    "the end": (
        {"type": "turn.completed"},
        (Ended(OutcomeClass.DONE),),
    ),
    "an event without what it is about": ({"type": "item.completed"}, ()),
}


@pytest.mark.parametrize(("line", "heard"), CODEX.values(), ids=CODEX)
def test_codex_is_heard(line: object, heard: tuple[Heard, ...]) -> None:
    assert Codex().hear(json.dumps(line)) == heard


CODEX_FAILS = {
    "unexpected status 401 Unauthorized: Incorrect API key": OutcomeClass.AUTHENTICATION,
    "unexpected status 403 Forbidden: no access to this model.": OutcomeClass.AUTHENTICATION,
    "unexpected status 402 Payment Required: Payment required.": OutcomeClass.QUOTA,
    "Quota exceeded. Check your plan and billing details.": OutcomeClass.QUOTA,
    "exceeded retry limit, last status: 429 Too Many Requests": OutcomeClass.RATE_LIMIT,
    "Codex ran out of room in the model's context window.": OutcomeClass.CONTEXT_TOO_LONG,
    "unexpected status 404 Not Found: no such model": OutcomeClass.BAD_REQUEST,
    "unexpected status 503 Service Unavailable: overloaded.": OutcomeClass.CRASH,
    "We're currently experiencing high demand": OutcomeClass.CRASH,
    "stream disconnected before completion": OutcomeClass.CRASH,
}


@pytest.mark.parametrize(("said", "outcome"), CODEX_FAILS.items(), ids=CODEX_FAILS)
def test_codex_fails_as_it_says(said: str, outcome: OutcomeClass) -> None:
    assert Codex().hear(json.dumps(turn_failed(said))) == (Ended(outcome, said),)


def test_codex_keeps_the_doors_address_to_itself() -> None:
    said = "unexpected status 503 Service Unavailable: busy, url: http://127.0.0.1:1/door/v1/x"
    (ended,) = Codex().hear(json.dumps(turn_failed(said)))
    assert isinstance(ended, Ended)
    assert ended.message.endswith("busy")


def result(**more: object) -> dict[str, object]:
    return {"type": "result", "subtype": "success", **more}


def assistant(*parts: object) -> dict[str, object]:
    return {"type": "assistant", "message": {"role": "assistant", "content": list(parts)}}


def tool_use(name: str, **given: object) -> dict[str, object]:
    return {"type": "tool_use", "id": "toolu_1", "name": name, "input": given}


CLAUDE: dict[str, tuple[object, tuple[Heard, ...]]] = {
    "words": (assistant({"type": "text", "text": "I begin."}), (Said("I begin."),)),
    "a command": (assistant(tool_use("Bash", command="ls -l")), (Used("Bash ls -l"),)),
    "a file": (assistant(tool_use("Write", file_path="/w/a.py")), (Used("Write /w/a.py"),)),
    "a tool of a server": (
        assistant(tool_use("mcp__memory__read", key="k")),
        (Used("mcp__memory__read"),),
    ),
    "what a tool answered": ({"type": "user", "message": {"content": []}}, ()),
    "its beginning": ({"type": "system", "subtype": "init"}, ()),
    "the end": (result(is_error=False), (Ended(OutcomeClass.DONE),)),
    "an end that does not say how": (result(), (Ended(OutcomeClass.CRASH, "success"),)),
    "words in place of parts": ({"type": "assistant", "message": {"content": "hi"}}, ()),
}


@pytest.mark.parametrize(("line", "heard"), CLAUDE.values(), ids=CLAUDE)
def test_claude_is_heard(line: object, heard: tuple[Heard, ...]) -> None:
    assert Claude().hear(json.dumps(line)) == heard


CLAUDE_FAILS: dict[str, tuple[dict[str, object], OutcomeClass]] = {
    "Invalid API key": ({"api_error_status": 401}, OutcomeClass.AUTHENTICATION),
    "Failed to authenticate.": ({"api_error_status": 403}, OutcomeClass.AUTHENTICATION),
    "Request rejected (429)": ({"api_error_status": 429}, OutcomeClass.RATE_LIMIT),
    "Credit balance is too low": ({"api_error_status": 400}, OutcomeClass.QUOTA),
    "Prompt is too long": (
        {"api_error_status": 400, "terminal_reason": "prompt_too_long"},
        OutcomeClass.CONTEXT_TOO_LONG,
    ),
    "There is no such field": ({"api_error_status": 400}, OutcomeClass.BAD_REQUEST),
    "API Error: 529 Overloaded": ({"api_error_status": 529}, OutcomeClass.CRASH),
    "Connection to the API was lost": ({"api_error_status": None}, OutcomeClass.CRASH),
}


@pytest.mark.parametrize("said", CLAUDE_FAILS)
def test_claude_fails_as_it_says_though_it_calls_that_success(said: str) -> None:
    more, outcome = CLAUDE_FAILS[said]
    heard = Claude().hear(json.dumps(result(is_error=True, result=said, **more)))
    assert heard == (Ended(outcome, said),)


@pytest.mark.parametrize("speech", [Codex(), Claude()], ids=lambda speech: speech.name)
@pytest.mark.parametrize("line", [HTML, "", "[]", "7", "{", '{"type": ["result"]}', "[" * 100_000])
def test_lines_that_are_none_of_its_own_mean_nothing(speech: Codex | Claude, line: str) -> None:
    assert speech.hear(line) == ()
