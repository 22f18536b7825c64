"""What opencode and kilo print, and what it means."""

from __future__ import annotations

import json

import pytest

from bot.adapters.engines.heard import (
    Ended,
    Heard,
    Said,
    Used,
)
from bot.adapters.engines.opencode import OPENCODE
from bot.core.outcomes import OutcomeClass


def failed(name: str, **data: object) -> dict[str, object]:
    return {"type": "error", "error": {"name": name, "data": {"message": "No.", **data}}}


def step(reason: str) -> dict[str, object]:
    return {"type": "step_finish", "part": {"reason": reason}}


def tool(name: str, **given: object) -> dict[str, object]:
    return {"type": "tool_use", "part": {"tool": name, "state": {"input": given}}}


@pytest.mark.parametrize(
    ("event", "heard"),
    [
        pytest.param({"type": "text", "part": {"text": "Hi"}}, (Said("Hi"),), id="words"),
        pytest.param(tool("bash", command="ls"), (Used("bash ls"),), id="a command"),
        pytest.param(tool("write", filePath="/a/b"), (Used("write /a/b"),), id="a file"),
        pytest.param(tool("git_log"), (Used("git_log"),), id="a server's tool"),
        pytest.param(step("tool-calls"), (), id="a step that others follow"),
        pytest.param(step("stop"), (Ended(OutcomeClass.DONE),), id="the last step ends the work"),
        pytest.param({"type": "step_start"}, (), id="what says nothing"),
        pytest.param(["text"], (), id="what is no event"),
    ],
)
def test_an_event_means(event: object, heard: tuple[Heard, ...]) -> None:
    assert OPENCODE.hear(json.dumps(event)) == heard


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (failed("APIError", statusCode=401), OutcomeClass.AUTHENTICATION),
        (failed("APIError", statusCode=403), OutcomeClass.AUTHENTICATION),
        (failed("APIError", statusCode=402), OutcomeClass.QUOTA),
        (failed("APIError", statusCode=429), OutcomeClass.RATE_LIMIT),
        (failed("APIError", statusCode=400), OutcomeClass.BAD_REQUEST),
        (failed("APIError", statusCode=503), OutcomeClass.CRASH),
        (failed("ContextOverflowError"), OutcomeClass.CONTEXT_TOO_LONG),
        (failed("UnknownError"), OutcomeClass.CRASH),
        ({"type": "error", "error": "?"}, OutcomeClass.CRASH),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_an_error_is_of_the_class_that_its_status_says(
    error: object, outcome: OutcomeClass
) -> None:
    (ended,) = OPENCODE.hear(json.dumps(error))
    assert isinstance(ended, Ended)
    assert ended.outcome is outcome


def test_a_line_that_is_no_json_says_nothing() -> None:
    assert OPENCODE.hear("Warning: something") == ()
