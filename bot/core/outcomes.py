"""How an engine ended, in the classes that the scheduler decides by."""

from __future__ import annotations

from enum import StrEnum


class OutcomeClass(StrEnum):
    """What became of an engine's process; the comment says what follows."""

    DONE = "done"  # its work is verified next
    GAVE_UP = "gave_up"  # it stopped with work open: another attempt, while there are any
    QUOTA = "quota"  # the tier is exhausted: the next tier at once
    RATE_LIMIT = "rate_limit"  # a wait longer than there is time: the next tier at once
    AUTHENTICATION = "authentication"  # the key does not work: stop and say so
    BAD_REQUEST = "bad_request"  # the provider does not understand us: stop and say so
    CONTEXT_TOO_LONG = "context_too_long"  # the next tier, for it may hold more
    REFUSED = "refused"  # a rule of ours stopped it: no further attempt
    CRASH = "crash"  # another attempt, while there are any
    TIMEOUT = "timeout"  # partial: the work is kept, the next attempt goes on from it
    LIMIT = "limit"  # a limit of ours was reached before spending: as a timeout
