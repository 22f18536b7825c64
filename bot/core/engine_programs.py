"""The agent programs that can be engines: which version of each was tried, and what is here."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from bot.core.base import Strict
from bot.core.documents import nearest
from bot.core.plan import VariableName
from bot.errors import UserError


class EngineName(StrEnum):
    """Engines that are somebody else's program."""

    GEMINI = "gemini"
    OPENCODE = "opencode"
    KILO = "kilo"
    CLINE = "cline"
    CODEX = "codex"
    CLAUDE = "claude"
    COPILOT = "copilot"


class Unpacks(Strict):
    """The variables of a program that unpacks itself, which each attempt would do anew."""

    only: VariableName  # set: it unpacks itself and ends
    into: VariableName  # the folder that it unpacks into, and is found in


class EngineProgram(Strict):
    """A program at the version that was tried."""

    name: EngineName
    package: Annotated[str, Field(pattern=r"^(@[a-z0-9-]+/)?[a-z0-9][a-z0-9.-]*$")]
    version: Annotated[str, Field(pattern=r"^\d+\.\d+\.\d+$")]
    integrity: Annotated[str, Field(pattern=r"^sha512-[A-Za-z0-9+/]{86}==$")]
    node: Annotated[int, Field(ge=18)]  # the oldest Node that it was tried with
    prepare: Annotated[str, Field(pattern=r"^[a-z]+\.[cm]?js$")] | None = None
    unpacks: Unpacks | None = None
    checked_on: date


class EnginePrograms(Strict):
    """`agents/engines.yaml`."""

    version: Literal[1] = 1
    engines: tuple[EngineProgram, ...]

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [each.name for each in self.engines]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{twice[0]!r} is there twice; keep one of them")
        return self

    def get(self, name: str) -> EngineProgram | None:
        """Return the program of that name, if it is known."""
        return next((each for each in self.engines if each.name == name), None)

    def named(self, name: str) -> EngineProgram:
        """Return the program of that name. Raises UserError where nobody knows it."""
        if found := self.get(name):
            return found
        raise UserError(
            f"No engine is called {name!r}.",
            fix=nearest(name, [each.name.value for each in self.engines], "There are"),
        )


class EngineHere(Strict):
    """A program as `orchestrate engines` shows it."""

    name: EngineName
    package: str
    pinned: str
    here: str  # the version on this machine; empty: it is missing
    program: str  # where that is
    get_it: str  # empty: the version that was tried is here


class ServerHere(Strict):
    """An MCP server as `orchestrate engines` shows it."""

    name: str
    program: str  # where it is; empty: it is missing
    get_it: str  # empty: it is here


class EnginesHere(Strict):
    """What `orchestrate engines --json` prints."""

    engines: tuple[EngineHere, ...]
    servers: tuple[ServerHere, ...]


def engines_here(
    programs: EnginePrograms, find: Callable[[str], tuple[str, str] | None]
) -> tuple[EngineHere, ...]:
    """Compare what was tried with what `find` says is here: version and place."""
    return tuple(_here(program, find(program.name)) for program in programs.engines)


def _here(program: EngineProgram, found: tuple[str, str] | None) -> EngineHere:
    version, place = found or ("", "")
    return EngineHere(
        name=program.name,
        package=program.package,
        pinned=program.version,
        here=version,
        program=place,
        get_it="" if version == program.version else f"orchestrate engines install {program.name}",
    )
