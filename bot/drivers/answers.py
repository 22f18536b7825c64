"""What a person says to a recorded run: yes to a workstream or to money, or another attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from bot.adapters.event_ref import Batch, EventRef
from bot.core.events import ApprovalGranted, RunStatus, WorkstreamRetried
from bot.core.ledger import Billing, LedgerLine
from bot.core.state import RunState, WorkstreamStatus, fold
from bot.errors import UserError

_CAN_BE_RETRIED = {
    WorkstreamStatus.FAILED,
    WorkstreamStatus.LEFT_OUT,
    WorkstreamStatus.BLOCKED,
}


@dataclass(frozen=True)
class Answers:
    """Writes a person's word into a run's record, with who said it and when."""

    record: EventRef
    by: str
    at: datetime

    def approve(self, workstream: str, because: str) -> None:
        """Let a workstream start."""
        state = self._state()
        if workstream not in state.workstreams:
            known = ", ".join(state.workstreams)
            what = f"Run {self.record.run} has no workstream {workstream!r}."
            raise UserError(what, fix=f"It has: {known}")
        cause = f"{workstream} {len(state.granted)}"
        grant = ApprovalGranted(**self._about(state, cause, because), workstream=workstream)
        self.record.append(Batch((grant,), {}), self.at)

    def approve_paid(self, provider: str, usd: str, because: str) -> Decimal:
        """Let a provider be paid, up to an amount and for a reason; return the amount."""
        state, amount = self._state(), _dollars(usd)
        if amount <= 0 or not because.strip():
            fix = (
                f'orchestrate approve {self.record.run} --paid {provider} --usd 2.00 --because "…"'
            )
            raise UserError("Money needs an amount and a reason.", fix=fix)
        cause = f"{provider} {len(state.granted)}"
        grant = ApprovalGranted(**self._about(state, cause, because), provider=provider, usd=amount)
        line = LedgerLine(
            id=grant.id,
            entry="approve",
            at=self.at,
            run=self.record.run,
            provider=provider,
            billing=Billing.PAID,
            cost_usd=amount,
            approval=grant.id,
            justification=because,
        )
        self.record.append(Batch((grant,), {}, spend=(line,)), self.at)
        return amount

    def retry(self, wanted: tuple[str, ...], answer: str) -> tuple[str, ...]:
        """Give workstreams that did not land another attempt, all where none is named."""
        state = self._state()
        can = [n for n, s in state.standings.items() if s.status in _CAN_BE_RETRIED]
        unknown = [name for name in wanted if name not in can]
        if unknown or not can:
            raise UserError(
                f"{', '.join(unknown) or 'Nothing'} cannot be retried in run {self.record.run}.",
                fix=f"These can: {', '.join(can) or 'none'}.",
            )
        events = tuple(
            WorkstreamRetried(
                at=self.at,
                by=self.by,
                run=self.record.run,
                workstream=name,
                attempt=len(state.track(name).attempts) + 1,
                because="a person asked for it",
                answer=answer,
            )
            for name in wanted or can
        )
        self.record.append(Batch(events, {}), self.at)
        return tuple(event.workstream for event in events)

    def _state(self) -> RunState:
        state = fold(self.record.load())
        if state.finished and state.finished.status != RunStatus.FAILED:
            what = f"Run {self.record.run} is over: {state.finished.status}."
            raise UserError(what, fix="Start a new run.")
        return state

    def _about(self, state: RunState, cause: str, because: str) -> dict[str, Any]:
        """Bind a yes to who said it and to the plan as it is."""
        plan_hash = state.accepted.plan_hash if state.accepted else ""
        return {
            "at": self.at,
            "by": self.by,
            "run": self.record.run,
            "cause": cause,
            "because": because,
            "plan_hash": plan_hash,
        }


def _dollars(text: str) -> Decimal:
    try:
        return Decimal(text.removeprefix("$")).quantize(Decimal("0.000001"))
    except InvalidOperation as error:
        raise UserError(f"{text!r} is no amount of dollars.", fix="Write it like 2.00.") from error
