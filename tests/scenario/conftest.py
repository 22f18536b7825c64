"""A repository on the fake GitHub, for whoever tells a story of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.stories import Opens, Story, story


@pytest.fixture
def opens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Opens:
    """Open a shop with settings of its own."""
    return lambda **settings: story(tmp_path, monkeypatch, **settings)


@pytest.fixture
def shop(opens: Opens) -> Iterator[Story]:
    """Open a shop with the usual settings."""
    with opens() as opened:
        yield opened
