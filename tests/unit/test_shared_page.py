"""`context.md`, as it lies in a run's record."""

from __future__ import annotations

from bot.core.folding import fold
from bot.render.shared import shared_page
from tests.support.builders import plan, run_of, worked, workstream


def test_the_page_tells_the_task_who_may_change_what_and_what_was_handed_over() -> None:
    two = plan(workstream("a", files=["src/**"]), workstream("b", needs=["a"]))
    told = run_of(two, *worked("a", outputs=("src/a.py",), next_steps="Call it from b.\x1b[2J"))

    page = shared_page(fold(told))

    assert "may change src/**" in page
    assert "# `a` handed over\n\n- src/a.py\n\nCall it from b." in page
    assert "\x1b" not in page
    assert "`b` handed over" not in page


def test_a_run_without_a_plan_shares_nothing() -> None:
    assert shared_page(fold(())) == ""
