"""What a provider is to answer: turns and faults, in no protocol's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

SIDE_WORDS = "A few words"  # the answer to requests that declare no tools


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer; cached and written ones are part of the input, thoughts of the output.

    Only Anthropic tells what was written to the cache.
    """

    input: int = 1000
    cached: int = 0
    output: int = 50
    reasoning: int = 0
    written: int = 0


SIDE_USAGE = Usage(input=90, output=4)


@dataclass(frozen=True)
class Write:
    """Write a whole file; the path is below the folder that the agent works in."""

    path: str
    content: str


@dataclass(frozen=True)
class Shell:
    """Run a command."""

    command: str


@dataclass(frozen=True)
class UseTool:
    """Call the first tool whose name matches a regular expression."""

    name: str
    arguments: Mapping[str, object] = field(default_factory=dict)


Intent = Write | Shell | UseTool


@dataclass(frozen=True)
class Turn:
    """One answer of the model."""

    intents: tuple[Intent, ...] = ()
    text: str = ""
    usage: Usage = Usage()
    model: str = ""  # that is said to have answered; empty: the one that was asked for

    def took(self, **tokens: int) -> Turn:
        """Return it with another count."""
        return replace(self, usage=Usage(**tokens))


@dataclass(frozen=True)
class Refused:
    """An HTTP error: in the words of the protocol, or in `body`, a provider's own."""

    status: int
    message: str = ""
    code: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""


class Cut(StrEnum):
    """Where a connection ends before its time."""

    BEFORE = "before"  # a word of the answer was sent
    AMID = "amid"  # the answer, before its count


class Wrong(StrEnum):
    """What is sent in place of a proper answer."""

    JSON = "malformed JSON"
    EVENT = "an error after the stream began"
    SILENCE = "nothing, ever"


Fault = Refused | Cut | Wrong
Step = Turn | Fault


class Script:
    """The steps of one conversation, in order; `ever` is what comes after the last one, always."""

    def __init__(self, *steps: Step, ever: Step | None = None) -> None:
        self.steps = steps
        self.ever = ever


def write(path: str, content: str) -> Turn:
    """A turn that writes a file."""
    return Turn((Write(path, content),))


def shell(command: str) -> Turn:
    """A turn that runs a command."""
    return Turn((Shell(command),))


def tool(name: str, **arguments: object) -> Turn:
    """A turn that calls a tool whose name matches a regular expression."""
    return Turn((UseTool(name, arguments),))


def say(text: str) -> Turn:
    """A turn without a tool: most programs end by it."""
    return Turn(text=text)


def turn(*parts: Turn, **tokens: int) -> Turn:
    """One turn of several: all their calls and words at once."""
    intents = tuple(intent for part in parts for intent in part.intents)
    text = "\n".join(part.text for part in parts if part.text)
    return Turn(intents, text, Usage(**tokens))
