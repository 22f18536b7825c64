"""What a person says to a run, as events: yes to a workstream or to money, another attempt, no."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from bot.core import events as happened
from bot.core.base import RunId
from bot.core.events import Event, RunStatus
from bot.core.expiry import UNTIL_EXAMPLES, expiry
from bot.core.gates import GateName
from bot.core.ledger import Billing, LedgerLine
from bot.core.report import USUAL_USD, open_questions, proposed_usd
from bot.core.state import RunState, WorkstreamStatus
from bot.errors import UserError

_CAN_BE_RETRIED = {
    WorkstreamStatus.FAILED,
    WorkstreamStatus.LEFT_OUT,
    WorkstreamStatus.BLOCKED,
}


@dataclass(frozen=True)
class Answer:
    """What is to be recorded; the same word said twice under one cause is one answer."""

    events: tuple[Event, ...]
    spend: tuple[LedgerLine, ...] = ()


@dataclass(frozen=True)
class Money:
    """What a person lets a run spend; what is None is as the run asks for it, or as it lasts."""

    provider: str | None = None
    usd: Decimal | None = None
    until: str | None = None  # as it was written


@dataclass(frozen=True)
class Speaker:
    """Who speaks to which run, when; `cause` names the utterance, such as a comment's id."""

    run: RunId
    by: str
    at: datetime
    cause: str = ""

    def approve(self, state: RunState, workstream: str | None, because: str = "") -> Answer:
        """Let a workstream start; without a name, the only one that waits."""
        _require_open(state, self.run)
        waiting = [n for n, s in state.standings.items() if s.status is WorkstreamStatus.WAITING]
        name = workstream or (waiting[0] if len(waiting) == 1 else "")
        if name not in state.workstreams:
            what = f"Run {self.run} has no workstream {name!r}." if name else "Approve which one?"
            raise UserError(what, fix=f"{_named('These wait', waiting)}{_all(state)}")
        about = self._bound(state, name, because)
        return Answer((happened.ApprovalGranted(**about, workstream=name),))

    def approve_paid(self, state: RunState, wanted: Money, because: str) -> Answer:
        """Let a provider be paid up to an amount, by default what the run asked for."""
        provider, usd = wanted.provider, wanted.usd
        _require_open(state, self.run)
        asked = [q for q in open_questions(state) if q.provider]
        name = provider or (asked[0].provider if asked else None)
        known = sorted(
            {r.tier.provider for r in state.policy.ladder.rungs if r.tier.billing is Billing.PAID}
        )
        if name is None:
            raise UserError("The run does not ask for money.", fix=_named("Paid providers", known))
        if provider is not None and provider not in known:
            raise UserError(f"No tier is paid to {provider!r}.", fix=_named("Paid are", known))
        amount = usd if usd is not None else _asked_for(state, name)
        if amount <= 0 or not because.strip():
            raise UserError("Money needs an amount and a reason.")
        until = self._expiry(wanted.until)
        grant = happened.ApprovalGranted(
            **self._bound(state, name, because), provider=name, usd=amount, until=until
        )
        line = LedgerLine(
            id=grant.id,
            entry="approve",
            at=self.at,
            run=self.run,
            provider=name,
            billing=Billing.PAID,
            cost_usd=amount,
            approval=grant.id,
            justification=because,
            by=self.by,
            until=until,
        )
        return Answer((grant,), (line,))

    def retry(self, state: RunState, wanted: Sequence[str], answer: str = "") -> Answer:
        """Give workstreams that did not land another attempt, all where none is named."""
        _require_open(state, self.run)
        can = [n for n, s in state.standings.items() if s.status in _CAN_BE_RETRIED]
        unknown = [name for name in wanted if name not in can]
        if unknown or not can:
            what = f"{', '.join(unknown)} cannot" if unknown else "Nothing can"
            raise UserError(
                f"{what} be retried in run {self.run}.",
                fix=f"These can: {', '.join(can)}."
                if can
                else "What runs or landed goes on as it is.",
            )
        return Answer(
            tuple(
                happened.WorkstreamRetried(
                    at=self.at,
                    by=self.by,
                    run=self.run,
                    cause=self.cause,
                    workstream=name,
                    attempt=len(state.track(name).attempts) + 1,
                    because="a person asked for it",
                    answer=answer,
                )
                for name in wanted or can
            )
        )

    def cancel(self, state: RunState, because: str) -> Answer:
        """Stop the run: nothing more is handed out, what runs is not used."""
        if state.finished:
            raise UserError(f"Run {self.run} is over: {state.finished.status}.")
        reason = because or f"{self.by} cancelled it"
        return Answer((happened.RunCancelled(**self._about(), because=reason),))

    def override(self, state: RunState, gate: GateName, because: str) -> Answer:
        """Let a gate's failure pass."""
        _require_open(state, self.run)
        result = state.results.get(gate)
        if result is None or result.status in {"passed", "off"}:
            said = result.status if result else "not run yet"
            raise UserError(f"Nothing of the {gate} gate is to be overridden: it has {said}.")
        return Answer((happened.OverrideGranted(**self._about(), gate=gate, because=because),))

    def _expiry(self, text: str | None) -> datetime | None:
        try:
            return None if text is None else expiry(text, self.at)
        except ValueError as error:
            raise UserError(f"{error}.", fix=UNTIL_EXAMPLES) from error

    def _about(self) -> Mapping[str, Any]:
        return {"at": self.at, "by": self.by, "run": self.run, "cause": self.cause}

    def _bound(self, state: RunState, what: str, because: str) -> Mapping[str, Any]:
        """Bind a yes to who said it and to the plan as it is."""
        return {
            **self._about(),
            "cause": self.cause or f"{what} {len(state.granted)}",
            "because": because,
            "plan_hash": state.accepted.plan_hash if state.accepted else "",
        }


def _asked_for(state: RunState, provider: str) -> Decimal:
    """Return what the open question about a provider asks for."""
    questions = (q for q in open_questions(state) if q.provider == provider)
    return next((proposed_usd(state, q) for q in questions), USUAL_USD)


def _require_open(state: RunState, run: RunId) -> None:
    if state.finished and state.finished.status != RunStatus.FAILED:
        raise UserError(f"Run {run} is over: {state.finished.status}.", fix="Start a new run.")


def _named(what: str, found: Sequence[str]) -> str:
    return f"{what}: {', '.join(found) or 'none'}. "


def _all(state: RunState) -> str:
    return f"It has: {', '.join(state.workstreams)}"
