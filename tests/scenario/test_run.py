"""`orchestrate run` as its user sees it: what goes in, the exit code, the report, the branches."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.support.scripted_model import ScriptedModel, call, finish, refusal
from tests.support.world import GATES_OFF, SETTINGS, World, make_world, plan, work

REPORT = (
    "run status base_sha branch head_sha workstreams conflicts gates iterations metrics cost_usd"
    " approvals next_steps issue pull_request"
)
WORKSTREAM = (
    "id status branch head_sha engine tier attempts started_at finished_at files_changed cost_usd"
    " error waiting"
)
ONE = plan(work("a", "echo a > a.txt"))


def model_env(model: ScriptedModel) -> dict[str, str]:
    return {"ORCHESTRATE_BASE_URL": model.base_url, "ORCHESTRATE_MODEL": "scripted-1"}


def test_eight_workstreams_work_side_by_side_and_come_out_as_one_branch(tmp_path: Path):
    world = make_world(tmp_path)
    before = world.untouched()
    met = tmp_path / "met"  # each waits there for all the others: nobody could do it alone
    met.mkdir()
    wait = "touch {0}/{1}; until [ $(ls {0} | wc -l) = 8 ]; do sleep 0.02; done; echo {1} > {1}.txt"
    names = [f"w{n}" for n in range(8)]
    done = world.run(plan(*(work(name, wait.format(met, name)) for name in names)))

    assert done.exit_code == 0, done
    report = done.report
    files = world.files(report["branch"])
    assert {name: files[f"{name}.txt"] for name in names} == {name: name for name in names}
    assert report["head_sha"] == world.refs()[f"refs/heads/{report['branch']}"]
    for one in report["workstreams"]:
        assert one["branch"] == f"orchestrate/{report['run']}/{one['id']}"
        assert world.refs()[f"refs/heads/{one['branch']}"] == one["head_sha"]
    assert report["metrics"]["parallelization_rate"] > 0.5
    assert world.untouched() == before
    assert world.worktrees() == []
    assert "git merge" in "".join(report["next_steps"])


def test_the_report_has_exactly_the_promised_fields(tmp_path: Path):
    world = make_world(tmp_path)
    done = world.run(plan(*(work(n, f"echo {n} > x", files=[], shares=["x"]) for n in "ab")))
    report = done.report
    assert list(report) == REPORT.split()
    assert {tuple(one) for one in report["workstreams"]} == {tuple(WORKSTREAM.split())}
    assert {tuple(one) for one in report["conflicts"]} == {("workstreams", "files", "resolved")}
    assert {tuple(one) for one in report["gates"]} == {
        ("name", "status", "value", "threshold", "findings")
    }


def test_who_needs_others_starts_from_their_work(tmp_path: Path):
    world = make_world(tmp_path)
    both = work("c", "cat a.txt b.txt > c.txt", needs=["a", "b"])
    done = world.run(plan(work("a", "echo a > a.txt"), work("b", "echo b > b.txt"), both))
    assert done.exit_code == 0, done
    assert world.files(done.report["branch"])["c.txt"] == "a\nb"


def test_a_conflict_leaves_one_out_with_who_depends_on_it_and_lands_the_rest(tmp_path: Path):
    world = make_world(tmp_path, {"x.txt": "0\n"})
    done = world.run(
        plan(
            work("a", "echo a > x.txt", files=[], shares=["x.txt"]),
            work("b", "sleep 0.3; echo b > x.txt", files=[], shares=["x.txt"]),
            work("c", "echo c > c.txt", needs=["b"]),
            work("d", "echo d > d.txt"),
        )
    )
    assert done.exit_code == 1
    assert done.statuses == {"a": "landed", "b": "left_out", "c": "cancelled", "d": "landed"}
    assert done.report["conflicts"] == [
        {"workstreams": ["b", "a"], "files": ["x.txt"], "resolved": False}
    ]
    assert done.workstream("b")["error"] == "conflicts with a in x.txt"
    assert done.workstream("c")["error"] == "needs b, which was left out"
    files = world.files(done.report["branch"])
    assert (files["x.txt"], files["d.txt"]) == ("a", "d")
    assert world.files(done.workstream("b")["branch"])["x.txt"] == "b"


ENDS = {
    "a criterion that does not hold": (
        work("a", "echo a > a.txt", acceptance=[{"run": "grep -q b a.txt"}]),
        "'grep -q b a.txt' does not hold (exit 1)",
    ),
    "a command that fails": (work("a", "echo a > a.txt", "exit 3"), "exit 3"),
    "nothing changed": (work("a", "true"), "it changed nothing"),
    "a file of somebody else": (
        work("a", "echo a > other.txt"),
        "it changed files that it does not own: other.txt",
    ),
    "a protected file": (
        work("a", "mkdir -p agents; echo a > agents/x", files=["**"]),
        "it changed protected files: agents/x",
    ),
}


@pytest.mark.parametrize(("stream", "error"), ENDS.values(), ids=ENDS)
def test_a_workstream_fails_by_what_was_measured(
    tmp_path: Path, stream: dict[str, object], error: str
):
    world = make_world(tmp_path)
    done = world.run(plan(stream, work("z", "echo z > z.txt", files=["z.txt"], needs=[])))
    assert done.exit_code == 1
    assert done.workstream("a")["status"] == "failed"
    assert done.workstream("a")["error"] == error
    assert f"orchestrate retry {done.id} a" in done.report["next_steps"]
    assert done.report["branch"] is None or "a.txt" not in world.files(done.report["branch"])


def test_a_protected_file_may_be_changed_when_the_plan_names_it_and_a_person_approves(
    tmp_path: Path,
):
    world = make_world(tmp_path)
    names_it = work(
        "a", "mkdir -p agents; echo a > agents/x.md", files=["agents/x.md"], approval=True
    )
    asks = world.run(plan(names_it, work("b", "echo b > b.txt")))
    assert asks.exit_code == 3, asks
    assert asks.statuses == {"a": "waiting", "b": "landed"}
    assert asks.report["next_steps"][0] == f"orchestrate approve {asks.id} a"

    assert world.resume(asks.id).exit_code == 3, "nobody has said anything"
    assert world.command("approve", asks.id, "a").exit_code == 0
    done = world.resume(asks.id)
    assert done.exit_code == 0, done
    assert world.files(done.report["branch"])["agents/x.md"] == "a"


def test_a_question_blocks_until_it_is_answered(tmp_path: Path):
    world = make_world(tmp_path)
    text = plan(work("a", engine="builtin"))
    asks = finish("blocked", questions=["Which colour?"])
    with ScriptedModel([asks]) as model:
        world.env |= model_env(model)
        blocked = world.run(text)
    assert blocked.exit_code == 3, blocked
    assert blocked.statuses == {"a": "blocked"}
    assert blocked.workstream("a")["error"] == "Which colour?"
    assert blocked.report["next_steps"][0] == f'orchestrate retry {blocked.id} a --answer "…"'
    script = [call("write_file", path="a.txt", content="green\n"), call("todo", done=[1]), finish()]
    assert world.command("retry", blocked.id, "a", "--answer", "Green, please").exit_code == 0
    with ScriptedModel(script) as model:
        world.env |= model_env(model)
        done = world.resume(blocked.id)
    assert done.exit_code == 0, done
    assert "Green, please" in json.dumps(model.requests[0].body)
    assert world.files(done.report["branch"])["a.txt"] == "green"
    assert done.workstream("a")["attempts"] == 2
    assert len(world.ledger_lines()) == 4


def test_an_agent_that_stops_early_is_sent_back_with_what_is_open(tmp_path: Path):
    world = make_world(tmp_path)
    write = call("write_file", path="a.txt", content="a\n")
    script = [write, finish(), call("todo", done=[1]), finish()]
    with ScriptedModel(script) as model:
        world.env |= model_env(model)
        done = world.run(plan(work("a", engine="builtin")))
    assert done.exit_code == 0, done
    assert "do a" in json.dumps(model.requests[2].body["messages"][-1])
    assert done.workstream("a")["attempts"] == 1


TIERS = """
tiers:
- {{name: first, engine: builtin, provider: one, model: m1, billing: free, base_url: "{0}"}}
- {{name: second, engine: builtin, provider: two, model: m2, billing: free, base_url: "{1}"}}
"""


def test_a_tier_without_quota_hands_over_to_the_next(tmp_path: Path):
    script = [call("write_file", path="a.txt", content="a\n"), call("todo", done=[1]), finish()]
    spent = refusal(429, "daily limit exhausted")
    with ScriptedModel([spent]) as first, ScriptedModel(script) as second:
        tiers = TIERS.format(first.base_url, second.base_url)
        world = make_world(tmp_path, settings=GATES_OFF + tiers)
        done = world.run(plan(work("a", engine="builtin")))
    assert done.exit_code == 0, done
    assert (done.workstream("a")["tier"], done.workstream("a")["attempts"]) == ("second", 2)
    assert [line["tier"] for line in world.ledger_lines()] == ["first"] + ["second"] * 3


PAID = """
tiers:
- {{name: dear, engine: builtin, provider: acme, model: m, billing: paid, base_url: "{0}",
    input_usd_per_million: "1", output_usd_per_million: "2"}}
"""
ENTRIES = ("reserve", "spend", "release")
ALLOWED = "agents: {paid_without_sandbox: true}\n"


def test_money_is_spent_only_with_a_recorded_approval(tmp_path: Path):
    script = [call("write_file", path="a.txt", content="a\n"), call("todo", done=[1]), finish()]
    with ScriptedModel(script) as model:
        world = make_world(tmp_path, settings=GATES_OFF + PAID.format(model.base_url) + ALLOWED)
        asks = world.run(plan(work("a", engine="builtin")), "--max-usd", "3")
        assert asks.exit_code == 3, asks
        assert model.requests == [], "nobody approved it"
        step = asks.report["next_steps"][0]
        assert step == f'orchestrate approve-paid {asks.id} acme 3.00 --because "…"'
        yes = (asks.id, "acme", "3.00", "--because", "it matters")
        assert world.command("approve-paid", *yes).exit_code == 0
        done = world.resume(asks.id, "--max-usd", "3")
    assert done.exit_code == 0, done
    lines = world.ledger_lines()
    assert [line["entry"] for line in lines] == [
        *("approve", "reserve", "spend", "spend", "spend", "release"),
    ]
    usd = dict.fromkeys(ENTRIES, Decimal(0))
    for line in lines[1:]:
        usd[line["entry"]] += Decimal(line["cost_usd"])
    assert Decimal(done.report["cost_usd"]) == usd["spend"]
    assert usd["reserve"] == usd["spend"] + usd["release"] == Decimal("2.7"), "a tenth is kept"
    assert Decimal(done.report["cost_usd"]) > 0
    assert {line["approval"] for line in lines} == {lines[0]["id"]}
    assert {line["justification"] for line in lines} == {"it matters"}
    [used] = [e for e in world.events(asks.id) if e["type"] == "approval.used"]
    assert (used["provider"], used["usd"]) == ("acme", done.report["cost_usd"])


TESTED = {
    "shop.py": '"""A shop."""\n\n\ndef price(n):\n    """Return a price."""\n    return n * 2\n',
    "test_shop.py": "import unittest\n\nimport shop\n\n\nclass T(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(shop.price(2), 4)\n",
}
ONLY_TESTS = GATES_OFF.replace("tests: {enabled: false}", "tests: {command: python -m unittest}")
BREAKS = "sed -i s/2/3/ shop.py; echo '# dearer' >> shop.py"


def test_with_only_the_shell_a_failed_gate_stops_and_is_reported(tmp_path: Path):
    world = make_world(tmp_path, TESTED, settings=ONLY_TESTS)
    done = world.run(plan(work("a", BREAKS, files=["shop.py"])))
    assert done.exit_code == 1
    assert done.report["status"] == "failed"
    assert done.gate("tests")["status"] == "failed"
    assert done.report["iterations"] == 1
    assert done.statuses == {"a": "landed"}


def test_an_agent_mends_what_a_gate_found_in_a_second_iteration(tmp_path: Path):
    world = make_world(tmp_path, TESTED, settings=ONLY_TESTS)
    edit = call("edit_file", path="shop.py", old="n * 3", new="n * 2")
    with ScriptedModel([edit, call("todo", done=[1, 2]), finish()]) as model:
        world.env |= model_env(model)
        done = world.run(plan(work("a", BREAKS, files=["shop.py"])))
    assert done.exit_code == 0, done
    assert done.report["iterations"] == 2
    assert done.gate("tests")["status"] == "passed"
    assert done.statuses == {"a": "landed", "fix-2": "landed"}
    assert "test_it" in json.dumps(model.requests[0].body)


def test_where_nothing_is_configured_no_gate_passes(tmp_path: Path):
    world = make_world(tmp_path, {"README": "x\n"}, settings="")
    done = world.run(plan(work("a", "echo 'x = 1' > a.txt")))
    assert done.exit_code == 1
    statuses = {one["name"]: one["status"] for one in done.report["gates"]}
    assert statuses["tests"] == statuses["coverage"] == "not_run"


def test_a_dry_run_shows_the_plan_and_changes_nothing(tmp_path: Path):
    world = make_world(tmp_path)
    before = world.repo.snapshot()
    file = tmp_path / "plan.yaml"
    file.write_text(ONE)
    where = ("--plan", str(file), "--repo", str(world.repo.path))
    shown = world.start("run", *where, "--dry-run").end()
    assert shown.exit_code == 0
    assert "id: a" in shown.stdout
    assert "# a: shell" in shown.stdout
    as_json = world.start("run", *where, "--dry-run", "--json").end()
    assert [one["id"] for one in json.loads(as_json.stdout)["workstreams"]] == ["a"]
    assert "# a: shell" in as_json.stderr
    assert world.repo.snapshot() == before
    assert not (world.folder / "state").exists()


def test_jobs_limits_how_many_run_at_once(tmp_path: Path):
    world = make_world(tmp_path)
    alone = "mkdir {0}; sleep 0.1; rmdir {0}; echo x > {1}.txt"
    lock = tmp_path / "lock"
    done = world.run(plan(*(work(n, alone.format(lock, n)) for n in "abc")), "--jobs", "1")
    assert done.exit_code == 0, done


def test_a_run_starts_from_the_base_it_was_given(tmp_path: Path):
    world = make_world(tmp_path, {"x": "one\n"})
    first = world.repo.git("rev-parse", "HEAD")
    world.repo.write("x", "two\n")
    world.repo.commit("Two")
    done = world.run(plan(work("a", "cp x a.txt")), "--base", "HEAD~1")
    assert done.exit_code == 0, done
    assert done.report["base_sha"] == first
    assert world.files(done.report["branch"])["a.txt"] == "one"


WRONG = {
    "no such engine": (("--engine", "gemni"), "no engine 'gemni'"),
    "no such base": (("--base", "nowhere"), "'nowhere' is no commit"),
    "no amount": (("--max-usd", "much"), "'much' is no amount of dollars"),
    "no jobs": (("--jobs", "0"), "--jobs"),
    "a plan and a task": (("Do it",), "Give one of a task, --plan or --issue-file"),
    "an unknown option": (("--no-such-option",), "--no-such-option"),
    "a dry run that is refused as the run would be": (
        ("--dry-run", "--engine", "gemni"),
        "no engine 'gemni'",
    ),
    "a plan for a run that has one": (("--resume", "abc123"), "--resume takes no task, no --plan"),
    "a base that is an option": (("--base", "--upload-pack=touch x"), "is no commit"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG)
def test_wrong_options_are_explained(tmp_path: Path, options: tuple[str, ...], said: str):
    world = make_world(tmp_path)
    done = world.run(ONE, *options)
    assert (done.exit_code, said in done.stderr) == (2, True), done
    assert world.runs() == []


def test_a_run_that_is_not_there_cannot_be_resumed(tmp_path: Path):
    world = make_world(tmp_path)
    for name in ("abc123", "../x", "ledger"):
        assert world.resume(name).exit_code == 2
    done = world.resume("abc123", "--dry-run")  # it would be a real run
    assert (done.exit_code, "no --dry-run" in done.stderr) == (2, True), done


def test_a_run_that_needs_a_model_says_what_is_missing(tmp_path: Path):
    world = make_world(tmp_path)
    done = world.run(plan(work("a", engine="builtin")))
    assert done.exit_code == 2
    assert "ORCHESTRATE_BASE_URL" in done.stderr
    assert world.runs() == []


def test_a_run_that_is_driven_by_somebody_else_is_left_alone(tmp_path: Path):
    world = make_world(tmp_path)
    go = tmp_path / "go"
    script = f"until [ -e {go} ]; do sleep 0.02; done; echo a > a.txt"
    running = world.start_run(plan(work("a", script)))
    while not world.runs():
        assert running.process.is_alive(), running.printed()
    [run] = world.runs()
    second = world.resume(run)
    assert second.exit_code == 75, second
    assert "is being driven by another process" in second.stderr
    assert world.command("clean").exit_code == 0
    go.touch()
    assert running.end().exit_code == 0


def test_two_runs_at_once_share_a_repository_and_a_ledger(tmp_path: Path):
    world = make_world(tmp_path)
    before = world.untouched()

    def script(name: str) -> list[object]:
        turns = [call("write_file", path=f"{name}.txt", content=name) for _ in range(5)]
        return [*turns, call("todo", done=[1]), finish()]

    with ScriptedModel(script("a")) as one, ScriptedModel(script("b")) as two:
        running = []
        for name, model in (("a", one), ("b", two)):
            world.env |= model_env(model)
            shells = (work(f"s{n}", f"echo {n} > s{n}.txt") for n in range(3))
            running.append(world.start_run(plan(work(name, engine="builtin"), *shells)))
        done = [one.end() for one in running]
    assert [one.exit_code for one in done] == [0, 0], done
    lines = world.ledger_lines()
    assert sorted(line["run"] for line in lines) == sorted([done[0].id] * 7 + [done[1].id] * 7)
    assert len({line["id"] for line in lines}) == 14
    assert world.untouched() == before


def test_secrets_reach_neither_agents_nor_what_is_kept(tmp_path: Path):
    world = make_world(tmp_path)
    world.env["MY_SERVICE_TOKEN"] = "correct-horse-battery"
    (tmp_path / "found").write_text("correct-horse-battery")
    done = world.run(
        plan(
            work("a", "env > a.txt; cat /proc/$PPID/environ || :"),
            work("b", f"cat {tmp_path / 'found'}; echo b > b.txt; exit 1"),
        )
    )
    assert done.statuses == {"a": "landed", "b": "failed"}
    assert "battery" not in world.files(done.report["branch"])["a.txt"]
    assert "battery" not in done.stdout + done.stderr
    assert "battery" not in world.repo.git("log", "-p", f"refs/orchestrate/runs/{done.id}")


def test_the_installed_command_runs_a_plan_from_standard_input(tmp_path: Path):
    world = make_world(tmp_path)
    done = subprocess.run(
        (sys.executable, "-m", "bot", "run", "--plan", "-", "--json"),
        input=ONE,
        capture_output=True,
        text=True,
        cwd=world.repo.path,
        env=os.environ | {"XDG_STATE_HOME": str(world.folder)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "passed"


def test_a_task_that_is_not_utf_8_is_refused_as_a_plan_would_be(tmp_path: Path):
    world = make_world(tmp_path)
    file = tmp_path / "task.txt"
    file.write_bytes(b"Caf\xe9")
    done = world.run(None, "--issue-file", str(file))
    assert (done.exit_code, "is not UTF-8" in done.stderr) == (2, True), done


def test_the_command_alone_shows_what_there_is(tmp_path: Path):
    done = make_world(tmp_path).start().end()
    assert done.exit_code == 0
    assert "\n  run           Plan a task" in done.stdout


def test_an_unfinished_settings_file_stops_a_run_before_anything_starts(tmp_path: Path):
    world: World = make_world(tmp_path, {SETTINGS: "max_parallel: many\n"})
    done = world.run(ONE)
    assert done.exit_code == 2
    assert f"{SETTINGS} has 1 problem" in done.stderr
    assert world.runs() == []
