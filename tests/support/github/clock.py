"""The time GitHub goes by."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class Clock:
    """The machine's time, until a test sets or advances it."""

    def __init__(self) -> None:
        self._frozen: float | None = None
        self._ahead = 0.0

    def now(self) -> datetime:
        """Return the time, to the second as GitHub shows it."""
        return datetime.fromtimestamp(int(self.timestamp()), UTC)

    def timestamp(self) -> float:
        """Return the time in seconds since 1970."""
        return (time.time() if self._frozen is None else self._frozen) + self._ahead

    def set(self, moment: datetime) -> None:
        """Stop the clock at this moment; only `advance` moves it from then on."""
        self._frozen, self._ahead = moment.timestamp(), 0.0

    def advance(self, *, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead += seconds
