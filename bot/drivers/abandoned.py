"""Runs whose process is gone and that nobody takes up again: what they hold is settled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_UP, Decimal

from bot.adapters.event_ref import Batch, EventRef
from bot.adapters.gateway.call_file import calls_in
from bot.adapters.run_folder import RunFolder
from bot.core.base import MICRO_USD, ZERO_USD
from bot.core.events import Event, WorkstreamStarted
from bot.core.folding import fold
from bot.core.journal import Journal
from bot.core.ledger import LedgerLine
from bot.core.lost import nothing_back
from bot.core.paying import covered, released, reservation_lines
from bot.core.routing import Tier
from bot.core.state import RunState
from bot.core.tracks import Attempt, PaidHandOut
from bot.ports import ModelCall
from bot.usecases.spending import ledger_lines


@dataclass(frozen=True)
class Settled:
    """A hand-out whose money was settled, and how much of it counts as gone."""

    started: WorkstreamStarted
    usd: Decimal
    is_known: bool


def calls_of(folder: RunFolder, started: WorkstreamStarted) -> tuple[ModelCall, ...] | None:
    """Return the calls of a hand-out whose process was killed; None: they were not written here.

    They were written down before they were sent, in the folder that it was given.
    """
    if started.handed_out_by != folder.token:
        return None
    return calls_in(folder.calls(f"{started.workstream}.{started.attempt}"))


def most_usd(calls: tuple[ModelCall, ...]) -> Decimal:
    """Return what calls took at most."""
    return sum((call.usd or ZERO_USD for call in calls), ZERO_USD).quantize(MICRO_USD, ROUND_UP)


def watched_by(state: RunState, started: WorkstreamStarted) -> Tier | None:
    """Return a hand-out's tier where a door of ours counts: one without an address has none."""
    tiers = (rung.tier for rung in state.policy.ladder.rungs)
    return next((t for t in tiers if t.name == started.tier and t.base_url), None)


def settle_abandoned(record: EventRef, folder: RunFolder, now: datetime) -> tuple[Settled, ...]:
    """End what a dead run has reserved: what was not spent is given back where that is known.

    What nobody knows of counts as spent, in its own month. The folder's lock must be held. What
    was handed out elsewhere is left alone until its lease is over.
    """
    before = fold(record.load())
    if before.finished:
        return ()
    events: list[Event] = []
    lines: list[LedgerLine] = []
    for attempt in _holding(before):
        tier, calls = watched_by(before, attempt.started), calls_of(folder, attempt.started)
        if tier is not None and calls is not None:
            done = nothing_back(attempt.started, tier, now, "its run was given up")
            lines += covered(ledger_lines(done, tier, calls), before, done)
            events.append(Journal(record.run, now).lost(attempt, str(done.error), most_usd(calls)))
    after = fold(events, before)
    unknown = [
        one
        for one in _open(after)
        if one.started.handed_out_by == folder.token or one.started.lease_until <= now
    ]
    lines += reservation_lines(before, after, now)
    lines += [released(after, one, now) for one in unknown]
    if lines:
        record.append(Batch(tuple(events), {}, spend=tuple(lines)), now)
    left = {one.started.id for one in _open(after)}
    known = [one for one in after.paid if one.started.id not in left]
    was_open = {one.started.id for one in _open(before)}
    return (
        *(Settled(one.started, one.usd, True) for one in known if one.started.id in was_open),
        *(Settled(one.started, one.usd, False) for one in unknown),
    )


def _holding(state: RunState) -> Iterator[Attempt]:
    """Yield the attempts that nobody answers for and whose money is not settled."""
    held = {one.started.id for one in _open(state)}
    yield from (attempt for attempt in state.running if attempt.started.id in held)


def _open(state: RunState) -> list[PaidHandOut]:
    return [one for one in state.paid if not one.is_over]
