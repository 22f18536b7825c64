"""Which try of a job may have worked on what was handed out."""

from __future__ import annotations

import pytest

from bot.drivers.github.run import Job


@pytest.mark.parametrize(
    ("nth", "place", "may_have"),
    [
        pytest.param(1, "12.1", False, id="another workflow began it, and this is the first try"),
        pytest.param(2, "12.1", True, id="another workflow began it, and it is run again"),
        pytest.param(1, "77.1", False, id="the first job of its own workflow handed it out"),
        pytest.param(2, "77.1", True, id="all of that workflow is run again"),
        pytest.param(2, "77.2", False, id="it was only handed out in the second try"),
        pytest.param(3, "77.2", True, id="and is run a third time"),
        pytest.param(2, "77", True, id="a record from before tries were noted"),
        pytest.param(2, "", True, id="nobody said who handed it out"),
    ],
)
def test_a_job_knows_whether_an_earlier_try_had_its_work(
    nth: int, place: str, may_have: bool
) -> None:
    assert Job("77", nth, "agent").may_have_run(place) == may_have
