"""What the model can do: each call read, carried out, answered; and what it has handed in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from bot.adapters.engines.builtin.command_tool import CommandTool
from bot.adapters.engines.builtin.file_tools import FileTools, Result
from bot.adapters.engines.builtin.inputs import (
    Acknowledge,
    EditFile,
    Finish,
    Input,
    ListFiles,
    ReadFile,
    Run,
    Search,
    Todo,
    WriteFile,
    allowed,
    read_call,
)
from bot.adapters.engines.builtin.job import BuiltinJob
from bot.adapters.engines.builtin.messages import Message, ToolCall
from bot.adapters.engines.builtin.signals import TodoState
from bot.adapters.engines.builtin.worktree import Refused, Worktree
from bot.core.handoff import Acknowledgement, Claim, TodoItem
from bot.core.names import ACKNOWLEDGEMENT_FILE, CLAIM_FILE, DELEGATION_FILE

_MIN_RESULT = 2_000
_MAX_RESULT = 100_000


class Toolbox:
    """The tools of one job. `finished` is what the model handed in, once it has."""

    def __init__(
        self,
        worktree: Worktree,
        files: FileTools,
        commands: CommandTool,
        job: BuiltinJob,
        say: Callable[[TodoState], None],
    ) -> None:
        self.kinds = allowed(job.only_writes)
        self._only_writes = job.only_writes
        self._worktree = worktree
        self._files = files
        self._commands = commands
        # About a sixth of the context, so that no single result fills it.
        self._max_result = max(_MIN_RESULT, min(_MAX_RESULT, job.endpoint.context_tokens * 2 // 3))
        self._say = say
        self._workstream, self._todo = _delegated(worktree.handed_over(DELEGATION_FILE))
        self.finished: Finish | None = None

    def recall(self, messages: Sequence[Message]) -> None:
        """Bring the todo list to where an earlier conversation had left it."""
        calls = [call for message in messages for call in message.tool_calls]
        for call in calls:
            try:
                asked, _ = read_call(call, cut_short=False, kinds=self.kinds)
                if isinstance(asked, Todo):
                    self._todo = _changed(self._todo, asked)
            except Refused:
                continue
        self._say(TodoState(items=self._todo))

    def use(self, call: ToolCall, *, cut_short: bool) -> tuple[Message, str]:
        """Carry out one call; return the answer to the model and a line for people."""
        try:
            asked, note = read_call(call, cut_short=cut_short, kinds=self.kinds)
            result = self._carry_out(asked)
            result = Result(note + result.text, result.summary)
        except Refused as refused:
            result = Result(f"error: {refused}", f"{call.name}: refused, {refused}")
        summary = _clean(" ".join(result.summary.split()))[:200]
        text = self._capped(_clean(result.text))
        stub = f"[{summary}, dropped]"
        message = Message(role="tool", content=text, tool_call_id=call.id, stub=stub)
        return message, summary

    def _carry_out(self, asked: Input) -> Result:
        match asked:
            case Run():
                return self._commands.run(asked)
            case Todo():
                return self._mark(asked)
            case Acknowledge():
                return self._acknowledge(asked)
            case Finish():
                return self._finish(asked)
            case _:
                return self._on_files(asked)

    def _on_files(self, asked: Input) -> Result:
        try:
            match asked:
                case ListFiles():
                    return self._files.list_files(asked)
                case Search():
                    return self._files.search(asked)
                case ReadFile():
                    return self._files.read_file(asked)
                case WriteFile() if self._only_writes is not None:
                    return self._write_only(asked, self._only_writes)
                case WriteFile():
                    return self._files.write_file(asked)
                case EditFile():
                    return self._files.edit_file(asked)
                case _:
                    raise AssertionError(f"no tool for {asked!r}")
        except OSError as error:
            raise Refused(f"{error.strerror or error}") from error

    def _write_only(self, asked: WriteFile, paths: tuple[str, ...]) -> Result:
        """Hand over a file that the job is for; nothing else may be written."""
        if asked.path not in paths:
            raise Refused(f"Only {', '.join(paths)} may be written here.")
        self._worktree.hand_over(asked.path, asked.content)
        return Result(f"{asked.path} written.", f"write_file {asked.path}")

    def _mark(self, asked: Todo) -> Result:
        self._todo = _changed(self._todo, asked)
        self._say(TodoState(items=self._todo))
        still_open = [f"{item.id}. {item.text}" for item in self._todo if not item.done]
        text = "\n".join(["Open:", *still_open]) if still_open else "Nothing is open."
        return Result(text, f"todo: {len(still_open)} of {len(self._todo)} open")

    def _acknowledge(self, asked: Acknowledge) -> Result:
        said = Acknowledgement(
            workstream=self._workstream,
            understood=asked.understood,
            constraints_accepted=asked.constraints_accepted,
            questions=asked.questions,
        )
        self._hand_over(ACKNOWLEDGEMENT_FILE, said)
        return Result("Noted.", f"acknowledge: {asked.understood[:120]}")

    def _finish(self, asked: Finish) -> Result:
        claim = Claim(todo=self._todo, **{name: getattr(asked, name) for name in _CLAIMED})
        self._hand_over(CLAIM_FILE, claim)
        self.finished = asked
        return Result("Handed in.", f"finish: {asked.status}")

    def _hand_over(self, path: str, said: Acknowledgement | Claim) -> None:
        try:
            self._worktree.hand_over(path, said.model_dump_json(indent=2))
        except OSError as error:
            raise Refused(f"{path} cannot be written: {error.strerror}.") from error

    def _capped(self, text: str) -> str:
        if len(text) <= self._max_result:
            return text
        head = self._max_result * 2 // 3
        tail = self._max_result - head
        left_out = len(text) - self._max_result
        return f"{text[:head]}\n({left_out:,} characters left out)\n{text[-tail:]}"


_CLAIMED = tuple(name for name in Finish.model_fields if name in Claim.model_fields)


def _delegated(text: str | None) -> tuple[str, tuple[TodoItem, ...]]:
    """Take workstream and todo from the delegation; without one both are empty."""
    try:
        value = json.loads(text or "{}")
        items = tuple(TodoItem.model_validate(item) for item in value.get("todo", ()))
        return str(value.get("workstream", "")), items
    except (ValueError, TypeError, AttributeError, RecursionError):
        return "", ()


def _changed(todo: tuple[TodoItem, ...], asked: Todo) -> tuple[TodoItem, ...]:
    """Mark and add. Raises Refused, with nothing changed, for an item that is not there."""
    known = {item.id for item in todo}
    unknown = [str(number) for number in asked.done if number not in known]
    if unknown:
        there = ", ".join(map(str, sorted(known))) or "none"
        raise Refused(f"There is no item {', '.join(unknown)}; the ids are: {there}.")
    marked = tuple(
        item.model_copy(update={"done": True}) if item.id in asked.done else item for item in todo
    )
    first_new = max(known, default=0) + 1
    return marked + tuple(
        TodoItem(id=first_new + number, text=text) for number, text in enumerate(asked.add)
    )


def _clean(text: str) -> str:
    """Replace halves of characters, which no JSON can carry."""
    return text.encode("utf-8", "replace").decode("utf-8")
