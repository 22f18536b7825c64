"""What the lines mean that agent programs print: each is one that was seen, shortened."""

from __future__ import annotations

import json

import pytest

from bot.adapters.engines.cline import Cline
from bot.adapters.engines.copilot import Copilot
from bot.adapters.engines.gemini import Gemini
from bot.adapters.engines.heard import (
    Ended,
    Heard,
    Said,
    Used,
)
from bot.adapters.engines.program import Speech
from bot.core.outcomes import OutcomeClass

GEMINI, COPILOT, CLINE = Gemini(), Copilot(), Cline()


def tool_of_gemini(name: str, **given: str) -> dict[str, object]:
    return {"type": "tool_use", "tool_name": name, "tool_id": "1", "parameters": given}


def tool_of_copilot(name: str, **given: str) -> dict[str, object]:
    data = {"toolCallId": "call_1", "toolName": name, "arguments": given, "turnId": "0"}
    return {"type": "tool.execution_start", "data": data, "id": "1d99"}


def part_of_cline(**event: object) -> dict[str, object]:
    return {"ts": "2026-11-21T15:24:04.470Z", "type": "agent_event", "event": event}


@pytest.mark.parametrize(
    ("speech", "line", "heard"),
    [
        pytest.param(
            GEMINI,
            {"type": "message", "role": "assistant", "content": "Now a command.", "delta": True},
            (Said("Now a command."),),
            id="gemini says something",
        ),
        pytest.param(
            GEMINI,
            {"type": "message", "role": "user", "content": "Be good."},
            (),
            id="gemini repeats what it was told",
        ),
        pytest.param(
            GEMINI,
            tool_of_gemini("run_shell_command", command="pytest -q"),
            (Used("run_shell_command pytest -q"),),
            id="gemini runs a command",
        ),
        pytest.param(
            GEMINI,
            tool_of_gemini("write_file", file_path="/w/a.py", content="x"),
            (Used("write_file /w/a.py"),),
            id="gemini writes a file",
        ),
        pytest.param(
            GEMINI,
            tool_of_gemini("mcp_demo_ping", text="hi"),
            (Used("mcp_demo_ping"),),
            id="gemini asks an MCP server",
        ),
        pytest.param(
            GEMINI,
            {"type": "result", "status": "success"},
            (Ended(OutcomeClass.DONE),),
            id="gemini ends",
        ),
        pytest.param(
            COPILOT,
            {"type": "assistant.message", "data": {"content": "All done.", "toolRequests": []}},
            (Said("All done."),),
            id="copilot says something",
        ),
        pytest.param(
            COPILOT,
            {"type": "assistant.message_delta", "data": {"deltaContent": "All done."}},
            (),
            id="copilot says a part of what it says again as a whole",
        ),
        pytest.param(
            COPILOT,
            tool_of_copilot("bash", command="pytest -q", description="Run the tests"),
            (Used("bash pytest -q"),),
            id="copilot runs a command",
        ),
        pytest.param(
            COPILOT,
            tool_of_copilot("create", path="/w/a.py", file_text="x"),
            (Used("create /w/a.py"),),
            id="copilot writes a file",
        ),
        pytest.param(
            COPILOT,
            {"type": "result", "exitCode": 0, "usage": {"premiumRequests": 0}},
            (Ended(OutcomeClass.DONE),),
            id="copilot ends, and does not say what it used",
        ),
        pytest.param(
            COPILOT,
            {"type": "result", "exitCode": 1, "usage": {"premiumRequests": 0}},
            (),
            id="copilot failed, and has said why before",
        ),
        pytest.param(
            CLINE,
            part_of_cline(type="content_end", contentType="text", text="Now a command."),
            (Said("Now a command."),),
            id="cline says something",
        ),
        pytest.param(
            CLINE,
            part_of_cline(type="content_start", contentType="text", text="Now a"),
            (),
            id="cline begins to say something",
        ),
        pytest.param(
            CLINE,
            part_of_cline(
                type="content_start",
                contentType="tool",
                toolName="run_commands",
                input={"commands": ["pytest -q", "ls"]},
            ),
            (Used("run_commands pytest -q"),),
            id="cline runs commands",
        ),
        pytest.param(
            CLINE,
            part_of_cline(
                type="content_start", contentType="tool", toolName="editor", input={"path": "/w/a"}
            ),
            (Used("editor /w/a"),),
            id="cline writes a file",
        ),
        pytest.param(
            CLINE,
            {"type": "run_result", "finishReason": "completed", "iterations": 4},
            (Ended(OutcomeClass.DONE),),
            id="cline ends",
        ),
        pytest.param(
            CLINE,
            {"type": "run_result", "finishReason": "aborted", "text": ""},
            (Ended(OutcomeClass.CRASH, "it ended with aborted"),),
            id="cline is ended by a hook, and exits with 0",
        ),
    ],
)
def test_a_line_is_heard_as_what_it_means(
    speech: Speech, line: dict[str, object], heard: tuple[Heard, ...]
):
    assert speech.hear(json.dumps(line)) == heard


@pytest.mark.parametrize("speech", [GEMINI, COPILOT, CLINE], ids=lambda speech: speech.name)
@pytest.mark.parametrize(
    "line",
    [
        "",
        "YOLO mode is enabled. All tool calls will be automatically approved.",
        "      at iX (/$bunfs/root/chunk-c152qqqg.js:26:46952)",
        "[1, 2]",
        '{"type": ["result"]}',
        '{"type": "result", "stats": 7, "error": [], "usage": "much", "exitCode": "0"}',
        '{"type": "agent_event", "event": {"type": "content_start", "contentType": "tool"}',
        '{"type": "agent_event", "event": 3}',
        '{"type": "tool.execution_start", "data": {"toolName": 3, "arguments": "rm"}}',
        "[" * 100_000,
    ],
)
def test_a_line_of_any_other_kind_never_ends_the_work_well(speech: Speech, line: str):
    assert Ended(OutcomeClass.DONE) not in speech.hear(line)


def gemini_failed(words: str) -> dict[str, object]:
    return {"type": "result", "status": "error", "error": {"message": words}, "stats": {}}


def copilot_failed(words: str, status: int | None = None) -> dict[str, object]:
    code = {} if status is None else {"statusCode": status}
    return {"type": "session.error", "data": {"errorType": "query", "message": words, **code}}


def cline_failed(words: str) -> dict[str, object]:
    return {"type": "error", "message": words}


@pytest.mark.parametrize(
    ("speech", "line", "outcome"),
    [
        pytest.param(
            GEMINI,
            gemini_failed('[API Error: {"error":{"code":401,"status":"UNAUTHENTICATED"}}]'),
            OutcomeClass.AUTHENTICATION,
            id="gemini: 401",
        ),
        pytest.param(
            GEMINI,
            gemini_failed("[API Error: You have exhausted your daily quota on this model.]"),
            OutcomeClass.QUOTA,
            id="gemini: the day's quota",
        ),
        pytest.param(
            GEMINI,
            gemini_failed("[API Error: You exceeded your current quota (per minute).]"),
            OutcomeClass.RATE_LIMIT,
            id="gemini: the minute's quota",
        ),
        pytest.param(
            GEMINI,
            gemini_failed(
                '[API Error: {"error":{"code":400,"message":"The input token count exceeds the '
                'maximum number of tokens allowed.","status":"INVALID_ARGUMENT"}}]'
            ),
            OutcomeClass.CONTEXT_TOO_LONG,
            id="gemini: too long",
        ),
        pytest.param(
            GEMINI,
            gemini_failed('[API Error: {"error":{"code":400,"message":"No such field."}}]'),
            OutcomeClass.BAD_REQUEST,
            id="gemini: not understood",
        ),
        pytest.param(
            GEMINI,
            gemini_failed("[API Error: terminated]"),
            OutcomeClass.CRASH,
            id="gemini: broken off",
        ),
        pytest.param(
            GEMINI,
            {
                "type": "error",
                "severity": "error",
                "message": "The model returned an empty response with no text or thoughts.",
            },
            OutcomeClass.GAVE_UP,
            id="gemini: an empty answer",
        ),
        pytest.param(
            COPILOT,
            copilot_failed("No response was returned. Send your message again to retry."),
            OutcomeClass.GAVE_UP,
            id="copilot: an empty answer",
        ),
        pytest.param(
            CLINE,
            cline_failed("Model returned empty response"),
            OutcomeClass.GAVE_UP,
            id="cline: an empty answer",
        ),
        pytest.param(
            COPILOT,
            copilot_failed("Authentication failed with provider (HTTP 401).", 401),
            OutcomeClass.AUTHENTICATION,
            id="copilot: 401",
        ),
        pytest.param(
            COPILOT,
            copilot_failed("retried 5 times Last error: 429 Rate limit reached", 429),
            OutcomeClass.RATE_LIMIT,
            id="copilot: 429",
        ),
        pytest.param(
            COPILOT,
            copilot_failed("400 This model's maximum context length is 128000 tokens.", 400),
            OutcomeClass.CONTEXT_TOO_LONG,
            id="copilot: too long",
        ),
        pytest.param(
            COPILOT,
            copilot_failed("Last error: 500 The server had an error", 500),
            OutcomeClass.CRASH,
            id="copilot: 500",
        ),
        pytest.param(
            COPILOT,
            copilot_failed("Last error: Failed to parse chat-completions stream chunk"),
            OutcomeClass.CRASH,
            id="copilot: no JSON",
        ),
        pytest.param(
            CLINE,
            cline_failed("Incorrect API key provided: sk-****."),
            OutcomeClass.AUTHENTICATION,
            id="cline: 401",
        ),
        pytest.param(
            CLINE,
            cline_failed("Rate limit reached for requests. Please try again later."),
            OutcomeClass.RATE_LIMIT,
            id="cline: 429",
        ),
        pytest.param(
            CLINE,
            cline_failed("The request exceeds the model's context window and there is no"),
            OutcomeClass.CONTEXT_TOO_LONG,
            id="cline: too long",
        ),
        pytest.param(
            CLINE,
            cline_failed("You exceeded your current quota, check your plan and billing details."),
            OutcomeClass.QUOTA,
            id="cline: out of money",
        ),
    ],
)
def test_a_failure_is_classed_by_what_the_program_says_of_it(
    speech: Speech, line: dict[str, object], outcome: OutcomeClass
):
    ended = [heard for heard in speech.hear(json.dumps(line)) if isinstance(heard, Ended)]

    assert [one.outcome for one in ended] == [outcome]
    assert ended[0].message
