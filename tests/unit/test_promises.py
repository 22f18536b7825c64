"""The demo says what its run really showed, and no more."""

from __future__ import annotations

import pytest

from bot.core.events import Event, RunStatus
from bot.core.gates import GateName
from bot.core.promises import promises
from tests.support.builders import (
    conflicted,
    ended,
    finished,
    gate,
    integrated,
    iteration,
    landed,
    plan,
    retried,
    run_of,
    started,
    usage,
    worked,
    workstream,
)

NAMES = ("a", "b", "c", "d", "e")
FIX = workstream("fix-2", kind="fix")
PLAN = plan(*(workstream(name) for name in (*NAMES, "late")))
EVERYTHING: dict[str, tuple[Event, ...]] = {
    "side by side": tuple(e for name in NAMES for e in worked(name, usage=usage(100, 10))),
    "conflict": (started("late", 60), finished("late", 60, 70), conflicted("late", "a", "N", 70)),
    "first head": (integrated(*NAMES, seconds=71),),
    "first gates": (gate("tests", "failed", head="+".join(NAMES), seconds=75),),
    "fix": (iteration(2, FIX, 76), *worked("fix-2", 76, 80)),
    "retry": (
        retried("late", 2, 81),
        started("late", 82, 2),
        finished("late", 82, 90, 2),
        landed("late", 90, 2),
    ),
    "head": (integrated(*NAMES, "fix-2", "late", seconds=91, iteration=2),),
    "gates": tuple(
        gate(n, head="+".join((*NAMES, "fix-2", "late")), seconds=95, iteration=2) for n in GateName
    ),
    "end": (ended(RunStatus.PASSED),),
}


def told(**instead: tuple[Event, ...]) -> tuple[Event, ...]:
    """Tell the whole story, with other parts in place of some."""
    parts = EVERYTHING | {name.replace("_", " "): events for name, events in instead.items()}
    return run_of(PLAN, *(event for part in parts.values() for event in part))


def test_a_run_in_which_all_of_it_happened_keeps_every_promise() -> None:
    assert [p.what for p in promises(told()) if not p.kept] == []


@pytest.mark.parametrize(
    ("instead", "broken"),
    [
        pytest.param({"retry": ()}, "6 of 7 workstreams landed", id="nobody retried"),
        pytest.param({"retry": ()}, "a conflict was found", id="the conflict stays"),
        pytest.param({"conflict": ()}, "a conflict was found", id="nothing conflicted"),
        pytest.param({"first_gates": ()}, "no gate failed in iteration 1", id="nothing failed"),
        pytest.param({"gates": ()}, "tests failed in iteration 1", id="it was never mended"),
        pytest.param({"end": (ended(RunStatus.FAILED),)}, "4 of 4 gates", id="the run failed"),
        pytest.param(
            {
                "side_by_side": tuple(
                    e for at, name in enumerate(NAMES) for e in worked(name, at * 10, at * 10 + 9)
                )
            },
            "up to 1 worked",
            id="one after the other",
        ),
        pytest.param(
            {"side_by_side": tuple(e for name in NAMES for e in worked(name))},
            "the builtin engine got 0 answers",
            id="no model was asked",
        ),
    ],
)
def test_what_did_not_happen_is_not_claimed(
    instead: dict[str, tuple[Event, ...]], broken: str
) -> None:
    found = [promise.what for promise in promises(told(**instead)) if not promise.kept]
    assert any(what.startswith(broken) for what in found), found
