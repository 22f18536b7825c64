"""One go at showing a run: the state is fixed, what was made of it grows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.adapters.github.errors import Gone, Moved, NotFound
from bot.adapters.github.hub import Hub
from bot.core.base import RunId, Sha
from bot.core.events import Event
from bot.core.github.links import Links
from bot.core.github.presence import Presence
from bot.core.state import RunState

KEPT_AT_MOST = 25  # things in memory alone: a large plan takes longer than a pen lasts

ABSENT = (NotFound, Gone, Moved)  # the issue was deleted or transferred


@dataclass
class Canvas:
    """What is shown, where, and what of it is there; `search`: more may be there than is known."""

    run: RunId
    hub: Hub
    links: Links
    events: Sequence[Event]
    state: RunState
    presence: Presence
    search: bool
    wants_sub_issues: bool
    conflicts: Callable[[str, Sha], tuple[str, ...]]  # of a branch with a commit, by file
    write_down: Callable[[Presence], None]
    _kept: int = 0

    def keep(self, **changed: object) -> None:
        """Remember what was made; now and then also where others see it."""
        self.presence = self.presence.model_copy(update=changed)
        self._kept += 1
        if self._kept % KEPT_AT_MOST == 0:
            self.write_down(self.presence)

    def because(self, what: str, because: str) -> None:
        """Remember why something could not be made; empty: it could."""
        others = {key: text for key, text in self.presence.because.items() if key != what}
        self.keep(because=others | ({what: because} if because else {}))
