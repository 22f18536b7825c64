"""What the agent process says on its standard output: one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from bot.core.base import Strict
from bot.core.handoff import TodoItem
from bot.core.outcomes import OutcomeClass

Count = Annotated[int, Field(ge=0)]


class ModelCall(Strict):
    """One request to the model, as it stands in the usage file.

    Each is written twice under the same `n`: before it is sent, with what it may cost, and when
    its end is known. The last line of an `n` counts, so a call that was cut off by a kill
    stays visible. `finished`: the whole answer came.
    """

    n: Annotated[int, Field(ge=1)]
    input_tokens: Count
    cached_tokens: Count = 0
    output_tokens: Count = 0
    model_requested: str
    model_returned: str | None = None
    cost_known: bool
    finished: bool


class Say(Strict):
    """A line of text for the progress display."""

    type: Literal["say"] = "say"
    text: str


class ToolUsed(Strict):
    """A tool was used; `summary` is one short line."""

    type: Literal["tool"] = "tool"
    name: str
    summary: str


class Used(Strict):
    """A model call came to its end."""

    type: Literal["usage"] = "usage"
    call: ModelCall


class TodoState(Strict):
    """The todo list as it stands now."""

    type: Literal["todo"] = "todo"
    items: tuple[TodoItem, ...]


class Ended(Strict):
    """The last line: how it ended, and why in one line."""

    type: Literal["finished"] = "finished"
    outcome: OutcomeClass
    message: str


Signal = Annotated[Say | ToolUsed | Used | TodoState | Ended, Field(discriminator="type")]
_SIGNAL: TypeAdapter[Signal] = TypeAdapter(Signal)


def read_signal(line: str) -> Signal | None:
    """Read a line of the agent process's output; None where it is none of its signals."""
    try:
        return _SIGNAL.validate_json(line)
    except ValidationError:
        return None
