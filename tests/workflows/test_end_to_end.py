"""The bot itself in its workflows: what people ask for comes to its end, or is politely refused."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bot.core.events import RunStatus
from bot.core.handoff import Isolation
from tests.support.act_story import ActStory, acted, own_files
from tests.support.agents_user import agents_user, needs_another_user, python_for_others
from tests.support.scripted_model import ScriptedModel, call, finish, refusal
from tests.support.stories import paid_tier, plan, three_files, writes

KEY = "sk-0123456789-abcdefghij"
GREEN = {
    "orchestrate/tests": "success",
    "orchestrate/coverage": "neutral",  # switched off in the settings, like the next two
    "orchestrate/review": "neutral",
    "orchestrate/docs": "neutral",
}
__all__ = ["agents_user"]
GATES = ["gates docs", "gates review", "gates tests", "gates verdict"]
THINKS = plan("{id: one, title: Write one, kind: implementation, files: [one.txt], goal: Have it}")


def expect_ready_to_merge(shop: ActStory, number: int, children: int) -> None:
    """All that a person sees of a run that went well, whichever way it went."""
    pull = shop.pull()
    assert not pull.draft
    assert shop.checks() == GREEN
    assert f"Closes #{number}" in (shop.repository.issues[shop.pull_number()].body or "")
    parent = shop.repository.issues[number]
    ended = [each.state for each in shop.repository.issues.values() if each.parent == parent.id]
    assert ended == ["closed"] * children
    assert "**Passed.**" in shop.live()
    assert shop.state().status is RunStatus.PASSED


def in_a_row(shop: ActStory, job: str) -> int:
    """Count the jobs that ran one after the other up to a job of orchestrate.yml, with itself."""
    said = yaml.safe_load(own_files()[".github/workflows/orchestrate.yml"])["jobs"]
    needs = said[job].get("needs", [])
    waited_for = [needs] if isinstance(needs, str) else needs
    ran = [each for each in waited_for if f"orchestrate {each}" in shop.jobs]
    return 1 + max((in_a_row(shop, each) for each in ran), default=0)


def test_a_task_without_a_plan_is_done_by_a_model_whose_key_only_its_agent_has(
    tmp_path: Path,
) -> None:
    work = [
        call("acknowledge", understood="say hello"),
        call("run", command="env > CHANGELOG.md"),
        call("write_file", path="README.md", content="# Widget\n\nHello.\n"),
        call("todo", done=[1, 2, 3]),
        finish(),
    ]
    with ScriptedModel(work) as model:
        tier = paid_tier(model) | {"billing": "free", "key_env": "NVIDIA_API_KEY"}
        with acted(tmp_path / "shop", secrets={"NVIDIA_API_KEY": KEY}, tiers=[tier]) as shop:
            number = shop.ask("", title="Add a greeting to README.md")
            assert shop.failed == ""
            assert sorted(shop.jobs[:4]) == [
                "orchestrate announce", "orchestrate intake",
                "orchestrate write/agent", "orchestrate write/publish",
            ]  # fmt: skip
            assert in_a_row(shop, "work") == 2
            assert sorted(shop.jobs[4:]) == GATES
            expect_ready_to_merge(shop, number, children=1)
            assert shop.text(shop.pull().head_sha, "README.md") == "# Widget\n\nHello."

            assert {r.headers["Authorization"] for r in model.requests} == {f"Bearer {KEY}"}
            assert shop.holders("NVIDIA_API_KEY") == ["agent --run 1", "check --gates review"]
            assert shop.places_of(KEY) == []
            assert "git" in shop.places_of("HOME=")  # all that the agent itself could see

            lines = shop.ledger()
            assert len(lines) == len(model.requests)
            assert {(line["entry"], line["billing"]) for line in lines} == {("spend", "free")}
            assert {line["workstream"] for line in lines} == {"write"}
            assert "free" in shop.live()


PLANNED = """\
version: 1
task: as asked
workstreams:
  - {id: sign-in, kind: implementation, files: [src/auth/**], goal: Redesign signing in}
  - {id: paying, kind: implementation, files: [src/pay/**], goal: Redesign paying}
"""


def test_where_a_model_plans_its_key_is_with_that_job_and_agents_start_in_the_fourth(
    tmp_path: Path,
) -> None:
    work = [
        call("write_file", path=".orchestrate/plan.yaml", content=PLANNED),
        call("todo", done=[1]),
        finish(),
        *[refusal(401, "the key was withdrawn")] * 2,  # how agents fare is told elsewhere
    ]
    with ScriptedModel(work) as model:
        tier = paid_tier(model) | {"billing": "free", "key_env": "NVIDIA_API_KEY"}
        by_model = {"planner": "model"}
        secrets = {"NVIDIA_API_KEY": KEY}
        with acted(tmp_path / "shop", secrets=secrets, tiers=[tier], github=by_model) as shop:
            shop.ask("", title="Redesign the architecture of src/auth and src/pay")
            assert shop.failed == ""
            assert in_a_row(shop, "work") == 4
            agents = ["agent --run 1"] * 2
            assert shop.holders("NVIDIA_API_KEY") == ["plan --run 1", *agents]
            assert shop.places_of(KEY) == []
            assert {"sign-in", "paying"} < set(shop.state().standings)
            assert len([each for each in shop.ledger() if each["workstream"] == "plan"]) == 3


def test_with_an_app_its_name_is_on_the_work_and_actions_on_the_checks(tmp_path: Path) -> None:
    rights = dict.fromkeys(("actions", "contents", "issues", "pull_requests"), "write")
    with acted(tmp_path / "shop") as shop:
        token = shop.github.app_token("acme/widget", rights)
        shop.runner.secrets = {"ORCHESTRATE_APP_KEY": token}
        shop.runner.variables = {"ORCHESTRATE_APP_ID": "Iv1.app"}
        number = shop.ask(plan(writes("one")))
        assert shop.failed == ""
        app = "acme-orchestrate[bot]"
        assert [c.author.login for c in shop.repository.issues[number].comments] == [app]
        assert shop.repository.issues[shop.pull_number()].author.login == app
        assert shop.checks() == GREEN
        assert {check.app.slug for check in shop.repository.checks} == {"github-actions"}
        # What an App does starts workflows: the gates all the same run once.
        assert sorted(job for job in shop.jobs if job.startswith("gates")) == GATES


def test_a_workstream_that_failed_is_retried_and_the_run_comes_to_its_end(tmp_path: Path) -> None:
    flag = tmp_path / "flag"
    with acted(tmp_path / "shop") as shop:
        number = shop.ask(three_files(f"test -e {flag}"))
        assert shop.failed == ""
        assert shop.pull().draft
        assert "/retry" in shop.live()
        shop.runner.ran.clear()

        flag.touch()
        [answer] = shop.say(number, "/retry")
        assert "`two`" in answer
        assert shop.failed == ""
        assert sorted(shop.jobs) == [
            *GATES,
            "orchestrate announce", "orchestrate intake",
            "orchestrate two/agent", "orchestrate two/publish",
            "workstream agent", "workstream publish",
        ]  # fmt: skip
        expect_ready_to_merge(shop, number, children=3)
        assert shop.text(shop.pull().head_sha, "three.txt") == "one\ntwo"


def test_a_run_that_stops_for_money_goes_on_after_a_yes_and_no_job_had_the_key_before(
    tmp_path: Path,
) -> None:
    work = [
        call("write_file", path="one.txt", content="one\n"),
        call("todo", done=[1]),
        finish(),
    ]
    with ScriptedModel(work) as model:
        tier = paid_tier(model) | {"provider": "groq", "key_env": "GROQ_API_KEY"}
        agents = {"paid_without_sandbox": True}
        secrets = {"GROQ_API_KEY": KEY}
        with acted(tmp_path / "shop", secrets=secrets, tiers=[tier], agents=agents) as shop:
            number = shop.ask(THINKS)
            asks = "/approve-paid groq 2.00 because …"
            assert asks in shop.live()
            shop.say(number, "/approve-paid groq 2.00 because I say so", by="mallory")
            assert (model.requests, shop.holders("GROQ_API_KEY")) == ([], [])
            assert "refs/heads/orchestrate/ledger" not in shop.repository.git.refs()
            assert shop.jobs == ["orchestrate intake", "orchestrate announce", "orchestrate intake"]

            shop.say(number, "/approve-paid groq 2.00 because it is worth it")
            assert shop.failed == ""
            expect_ready_to_merge(shop, number, children=1)
            assert {r.headers["Authorization"] for r in model.requests} == {f"Bearer {KEY}"}
            assert shop.places_of(KEY) == []

            assert shop.holders("GROQ_API_KEY") == ["agent --run 1", "check --gates review"]

            said, *others = shop.ledger()
            told = [said[name] for name in ("entry", "by", "provider", "cost_usd", "justification")]
            assert told == ["approve", "alice", "groq", "2.000000", "it is worth it"]
            spent = [each for each in others if each["entry"] == "spend"]
            assert len(spent) == len(model.requests)
            assert {each["entry"] for each in others} == {"reserve", "spend", "release"}
            assert {each["approval"] for each in others} == {said["id"]}
            assert "groq $2.00 by alice because it is worth it" in shop.live()


def test_an_outsiders_label_and_commands_get_a_polite_refusal_each_and_nothing_else(
    tmp_path: Path,
) -> None:
    with acted(tmp_path / "shop") as shop:
        before = shop.repository.git.refs()
        number = shop.ask(plan(writes("one")), by="mallory")
        [answer] = shop.answers(number)
        assert "when someone with write access puts it on" in answer
        [refusal] = shop.say(number, "/orchestrate\n/approve-paid 20 because", by="mallory")
        assert "only people with write access" in refusal
        assert shop.say(number, "/retry", by="mallory") == []
        assert shop.jobs == ["orchestrate intake"] * 3
        assert shop.failed == ""
        assert shop.repository.git.refs() == before
        comments = f"/repos/acme/widget/issues/{number}/comments"
        assert [w for w in shop.writes if w != ("POST", comments)] == []
        assert len(shop.writes) == 2


def test_gates_of_a_forks_pull_request_are_posted_on_its_head(tmp_path: Path) -> None:
    with acted(tmp_path / "shop", secrets={"NVIDIA_API_KEY": KEY}) as shop:
        fork = shop.github.fork("acme/widget", by="oscar")
        fork.push("topic", {"README.md": "# Widgets\n"}, by="oscar")
        number = shop.repository.open_pull(by="oscar", head="oscar:topic")["number"]
        shop.deliver("pull_request", {})
        head = fork.sha("topic")
        assert shop.failed == ""
        assert shop.jobs[-1] == "gates-post post"
        assert sorted(shop.jobs[:-1]) == GATES
        assert shop.repository.pull(number).head_sha == head
        assert shop.checks(head) == GREEN
        assert shop.holders("NVIDIA_API_KEY") == []


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach: pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="orchestrate-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@needs_another_user
def test_agents_and_tests_are_another_user_where_the_runner_has_one(
    agents_user: str, open_folder: Path
) -> None:
    bot = f"{python_for_others(open_folder)} -m bot"
    runner = {"ORCHESTRATE_AGENT_USER": agents_user, "ORCHESTRATE_SCRATCH": str(open_folder)}
    tests = {"command": f"test $(id -un) = {agents_user} && echo 3 passed in 0.01s"}
    with acted(open_folder / "shop", bot=bot, environment=runner, tests=tests) as shop:
        number = shop.ask(plan(writes("one", run='"id -un > one.txt"')))
        assert shop.failed == ""
        expect_ready_to_merge(shop, number, children=1)
        assert shop.text(shop.pull().head_sha, "one.txt") == agents_user
        last = shop.state().track("one").last
        assert last
        assert last.completion
        assert last.completion.isolation is Isolation.USER


def test_the_clock_finds_nothing_to_do_where_nothing_runs(tmp_path: Path) -> None:
    with acted(tmp_path / "shop") as shop:
        shop.runner.tick()
        shop.runner.settle()
        assert (shop.jobs, shop.failed) == (["orchestrate intake"], "")
