"""An agent program reaches a real MCP server that the repository's `agents/mcp.yaml` describes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.engine_stories import engine_world, needed, tier, told, work_of
from tests.support.provider import Provider, tool, write
from tests.support.real_engines import rows
from tests.support.world import plan, work

TOOL_SERVER = Path(__file__).parents[1] / "support" / "tool_server.py"
OWN = """
version: 1
servers:
  - {name: demo, use_when: Say ping to it., roles: [builder], command: [demo-tools]}
  - {name: gone, use_when: Never., roles: [builder], command: [nobody-has-this]}
  - {name: outside, use_when: Send it., roles: [builder], command: [demo-tools], reaches: all}
"""


@pytest.mark.parametrize("engine", rows(["claude", "opencode"]))
def test_an_agent_uses_a_server_and_hears_of_no_other(engine: str, tmp_path: Path) -> None:
    needed(engine)
    script = work_of(engine, "one", write("one.txt", "1\n"), tool("ping", text="to you"))
    with Provider({told("one"): script}) as provider:
        world = engine_world(tmp_path, tier(engine, provider))
        world.repo.write("agents/mcp.yaml", OWN)
        world.repo.commit("Describe our servers")
        program = tmp_path / "bin" / "demo-tools"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\nexec {sys.executable} -P {TOOL_SERVER}\n")
        program.chmod(0o755)
        world.env["PATH"] = f"{program.parent}:{os.environ['PATH']}"
        asked = work("one", engine=engine, acceptance=[{"run": "test -s one.txt"}])
        done = world.start_run(plan(asked)).end(240)
    assert done.exit_code == 0, done
    said = provider.requests[-1].text
    assert "pong to you" in said
    assert "- `demo`: Say ping to it." in said
    assert "`gone`" not in said
    assert "`outside`" not in said
    assert "without an MCP server: gone: not installed" in str(done)
