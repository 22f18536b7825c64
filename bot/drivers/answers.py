"""A person's word, written into the record of a run on this machine."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from bot.adapters.event_ref import Batch, EventRef
from bot.core.answers import Answer, Money, Speaker
from bot.core.folding import fold
from bot.core.github.arguments import CannotRead, dollars
from bot.core.ledger import LedgerLine
from bot.core.state import RunState
from bot.errors import UserError


@dataclass(frozen=True)
class Answers:
    """Writes a person's word into a run's record, with who said it and when."""

    record: EventRef
    by: str
    at: datetime

    def approve(self, workstream: str, because: str) -> None:
        """Let a workstream start."""
        self._write(self._speaker.approve(self._state(), workstream, because))

    def approve_paid(
        self, provider: str | None, usd: str | None, because: str, until: str | None = None
    ) -> LedgerLine:
        """Let a provider be paid up to an amount, by default what the run asked for.

        Returns the approval as the ledger has it. Raises UserError where there is no reason.
        """
        if not any(letter.isalnum() for letter in because):  # the … of an example is none
            words = [shlex.quote(word) for word in (self.record.run, provider, usd) if word]
            fix = f'orchestrate approve-paid {" ".join(words)} --because "…"'
            raise UserError("Money needs a reason.", fix=fix)
        wanted = Money(
            provider,
            None if usd is None else _dollars(usd),
            until,
        )
        said = self._speaker.approve_paid(self._state(), wanted, because)
        self._write(said)
        [line] = said.spend
        return line

    def retry(self, wanted: tuple[str, ...], answer: str) -> tuple[str, ...]:
        """Give workstreams that did not land another attempt, all where none is named."""
        said = self._speaker.retry(self._state(), wanted, answer)
        self._write(said)
        return tuple(getattr(event, "workstream", "") for event in said.events)

    @property
    def _speaker(self) -> Speaker:
        return Speaker(self.record.run, self.by, self.at)

    def _state(self) -> RunState:
        return fold(self.record.load())

    def _write(self, said: Answer) -> None:
        self.record.append(Batch(said.events, {}, spend=said.spend), self.at)


def _dollars(text: str) -> Decimal:
    try:
        return dollars(text)
    except CannotRead as error:
        raise UserError(f"{error}.", fix="Write it like 2.00.") from error
