"""A request of a program, read in any of the four protocols."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from bot.adapters.gateway.dialects import Dialect

_GEMINI = re.compile(r"/models/([^/:]+):(generateContent|streamGenerateContent)$")
_PLAIN = re.compile(r"/(chat/completions|responses|messages)$")
_TOLD = {"user", "system", "developer", "assistant", "model"}
_FOLDER = re.compile(r"(?:[Ww]orking [Dd]irectory: |<cwd>)(/[^\s`'\"<]+)")

Json = Mapping[str, object]


@dataclass(frozen=True)
class Declared:
    """A tool that a request offers; one without a schema takes plain text."""

    name: str
    schema: Json | None
    namespace: str = ""


@dataclass(frozen=True)
class Asked:
    """What a provider needs to know of a request."""

    dialect: Dialect
    model: str
    streams: bool
    tools: tuple[Declared, ...]
    told: str  # by anybody; what tools answered is not in it

    @property
    def folder(self) -> str:
        """Where the agent works, if its program says so: some tools take whole paths only."""
        found = _FOLDER.search(self.told)
        return found[1] if found else ""


def read(path: str, body: Json) -> Asked | None:
    """Read a request; None: no model is asked at this address."""
    path = urlsplit(path).path
    if found := _GEMINI.search(path):
        streams = found[2].startswith("stream")
        return _asked(Dialect.GEMINI, body, unquote(found[1]), streams=streams)
    if found := _PLAIN.search(path):
        streams = body.get("stream") is True
        return _asked(Dialect(found[1]), body, str(body.get("model")), streams=streams)
    return None


def _asked(dialect: Dialect, body: Json, model: str, *, streams: bool) -> Asked:
    tools = tuple(_declared(body.get("tools")))
    return Asked(dialect, model, streams, tools, "\n".join(_told(body)))


def _declared(tools: object, namespace: str = "") -> Iterator[Declared]:
    for tool in _objects(tools):
        if tool.get("type") == "namespace":
            yield from _declared(tool["tools"], str(tool["name"]))
        elif "functionDeclarations" in tool:
            yield from _declared(tool["functionDeclarations"])
        elif isinstance(inner := tool.get("function", tool.get("custom")), dict):
            yield from _declared([inner])
        elif isinstance(name := tool.get("name"), str):
            yield Declared(name, _schema(tool), namespace)


def _schema(tool: Json) -> Json | None:
    for name in ("parameters", "parametersJsonSchema", "input_schema"):
        if isinstance(found := tool.get(name), dict):
            return found
    return None if tool.get("type") == "custom" else {}


def _told(body: Json) -> Iterator[str]:
    for name in ("instructions", "system", "systemInstruction"):
        yield from _texts(body.get(name))
    for name in ("messages", "input", "contents"):
        if isinstance(said := body.get(name), str):
            yield said
        for message in _objects(said):
            if message.get("role", "user") in _TOLD and "output" not in message:
                yield from _texts(message.get("content", message.get("parts")))


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        yield from _texts(content.get("parts", content.get("text")))
    for part in _objects(content):
        if isinstance(text := part.get("text"), str):
            yield text


def _objects(value: object) -> Iterator[Json]:
    yield from (one for one in value if isinstance(one, dict)) if isinstance(value, list) else ()
