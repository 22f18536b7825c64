"""The ledger branch: a file of lines a month, and COSTS.md for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.adapters.git import RefUpdate, Repository
from bot.core import names
from bot.core.base import Sha
from bot.core.ledger import LedgerLine, new_lines
from bot.errors import UserError
from bot.render.costs import NOTHING_KNOWN, CostsPage


class LedgerBranch:
    """Lines that are only ever added, on `orchestrate/ledger`."""

    def __init__(self, repository: Repository, page: CostsPage = NOTHING_KNOWN) -> None:
        self._repository = repository
        self._page = page
        self._tip: Sha | None = None
        self._months: dict[str, tuple[LedgerLine, ...]] = {}

    def lines(self, month: str | None = None) -> tuple[LedgerLine, ...]:
        """Return all lines, or those of a month such as 2026-11, in the order of writing."""
        self._read()
        return self._all() if month is None else self._months.get(month, ())

    def prepare(
        self, more: Iterable[LedgerLine], at: datetime, *, held: bool = False
    ) -> tuple[RefUpdate, ...]:
        """Write the commit that adds the lines not there yet; return the move that lands it.

        `held` tells upon which state: as `lines` last returned it, be it the latest or not.
        """
        more = tuple(more)
        if not more:
            return ()
        if not held:
            self._read()
        fresh = new_lines(self._all(), more)
        if not fresh:
            return ()
        months = dict(self._months)
        for line in fresh:
            months[line.month] = (*months.get(line.month, ()), line)
        touched = sorted({line.month for line in fresh})
        files = {f"ledger/{month}.jsonl": _write(months[month]) for month in touched}
        everything = tuple(line for month in sorted(months) for line in months[month])
        files["COSTS.md"] = self._page.page(everything, max(months)).encode()
        message = f"Record {len(fresh)} ledger line(s)\n"
        commit = self._repository.commit_files(files, message, at, self._tip)
        return (RefUpdate(names.LEDGER, commit, self._tip),)

    def _all(self) -> tuple[LedgerLine, ...]:
        return tuple(line for month in sorted(self._months) for line in self._months[month])

    def _read(self) -> None:
        tip = self._repository.refs(names.LEDGER).get(names.LEDGER)
        if tip == self._tip:
            return
        self._months = _months(self._repository, tip) if tip else {}
        self._tip = tip


def _months(repository: Repository, commit: Sha) -> dict[str, tuple[LedgerLine, ...]]:
    found = {}
    for path in repository.paths(commit):
        if path.startswith("ledger/") and path.endswith(".jsonl"):
            month = path.removeprefix("ledger/").removesuffix(".jsonl")
            found[month] = _parse(repository.read(commit, path) or b"", path)
    return found


def _write(lines: Iterable[LedgerLine]) -> bytes:
    return b"".join(line.model_dump_json().encode() + b"\n" for line in lines)


def _parse(data: bytes, path: str) -> tuple[LedgerLine, ...]:
    try:
        return tuple(LedgerLine.model_validate_json(line) for line in data.splitlines() if line)
    except ValueError as error:
        raise UserError(
            f"{path} on orchestrate/ledger cannot be read: {str(error)[:200]}",
            fix="Its history has the lines as they were written: git log orchestrate/ledger.",
        ) from error
