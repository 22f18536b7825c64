"""The real agent programs, where `make engines` installed them; else a test is skipped."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from _pytest.mark.structures import ParameterSet

from bot.adapters.engines.finding import Finder
from bot.adapters.engines.program import Installed
from bot.wiring.engines import engine_programs
from tests.support.peers import ROOT

ENGINES = ROOT / ".tools" / "engines"
SLOW = ("opencode", "kilo", "cline")  # to start: `make test` tries these where all are tried
_FIND = Finder(engine_programs(), ENGINES, "")


def find_real(name: str) -> Installed | None:
    """Find a program as an engine does."""
    return _FIND(name)


def real_engine(name: str) -> Installed:
    """Return a program at the version that was tried, or skip."""
    return _FIND(name) or pytest.skip(f"{name} is not installed: run make engines")


def rows(names: Iterable[str]) -> tuple[ParameterSet, ...]:
    """Return names as rows of a table, of which `make test` leaves out those that are slow."""
    return tuple(pytest.param(name, marks=slow(name)) for name in names)


def slow(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """Return the mark of a program that `make test-engines` alone tries."""
    return (pytest.mark.every_engine,) if name in SLOW else ()
