"""Brings what GitHub shows up to date with a run's record, making nothing twice.

One job holds the pen at a time, and it writes until the record stops moving: whoever finds the pen
taken can leave. A pen that was dropped is free again after a while; whoever takes it up looks for
what its last holder may have made without writing it down.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.adapters.combine import conflicts_between
from bot.adapters.event_ref import Batch, EventRef, Overtaken
from bot.adapters.git import Repository
from bot.adapters.github.hub import Hub
from bot.core.base import Sha
from bot.core.events import Event
from bot.core.folding import fold
from bot.core.github.links import Links
from bot.core.github.presence import FILE, Pen, Presence
from bot.drivers.github.canvas import Canvas
from bot.drivers.github.exhibit import Exhibit
from bot.errors import Unavailable
from bot.ports import Clock

_PEN_LASTS = timedelta(minutes=10)
_TRIES = 100


@dataclass(frozen=True)
class Shower:
    """Shows one run. `me` names this job, also when it is run again; `sub_issues`: are wanted."""

    record: EventRef
    repository: Repository
    hub: Hub
    links: Links
    clock: Clock
    me: str
    issue: int
    sub_issues: bool = True

    @property
    def is_done(self) -> bool:
        """Whether all of the record is shown, and nothing has to be tried again."""
        known = self.presence()
        return known.shown == len(self.record.load()) and "pull" not in known.because

    def show(self) -> bool:
        """Show the run as it is; False: somebody else does. Raises what keeps a part from it."""
        if self.is_done:
            return True
        taken = self._take_pen()
        if taken is None:
            return False
        presence, dropped = taken
        for _ in range(_TRIES):
            events = self.record.load()
            canvas = self._canvas(events, presence, search=dropped)
            trouble = Exhibit(canvas).build()
            presence, dropped = canvas.presence.model_copy(update={"pen": None}), False
            if trouble is None and len(self.record.load()) != len(events):
                continue  # what was written down meanwhile lies on top of others' events
            if trouble is None:
                presence = presence.model_copy(update={"shown": len(events)})
            elif isinstance(trouble, Unavailable):  # what was asked last may have been made
                lapsed = Pen(by=self.me, until=self.clock.now())
                presence = presence.model_copy(update={"pen": lapsed})
            try:
                self._write(presence)
            except Overtaken:
                if trouble is None:
                    continue
                self._put(presence)
            if trouble is not None:
                raise trouble
            return True
        return False

    def presence(self) -> Presence:
        """Read what was made so far."""
        data = self.record.read(FILE)
        return Presence.model_validate_json(data) if data else Presence(issue=self.issue)

    def _conflicts(self, branch: str, head: Sha) -> tuple[str, ...]:
        """Name the files in which a branch moved away from a run's commit."""
        ref = f"refs/heads/{branch.removeprefix('refs/heads/')}"
        tip = self.repository.refs(ref).get(ref)
        return conflicts_between(self.repository, tip, head) if tip else ()

    def _canvas(self, events: Sequence[Event], presence: Presence, *, search: bool) -> Canvas:
        return Canvas(
            run=self.record.run,
            hub=self.hub,
            links=self.links,
            events=events,
            state=fold(events),
            presence=presence,
            search=search,
            wants_sub_issues=self.sub_issues,
            conflicts=self._conflicts,
            write_down=self._go_on,
        )

    def _take_pen(self) -> tuple[Presence, bool] | None:
        """Take the pen, and say whether it was dropped by somebody; None: it is held."""
        for _ in range(_TRIES):
            if not self.record.load():
                return None
            presence, now = self.presence(), self.clock.now()
            held = presence.pen
            if held and held.by != self.me and held.until > now:
                return None
            mine = Pen(by=self.me, until=now + _PEN_LASTS)
            try:
                self._write(presence.model_copy(update={"pen": mine}))
            except Overtaken:
                continue
            return presence, held is not None
        return None

    def _go_on(self, presence: Presence) -> None:
        """Write down what was made so far, and hold the pen for another while."""
        mine = Pen(by=self.me, until=self.clock.now() + _PEN_LASTS)
        self._put(presence.model_copy(update={"pen": mine}))

    def _put(self, presence: Presence) -> None:
        """Write it down, whatever else is written meanwhile: whose pen it is, it alone writes."""
        for _ in range(_TRIES):
            self.record.load()
            try:
                self._write(presence)
            except Overtaken:
                continue
            return

    def _write(self, presence: Presence) -> None:
        data = presence.model_dump_json(indent=2).encode()
        self.record.append(Batch((), {FILE: data}), self.clock.now())
