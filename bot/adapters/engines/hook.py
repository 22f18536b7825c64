"""What agent programs call before a tool: `python -m bot.adapters.engines.hook DIALECT RULES ROLE`.

The call comes as JSON on standard input, the answer goes out as the program wants to have it.
RULES is a file with `Rules` as JSON. What cannot be read is denied. What is denied is noted beside
that file.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from pydantic import ValidationError

from bot.adapters.engines.denials import note
from bot.core.constraints import Denied, Rules, judge
from bot.core.denials import NOTES_FILE

_MOST = 4_000_000  # bytes of a call; a file that is written comes whole
_INPUTS = ("tool_input", "toolArgs", "tool_args", "tool_call", "input")  # each may hold the next
_COMMANDS = ("command", "commands", "cmd", "script")
_INSIDE = 4


def main(arguments: list[str]) -> int:
    """Judge one tool call; 2 where it is denied and the dialect has nothing but the exit code."""
    dialect, file, role = arguments
    try:
        rules = Rules.model_validate_json(Path(file).read_bytes())
        call = json.loads(sys.stdin.buffer.read(_MOST))
    except (OSError, ValidationError, ValueError, RecursionError) as error:
        found: Denied | None = Denied("hook", f"The call cannot be judged: {error}"[:300], "")
    else:
        judged = (judge(command, rules, role) for command in commands_in(call))
        found = next((denied for denied in judged if denied is not None), None)
    answer = _answer(dialect, found)
    if found is not None:
        note(Path(file).with_name(NOTES_FILE), found)
    return answer


def commands_in(call: object, depth: int = 0) -> Iterator[str]:
    """Return the shell text of a tool call, wherever its program puts it."""
    if isinstance(call, str) and depth:  # copilot hands over its arguments as JSON in a text
        try:
            call = json.loads(call)
        except (ValueError, RecursionError):
            return
    if not isinstance(call, dict) or depth > _INSIDE:
        return
    for key in _COMMANDS:
        yield from _texts(call.get(key), words=key in ("command", "cmd"))
    for key in _INPUTS:
        yield from commands_in(call.get(key), depth + 1)


def _texts(value: object, *, words: bool) -> Iterator[str]:
    """Take one text, a list of words that make a command, or a list of commands."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        texts = [one for one in value if isinstance(one, str)]
        yield from [shlex.join(texts)] if words else texts


def _answer(dialect: str, found: Denied | None) -> int:
    if found is None:
        return 0
    why = f"Not run: {found.what!r}. Rule {found.rule}: {found.because}"
    if dialect not in _DIALECTS:
        sys.stderr.write(why + "\n")
        return 2
    sys.stdout.write(json.dumps(_DIALECTS[dialect](why)) + "\n")
    return 0


def _as_claude(why: str) -> dict[str, object]:
    decision = {"permissionDecision": "deny", "permissionDecisionReason": why}
    return {"hookSpecificOutput": {"hookEventName": "PreToolUse", **decision}}


def _as_cline(why: str) -> dict[str, object]:
    """Put another command in its place: a refusal would end cline's whole run."""
    said = f"printf '%s\\n' {shlex.quote(why)} >&2; exit 126"
    return {"overrideInput": {"commands": [said]}}


_DIALECTS: dict[str, Callable[[str], dict[str, object]]] = {
    "codex": _as_claude,
    "gemini": lambda why: {"decision": "deny", "reason": why},
    "copilot": lambda why: {"permissionDecision": "deny", "permissionDecisionReason": why},
    "cline": _as_cline,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
