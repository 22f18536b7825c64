"""What several tests of adapters begin with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.scripted_http import Opens, doors


@pytest.fixture
def door() -> Iterator[Opens]:
    with doors() as opens:
        yield opens
