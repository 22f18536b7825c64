"""The tool that runs a shell command, and what of its output the model gets to see."""

from __future__ import annotations

import shutil
from collections import deque
from pathlib import Path

from bot.adapters.engines.builtin.client import Deadline
from bot.adapters.engines.builtin.file_tools import Result
from bot.adapters.engines.builtin.inputs import Run
from bot.adapters.engines.builtin.job import BuiltinJob
from bot.adapters.engines.builtin.worktree import Refused
from bot.adapters.engines.denials import note
from bot.core.constraints import judge
from bot.core.denials import NOTES_FILE
from bot.ports import Command, Finished, Processes

_HEAD = 8_000
_TAIL = 16_000
_MAX_FILE_BYTES = 2_000_000_000


class HeadAndTail:
    """Keeps the beginning and the end of a long text, in characters, and counts the rest."""

    def __init__(self, head: int, tail: int) -> None:
        self._room = head
        self._tail_room = tail
        self._head: list[str] = []
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._dropped = 0

    def add(self, line: str) -> None:
        """Take in one line, without its end."""
        if self._room > 0 and len(line) < self._room:
            self._head.append(line)
            self._room -= len(line) + 1
            return
        self._room = 0
        self._tail.append(line)
        self._tail_size += len(line) + 1
        while self._tail_size > self._tail_room and len(self._tail) > 1:
            self._tail_size -= len(self._tail.popleft()) + 1
            self._dropped += 1

    def text(self) -> str:
        """Return what is kept, with a line that says what is not."""
        gap = [f"({self._dropped:,} lines left out)"] if self._dropped else []
        return "\n".join([*self._head, *gap, *self._tail])


class CommandTool:
    """Runs what the model asks for, with the job's environment and nothing of ours.

    `denied` counts what the rules forbade.
    """

    def __init__(self, job: BuiltinJob, top: str, processes: Processes, deadline: Deadline) -> None:
        self._job = job
        self._top = top
        self._processes = processes
        self._deadline = deadline
        self.denied = 0
        path = job.environment.get("PATH")
        self._shell = shutil.which("bash", path=path) or "/bin/sh"

    def run(self, asked: Run) -> Result:
        """Run to the end or the time limit; a failing command is a result like any other."""
        denied = judge(asked.command, self._job.deny, self._job.role)
        if denied is not None:
            self.denied += 1
            note(Path(self._job.usage_file).with_name(NOTES_FILE), denied)
            raise Refused(f"Not run: {denied.what!r}. Rule {denied.rule}: {denied.because}")
        seconds = min(
            asked.timeout_seconds, self._job.command_timeout_seconds, self._deadline.left()
        )
        command = Command(
            argv=(self._shell, "-c", asked.command),
            cwd=self._top,
            env=self._job.environment,
            timeout_seconds=seconds,
            max_file_bytes=_MAX_FILE_BYTES,
        )
        output = HeadAndTail(_HEAD, _TAIL)
        finished = self._processes.run(command, output.add)
        ended = _how_it_ended(finished, seconds)
        text = output.text() or finished.output  # a command that cannot start says why only there
        return Result(f"{ended}\n{text}", f"run {asked.command.strip()[:80]}: {ended}")


def _how_it_ended(finished: Finished, seconds: float) -> str:
    if finished.stopped_because == "timeout":
        return f"ended by us after {seconds:.0f} s"
    if finished.stopped_because is not None:
        return f"ended by us: {finished.stopped_because}"
    return f"exit {finished.exit_code}"
