"""Roles: who does a workstream, as a prompt with YAML front matter."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Annotated

from pydantic import Field

from bot.core.base import Strict
from bot.core.documents import Document, Problem, nearest, parse, read_yaml, spell
from bot.core.plan import Kind, Line, Name, Plan

_FRONT = re.compile(r"\A---[ \t]*\r?\n(.*?\r?\n)---[ \t]*(?:\r?\n|\Z)(.*)\Z", re.DOTALL)


class Role(Strict):
    """Who does a kind of work: its prompt, and the beginnings of commands that it may not run."""

    name: Name
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)]
    description: Line
    deny: tuple[Line, ...] = ()
    prompt: Line


def read_role(data: bytes | str) -> Role | tuple[Problem, ...]:
    """Read a role's Markdown file, or say everything that is wrong with it."""
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        return (Problem("not UTF-8", "Save the file as UTF-8."),)
    parts = _FRONT.match(text)
    if parts is None:
        return (Problem("no front matter", "Begin with a line ---, keys, and a line ---.", line=1),)
    document = read_yaml("\n" + parts[1])  # one line further, as in the file
    if not isinstance(document, Document):
        return document
    if not isinstance(document.value, dict):
        return (Problem("no keys in the front matter", "Add name, kinds and description.", line=2),)
    if "prompt" in document.value:
        place = document.line_of(("prompt",))
        return (Problem("unknown key 'prompt'", "Write it below the front matter.", line=place),)
    filled = document.value | {"prompt": parts[2].strip()}
    return parse(Role, replace(document, value=filled))


def unknown_roles(plan: Plan, data: bytes | str, known: Collection[str]) -> tuple[Problem, ...]:
    """Name the workstreams of a plan, read from `data`, whose role nobody wrote."""
    document = read_yaml(data)
    found = []
    for at, workstream in enumerate(plan.workstreams):
        if workstream.role in known:
            continue
        fix = nearest(workstream.role, sorted(known), "Roles")
        loc = ("workstreams", at, "role")
        line = document.line_of(loc) if isinstance(document, Document) else None
        found.append(Problem(f"no role is called {workstream.role!r}", fix, spell(loc), line))
    return tuple(found)
