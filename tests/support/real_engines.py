"""The real agent programs, where `make engines` installed them; else a test is skipped."""

from __future__ import annotations

import pytest

from bot.adapters.engines.finding import Finder
from bot.adapters.engines.program import Installed
from bot.wiring.engines import engine_programs
from tests.support.peers import ROOT

ENGINES = ROOT / ".tools" / "engines"
_FIND = Finder(engine_programs(), ENGINES, "")


def find_real(name: str) -> Installed | None:
    """Find a program as an engine does."""
    return _FIND(name)


def real_engine(name: str) -> Installed:
    """Return a program at the version that was tried, or skip."""
    return _FIND(name) or pytest.skip(f"{name} is not installed: run make engines")
