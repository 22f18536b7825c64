"""An attempt's door to its model, and what it knows that an engine does not say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.core.base import printable
from bot.core.model_ids import same_model
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Tier
from bot.ports import Clock, Command, Door, EngineOutcome, KeptCalls, ModelCall
from bot.usecases.attempt import Handout, Tools

SECONDS_TO_NOTICE = 10.0  # that an engine has to end by itself when it gets no more answers

_ITS_OWN = {OutcomeClass.TIMEOUT, OutcomeClass.REFUSED, OutcomeClass.LIMIT}


@contextmanager
def way_to_model(handout: Handout, tools: Tools, began: datetime) -> Iterator[AtDoor]:
    """Open the door that a tier with an address needs; it is shut when the attempt is over."""
    kept = KeptCalls(handout.call_file, began) if handout.call_file else None
    tier, until = handout.tier, handout.delegation.deadline
    opened = (
        tools.models.open(tier, handout.max_usd, handout.share, until=until, kept=kept)
        if tier.base_url
        else nullcontext()
    )
    with opened as door:
        yield AtDoor(door, tier, tools.clock)


@dataclass
class AtDoor:
    """The door of an attempt; it has none where its engine needs no model."""

    _door: Door | None
    _tier: Tier  # that is asked
    _clock: Clock
    _shut_since: datetime | None = None
    _told: str = ""  # of what it waits for
    _named: set[str] = field(default_factory=set)  # models that answered

    @property
    def url(self) -> str:
        """Its address; empty: there is none."""
        return self._door.url if self._door else ""

    def in_reach_of(self, command: Command, say: Callable[[str], None]) -> Command:
        """Let a command reach it, say what is waited for, and end it at the last answer."""
        if self._door is None:
            return command

        def look() -> str:
            self._tell_what_it_waits_for(say)
            return self._no_more_answers()

        return replace(command, door=self._door.url, stop=look)

    def counted(self, said: tuple[ModelCall, ...]) -> tuple[ModelCall, ...]:
        """Return the door's count in place of what the engine says."""
        return said if self._door is None else self._door.calls()

    def ended(self, said: EngineOutcome) -> EngineOutcome:
        """Believe the door about requests: an engine tells it in its own words, or not at all."""
        if self._door is None or said.outcome is OutcomeClass.DONE:
            return said
        trouble = None if said.outcome in _ITS_OWN else self._door.trouble()
        ended = self._door.failure() or trouble or said
        if ended.outcome is OutcomeClass.AUTHENTICATION and self._tier.key_env:
            message = f"{ended.message.rstrip('.')} (the key in {self._tier.key_env})"
            return replace(ended, message=message)
        return ended

    def other_models(self, calls: tuple[ModelCall, ...]) -> Iterator[str]:
        """Say, once each, which other models answered; the completion names the last one."""
        others = {call.model_returned for call in calls if call.model_returned} - self._named
        self._named |= others
        for other in sorted(others):
            if self._tier.model and not same_model(self._tier.model, other):
                yield f"{printable(other)} answered for {self._tier.model}"

    def _tell_what_it_waits_for(self, say: Callable[[str], None]) -> None:
        waits = self._door.waits() if self._door else ""
        if waits and waits != self._told:
            say(waits)
        self._told = waits

    def _no_more_answers(self) -> str:
        """Say it where the door has been shut for so long that an engine would have noticed."""
        failure = self._door.failure() if self._door else None
        if failure is None:
            self._shut_since = None
            return ""
        now = self._clock.now()
        self._shut_since = self._shut_since or now
        waited = (now - self._shut_since).total_seconds()
        return failure.message if waited >= SECONDS_TO_NOTICE else ""
