"""The workflows as they run: which jobs, in which order, with which token, key and artifact."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.core.github.installation import Pin
from bot.wiring.installing import shipped_files
from tests.support.act import Runner, act
from tests.support.act_story import own_files
from tests.support.github.fake import FakeGithub
from tests.support.peers import ROOT

SECRETS = {"NVIDIA_API_KEY": "n-secret-value", "GROQ_API_KEY": "g-secret-value"}
KEYS = {
    *("GEMINI_API_KEY", "OPENCODE_API_KEY", "KILO_API_KEY", "CLINE_API_KEY", "NVIDIA_API_KEY"),
    *("OPENROUTER_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY", "ANTHROPIC_API_KEY"),
    *("GOOGLE_API_KEY", "ORCHESTRATE_API_KEY"),
}
WRITES = {"actions": "write", "contents": "write", "issues": "write", "pull_requests": "write"}
NOTHING_READY = {"run": "42", "any": "false", "work": "[]", "planning": "false"}


def work(**keys: str) -> str:
    made = [{"run": "42", "workstream": w, "attempt": 1, "key": k} for w, k in keys.items()]
    return json.dumps(made)


@dataclass
class Stage:
    """A repository with our workflows, and a stub in place of the bot."""

    github: FakeGithub
    runner: Runner
    bot: Path

    def play(self, **script: Mapping[str, Any]) -> None:
        """Say what each command does; others succeed and say nothing."""
        (self.bot / "script.json").write_text(json.dumps(script))

    def calls(self) -> list[dict[str, Any]]:
        """How the stub was called, in order."""
        return [json.loads(line) for line in (self.bot / "calls.jsonl").read_text().splitlines()]

    def call(self, command: str) -> dict[str, Any]:
        """How the stub was called with this command, the one time."""
        (found,) = (each for each in self.calls() if each["command"] == command)
        return found

    def rights(self, call: Mapping[str, Any]) -> Mapping[str, str]:
        """What the token that a call was given may do."""
        return self.github.world.tokens[call["env"]["ORCHESTRATE_TOKEN"]].permissions


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    act()
    bot = tmp_path / "installed"
    (bot / "bin").mkdir(parents=True)
    shutil.copy(ROOT / "tests/support/stub_bot.py", bot / "bin/orchestrate")
    (bot / "bin/orchestrate").chmod(0o755)
    with FakeGithub() as github:
        for login in ("ada", "eve"):
            github.add_user(login)
        made = github.create_repository("acme/engine", files=own_files())
        made.collaborators["ada"] = "admin"
        made.open_issue("Paginate", by="ada")
        github.events.clear()
        runner = Runner(github, "acme/engine", tmp_path / "runs", SECRETS, installed=bot)
        with runner:
            yield Stage(github, runner, bot)


def started_by_label(stage: Stage, **script: Mapping[str, Any]) -> list[str]:
    """Put the label on, run all that follows, and return the jobs in order; all must go well."""
    stage.play(**script)
    stage.github.repository("acme/engine").label(1, "orchestrate", by="ada")
    jobs = stage.runner.settle()
    assert [job for job in jobs if job.result != "success"] == []
    return [job.name for job in jobs]


def ready(**keys: str) -> dict[str, Any]:
    return {"outputs": NOTHING_READY | {"any": "true", "work": work(**keys)}}


# From a label to published work


def test_agents_start_in_the_second_job_and_nothing_is_announced_before(stage: Stage) -> None:
    names = started_by_label(stage, intake=ready(build="GROQ_API_KEY", docs=""))
    assert names[0] == "intake"
    assert sorted(names[1:]) == [
        "announce", "build/agent", "build/publish", "docs/agent", "docs/publish",
    ]  # fmt: skip
    assert (stage.call("intake")["event"], stage.call("intake")["by"]) == ("issues", "ada")


def test_with_a_planning_model_agents_start_in_the_fourth_job(stage: Stage) -> None:
    asks = NOTHING_READY | {"planning": "true", "planning_key": "NVIDIA_API_KEY"}
    accepted = {"outputs": {"any": "true", "work": work(build="")}}
    names = started_by_label(stage, intake={"outputs": asks}, accept=accepted)
    assert names[:3] == ["intake", "plan", "accept"]
    assert sorted(names[3:]) == ["announce", "build/agent", "build/publish"]
    assert keys(stage.call("plan")) == {"NVIDIA_API_KEY": "n-secret-value"}
    look_up = stage.call("engine-to-plan")
    assert (keys(look_up), tokens(look_up)) == ({}, set())
    assert stage.call("accept")["exists"] == ["--plan"]
    assert stage.call("accept")["given"]["--plan"].endswith("/42.plan.r1.zip")


def test_a_plan_that_came_to_nothing_is_still_looked_at(stage: Stage) -> None:
    asks = NOTHING_READY | {"planning": "true"}
    stage.play(intake={"outputs": asks}, plan={"exit": 1}, accept={"outputs": {"any": "false"}})
    stage.github.repository("acme/engine").label(1, "orchestrate", by="ada")
    stage.runner.settle()
    assert stage.runner.names() == ["intake", "plan", "accept", "announce"]
    assert stage.call("accept")["exists"] == []


def test_an_issue_that_is_not_for_the_bot_ends_with_intake(stage: Stage) -> None:
    assert started_by_label(stage, intake={"outputs": NOTHING_READY | {"run": ""}}) == ["intake"]


def test_an_agent_that_fails_is_published_and_stops_no_sibling(stage: Stage) -> None:
    stage.play(intake=ready(build="", docs=""), agent={"exit": 1})
    stage.github.repository("acme/engine").label(1, "orchestrate", by="ada")
    results = {job.name: job.result for job in stage.runner.settle()}
    assert results["build/agent"] == results["docs/agent"] == "failure"
    assert results["build/publish"] == results["docs/publish"] == "success"
    published = [call for call in stage.calls() if call["command"] == "publish"]
    assert [call["exists"] for call in published] == [[], []]


def test_what_a_publish_makes_ready_starts_by_itself(stage: Stage) -> None:
    given = {"run": "42", "workstream": "docs", "attempt": "3", "key": "GROQ_API_KEY"}
    once = {"workstream.yml": given, "gates.yml": {"run": "42", "head": head(stage)}}
    stage.play(intake=ready(build=""), publish={"dispatch": once})
    stage.github.repository("acme/engine").label(1, "orchestrate", by="ada")
    names = [job.name for job in stage.runner.settle()]
    assert sorted(names) == [
        "agent", "announce", "build/agent", "build/publish",
        "docs", "intake", "publish", "review", "tests", "verdict",
    ]  # fmt: skip
    second = [call for call in stage.calls() if call["command"] == "agent"][1]
    assert second["given"]["--workstream"] == "docs"
    assert second["given"]["--attempt"] == "3"
    assert keys(second) == {"GROQ_API_KEY": "g-secret-value"}
    assert second["by"] == "github-actions[bot]"


# Rights and keys


def head(stage: Stage) -> str:
    return stage.github.repository("acme/engine").sha("main")


def keys(call: Mapping[str, Any]) -> dict[str, str]:
    """The model keys in a step's environment; an empty one is none."""
    return {name: value for name, value in call["env"].items() if name in KEYS and value}


def tokens(call: Mapping[str, Any]) -> set[str]:
    return {name for name, value in call["env"].items() if name.endswith("_TOKEN") and value}


def test_agents_hold_one_key_and_no_token(stage: Stage) -> None:
    started_by_label(stage, intake=ready(build="GROQ_API_KEY", docs=""))
    agents = {
        call["given"]["--workstream"]: call for call in stage.calls() if call["command"] == "agent"
    }
    assert keys(agents["build"]) == {"GROQ_API_KEY": "g-secret-value"}
    assert keys(agents["docs"]) == {}
    assert tokens(agents["build"]) == tokens(agents["docs"]) == set()


def test_every_token_may_what_its_job_may_and_no_more(stage: Stage) -> None:
    started_by_label(stage, intake=ready(build="GROQ_API_KEY"))
    calls = {call["command"]: call for call in stage.calls()}
    bare = {name for name, call in calls.items() if "ORCHESTRATE_TOKEN" not in call["env"]}
    assert bare == {"engine", "agent"}
    rights = {name: stage.rights(call) for name, call in calls.items() if name not in bare}
    assert rights == {
        "intake": WRITES | {"checks": "write"},
        "announce": dict.fromkeys(("checks", "contents", "issues", "pull_requests"), "write"),
        "fetch": {"contents": "read"},
        "publish": WRITES | {"checks": "write"},
    }
    assert all(keys(call) == {} for call in stage.calls() if call["command"] != "agent")


def test_who_decides_knows_the_names_of_all_keys_after_one_was_picked(stage: Stage) -> None:
    started_by_label(stage, intake=ready(build="GROQ_API_KEY"))
    names = {"NVIDIA_API_KEY", "GROQ_API_KEY"}
    for command in ("intake", "announce", "publish"):
        assert set(stage.call(command)["env"]["ORCHESTRATE_KEYS"].split()) == names


def test_no_secret_is_printed(stage: Stage) -> None:
    started_by_label(stage, intake=ready(build="GROQ_API_KEY"))
    printed = "".join(job.output for job in stage.runner.ran)
    assert not any(secret in printed for secret in SECRETS.values())


def test_with_an_app_its_token_writes_and_checks_stay_with_actions(stage: Stage) -> None:
    token = stage.github.app_token("acme/engine", WRITES)
    stage.runner.secrets = SECRETS | {"ORCHESTRATE_APP_KEY": token}
    stage.runner.variables = {"ORCHESTRATE_APP_ID": "Iv1.app"}
    started_by_label(stage, intake=ready(build="GROQ_API_KEY"))
    for command in ("intake", "announce", "publish"):
        assert stage.call(command)["env"]["ORCHESTRATE_TOKEN"] == token
        assert stage.call(command)["env"]["ORCHESTRATE_OWN_LOGIN"] == "acme-orchestrate[bot]"
    checks = stage.call("publish")["env"]["ORCHESTRATE_CHECKS_TOKEN"]
    assert stage.github.world.tokens[checks].is_job
    assert stage.rights(stage.call("fetch")) == {"contents": "read"}
    assert tokens(stage.call("agent")) == set()


# What starts something


def test_talk_and_other_labels_start_no_job(stage: Stage) -> None:
    stage.play()
    here = stage.github.repository("acme/engine")
    here.label(1, "bug", by="ada")
    here.comment(1, "Either/or. See `/retry` in the docs.", by="ada")
    made = here.comment(1, "Later", by="ada")
    here.edit_comment(made["comment"]["id"], "/retry", by="ada")
    assert stage.runner.settle() == []


@pytest.mark.parametrize("text", ["/status", "Please:\r\n/retry build\r\n"])
def test_a_command_starts_intake_whoever_it_was(stage: Stage, text: str) -> None:
    stage.play(intake={"outputs": NOTHING_READY | {"run": ""}})
    stage.github.repository("acme/engine").comment(1, text, by="eve")
    assert [job.name for job in stage.runner.settle()] == ["intake"]
    assert stage.call("intake")["by"] == "eve"


def test_two_commands_at_once_are_both_taken_in(stage: Stage) -> None:
    stage.play(intake={"outputs": NOTHING_READY | {"run": ""}})
    for _ in range(2):
        stage.github.repository("acme/engine").comment(1, "/retry", by="ada")
    assert [job.name for job in stage.runner.settle()] == ["intake", "intake"]


def test_the_clock_looks_for_runs_that_died(stage: Stage) -> None:
    stage.play(intake={"outputs": NOTHING_READY | {"run": ""}})
    stage.runner.tick()
    assert [job.name for job in stage.runner.settle()] == ["intake"]
    assert stage.call("intake")["event"] == "schedule"


# Gates


def gates(stage: Stage) -> dict[str, dict[str, Any]]:
    """The calls that check, by their gates."""
    calls = [call for call in stage.calls() if call["command"] == "check"]
    return {call["given"]["--gates"]: call for call in calls}


def test_a_dispatch_checks_a_head_and_a_verdict_follows(stage: Stage) -> None:
    stage.play()
    here = stage.github.repository("acme/engine")
    here.dispatch("gates.yml", by="ada", inputs={"run": "42", "head": head(stage)})
    names = [job.name for job in stage.runner.settle()]
    assert sorted(names[:3]) == ["docs", "review", "tests"]
    assert names[3:] == ["verdict"]
    found = gates(stage)
    assert set(found) == {"tests coverage", "review", "docs"}
    assert all(tokens(call) == set() for call in found.values())
    assert keys(found["review"]) == SECRETS
    assert keys(found["tests coverage"]) == keys(found["docs"]) == {}
    look_up = stage.call("engine-to-review")
    assert (keys(look_up), tokens(look_up)) == ({}, set())
    assert set(look_up["env"]["ORCHESTRATE_KEYS"].split()) == set(SECRETS)
    verdict = stage.call("verdict")
    assert verdict["exists"] == ["--docs", "--review", "--tests"]
    assert json.loads(verdict["env"]["ORCHESTRATE_NEEDS"]) == dict.fromkeys(
        ("tests", "review", "docs"), "success"
    )
    assert stage.rights(verdict) == WRITES | {"checks": "write"}
    assert {each.name for each in here.artifacts} == {
        f"gates.{gate}.{head(stage)}.r1" for gate in ("tests", "review", "docs")
    }


def test_a_verdict_is_spoken_on_gates_that_broke_down(stage: Stage) -> None:
    stage.play(check={"exit": 1})
    here = stage.github.repository("acme/engine")
    here.dispatch("gates.yml", by="ada", inputs={"run": "42", "head": head(stage)})
    stage.runner.settle()
    verdict = stage.call("verdict")
    assert verdict["exists"] == []
    assert set(json.loads(verdict["env"]["ORCHESTRATE_NEEDS"]).values()) == {"failure"}


def test_a_pull_request_and_a_merge_queue_are_checked(stage: Stage) -> None:
    stage.play()
    here = stage.github.repository("acme/engine")
    here.push("topic", {"a.txt": "a"}, by="ada")
    number = here.open_pull(by="ada", head="topic")["number"]
    stage.runner.settle()
    here.merge_group(number, by="ada")
    stage.runner.settle()
    verdicts = [call for call in stage.calls() if call["command"] == "verdict"]
    assert [call["event"] for call in verdicts] == ["pull_request", "merge_group"]
    assert all(call["exists"] == ["--docs", "--review", "--tests"] for call in verdicts)


def test_the_verdict_on_a_fork_is_posted_by_a_workflow_that_may(stage: Stage) -> None:
    stage.play()
    fork = stage.github.fork("acme/engine", by="eve")
    fork.push("topic", {"a.txt": "a"}, by="eve")
    stage.github.repository("acme/engine").open_pull(by="eve", head="eve:topic")
    assert [job.name for job in stage.runner.settle()][3:] == ["verdict", "post"]
    assert set(stage.rights(stage.call("verdict")).values()) == {"read"}
    assert stage.rights(stage.call("post"))["checks"] == "write"
    assert keys(gates(stage)["review"]) == {}


# Again, and elsewhere


def test_a_run_again_hands_on_what_it_made_itself(stage: Stage) -> None:
    started_by_label(stage, intake=ready(build=""))
    stage.runner.rerun(stage.runner.ran[0].run_id, by="eve")
    published = [call for call in stage.calls() if call["command"] == "publish"]
    zips = [call["given"]["--handback"].rpartition("/")[2] for call in published]
    assert zips == ["42.build.1.r1.zip", "42.build.1.r2.zip"]
    assert [call["by"] for call in published] == ["ada", "eve"]


def test_callers_of_a_few_lines_run_the_bot_of_another_repository(
    stage: Stage, tmp_path: Path
) -> None:
    github = stage.github
    pin = Pin(repository="acme/engine", commit=head(stage))
    files = {each.path: each.content for each in shipped_files(pin, thin=True)}
    made = github.create_repository("ada/shop", files=files)
    made.collaborators["ada"] = "admin"
    made.open_issue("Paginate", by="ada")
    bot = (pin.repository, pin.commit)
    with Runner(
        github, "ada/shop", tmp_path / "shop", SECRETS, installed=stage.bot, bot=bot
    ) as shop:
        stage.runner = shop
        stage.play(
            intake=ready(build="GROQ_API_KEY"),
            publish={"dispatch": {"gates.yml": {"run": "42", "head": made.sha("main")}}},
        )
        made.label(1, "orchestrate", by="ada")
        jobs = shop.settle()
    assert [job for job in jobs if job.result != "success"] == []
    assert sorted(job.name for job in jobs) == [
        "build/agent", "build/publish",
        "gates/docs", "gates/review", "gates/tests", "gates/verdict",
        "orchestrate/announce", "orchestrate/intake",
    ]  # fmt: skip
    assert keys(stage.call("agent")) == {"GROQ_API_KEY": "g-secret-value"}
    assert tokens(stage.call("agent")) == set()
    assert stage.rights(stage.call("publish")) == WRITES | {"checks": "write"}
    assert stage.call("publish")["exists"] == ["--handback"]
    assert stage.call("verdict")["exists"] == ["--docs", "--review", "--tests"]
