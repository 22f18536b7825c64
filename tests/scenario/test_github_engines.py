"""Agent programs in the jobs of a run on GitHub."""

from __future__ import annotations

from pathlib import Path

from bot.wiring.engines import engine_programs
from tests.support.stories import Opens, plan, writes

CODEX = {
    "name": "own",
    "engine": "codex",
    "provider": "p",
    "model": "m",
    "billing": "free",
    "base_url": "http://127.0.0.1:9/v1",
}
THINKS = "{id: a, title: A, kind: implementation, files: [a.txt], goal: Have a, engine: codex}"


def test_a_job_learns_what_its_attempt_needs_and_hands_back_that_it_is_not_there(
    opens: Opens, tmp_path: Path
) -> None:
    """That it can be had is known where work is handed out, for the job installs it."""
    with opens(tiers=[CODEX]) as shop:
        shop.variables["ORCHESTRATE_ENGINES"] = str(tmp_path / "engines")
        shop.ask(plan(THINKS, writes("b")))
        jobs = [ran for ran in shop.ran if ran.job == "workstream/agent"]
        tried = [one.completion for one in shop.state().track("a").attempts]
    version = engine_programs().named("codex").version
    needs = [ran.outputs for ran in jobs if ran.outputs]
    assert len(needs) == len(jobs) - 1  # a shell needs nothing
    for said in needs:
        assert said["wanted"] == "codex --server=memory --server=git"
        assert said["key"].startswith(f"codex-{version}-memory-")
        assert said["folders"].startswith(f"{tmp_path}/engines/codex/{version}\n")
    assert [ran.error for ran in jobs if ran.error] == []
    assert "codex: not found" in str(tried[0])
