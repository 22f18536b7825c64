"""The agent process: `python -m bot.adapters.engines.builtin`, a job on its standard input."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from pydantic import ValidationError

from bot.adapters.engines.builtin.job import BuiltinJob
from bot.adapters.engines.builtin.signals import Ended
from bot.adapters.engines.builtin.work import without_key, work
from bot.adapters.processes import LocalProcesses
from bot.core.outcomes import OutcomeClass

_PR_SET_DUMPABLE = 4
_GRACE_SECONDS = 1.0


def main() -> int:
    """Read the job, do it, say how it ended; 0 only where the agent handed in."""
    _hide_from_others()
    text = sys.stdin.buffer.read()
    # Nothing that the agent starts shall find the job, with its key, in what it inherits.
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    try:
        job = BuiltinJob.model_validate_json(text)
    except ValidationError as error:
        _print(_invalid(error).model_dump_json())
        return 1
    redact = without_key(job)
    _mind_signals(job.limits.seconds + _GRACE_SECONDS)
    try:
        ended = _ended(job, lambda line: _print(redact(line)))
        _print(redact(ended.model_dump_json()))
    except BrokenPipeError:
        return 1  # nobody listens any more, so nothing more is spent
    return 0 if ended.outcome is OutcomeClass.DONE else 1


def _hide_from_others() -> None:
    """Keep other processes of this user from reading our memory, where the key is.

    Commands of the agent run as the same user: on Linux they could otherwise read it through
    /proc/PID/mem or attach to us. What we start becomes dumpable again, as it has no secret.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def _mind_signals(seconds: float) -> None:
    """Turn being stopped, and time running out in the middle of a wait, into one exception.

    Running commands are ended on the way out; SIGALRM also ends a read that nothing answers.
    """
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)

    def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal calls it
        for one in numbers:
            signal.signal(one, signal.SIG_IGN)  # once is enough; let the way out be orderly
        late = number == signal.SIGALRM
        raise KeyboardInterrupt("The time was up." if late else "It was told to stop.")

    for number in numbers:
        signal.signal(number, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _ended(job: BuiltinJob, say: Callable[[str], None]) -> Ended:
    try:
        return work(job, LocalProcesses(), lambda signal: say(signal.model_dump_json()))
    except KeyboardInterrupt as stopped:
        return Ended(outcome=OutcomeClass.TIMEOUT, message=str(stopped))
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"{error.filename or 'A record'}: {error.strerror or error}"
        return Ended(outcome=OutcomeClass.CRASH, message=what)


def _invalid(error: ValidationError) -> Ended:
    first = error.errors(include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "it"
    message = f"The job is not valid: {where}: {first['msg']}"
    return Ended(outcome=OutcomeClass.BAD_REQUEST, message=message)


def _print(line: str) -> None:
    os.write(1, f"{line}\n".encode("utf-8", "replace"))


if __name__ == "__main__":
    sys.exit(main())
