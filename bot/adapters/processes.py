"""Local processes: each in a group of its own, watched, and gone with all it started."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import secrets
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from bot.adapters.process_output import Output
from bot.adapters.stragglers import MARKER, adopt_orphans, end_stragglers, marked, start_leader
from bot.ports import Command, Finished, GivenFile

GRACE_SECONDS = 2.0  # between asking a group to end and ending it

_CHUNK = 64 * 1024
_LARGEST_PIPE = 1024 * 1024
_LONGEST_WAIT = 3600.0  # poll() takes milliseconds in an int
_NO_PIDFD_WAIT = 0.01
_BETWEEN_QUESTIONS = 0.25
_SIGNALLED = 128  # what a shell adds to the number of the signal that ended a command
_NOT_FOUND, _NOT_STARTED = 127, 126  # as a shell says it


class LocalProcesses:
    """Runs commands on this machine; any number at once, each from a thread of its own."""

    def __init__(self, signal_group: Callable[[int, signal.Signals], None] | None = None) -> None:
        """Take another way to signal a group where processes are not all ours to signal."""
        adopt_orphans()
        self._signal_group = signal_group or _signal_group
        self._lock = threading.RLock()  # a signal handler may call stop_all in the same thread
        self._bells: set[int] = set()
        self._stopped = False

    def run(self, command: Command, on_line: Callable[[str], None] | None = None) -> Finished:
        """Run to the end, handing each output line on; end the whole group when that is over.

        `exit_code` is 127 where there is no such program, 126 where it could not be started
        (`output` says why) and 128 + N where signal N ended it. A run that we ended has none,
        and `stopped_because` is "timeout", "interrupted", "output limit", "file size limit",
        "log not writable: …" or what the command's `stop` said. What `on_line` raises comes
        through, the group ended.
        """
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            try:
                alarm = stack.enter_context(self._alarm())
                if self._stopped:
                    return Finished(None, "", 0.0, "interrupted")
                put_files(command.files)
                output = stack.enter_context(Output(command, on_line))
                token = secrets.token_hex(16)
                process = stack.enter_context(start_leader(lambda: _start(command, token)))
            except (OSError, ValueError) as error:
                return _not_started(command, error, time.monotonic() - began)
            watch = _Watch(process, command, output, alarm, self._signal_group)
            try:
                watch.until_over()
            finally:
                watch.end_everything(token)
            return watch.finished(time.monotonic() - began)

    def stop_all(self) -> None:
        """End every running group, and start none from now on; returns without waiting."""
        with self._lock:
            self._stopped = True
            for bell in self._bells:
                os.write(bell, b"!")

    @contextlib.contextmanager
    def _alarm(self) -> Iterator[int]:
        """Give a file descriptor that becomes readable when `stop_all` is called."""
        heard, bell = os.pipe()
        with self._lock:
            self._bells.add(bell)
        try:
            yield heard
        finally:
            with self._lock:
                self._bells.discard(bell)
            os.close(bell)
            os.close(heard)


def put_files(files: Iterable[GivenFile]) -> None:
    """Write the files that a command finds, through no link that an earlier one may have left.

    Raises OSError where that cannot be done.
    """
    for file in files:
        path = Path(file.path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.parent.resolve() != path.parent.absolute():
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path.parent))
        path.unlink(missing_ok=True)
        mode = 0o700 if file.is_program else 0o600
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(file.text)


def _start(command: Command, token: str) -> subprocess.Popen[bytes]:
    argv = command.argv
    if not argv:
        raise ValueError("the command is empty")
    if command.max_file_bytes is not None:
        blocks = math.ceil(command.max_file_bytes / 512)
        argv = ("/bin/sh", "-c", f'ulimit -f {blocks}; exec "$@"', "sh", *argv)
    return subprocess.Popen(
        argv,
        cwd=command.cwd,
        env={**command.env, MARKER: marked(token)},
        stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        start_new_session=True,
    )


def _not_started(command: Command, error: OSError | ValueError, seconds: float) -> Finished:
    program = command.argv[0] if command.argv else "no program"
    if not isinstance(error, OSError):
        return Finished(_NOT_STARTED, f"{program!r}: {error}", seconds)
    why = os.strerror(error.errno or 0)
    if error.filename == command.cwd:
        text = f"{command.cwd}: cannot work in this directory: {why}"
        return Finished(_NOT_STARTED, text, seconds)
    if command.log is not None and error.filename == command.log:
        return Finished(_NOT_STARTED, f"{command.log}: cannot write this log: {why}", seconds)
    if error.errno == errno.ENOENT:
        return Finished(_NOT_FOUND, f"{program}: not found", seconds)
    return Finished(_NOT_STARTED, f"{program}: cannot be started: {why}", seconds)


class _Watch:
    """One process group, from its start until nothing of it is left."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        command: Command,
        output: Output,
        alarm: int,
        signal_group: Callable[[int, signal.Signals], None],
    ) -> None:
        assert process.stdout is not None
        self._process = process
        self._signal_group = signal_group
        self._stdout = process.stdout
        self._output = output
        self._limits_files = command.max_file_bytes is not None
        self._ask = command.stop
        self._unsent = memoryview(command.stdin.encode(errors="replace"))
        self._deadline = time.monotonic() + command.timeout_seconds
        self._kill_at = math.inf
        self._stopped_because: str | None = None
        self._leader_gone = False
        self._output_closed = False
        self._pidfd = _pidfd(process.pid)
        self._selector = selectors.PollSelector()
        self._follow(alarm)

    def until_over(self) -> None:
        """Pass input and output on until the leader is gone or what we stop has no time left."""
        while not self._over():
            for key, _ in self._selector.select(self._patience()):
                key.data()
            self._mind_limits()

    def end_everything(self, token: str) -> None:
        """End the group, also after a normal end of its leader, and what had escaped from it."""
        self._signal_group(self._process.pid, signal.SIGKILL)
        self._process.wait()
        end_stragglers(self._process.pid, token)
        if self._pidfd is not None:
            os.close(self._pidfd)

    def finished(self, seconds: float) -> Finished:
        """Take what is still in the pipe, without waiting for more, and say how it ended."""
        left = _LARGEST_PIPE  # an escaped process may go on printing
        while left > 0 and (size := self._read()):
            left -= size
        text = self._output.finish()
        code = self._process.returncode
        too_large = self._limits_files and code in (-signal.SIGXFSZ, _SIGNALLED + signal.SIGXFSZ)
        stopped_because = (
            self._stopped_because
            or self._output.refusal
            or ("file size limit" if too_large else None)
        )
        exit_code = None if stopped_because else code if code >= 0 else _SIGNALLED - code
        return Finished(exit_code, text, seconds, stopped_because)

    def _follow(self, alarm: int) -> None:
        os.set_blocking(self._stdout.fileno(), False)
        self._selector.register(self._stdout, selectors.EVENT_READ, self._read)
        self._selector.register(alarm, selectors.EVENT_READ, lambda: self._interrupt(alarm))
        if self._pidfd is not None:
            self._selector.register(self._pidfd, selectors.EVENT_READ, self._leave)
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
            self._selector.register(self._process.stdin, selectors.EVENT_WRITE, self._write)

    def _over(self) -> bool:
        if self._leader_gone and (self._stopped_because is None or self._output_closed):
            return True
        return time.monotonic() >= self._kill_at

    def _patience(self) -> float:
        until = self._deadline if self._stopped_because is None else self._kill_at
        longest = _LONGEST_WAIT if self._pidfd is not None else _NO_PIDFD_WAIT
        if self._ask is not None:
            longest = min(longest, _BETWEEN_QUESTIONS)
        return min(max(until - time.monotonic(), 0.0), longest)

    def _mind_limits(self) -> None:
        if self._pidfd is None:
            self._leader_gone = self._process.poll() is not None
        if self._output.refusal is not None:
            self._stop(self._output.refusal)
        elif not self._leader_gone and time.monotonic() >= self._deadline:
            self._stop("timeout")
        elif self._ask is not None and self._stopped_because is None and (said := self._ask()):
            self._stop(said)

    def _stop(self, because: str) -> None:
        """Ask the group to end; it has a moment to save its work."""
        if self._stopped_because is None:
            self._stopped_because = because
            self._kill_at = time.monotonic() + GRACE_SECONDS
            self._signal_group(self._process.pid, signal.SIGTERM)

    def _interrupt(self, alarm: int) -> None:
        self._selector.unregister(alarm)
        self._stop("interrupted")

    def _leave(self) -> None:
        assert self._pidfd is not None
        self._selector.unregister(self._pidfd)
        self._leader_gone = True

    def _read(self) -> int:
        """Pass on what was printed; return its size, 0 where there is nothing now."""
        if self._output_closed:
            return 0
        try:
            chunk = os.read(self._stdout.fileno(), _CHUNK)
        except BlockingIOError:
            return 0
        if chunk:
            self._output.take(chunk)
        else:
            self._output_closed = True
            self._selector.unregister(self._stdout)
        return len(chunk)

    def _write(self) -> None:
        """Pass on some input; stop where it is all sent or nobody reads it any more."""
        stdin = self._process.stdin
        assert stdin is not None
        try:
            self._unsent = self._unsent[os.write(stdin.fileno(), self._unsent[:_CHUNK]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unsent = self._unsent[:0]
        if not self._unsent:
            self._selector.unregister(stdin)
            stdin.close()


def _pidfd(pid: int) -> int | None:
    """Return a file descriptor that becomes readable when the process ends, where there is one."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # a kernel before 5.3
            return os.pidfd_open(pid)
    return None


def _signal_group(leader: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # empty, or not ours to end
        os.killpg(leader, number)
