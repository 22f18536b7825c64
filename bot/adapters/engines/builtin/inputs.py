"""What the model can ask of the tools: one model each, whose schema the endpoint is given."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal, Self

from json_repair import repair_json
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.adapters.engines.builtin.messages import ToolCall
from bot.adapters.engines.builtin.worktree import Refused
from bot.core.gates import Finding

Words = Annotated[str, Field(max_length=20_000)]
Path = Annotated[str, Field(description="from the top of the worktree", max_length=4096)]


class Input(BaseModel):
    """Arguments of a tool; the docstring of each is what the model reads about the tool."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    tool: ClassVar[str]
    only_reads: ClassVar[bool] = False
    acts: ClassVar[bool] = False  # on files or processes, beyond looking and handing in


class ListFiles(Input):
    """List the files of the worktree that match a pattern, without ignored ones."""

    tool = "list_files"
    only_reads = True
    pattern: Annotated[str, Field(description="such as src/**/*.py; ** crosses folders")] = "**"


class Search(Input):
    """Find lines that match a regular expression, as path:line:text."""

    tool = "search"
    only_reads = True
    pattern: Annotated[str, Field(description="Perl-compatible", min_length=1, max_length=2000)]
    files: Annotated[str, Field(description="only in files that match, such as *.py")] = "**"
    ignore_case: bool = False


class ReadFile(Input):
    """Read a text file, 2,000 lines or 100 KB at a time, each line after its number and a tab."""

    tool = "read_file"
    only_reads = True
    path: Path
    first_line: Annotated[int, Field(ge=1)] = 1
    lines: Annotated[int, Field(ge=1, le=2000)] = 2000


class WriteFile(Input):
    """Write a whole file, new or not; folders are made. To change a part use edit_file."""

    tool = "write_file"
    acts = True
    path: Path
    content: str


class EditFile(Input):
    """Replace a piece of text that occurs exactly once in a file, without line numbers."""

    tool = "edit_file"
    acts = True
    path: Path
    old: Annotated[str, Field(description="exactly as it stands in the file", min_length=1)]
    new: str


class Run(Input):
    """Run a shell command at the top of the worktree; it cannot be typed to, and must end."""

    tool = "run"
    acts = True
    command: Annotated[str, Field(min_length=1, max_length=100_000)]
    timeout_seconds: Annotated[int, Field(ge=1)] = 600


class Todo(Input):
    """Mark items of the todo list as done, and add items."""

    tool = "todo"
    done: Annotated[tuple[int, ...], Field(description="ids of items")] = ()
    add: tuple[Words, ...] = ()


class Acknowledge(Input):
    """Say, before you start, how you understood the task; questions stop the work."""

    tool = "acknowledge"
    understood: Words
    constraints_accepted: tuple[Words, ...] = ()
    questions: tuple[Words, ...] = ()


class Finish(Input):
    """Hand in, and stop. `blocked` needs questions; `no_change` needs a reason in next_steps."""

    tool = "finish"
    status: Literal["success", "no_change", "blocked"]
    outputs: Annotated[tuple[Words, ...], Field(description="files that matter")] = ()
    verification_result: Annotated[Words, Field(description="what you ran, what came of it")] = ""
    next_steps: Words = ""
    questions: tuple[Words, ...] = ()
    findings: Annotated[tuple[Finding, ...], Field(description="of a review or an audit")] = ()
    score: Annotated[float, Field(ge=0, le=10)] | None = None

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.status == "blocked" and not self.questions:
            raise ValueError("blocked needs at least one question")
        if self.status == "no_change" and not self.next_steps.strip():
            raise ValueError("no_change needs the reason in next_steps")
        return self


INPUTS: tuple[type[Input], ...] = (
    Acknowledge,
    ListFiles,
    Search,
    ReadFile,
    WriteFile,
    EditFile,
    Run,
    Todo,
    Finish,
)


def allowed(only_writes: tuple[str, ...] | None) -> tuple[type[Input], ...]:
    """Return the tools of a job; one that only reads has none that acts, but to write its files."""
    if only_writes is None:
        return INPUTS
    return tuple(
        kind for kind in INPUTS if not kind.acts or (kind is WriteFile and only_writes != ())
    )


def declarations(kinds: Sequence[type[Input]] = INPUTS) -> list[dict[str, object]]:
    """Describe tools as the endpoint wants them, in schemas that simple parsers understand."""
    return [{"type": "function", "function": _declaration(kind)} for kind in kinds]


def _declaration(kind: type[Input]) -> dict[str, object]:
    schema = kind.model_json_schema()
    parameters = _plain({**schema, "description": None}, schema.get("$defs", {}))
    return {"name": kind.tool, "description": kind.__doc__ or "", "parameters": parameters}


def _plain(node: object, definitions: dict[str, object]) -> object:
    """Write out references, drop titles and nulls: not every endpoint reads all of JSON Schema."""
    if isinstance(node, list):
        return [_plain(one, definitions) for one in node]
    if not isinstance(node, dict):
        return node
    if isinstance(reference := node.get("$ref"), str):
        return _plain(definitions[reference.rpartition("/")[2]], definitions)
    if isinstance(choices := node.get("anyOf"), list):
        real = [choice for choice in choices if choice != {"type": "null"}]
        return _plain({**{k: v for k, v in node.items() if k != "anyOf"}, **real[0]}, definitions)
    plain: dict[str, object] = {}
    for key, value in node.items():
        if key == "properties" and isinstance(value, dict):
            plain[key] = {name: _plain(one, definitions) for name, one in value.items()}
        elif key not in ("title", "$defs", "default", "additionalProperties") and value is not None:
            plain[key] = _plain(value, definitions)
    return plain


def read_call(
    call: ToolCall, *, cut_short: bool, kinds: Sequence[type[Input]] = INPUTS
) -> tuple[Input, str]:
    """Read what the model wrote into the input of one of `kinds`, and a note on what was mended.

    Broken JSON is mended only for tools that only read; for others the model is told what was
    read and must say it again, since a mended text may lack its end. `cut_short`: the answer
    ended at the output limit. Raises Refused.
    """
    kind = next((kind for kind in kinds if kind.tool == call.name), None)
    if kind is None:
        there = ", ".join(kind.tool for kind in kinds)
        raise Refused(f"There is no tool {call.name!r}. There are: {there}.")
    try:
        return _checked(kind, json.loads(call.arguments)), ""
    except (ValueError, RecursionError) as error:
        if isinstance(error, ValidationError):
            raise Refused(_wrong(kind, error)) from error
        return _mended(kind, call, error, cut_short=cut_short)


def _checked(kind: type[Input], value: object) -> Input:
    if isinstance(value, dict):  # null for "not given" is a habit of many models
        value = {name: one for name, one in value.items() if one is not None}
    return kind.model_validate_json(json.dumps(value))


def _mended(
    kind: type[Input], call: ToolCall, error: Exception, *, cut_short: bool
) -> tuple[Input, str]:
    broken = f"The arguments of {call.name} are not valid JSON ({error})"
    if cut_short:
        raise Refused(
            f"{broken}: your answer reached the output limit. Nothing was done; use smaller pieces."
        ) from error
    try:
        value = repair_json(call.arguments, return_objects=True, skip_json_loads=True)
        mended = _checked(kind, value)
    except (ValueError, RecursionError) as worse:
        raise Refused(f"{broken}. Nothing was done; call it again.") from worse
    read = f"{broken}. They were read as {mended.model_dump_json()[:2000]}"
    if not kind.only_reads:
        raise Refused(f"{read}. Nothing was done; if that is what you mean, send it so.") from error
    return mended, f"{read}.\n"


def _wrong(kind: type[Input], error: ValidationError) -> str:
    problems = "; ".join(
        f"{'.'.join(map(str, one['loc'])) or 'arguments'}: {one['msg']}"
        for one in error.errors(include_input=False)[:5]
    )
    takes = ", ".join(
        name if field.is_required() else f"{name} (optional)"
        for name, field in kind.model_fields.items()
    )
    return f"Wrong arguments for {kind.tool}: {problems}. It takes: {takes}. Nothing was done."
