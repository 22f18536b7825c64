"""Runs on a ladder of models on one machine: tiers that have nothing left, and money or none."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import yaml

from tests.support.scripted_model import ScriptedModel, call, finish, refusal
from tests.support.world import GATES_OFF, World, make_world, plan, work

DONE = (call("todo", done=[1]), finish())
THINKS = plan(work("a", engine="builtin"))


def a_tier(name: str, model: ScriptedModel, **more: object) -> dict[str, object]:
    return {
        **{"name": name, "engine": "builtin", "provider": f"{name}-inc", "model": f"{name}-1"},
        **{"billing": "free", "base_url": model.base_url, **more},
    }


DEAR = {"billing": "paid", "input_usd_per_million": "1", "output_usd_per_million": "2"}


def world_with(
    tmp_path: Path, *tiers: dict[str, object], settings: str = "", **files: str
) -> World:
    accepts = "agents: {paid_without_sandbox: true, without_answer: wait}\n"
    text = GATES_OFF + accepts + settings + yaml.safe_dump({"tiers": list(tiers)})
    return make_world(tmp_path, files, settings=text)


def test_a_run_falls_through_three_exhausted_tiers_with_the_work_so_far(tmp_path: Path) -> None:
    begins = [
        call("write_file", path="a.txt", content="begun by the first\n"),
        refusal(402, "Insufficient credits"),
    ]
    ends = [call("read_file", path="a.txt"), *DONE]
    with (
        ScriptedModel(begins) as first,
        ScriptedModel([refusal(429, "quota", code="insufficient_quota")]) as second,
        ScriptedModel([refusal(429, "daily limit exhausted", retry_after="7200")]) as third,
        ScriptedModel(ends) as fourth,
    ):
        models = {"one": first, "two": second, "three": third, "four": fourth}
        world = world_with(tmp_path, *(a_tier(name, model) for name, model in models.items()))
        done = world.run(THINKS)
        assert "begun by the first" in str(fourth.requests[1].body)
    assert done.exit_code == 0, done
    assert (done.workstream("a")["tier"], done.workstream("a")["attempts"]) == ("four", 4)
    assert world.repo.git("show", f"orchestrate/{done.id}/combined:a.txt") == "begun by the first"
    spent = [event for event in world.events(done.id) if event["type"] == "tier.exhausted"]
    assert [event["tier"] for event in spent] == ["one", "two", "three"]
    assert [event["back_at"] is not None for event in spent] == [False, False, True]
    by_tier = [line["tier"] for line in world.ledger_lines()]
    assert by_tier == ["one"] * 2 + ["two", "three"] + ["four"] * 3


def test_a_refused_key_is_named_by_its_variable(tmp_path: Path) -> None:
    with ScriptedModel([refusal(401, "Invalid API key.")]) as model:
        world = world_with(tmp_path, a_tier("one", model, key_env="ONE_API_KEY"))
        world.env["ONE_API_KEY"] = "sk-0123456789abcdef"
        done = world.run(THINKS)
    assert done.workstream("a")["error"] == "HTTP 401: Invalid API key (the key in ONE_API_KEY)"


def test_a_run_on_free_tiers_only_costs_nothing_and_asks_nobody(tmp_path: Path) -> None:
    script = [call("write_file", path="a.txt", content="a\n"), *DONE]
    with (
        ScriptedModel([refusal(402, "Insufficient credits")]) as first,
        ScriptedModel(script) as second,
        ScriptedModel([]) as dear,
    ):
        world = world_with(
            *(tmp_path, a_tier("one", first), a_tier("two", second), a_tier("dear", dear, **DEAR))
        )
        done = world.run(THINKS)
    assert done.exit_code == 0, done
    assert {line["billing"] for line in world.ledger_lines()} == {"free"}
    assert Decimal(done.report["cost_usd"]) == 0
    assert not [e for e in world.events(done.id) if e["type"] == "approval.requested"]


ROUTING = """\
version: 1
rules:
  - {kinds: [implementation], prefer: [dear], ask: true, because: it is hard}
"""
TWO = plan(work("a", engine="builtin"), work("b", "echo b > b.txt", kind="docs"))


def asking(tmp_path: Path, free: ScriptedModel, dear: ScriptedModel) -> tuple[World, str]:
    """Come to where the run asks for money, and everything else is done."""
    world = world_with(
        *(tmp_path, a_tier("free", free), a_tier("dear", dear, **DEAR)),
        **{"agents/routing.yaml": ROUTING},
    )
    asks = world.run(TWO)
    assert asks.exit_code == 3, asks
    assert (free.requests, dear.requests) == ([], [])
    assert asks.statuses == {"a": "ready", "b": "landed"}
    assert asks.report["next_steps"][0].startswith(f"orchestrate approve-paid {asks.id} dear-inc")
    [asked] = [e for e in world.events(asks.id) if e["type"] == "approval.requested"]
    assert "it is hard; it waits" in asked["question"]
    assert "free does it, free of charge" in asked["question"]
    return world, asks.id


def test_work_worth_money_is_asked_about_first_and_a_yes_pays_for_it(tmp_path: Path) -> None:
    script = [call("write_file", path="a.txt", content="a\n"), *DONE]
    with ScriptedModel([]) as free, ScriptedModel(script) as dear:
        world, run = asking(tmp_path, free, dear)
        yes = (run, "dear-inc", "2.00", "--because", "it is worth it")
        assert world.command("approve-paid", *yes).exit_code == 0
        done = world.resume(run)
    assert done.exit_code == 0, done
    assert done.workstream("a")["tier"] == "dear"


def test_work_worth_money_can_be_let_begin_without(tmp_path: Path) -> None:
    script = [call("write_file", path="a.txt", content="a\n"), *DONE]
    with ScriptedModel(script) as free, ScriptedModel([]) as dear:
        world, run = asking(tmp_path, free, dear)
        assert world.command("approve", run, "a").exit_code == 0
        done = world.resume(run)
    assert done.exit_code == 0, done
    assert done.workstream("a")["tier"] == "free"
    [started] = [
        e for e in world.events(run) if e["type"] == "workstream.started" and e["workstream"] == "a"
    ]
    assert "lets it start without dear-inc" in started["because"]
