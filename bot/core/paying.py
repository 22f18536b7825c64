"""What a run writes into the ledger: reservations, what they give back, and who covers a call."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal

from bot.core.base import ZERO_USD, digest
from bot.core.events import WorkstreamStarted
from bot.core.handoff import Completion
from bot.core.ledger import Billing, LedgerLine
from bot.core.state import RunState
from bot.core.tracks import PaidHandOut, Track


def covered(
    lines: Iterable[LedgerLine], state: RunState, done: Completion | None
) -> tuple[LedgerLine, ...]:
    """Name, on each line of a paid call, the approval that covers it and its reservation."""
    track = state.track(done.workstream) if done else Track()
    paid = track.paid_for(done) if done else None
    reservation = _reserve_id(paid.started) if paid else None
    return tuple(
        line.model_copy(update={"reservation": reservation, **_grounds(state, line.provider)})
        if line.billing is Billing.PAID
        else line
        for line in lines
    )


def _reserve_id(started: WorkstreamStarted) -> str:
    """Name what a hand-out has reserved: each hand-out of an attempt has its own."""
    return digest("reserve", started.id)


def reservation_lines(before: RunState, after: RunState, at: datetime) -> tuple[LedgerLine, ...]:
    """Write down what was reserved and given back between two states of a run.

    At a run's end nobody waits for a lost hand-out any more: nothing of its money is given back.
    """
    ends = after.finished is not None and before.finished is None
    lines: list[LedgerLine] = []
    known = {one.started.id: one for one in before.paid}
    for one in after.paid:
        was = known.get(one.started.id)
        if was is None:
            began = one.started
            lines.append(_line(after, began, "reserve", began.at, began.reserved_usd))
        if (one.is_over or ends) and not (was and was.is_over):
            lines.append(released(after, one, at))
    return tuple(lines)


def released(state: RunState, one: PaidHandOut, at: datetime) -> LedgerLine:
    """End a reservation: what is neither spent nor given back stays taken."""
    given_back = max(one.started.reserved_usd - one.usd, ZERO_USD)
    line = _line(state, one.started, "release", at, given_back)
    return line.model_copy(update={"reservation": _reserve_id(one.started)})


def _line(
    state: RunState,
    started: WorkstreamStarted,
    entry: Literal["reserve", "release"],
    at: datetime,
    usd: Decimal,
) -> LedgerLine:
    line = LedgerLine(
        id=digest(entry, started.id),
        entry=entry,
        at=at,
        run=started.run,
        workstream=started.workstream,
        attempt=started.attempt,
        tier=started.tier,
        provider=started.provider,
        billing=Billing.PAID,
        cost_usd=usd,
    )
    return line.model_copy(update=_grounds(state, started.provider))


def _grounds(state: RunState, provider: str) -> dict[str, str]:
    """Name the approval that lets a provider be paid, and its reason."""
    grants = [grant for grant in state.holding if grant.provider == provider]
    return {"approval": grants[-1].id, "justification": grants[-1].because} if grants else {}
