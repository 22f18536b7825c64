"""The record of a run on its ref, and the ledger on its branch: appended by compare-and-swap."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.adapters.git import RefMoved, RefUpdate, Repository
from bot.adapters.ledger_branch import LedgerBranch
from bot.core import names
from bot.core.accounts import Accounts, accounts_of
from bot.core.base import RunId, Sha
from bot.core.events import Event, read_events, write_events
from bot.core.ledger import LedgerLine
from bot.errors import BotError, UserError
from bot.render.costs import NOTHING_KNOWN, CostsPage

EVENTS = "events.jsonl"
_TRIES = 50


class Overtaken(BotError):
    """Somebody else wrote to the record first: fold again, decide again."""


@dataclass(frozen=True)
class Batch:
    """What is written together: events, files of the record, refs and ledger lines."""

    events: tuple[Event, ...]
    files: Mapping[str, bytes]
    refs: tuple[RefUpdate, ...] = ()
    spend: tuple[LedgerLine, ...] = ()


class EventRef:
    """One run's events, kept at `refs/orchestrate/runs/<run>`; `git log` of it is the audit."""

    def __init__(
        self, repository: Repository, run: RunId, costs_page: CostsPage = NOTHING_KNOWN
    ) -> None:
        self._repository = repository
        self._ledger = LedgerBranch(repository, costs_page)
        self.run = run
        self._tip: Sha | None = None
        self._written = b""
        self._events: tuple[Event, ...] = ()

    def load(self) -> tuple[Event, ...]:
        """Read the events as they are now; none where the run has no record yet."""
        tip = self._repository.refs(names.run_ref(self.run)).get(names.run_ref(self.run))
        if tip != self._tip:
            self._written = (self._repository.read(tip, EVENTS) or b"") if tip else b""
            self._events = parse_events(self._written, self.run)
            self._tip = tip
        return self._events

    def read(self, path: str) -> bytes | None:
        """Read a file of the record as it was last loaded; None where there is none."""
        return self._repository.read(self._tip, path) if self._tip else None

    def accounts(self, now: datetime) -> Accounts:
        """Read the ledger as it is now; a batch that reserves money is written upon this state."""
        return accounts_of(self._ledger.lines(), self.run, now)

    def append(self, batch: Batch, at: datetime) -> None:
        """Write a batch, all of it or nothing. Raises Overtaken where the record has moved.

        A batch that reserves money is only good upon the ledger that was last read: it is
        overtaken by any other line. One that does not is written upon whatever is there.
        """
        reserves = any(line.entry == "reserve" for line in batch.spend)
        known = {event.id for event in self._events}
        fresh = tuple(event for event in batch.events if event.id not in known)
        written = self._written + write_events(fresh)
        commit = self._repository.commit_files(
            {EVENTS: written, **batch.files}, _message(fresh), at, self._tip
        )
        ours = RefUpdate(names.run_ref(self.run), commit, self._tip)
        for _ in range(_TRIES):
            spend = self._ledger.prepare(batch.spend, at, held=reserves)
            try:
                self._repository.update_refs((ours, *batch.refs, *spend))
            except RefMoved as moved:
                alone = not spend or reserves
                if alone or any(self._has_moved(update) for update in (ours, *batch.refs)):
                    raise Overtaken(moved.what) from moved
            else:
                self._tip, self._written = commit, written
                self._events = (*self._events, *fresh)
                return
        raise Overtaken(f"The ledger moved {_TRIES} times while run {self.run} wrote to it.")

    def _has_moved(self, update: RefUpdate) -> bool:
        return self._repository.refs(update.ref).get(update.ref) != update.old


def parse_events(data: bytes, run: RunId) -> tuple[Event, ...]:
    """Read a record's events. Raises UserError where somebody has damaged it."""
    try:
        return read_events(data)
    except ValueError as error:
        raise UserError(
            f"The record of run {run} cannot be read: {str(error)[:200]}",
            fix=f"git log {names.run_ref(run)} shows its earlier states.",
        ) from error


def list_runs(repository: Repository) -> tuple[RunId, ...]:
    """Return the ids of all recorded runs, the latest first."""
    lines = repository.text(
        "for-each-ref", "--sort=-committerdate", "--format=%(refname)", names.RUNS
    )
    return tuple(RunId(line.removeprefix(names.RUNS)) for line in lines.splitlines())


def _message(events: Sequence[Event]) -> str:
    lines = [_line(event) for event in events]
    if not lines:
        return "Note what is shown of the run\n"
    subject = lines[0] if len(lines) == 1 else f"{len(lines)} events"
    return "\n".join([subject, "", *lines, ""])


def _line(event: Event) -> str:
    about: Iterable[object] = (
        getattr(event, "workstream", None),
        getattr(event, "attempt", None),
        getattr(event, "because", None),
    )
    return " ".join([event.type, *(str(part).replace("\n", " ") for part in about if part)])[:200]
