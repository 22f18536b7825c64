"""What is to be done, as calls of the tools that a program declares.

Tools are known by their names, and their arguments are filled by what each is called: so a new
version of a program needs a new word here at most.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.support.provider.asked import Declared
from tests.support.provider.script import Intent, Shell, UseTool, Write

_WRITERS = re.compile(r"write|write_file|create|create_file|write_to_file|editor", re.IGNORECASE)
_SHELLS = re.compile(
    r"bash|shell|run|run_shell_command|exec_command|run_commands|execute_command", re.IGNORECASE
)
_PATHS = {"path", "file_path", "filePath", "absolute_path", "filename"}
_CONTENTS = {"content", "file_text", "new_text", "text"}
_COMMANDS = {"command", "cmd", "commands"}


@dataclass(frozen=True)
class Call:
    """A call as the model makes it: of a function, or with plain text where that is asked for."""

    id: str
    name: str
    arguments: Mapping[str, object] | str
    namespace: str = ""

    @property
    def written(self) -> str:
        """The arguments as a protocol carries them."""
        given = self.arguments
        return given if isinstance(given, str) else json.dumps(given)


class NoTool(Exception):
    """A program declares no tool that could do it."""


def calls_of(
    intents: Sequence[Intent], tools: Sequence[Declared], folder: str, name: str
) -> tuple[Call, ...]:
    """Make a call of each intent; `name` makes their ids unique. Raises NoTool."""
    found = (_call(intent, tools, folder) for intent in intents)
    return tuple(
        Call(f"call_{name}_{nth}", tool.name, arguments, tool.namespace)
        for nth, (tool, arguments) in enumerate(found)
    )


_Made = tuple[Declared, Mapping[str, object] | str]


def _call(intent: Intent, tools: Sequence[Declared], folder: str) -> _Made:
    match intent:
        case Write():
            return _write(intent, tools, folder)
        case Shell(command=command):
            shell = _named(_SHELLS, tools)
            if shell is None:
                raise NoTool(f"no tool for a command: {[t.name for t in tools]}")
            return shell, _filled(shell, dict.fromkeys(_COMMANDS, command))
        case UseTool(name=name, arguments=arguments):
            found = next((t for t in tools if re.search(name, _whole_name(t))), None)
            if found is None:
                raise NoTool(f"no tool {name}: {[_whole_name(t) for t in tools]}")
            return found, arguments


def _write(intent: Write, tools: Sequence[Declared], folder: str) -> _Made:
    writer = _named(_WRITERS, tools)
    if writer is not None:
        path = f"{folder}/{intent.path}" if folder else intent.path
        values = dict.fromkeys(_PATHS, path) | dict.fromkeys(_CONTENTS, intent.content)
        return writer, _filled(writer, values)
    patcher = _named(re.compile("apply_patch"), tools)
    if patcher is not None and patcher.schema is None:
        added = "".join(f"+{line}\n" for line in intent.content.splitlines())
        file = f"*** Add File: {intent.path}\n{added}"
        return patcher, f"*** Begin Patch\n{file}*** End Patch\n"
    made = f'mkdir -p "$(dirname {shlex.quote(intent.path)})"'
    written = f"printf %s {shlex.quote(intent.content)} > {shlex.quote(intent.path)}"
    return _call(Shell(f"{made} && {written}"), tools, folder)


def _named(names: re.Pattern[str], tools: Sequence[Declared]) -> Declared | None:
    return next((tool for tool in tools if names.fullmatch(tool.name)), None)


def _whole_name(tool: Declared) -> str:
    return f"{tool.namespace}__{tool.name}" if tool.namespace else tool.name


def _filled(tool: Declared, values: Mapping[str, str]) -> dict[str, object]:
    """Fill a tool's arguments by their names, and others only where they must be there."""
    schema = tool.schema or {}
    properties = schema.get("properties")
    required = schema.get("required")
    filled: dict[str, object] = {}
    for name, about in (properties if isinstance(properties, dict) else {}).items():
        kind = about.get("type") if isinstance(about, dict) else None
        if name in values:
            filled[name] = [values[name]] if kind == "array" else values[name]
        elif isinstance(required, list) and name in required:
            filled[name] = _something(about if isinstance(about, dict) else {})
    return filled


def _something(about: Mapping[str, object]) -> object:
    choices = about.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = about.get("type")
    return {"boolean": False, "integer": 1, "number": 1, "array": [], "object": {}}.get(
        str(kind), "As asked"
    )
