"""Whether a workstream that did not succeed gets another attempt, and why."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.handoff import CompletionStatus, Verification
from bot.core.outcomes import OutcomeClass
from bot.core.retries import Ended, another_attempt
from tests.support.builders import completion


def end(status: str = "failed", outcome: str = "done", **more: object) -> Ended:
    return Ended(completion("a", status=status, **more), OutcomeClass(outcome))


def verdict(*ended: Ended, most: int = 3) -> tuple[bool, str]:
    found = another_attempt(ended, max_attempts=most)
    return found.again, found.because


QUOTA = end("quota", "quota", files_changed=0)


@pytest.mark.parametrize(
    ("ended", "again", "because"),
    [
        pytest.param([end(error="1 failed")], True, "1 failed", id="a failure is tried again"),
        pytest.param([end(outcome="crash")], True, "crash", id="a crash is tried again"),
        pytest.param([end("partial", "timeout")], True, "timeout", id="a timeout goes on"),
        pytest.param([end("no_change")], True, "done", id="no change is tried again"),
        pytest.param([QUOTA], True, "local is exhausted", id="quota goes to the next tier"),
        pytest.param([QUOTA] * 10, False, "local ran out under it 10 times", id="but not for ever"),
        pytest.param(
            [QUOTA] * 9, True, "local is exhausted", id="quota does not count against the cap"
        ),
        pytest.param(
            [end(files_changed=1), QUOTA, end(files_changed=2)],
            True,
            "done",
            id="nor does it stand between two attempts",
        ),
        pytest.param(
            [end(files_changed=1), QUOTA, end(files_changed=1)],
            False,
            "the last two attempts got no further",
            id="no progress, with quota between",
        ),
        pytest.param(
            [end(), end()], False, "the last two attempts got no further", id="no progress"
        ),
        pytest.param(
            [end(), end(), end(files_changed=2)], False, "3 attempts, of at most 3", id="the cap"
        ),
        pytest.param(
            [end(), end(verification=(Verification(criterion="x", passed=True),))],
            True,
            "done",
            id="a criterion more is progress",
        ),
        pytest.param([end(), end(outcome="crash")], True, "crash", id="another failure is news"),
        pytest.param(
            [end(outcome="authentication")], False, "the provider refused the key", id="a bad key"
        ),
        pytest.param(
            [end(outcome="bad_request")],
            False,
            "the provider did not understand the request",
            id="a bad request",
        ),
        pytest.param([end("refused", "refused")], False, "a rule stopped it", id="a rule of ours"),
        pytest.param([end("refused")], False, "a rule stopped it", id="what it wrote was refused"),
        pytest.param(
            [end(engine="shell")],
            False,
            "the same commands would do the same again",
            id="commands are not run again",
        ),
    ],
)
def test_another_attempt(ended: list[Ended], again: bool, because: str) -> None:
    assert verdict(*ended) == (again, because)


statuses = st.sampled_from(
    [s for s in CompletionStatus if s not in {CompletionStatus.SUCCESS, CompletionStatus.QUOTA}]
)
ends = st.builds(
    lambda status, outcome, files: end(status, outcome, files_changed=files),
    statuses,
    st.sampled_from(OutcomeClass),
    st.integers(0, 9),
)


@settings(max_examples=60)
@given(st.lists(ends, min_size=1, max_size=6), st.integers(1, 5))
def test_there_are_never_more_attempts_than_allowed_and_always_a_reason(
    ended: list[Ended], most: int
) -> None:
    again, because = verdict(*ended, most=most)
    assert because
    assert not (again and len(ended) >= most)
