"""The scripted provider keeps to its script in every protocol, and fails tests that do not."""

from __future__ import annotations

import json

import pytest
import requests

from bot.adapters.gateway.dialects import Dialect
from tests.support.dialects import request
from tests.support.doorway import door_to, post
from tests.support.provider import (
    SIDE_WORDS,
    Provider,
    Script,
    Turn,
    Usage,
    say,
    shell,
    tool,
    turn,
    write,
)

TASK = "Mend add."  # what every request of these tests says
SCHEMA = {
    "type": "object",
    "properties": {"command": {"type": "string"}, "why": {"type": "string"}},
    "required": ["command", "why"],
}
TOOLS = {
    Dialect.CHAT: [{"type": "function", "function": {"name": "bash", "parameters": SCHEMA}}],
    Dialect.RESPONSES: [{"type": "function", "name": "shell", "parameters": SCHEMA}],
    Dialect.MESSAGES: [{"name": "Bash", "input_schema": SCHEMA}],
    Dialect.GEMINI: [{"functionDeclarations": [{"name": "run", "parameters": SCHEMA}]}],
}
every_protocol = pytest.mark.parametrize("dialect", list(Dialect))
streamed_or_not = pytest.mark.parametrize("streamed", [False, True], ids=["plain", "streamed"])


def ask(provider: Provider, dialect: Dialect, *, streamed: bool = False) -> str:
    path, body = request(dialect, stream=streamed, tools=TOOLS[dialect])
    with requests.Session() as session:
        session.trust_env = False
        return session.post(provider.url + path, json=body, timeout=20).text


@every_protocol
@streamed_or_not
def test_what_it_told_is_what_a_gateway_counted(dialect: Dialect, streamed: bool) -> None:
    script = Script(
        turn(say("I look."), shell("ls"), input=1234, cached=200, output=77, reasoning=7),
        write("a.txt", "a\n").took(input=2000, output=5),
    )
    base = "v1beta" if dialect is Dialect.GEMINI else "v1"
    with Provider({TASK: script}) as provider, door_to(f"{provider.url}/{base}") as door:
        for _ in script.steps:
            path, body = request(dialect, stream=streamed, tools=TOOLS[dialect])
            assert post(door, path, json=body).status_code == 200
        counted = [(c.input_tokens, c.cached_tokens, c.output_tokens) for c in door.calls()]
    assert counted == [(1234, 200, 77), (2000, 0, 5)]
    assert [(u.input, u.cached, u.output) for u in provider.told] == counted
    assert provider.total == Usage(3234, 200, 82, 7)


@every_protocol
@streamed_or_not
def test_a_command_becomes_a_call_of_the_tool_that_is_declared(
    dialect: Dialect, streamed: bool
) -> None:
    with Provider({TASK: Script(shell("ls -l"))}) as provider:
        said = ask(provider, dialect, streamed=streamed)
    name = json.dumps(TOOLS[dialect]).partition('"name": "')[2].partition('"')[0]
    assert f'"name": "{name}"' in said
    assert "ls -l" in said
    assert "why" in said  # what must be given is given


@every_protocol
def test_a_request_without_tools_uses_no_turn_up(dialect: Dialect) -> None:
    with Provider({TASK: Script(say("The turn."))}) as provider:
        path, body = request(dialect)
        aside = requests.post(provider.url + path, json=body, timeout=20)
        assert SIDE_WORDS in aside.text
        assert "The turn." in ask(provider, dialect)


NOT_KEPT_TO = {
    "a step that nobody met": ({TASK: Script(say("one"), say("two"))}, "1 requests met a script"),
    "a request too many": ({TASK: Script()}, "request 1 of a script of 0"),
    "a conversation that nobody wrote": ({"Another task": Script()}, "no script knows this"),
    "a tool that is not there": ({TASK: Script(tool("^ping$"))}, "no tool"),
}


@pytest.mark.parametrize("what", NOT_KEPT_TO)
def test_a_script_that_was_not_kept_to_fails_the_test(what: str) -> None:
    scripts, why = NOT_KEPT_TO[what]
    with pytest.raises(AssertionError, match=why), Provider(scripts) as provider:
        ask(provider, Dialect.CHAT)


def test_what_comes_after_the_last_step_may_come_for_ever() -> None:
    with Provider({TASK: Script(say("once"), ever=Turn(text="again"))}) as provider:
        said = [ask(provider, Dialect.CHAT) for _ in range(4)]
    assert ["again" in one for one in said] == [False, True, True, True]
