"""Records, and which of them are serious enough."""

import pytest

from tinylog import Record


@pytest.mark.parametrize(
    ("level", "shown"), [("debug", False), ("warn", True), ("error", True), ("odd", True)]
)
def test_a_record_is_shown_from_a_level_on(level: str, shown: bool) -> None:
    assert Record("x", level).at_least("warn") is shown


def test_a_record_is_one_line() -> None:
    assert str(Record("slow", "warn", "09:30", {"ms": "812"})) == "09:30 warn  slow ms=812"
    assert str(Record("hello")) == "- -     hello"
