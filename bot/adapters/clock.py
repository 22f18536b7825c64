"""The one reader of the time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime


class SystemClock:
    """This machine's time."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def now(self) -> datetime:
        """Return the moment in UTC."""
        return datetime.now(UTC)

    def pause(self, seconds: float) -> None:
        """Wait, or less where `wake` is called."""
        self._woken.wait(seconds)

    def wake(self) -> None:
        """End every pause, now and from now on."""
        self._woken.set()
