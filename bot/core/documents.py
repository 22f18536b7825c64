"""YAML that a person wrote, read so that each problem can name its line and its fix."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.core.base import few

MAX_BYTES = 2_000_000
MAX_DEPTH = 40

_LIST = ("not a list", "Write [a, b], or one item a line with a dash before it.")
_KEYS = ("not a set of keys with values", "Write {key: value}, or one key: value a line.")
_TEXT = ("not text", "Put it in quotes.")
_NUMBER = ("not a number", "Write it in digits.")
_SWITCH = ("neither true nor false", "Write true or false.")
_WRONG_TYPES = {  # pydantic's names of types are Python's, which who writes YAML need not know
    "tuple_type": _LIST,
    "list_type": _LIST,
    "dict_type": _KEYS,
    "model_type": _KEYS,
    "string_type": _TEXT,
    "int_type": _NUMBER,
    "int_parsing": _NUMBER,
    "float_type": _NUMBER,
    "float_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_parsing": _NUMBER,
    "bool_type": _SWITCH,
    "bool_parsing": _SWITCH,
}

Model = TypeVar("Model", bound=BaseModel)
Loc = tuple[int | str, ...]


@dataclass(frozen=True)
class Problem:
    """What is wrong in a file, where, and what would be right."""

    message: str
    fix: str = ""
    path: str = ""  # inside the file, such as workstreams[2].needs[0]
    line: int | None = None

    def __str__(self) -> str:
        where = ": ".join(filter(None, [f"line {self.line}" if self.line else "", self.path]))
        return f"{where + ': ' if where else ''}{self.message}"


@dataclass(frozen=True)
class Document:
    """Plain values of a YAML file and the line on which each of them stands."""

    value: Any
    _node: yaml.Node | None

    def line_of(self, loc: Loc) -> int | None:
        """Return the line, from 1, of the value at `loc`, or of the nearest thing around it."""
        node, line = self._node, None
        for step in (None, *loc):
            if step is not None:
                node = _child(node, step)
            if node is None:
                break
            line = node.start_mark.line + 1
        return line


def _child(node: yaml.Node | None, step: int | str) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        found: yaml.Node = node.value[step]
        return found
    return None


def spell(loc: Loc) -> str:
    """Write a place in a document as people do: workstreams[2].needs[0]."""
    text = ""
    for step in loc:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def read_yaml(data: bytes | str) -> Document | tuple[Problem, ...]:
    """Read one YAML document without anchors, duplicate keys or great depth."""
    if len(data) > MAX_BYTES:
        return (Problem(f"{len(data):,} bytes, of at most {MAX_BYTES:,}", "Shorten the file."),)
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        line = bytes(data[: error.start]).count(b"\n") + 1 if isinstance(data, bytes) else None
        return (Problem("not UTF-8", "Save the file as UTF-8.", line=line),)
    try:
        if refused := _refuse_bombs(text):
            return (refused,)
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
        if duplicates := _duplicate_keys(node):
            return duplicates
        return Document(yaml.load(text, Loader=yaml.CSafeLoader), node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        what = getattr(error, "problem", None) or "a character that YAML does not allow"
        return (Problem(f"not YAML: {what}", line=mark.line + 1 if mark else None),)
    except ValueError as error:  # a date such as 2026-99-99 that the loader tries to build
        return (Problem(f"a value that cannot be read: {error}", "Put it in quotes."),)


def _refuse_bombs(text: str) -> Problem | None:
    """Aliases let a kilobyte stand for a gigabyte, and depth overflows the reader's stack."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent):
            return Problem("an alias (*name)", "Write the value out where it is used.", line=line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                return Problem(f"nested more than {MAX_DEPTH} deep", "Flatten it.", line=line)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


def _duplicate_keys(node: yaml.Node | None) -> tuple[Problem, ...]:
    found: list[Problem] = []
    todo = [node]
    while todo:
        here = todo.pop()
        if isinstance(here, yaml.SequenceNode):
            todo += here.value
        elif isinstance(here, yaml.MappingNode):
            seen: set[str] = set()
            for key, value in here.value:
                if isinstance(key, yaml.ScalarNode) and key.value in seen:
                    line = key.start_mark.line + 1
                    found.append(Problem(f"{key.value!r} twice", "Keep one of them.", line=line))
                seen.add(str(key.value))
                todo += [value]
    return tuple(found)


def parse(model: type[Model], document: Document) -> Model | tuple[Problem, ...]:
    """Make a model of a document, or say everything that keeps it from being one."""
    try:
        return model.model_validate(document.value)
    except ValidationError as error:
        details = error.errors()
        deepest = [d for d in details if d["type"] != "too_short"] or details
        return tuple(_problem(model, document, detail) for detail in deepest)


def _problem(model: type[BaseModel], document: Document, detail: ErrorDetails) -> Problem:
    loc = tuple(step for step in detail["loc"] if not str(step).startswith("function-"))
    message, fix = detail["msg"].removeprefix("Value error, "), ""
    if detail["type"] == "extra_forbidden":
        message = f"unknown key {str(loc[-1])!r}"
        fix = nearest(str(loc[-1]), _known_keys(model, loc[:-1]), "Known keys")
    elif detail["type"] in {"enum", "literal_error"}:
        message = f"{detail['input']!r} is not one of {detail.get('ctx', {}).get('expected', '')}"
        choices = str(detail.get("ctx", {}).get("expected", "")).replace("'", "")
        fix = nearest(str(detail["input"]), choices.replace(" or ", ", ").split(", "))
    elif detail["type"] == "string_pattern_mismatch":
        message = f"{detail['input']!r} does not match {detail.get('ctx', {}).get('pattern', '')}"
        fix = _nearest_name(str(detail["input"]))
    elif detail["type"] in _WRONG_TYPES:
        message, fix = _WRONG_TYPES[detail["type"]]
    elif detail["type"] == "missing":
        message, fix = f"{str(loc[-1])!r} is missing", f"Add {str(loc[-1])!r}."
    elif "; " in message:
        message, _, fix = message.partition("; ")
        fix = fix[:1].upper() + fix[1:] + ("" if fix.endswith(".") else ".")
    return Problem(message, fix, spell(loc), document.line_of(loc))


def nearest(wanted: str, known: Sequence[str], heading: str = "") -> str:
    """Suggest what somebody may have meant; where nothing is near, list what there is, if asked."""
    if near := difflib.get_close_matches(wanted, known, n=1):
        return f"Did you mean {near[0]!r}?"
    return f"{heading}: {few(known, 20)}." if heading else ""


def _nearest_name(text: str) -> str:
    """Suggest the id that somebody who wrote `text` may have meant."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-0123456789")[:40].rstrip("-")
    return f"Did you mean {name!r}?" if name else "Begin with a letter."


def _known_keys(model: type[BaseModel], loc: Sequence[int | str]) -> list[str]:
    """Return the keys of the model that `loc` leads to, following fields and lists."""
    here: Any = model
    for step in loc:
        if isinstance(step, str) and step in getattr(here, "model_fields", {}):
            here = here.model_fields[step].annotation
        here = _innermost_model(here) or here
    return sorted(getattr(here, "model_fields", {}))


def _innermost_model(annotation: Any) -> type[BaseModel] | None:  # noqa: ANN401 - a type expression
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        if found := _innermost_model(part):
            return found
    return None
