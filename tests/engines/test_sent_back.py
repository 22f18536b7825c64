"""A program that stops too early is started again, and told everything anew and what is open."""

from __future__ import annotations

from pathlib import Path

from tests.support.engine_stories import (
    acknowledged,
    engine_world,
    every_engine,
    handed_in,
    needed,
    tier,
    told,
)
from tests.support.provider import Provider, Script, say, shell, write
from tests.support.world import plan, work


@every_engine
def test_a_program_that_stops_too_early_is_told_what_is_open(engine: str, tmp_path: Path) -> None:
    needed(engine)
    script = Script(
        acknowledged(engine, "a"),
        say("I think that this will do."),
        write("a.txt", "a\n"),
        shell("cat a.txt"),
        *handed_in(engine),
    )
    with Provider({told("a"): script}) as provider:
        world = engine_world(tmp_path, tier(engine, provider))
        checked = work("a", acceptance=[{"run": "grep -q a a.txt"}])
        done = world.start_run(plan(checked)).end(300)
        assert done.exit_code == 0, done
    assert done.workstream("a")["attempts"] == 1
    if engine != "builtin":  # which says it to itself, in the same conversation
        assert "You stopped, and it is not done." in provider.requests[-1].text
