"""The families of error and the exit code that each one means."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of every command; scripts may rely on them."""

    OK = 0
    FAILED = 1  # a workstream or gate failed, or a gate did not run
    BAD_INPUT = 2
    NEEDS_PERSON = 3  # an approval or an answer is waited for
    BUG = 70
    TRY_AGAIN = 75
    INTERRUPTED = 130


class BotError(Exception):
    """A reason the bot cannot go on, in one line, with the next step in `fix`."""

    exit_code = Exit.BUG

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class UserError(BotError):
    """Something a person wrote or chose has to change before this can work."""

    exit_code = Exit.BAD_INPUT


class PlanRejected(UserError):
    """A plan, or a file like it, that the bot is not willing to run."""


class Unavailable(BotError):
    """Something outside did not answer or has no room; the same command may work later."""

    exit_code = Exit.TRY_AGAIN
