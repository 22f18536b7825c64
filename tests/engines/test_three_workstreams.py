"""Every agent program does the same three workstreams, two side by side and one that needs both.

In a sandbox: without one each of them works in the other stories of this folder.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.adapters.gateway.dialects import Refusal, read_place, read_request
from tests.support.doorway import PAID, tier_at
from tests.support.engine_stories import (
    KEY,
    PROGRAMS,
    engine_world,
    needed,
    tier,
    told,
    work_of,
)
from tests.support.provider import Provider, Request, shell
from tests.support.sandboxes import needs_sandbox, with_sandbox
from tests.support.world import plan, work

BOTH = "cat one.txt two.txt > both.txt"


@needs_sandbox
@pytest.mark.parametrize("engine", ["builtin", *PROGRAMS])
def test_two_side_by_side_and_one_that_needs_both(engine: str, tmp_path: Path) -> None:
    needed(engine)
    names = ("one", "two", "both")
    scripts = {told(name): work_of(engine, name) for name in names[:2]}
    scripts[told("both")] = work_of(engine, "both", shell(BOTH), shell("test -s both.txt"))
    with Provider(scripts) as provider:
        world = with_sandbox(engine_world(tmp_path, tier(engine, provider)))
        asked = [
            work(name, engine=engine, acceptance=[{"run": f"test -s {name}.txt"}]) for name in names
        ]
        asked[2]["needs"] = ["one", "two"]
        done = world.start_run(plan(*asked)).end(300)
        assert done.exit_code == 0, done
    assert world.files(done.report["branch"])["both.txt"] == "one\ntwo"
    events = world.events(done.id)
    ended = [e["completion"] for e in events if e["type"] == "workstream.finished"]
    assert {completion["isolation"] for completion in ended} == {"sandbox"}
    accepted = {e["workstream"] for e in events if e["type"] == "workstream.acknowledged"}
    assert accepted == set(names)
    spent = [line for line in world.ledger_lines() if line["entry"] == "spend"]
    total = provider.total
    assert sum(line["input_tokens"] for line in spent) == total.input
    assert sum(line["cached_tokens"] for line in spent) == total.cached
    assert sum(line["output_tokens"] for line in spent) == total.output
    assert len(spent) == len(provider.requests)
    assert all(KEY in str(request.headers) for request in provider.requests)
    assert [why for request in provider.requests if (why := why_not_paid(request))] == []


def why_not_paid(request: Request) -> str:
    """Say why a paid tier, which is asked only for what has a known price, would not be asked."""
    path = request.path.partition("?")[0]
    place = read_place(f"/{'d' * 20}{path}")
    assert place, path
    asked = read_request(
        place, "", json.dumps(request.body).encode(), tier_at("http://127.0.0.1:1", **PAID)
    )
    return asked.because if isinstance(asked, Refusal) else ""
