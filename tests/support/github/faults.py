"""Faults that a test arms: the nth request that fits is answered with one, once."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum

from tests.support.github.limits import secondary_limit
from tests.support.github.rest import Answer


class Fault(Enum):
    """What goes wrong, and whether what was asked for took place all the same."""

    BAD_GATEWAY = "502, nothing took place"
    BAD_GATEWAY_AFTER = "502, but it took place"
    SECONDARY_LIMIT = "403 with a retry-after, nothing took place"
    RESET_BEFORE = "the connection is reset, nothing took place"
    RESET_AFTER = "the connection is reset, but it took place"
    NOT_JSON = "200 with a page of HTML, nothing took place"
    CUT = "the answer ends in its middle, and it took place"
    PUSH_REJECTED = "git says of every pushed ref that it could not be updated"

    @property
    def takes_place(self) -> bool:
        """Say whether the request is carried out before it goes wrong."""
        return self in _TAKES_PLACE


_TAKES_PLACE = (Fault.BAD_GATEWAY_AFTER, Fault.RESET_AFTER, Fault.CUT, Fault.PUSH_REJECTED)
REJECTED = "failed to update ref"  # git's reason with PUSH_REJECTED
RETRY_AFTER = 60
_PAGE = b"<!DOCTYPE html><html><title>Unicorn!</title><p>We had issues.</p></html>"


@dataclass
class Armed:
    """A fault that waits for its request; `kind` is api, push or fetch."""

    how: Fault
    nth: int
    kind: str
    method: str | None
    path: re.Pattern[str]
    seen: int = 0

    def meets(self, kind: str, method: str, path: str) -> bool:
        """Count a request that fits, and say whether it is the one."""
        fits = kind == self.kind and method == (self.method or method) and self.path.search(path)
        self.seen += bool(fits)
        return bool(fits) and self.seen == self.nth


@dataclass
class Faults:
    """The armed faults of a test, and those that were met."""

    waiting: list[Armed] = field(default_factory=list)
    met: list[Armed] = field(default_factory=list)

    def next_for(self, kind: str, method: str, path: str) -> Fault | None:
        """Return the fault that this request meets, if it does."""
        for armed in [each for each in self.waiting if each.meets(kind, method, path)]:
            self.waiting.remove(armed)
            self.met.append(armed)
            return armed.how
        return None


def faulty(how: Fault, done: Answer | None) -> Answer | None:
    """Return what is answered; None: nothing, the connection is reset."""
    match how:
        case Fault.BAD_GATEWAY | Fault.BAD_GATEWAY_AFTER:
            return Answer(502, {"message": "Server Error"})
        case Fault.SECONDARY_LIMIT:
            return secondary_limit(RETRY_AFTER)
        case Fault.NOT_JSON:
            return Answer(200, _PAGE, {"Content-Type": "text/html"})
        case Fault.RESET_BEFORE | Fault.RESET_AFTER:
            return None
        case Fault.CUT | Fault.PUSH_REJECTED:
            return done
