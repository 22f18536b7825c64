"""Gates on GitHub: sent back and mended, pushed over by people, and on what is no run's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.core.events import RunStatus
from bot.wiring import jobs
from tests.support import workshop
from tests.support.github.state import CheckRun
from tests.support.scripted_model import ScriptedModel, Step, call, finish, refusal
from tests.support.stories import Opens, Story, paid_tier, plan, writes

TESTS = "orchestrate/tests"
GATES = {f"orchestrate/{name}" for name in ("tests", "coverage", "review", "docs")}
FIXED = {"command": "grep fixed one.txt && echo '3 passed in 0.01s'"}
KEY = {"ORCHESTRATE_KEYS": "ACME_API_KEY", "ACME_API_KEY": "k-0123456789"}
COMBINED = "orchestrate/1/combined"
ONE = plan(writes("one"))


def mends(path: str, content: str) -> tuple[Step, ...]:
    """What a model does to write a file."""
    write = call("write_file", path=path, content=content)
    return (write, call("todo", done=[1, 2]), finish())


def tiers(model: ScriptedModel) -> list[dict[str, object]]:
    return [{**paid_tier(model), "name": "acme-free", "billing": "free"}]


# Red, mended, green


def test_a_red_gate_starts_a_fix_and_its_green_head_is_ready_for_review(opens: Opens) -> None:
    with (
        ScriptedModel(mends("one.txt", "fixed")) as model,
        opens(tiers=tiers(model), tests=FIXED) as shop,
    ):
        shop.variables |= KEY
        shop.ask(ONE)
        state = shop.state()
        assert (state.status, state.iteration) == (RunStatus.PASSED, 2)
        assert not shop.pull().draft
        assert shop.checks()[TESTS] == "success"
        [red] = {c.head_sha for c in shop.repository.checks} - {shop.pull().head_sha}
        assert shop.checks(red)[TESTS] == "failure"
        assert "after 2 iterations" in (shop.repository.issues[shop.pull_number()].body or "")
        assert shop.errors() == []


def test_after_the_last_iteration_a_person_is_asked_and_may_let_it_pass(opens: Opens) -> None:
    with opens(max_iterations=1, tests=FIXED) as shop:
        number = shop.ask(ONE)
        assert shop.state().status is RunStatus.FAILED
        assert shop.pull().draft
        assert shop.checks()[TESTS] == "failure"
        assert "/override tests because …" in shop.live()
        shop.say(number, "/override tests because there are none yet")
        assert shop.state().status is RunStatus.PASSED
        assert shop.checks()[TESTS] == "neutral"
        said = f"{shop.check(TESTS).title} {shop.check(TESTS).summary}"
        assert "alice" in said
        assert "there are none yet" in said
        assert not shop.pull().draft
        assert shop.errors() == []


def test_gates_that_nothing_could_mend_are_mended_after_a_retry(opens: Opens) -> None:
    with (
        ScriptedModel(mends("one.txt", "fixed")) as model,
        opens(tiers=tiers(model), tests=FIXED) as shop,
    ):
        number = shop.ask(ONE)
        assert "no engine can mend it" in shop.live()
        shop.variables |= KEY
        [answer] = shop.say(number, "/retry")
        assert "Looked at anew" in answer
        assert shop.state().status is RunStatus.PASSED
        assert shop.errors() == []


@pytest.mark.parametrize("fate", ["missing", "corrupt"])
def test_a_gate_whose_report_is_lost_says_so_and_runs_again_on_a_retry(
    shop: Story, fate: str
) -> None:
    def lose(path: Path, name: str) -> None:
        if name.startswith("gates.tests"):
            path.unlink() if fate == "missing" else path.write_bytes(b"PK")

    shop.tamper = lose
    number = shop.ask(ONE)
    assert shop.checks()[TESTS] == "action_required"
    assert shop.pull().draft
    shop.tamper = None
    shop.say(number, "/retry")
    assert shop.checks()[TESTS] == "success"
    assert not shop.pull().draft
    assert shop.errors() == []


FOUND = {
    "ruleId": "L1",
    "level": "error",
    "message": {"text": "no tax"},
    "locations": [
        {"physicalLocation": {"artifactLocation": {"uri": "shop.py"}, "region": {"startLine": 4}}}
    ],
}


@pytest.mark.parametrize(
    ("page", "hits", "found", "said"),
    [('    """Return it."""\n', 1, [], "success"), ("    # not said\n", 0, [FOUND], "failure")],
    ids=["green", "red"],
)
def test_each_gate_speaks_for_itself_and_on_the_lines_that_it_means(
    opens: Opens, page: str, hits: int, found: list[object], said: str
) -> None:
    sarif = {"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "lint"}}, "results": found}]}
    files = {
        "shop.py": '"""A shop."""\n',
        "new": f'"""A shop."""\n\n\ndef tax(n):\n{page}    return n\n',
        "lcov": f"SF:shop.py\nDA:4,1\nDA:6,{hits}\nend_of_record\n",
        "lint": json.dumps(sarif),
    }
    settings: dict[str, object] = {
        "tests": {"command": "mkdir out && cp lcov out/lcov && echo '3 passed in 0.01s'"},
        "coverage": {"report": "out/lcov"},
        "review": {"analyzers": [{"name": "lint", "run": "cat lint"}]},
        "docs": {},
    }
    does = 'files: [shop.py, CHANGELOG.md], run: ["cp new shop.py", "echo - Tax. > CHANGELOG.md"]'
    with opens(max_iterations=1, **settings) as shop:
        shop.repository.push("main", {"CHANGELOG.md": "", **files}, by="alice")
        shop.ask(plan(f"{{id: tax, title: Tax, kind: implementation, goal: Tax, {does}}}"))
        assert shop.checks() == dict.fromkeys(GATES, said) | {TESTS: "success"}
        assert shop.pull().draft == (said == "failure")
        lines = {
            c.name: {(a["path"], a["start_line"]) for a in c.annotations} for c in last_of(shop)
        }
        marks = {"coverage": 6, "review": 4, "docs": 4} if found else {}
        assert {name: at for name, at in lines.items() if at} == {
            f"orchestrate/{name}": {("shop.py", line)} for name, line in marks.items()
        }
        assert shop.errors() == []


def last_of(shop: Story) -> list[CheckRun]:
    """The newest check of each gate."""
    return [shop.check(name) for name in sorted(GATES)]


# A person's push


def test_a_persons_push_is_kept_and_checked_and_mends_what_a_fix_could_not(opens: Opens) -> None:
    with (
        ScriptedModel([refusal(401, "wrong key")]) as model,
        opens(tiers=tiers(model), tests=FIXED) as shop,
    ):
        shop.variables |= KEY
        shop.ask(ONE)
        assert shop.state().status is RunStatus.FAILED
        shop.github.events.clear()
        shop.repository.push(COMBINED, {"one.txt": "fixed"}, by="alice")
        pushed = shop.repository.sha(COMBINED)
        shop.run_pull_events()
        assert shop.repository.sha(COMBINED) == pushed
        assert shop.checks(pushed)[TESTS] == "success"
        assert shop.state().status is RunStatus.PASSED
        assert not shop.pull().draft
        assert "Closes #1." in (shop.repository.issues[shop.pull_number()].body or "")
        assert shop.errors() == []


def test_what_lands_and_what_mends_is_built_on_what_a_person_pushed(opens: Opens) -> None:
    tests = {"command": f"cat mine.txt && {FIXED['command']}"}
    with (
        ScriptedModel(mends("one.txt", "fixed")) as model,
        opens(tiers=tiers(model), tests=tests) as shop,
    ):
        shop.variables |= KEY
        number = shop.ask(plan(writes("one"), writes("two", more=", approval: true")))
        shop.github.events.clear()
        shop.repository.push(COMBINED, {"mine.txt": "mine"}, by="alice")
        pushed = shop.repository.sha(COMBINED)
        shop.run_pull_events()
        shop.say(number, "/approve two")
        head = shop.pull().head_sha
        assert shop.state().status is RunStatus.PASSED
        found = [shop.text(head, f"{name}.txt") for name in ("mine", "one", "two")]
        assert found == ["mine", "fixed", "two"]
        assert shop.repository.git.merge_base(pushed, head) == pushed
        assert shop.errors() == []


# What is no run's


def test_a_pull_request_of_a_persons_own_gets_the_same_gates(shop: Story) -> None:
    shop.repository.push("mine", {"mine.txt": "x\n"}, by="alice")
    shop.repository.open_pull(by="alice", head="mine")
    shop.run_pull_events()
    assert set(shop.checks()) == GATES
    assert shop.checks()[TESTS] == "success"
    assert shop.run_ids() == []
    assert shop.errors() == []


def test_where_the_settings_say_so_other_pull_requests_are_neutral_at_once(opens: Opens) -> None:
    with opens(github={"other_pull_requests": "neutral"}, tests={"command": "exit 1"}) as shop:
        shop.repository.push("mine", {"mine.txt": "x\n"}, by="alice")
        shop.repository.open_pull(by="alice", head="mine")
        shop.run_pull_events()
        assert shop.checks() == dict.fromkeys(GATES, "neutral")
        assert shop.errors() == []


def test_a_merge_queues_commit_gets_every_required_check(shop: Story) -> None:
    shop.ask(ONE)
    shop.github.events.clear()
    event = shop.repository.merge_group(shop.pull_number(), by="alice")
    shop.run_pull_events()
    checks = shop.checks(event["merge_group"]["head_sha"])
    assert set(checks) == GATES
    assert checks[TESTS] == "success"
    assert shop.errors() == []


# Forks: their token may not write, so another workflow posts what theirs computed


def forks_pull(
    shop: Story, files: dict[str, str], patch: pytest.MonkeyPatch, branch: str = "mine"
) -> str:
    """Open a pull request from mallory's fork, let its gates compute, and post; return its head."""
    fork = shop.github.fork("acme/widget", by="mallory")
    fork.push(branch, files, by="mallory")
    head = fork.sha(branch)
    opened = shop.repository.open_pull(by="mallory", head=f"mallory:{branch}")
    run = shop.repository.start_run(
        "gates.yml", "pull_request", by="mallory", branch=branch, sha=head, fork=fork.full_name
    )
    handed: dict[str, Path] = {}
    shop.tamper = lambda path, name: handed.update({name.split(".")[1]: path})
    with patch.context() as only_here:
        only_here.setattr(workshop, "rights", lambda *_: {"contents": "read"})
        shop.gates("pull_request", opened, run.id)
    shop.tamper = None
    assert shop.checks(head) == {}
    for job, path in handed.items():
        shop.repository.upload(run, f"gates.{job}.{head}.r1", path.read_bytes())
    done = shop.repository.finish_run(run, "success")
    shop.job("gates-post", "post", jobs.post, "workflow_run", done, run.id + 1, 1)
    return head


def test_a_forks_pull_request_gets_its_checks_from_a_workflow_that_may_write(
    shop: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = forks_pull(shop, {"mine.txt": "x\n"}, monkeypatch)
    assert set(shop.checks(head)) == GATES
    assert shop.checks(head)[TESTS] == "success"
    assert shop.errors() == []


def test_a_fork_that_changes_what_its_own_checks_do_is_looked_at_by_a_person(
    shop: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    harmless = {".github/workflows/gates.yml": "on: pull_request\njobs: {}\n"}
    head = forks_pull(shop, harmless, monkeypatch)
    assert shop.checks(head) == dict.fromkeys(GATES, "action_required")
    assert "changes .github/" in f"{shop.check(TESTS).summary}"
    assert shop.errors() == []


def test_a_fork_cannot_hide_a_change_to_its_own_checks_behind_thousands_of_files(
    shop: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = {f"!{n:04}": "" for n in range(3_000)}  # listed before .github/, and GitHub stops there
    hidden = {".github/workflows/gates.yml": "on: pull_request\njobs: {}\n"}
    head = forks_pull(shop, many | hidden, monkeypatch)
    assert shop.checks(head) == dict.fromkeys(GATES, "action_required")
    assert shop.errors() == []


def test_a_forks_branch_with_a_runs_name_is_no_part_of_the_run(
    shop: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.ask(plan(writes("one"), writes("two", more=", approval: true")))
    before = shop.events()
    head = forks_pull(shop, {"one.txt": "evil\n"}, monkeypatch, branch=COMBINED)
    number = max(shop.repository.pulls)
    [answer] = shop.say(number, "/approve two")
    assert "There is no run here" in answer
    assert shop.events() == before
    assert set(shop.checks(head)) == GATES
    assert shop.errors() == []
