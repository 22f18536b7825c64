"""The workflows as text: what each job may, what starts it, and what reaches whom."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.core.base import RunId, Sha
from bot.core.github.dispatches import (
    Dispatch,
    GatesDispatch,
    ReconcileDispatch,
    WorkstreamDispatch,
)
from bot.core.github.planning import PLANNING
from bot.drivers.github.run import PLANNING_LASTS
from tests.support.peers import ROOT, dev_tool, evaluate, lint, shellcheck

WORKFLOWS = ROOT / ".github" / "workflows"
ACTION = ROOT / ".github" / "actions" / "orchestrate"
OURS = ("orchestrate.yml", "workstream.yml", "gates.yml", "gates-post.yml")  # copied elsewhere too
KEYS = (
    *("GEMINI_API_KEY", "OPENCODE_API_KEY", "KILO_API_KEY", "CLINE_API_KEY", "NVIDIA_API_KEY"),
    *("OPENROUTER_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY", "ANTHROPIC_API_KEY"),
    *("GOOGLE_API_KEY", "ORCHESTRATE_API_KEY"),
)

WRITES = {"actions": "write", "contents": "write", "issues": "write", "pull-requests": "write"}
SHOWS = dict.fromkeys(("checks", "contents", "issues", "pull-requests"), "write")
READS = {"contents": "read"}
PERMISSIONS: Mapping[tuple[str, str], Mapping[str, str]] = {
    ("orchestrate.yml", "intake"): WRITES | {"checks": "write"},
    ("orchestrate.yml", "plan"): READS,
    ("orchestrate.yml", "accept"): {"actions": "write", "contents": "write"},
    ("orchestrate.yml", "announce"): SHOWS,
    ("orchestrate.yml", "work"): WRITES | {"checks": "write"},
    ("workstream.yml", "agent"): READS,
    ("workstream.yml", "publish"): WRITES | {"checks": "write"},
    ("gates.yml", "tests"): READS,
    ("gates.yml", "review"): READS,
    ("gates.yml", "docs"): READS,
    ("gates.yml", "verdict"): WRITES | {"checks": "write"},
    ("gates-post.yml", "post"): {
        "actions": "read", "checks": "write", "contents": "read", "pull-requests": "read",
    },
    ("ci.yml", "check"): READS,
}  # fmt: skip

Workflow = dict[str, Any]


def read(name: str) -> Workflow:
    """Read a workflow with all scalars as text, so that `on` is no boolean."""
    return yaml.load((WORKFLOWS / name).read_text(), Loader=yaml.BaseLoader)


def every_job() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file in sorted(WORKFLOWS.glob("*.yml")):
        for name, job in read(file.name)["jobs"].items():
            yield file.name, name, job


def every_step() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for file, name, job in every_job():
        for step in job.get("steps", ()):
            yield file, name, step


def step_that_runs(file: str, job: str, command: str) -> dict[str, Any]:
    (found,) = (
        step
        for step in read(file)["jobs"][job]["steps"]
        if f"orchestrate job {command}" in step.get("run", "")
    )
    return found


# Judges from outside


def test_actionlint_finds_nothing() -> None:
    done = subprocess.run(
        (dev_tool("actionlint"), "-no-color", "-shellcheck", shellcheck()),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")


def test_zizmor_finds_nothing_as_an_auditor() -> None:
    done = subprocess.run(
        (dev_tool("zizmor"), "--offline", "--persona=auditor", "--strict-collection", "--quiet",
         "--format=plain", ".github"),
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_parser_of_github_itself_finds_nothing() -> None:
    assert lint(sorted(WORKFLOWS.glob("*.yml"))) == ""


def test_shellcheck_finds_nothing_in_the_set_up() -> None:
    done = subprocess.run(
        (shellcheck(), ACTION / "setup.sh"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


# What every workflow keeps to


def test_each_job_has_the_rights_of_the_design_and_no_others() -> None:
    found = {(file, name): job["permissions"] for file, name, job in every_job()}
    assert found == PERMISSIONS


@pytest.mark.parametrize("file", [*OURS, "ci.yml"])
def test_a_workflow_grants_nothing_to_all_of_its_jobs(file: str) -> None:
    assert read(file)["permissions"] == {}


def test_what_a_called_workflow_needs_its_caller_may_give() -> None:
    given = PERMISSIONS["orchestrate.yml", "work"]
    for (file, job), asked in PERMISSIONS.items():
        if file == "workstream.yml":
            assert all(given[right] in {level, "write"} for right, level in asked.items()), job


def test_every_action_of_others_is_pinned_to_a_commit_and_names_its_version() -> None:
    pin = re.compile(r"uses: [\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$")
    files = [*WORKFLOWS.glob("*.yml"), ACTION / "action.yml"]
    used = [line.strip() for file in files for line in file.read_text().splitlines()]
    for line in (line.removeprefix("- ") for line in used if "uses: " in line):
        assert line.startswith("uses: ./") or pin.fullmatch(line), line


def test_every_job_of_ours_ends_in_time_on_a_pinned_image() -> None:
    for file, name, job in every_job():
        if "uses" not in job:
            assert job["runs-on"] == "ubuntu-24.04", (file, name)
            assert 0 < int(job["timeout-minutes"]) <= 120, (file, name)


def test_no_checkout_leaves_a_token_behind_or_takes_the_head() -> None:
    for file, name, step in every_step():
        if "actions/checkout@" in step.get("uses", ""):
            asked = step["with"]
            assert asked["persist-credentials"] == "false", (file, name)
            if file in OURS:
                assert asked == {
                    "repository": "${{ inputs.bot_repository || github.repository }}",
                    "ref": "${{ inputs.bot_commit || github.event.repository.default_branch }}",
                    "path": ".orchestrate-bot",
                    "persist-credentials": "false",
                }, (file, name)


def test_no_expression_becomes_part_of_a_script() -> None:
    steps = [step for _, _, step in every_step()]
    steps += yaml.safe_load((ACTION / "action.yml").read_text())["runs"]["steps"]
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []


def test_commands_share_no_concurrency_group() -> None:
    for file in OURS:
        assert "concurrency" not in (WORKFLOWS / file).read_text(), file


# Secrets


def test_secrets_are_never_inherited_or_looked_up_by_a_computed_name() -> None:
    for file in OURS:
        text = (WORKFLOWS / file).read_text()
        assert not re.search(r"inherit|secrets\[|secrets\s*\)|secrets\.\*", text), file


@pytest.mark.parametrize(
    ("file", "job", "command", "condition"),
    [
        ("workstream.yml", "agent", "agent", "inputs.key == '{0}' && "),
        ("orchestrate.yml", "plan", "plan", "needs.intake.outputs.planning_key == '{0}' && "),
        ("gates.yml", "review", "check", None),
        ("gates.yml", "tests", "check", None),
        ("gates.yml", "docs", "check", None),
    ],
)
def test_what_runs_what_is_not_ours_holds_no_token(
    file: str, job: str, command: str, condition: str | None
) -> None:
    env: Mapping[str, str] = step_that_runs(file, job, command).get("env", {})
    assert "token" not in str(env).lower()
    assert "env" not in read(file)["jobs"][job] or "secrets" not in str(
        read(file)["jobs"][job]["env"]
    )
    keys = {name: said for name, said in env.items() if "secrets" in said}
    if condition:
        assert keys == {
            key: f"${{{{ {condition.format(key)}secrets.{key} || '' }}}}" for key in KEYS
        }
    elif job == "review":
        assert keys == {key: f"${{{{ secrets.{key} }}}}" for key in KEYS}
    else:
        assert keys == {}


# Jobs with an agent: what says which program it needs, and what starts it.
AGENTS = {
    ("workstream.yml", "agent"): ("job engine ", "job agent "),
    ("orchestrate.yml", "plan"): ("job engine-to-plan ", "job plan "),
    ("gates.yml", "review"): ("job engine-to-review ", "job check "),
}
every_agent = pytest.mark.parametrize(("file", "job"), AGENTS)


def engine_steps(
    file: str = "workstream.yml", job: str = "agent"
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]:
    """What looks up an agent's program, finds it in the cache, installs and keeps it."""
    steps, (looks, starts) = read(file)["jobs"][job]["steps"], AGENTS[file, job]
    at = next(i for i, step in enumerate(steps) if step.get("id") == "engine")
    assert "job fetch" in steps[at - 1]["run"]
    assert looks in steps[at]["run"]
    assert starts in steps[at + 4]["run"]
    return steps[at], steps[at + 1], steps[at + 2], steps[at + 3]


@every_agent
def test_an_agent_program_is_there_before_its_agent_starts_and_no_step_for_it_has_a_key(
    file: str, job: str
) -> None:
    look_up, restore, install, save = engine_steps(file, job)
    secrets = {key: f"value of {key}" for key in KEYS} | {"GROQ_API_KEY": ""}
    names = look_up.get("env", {}).pop("ORCHESTRATE_KEYS", "")
    said = [evaluate(one, {"secrets": secrets}) for one in re.findall(r"\$\{\{.+?\}\}", names)]
    assert set(said) - {""} <= {*KEYS} - {"GROQ_API_KEY"}
    assert bool(names) == (job == "review")  # no record says which tiers a review has
    assert set(look_up.get("env", {})) <= {"ORCHESTRATE_BASE_URL", "ORCHESTRATE_MODEL"}
    assert install["env"] == {"WANTED": "${{ steps.engine.outputs.wanted }}"}
    assert install["continue-on-error"] == "true"  # it is said, and another tier is next
    minutes = int(read(file)["jobs"][job]["timeout-minutes"])
    assert int(install["timeout-minutes"]) * 2 < minutes
    assert restore["with"] == save["with"]


@every_agent
def test_every_agent_gets_its_program_in_the_same_way(file: str, job: str) -> None:
    """They stand there three times, for steps of an action of one's own have no time limit."""
    for ours, theirs in zip(engine_steps(file, job)[1:], engine_steps()[1:], strict=True):
        assert ours | {"timeout-minutes": ""} == theirs | {"timeout-minutes": ""}


def test_the_job_of_a_planning_model_ends_before_a_template_takes_its_place() -> None:
    minutes = int(read("orchestrate.yml")["jobs"]["plan"]["timeout-minutes"])
    install = int(engine_steps("orchestrate.yml", "plan")[2]["timeout-minutes"])
    assert install + PLANNING.timeout_minutes < minutes < PLANNING_LASTS.total_seconds() / 60


def test_what_an_attempt_wants_is_installed_in_one_go_and_no_shell_reads_it(tmp_path: Path) -> None:
    stub = tmp_path / "orchestrate"
    stub.write_text("""#!/bin/sh\nprintf '<%s>' "$@"\n""")
    stub.chmod(0o755)
    wanted = "codex --server=git --server=$(id) --server=*"
    said = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", engine_steps()[2]["run"]],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}", "WANTED": wanted},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    assert said == "<engines><install><codex><--server=git><--server=$(id)><--server=*>"


@pytest.mark.parametrize(
    ("needed", "cached", "expected"),
    [
        pytest.param("", "", (False, False), id="none for an engine of ours"),
        pytest.param("codex", "", (True, True), id="one that was never here"),
        pytest.param("codex", "true", (True, False), id="one from the cache"),
    ],
)
def test_only_the_program_that_is_needed_is_fetched_and_only_once(
    needed: str, cached: str, expected: tuple[bool, bool]
) -> None:
    _, restore, install, _ = engine_steps()
    outputs = {"wanted": needed, "key": "codex-1.2.3", "folders": "/f"}
    steps = {"engine": {"outputs": outputs}, "engine-cache": {"outputs": {"cache-hit": cached}}}
    contexts = {"steps": steps}
    assert (evaluate(restore["if"], contexts), evaluate(install["if"], contexts)) == expected


@pytest.mark.parametrize(("outcome", "kept"), [("success", True), ("failure", False), ("", False)])
def test_what_could_not_be_installed_is_not_kept(outcome: str, kept: bool) -> None:
    save = engine_steps()[3]
    contexts = {"steps": {"engine-install": {"outcome": outcome}}}
    assert evaluate(save["if"], contexts) is kept


def test_programs_are_kept_by_version_and_kind_of_machine() -> None:
    key = engine_steps()[1]["with"]["key"]
    for part in ("runner.os", "runner.arch", "engine.outputs.key"):
        assert part in key


def test_a_workstream_is_called_with_the_one_key_that_it_needs() -> None:
    given = read("orchestrate.yml")["jobs"]["work"]["secrets"]
    assert given.pop("ORCHESTRATE_APP_KEY") == "${{ secrets.ORCHESTRATE_APP_KEY }}"
    contexts = {
        "matrix": {"work": {"key": "GROQ_API_KEY"}},
        "secrets": {key: f"value of {key}" for key in KEYS},
    }
    seen = {name: evaluate(said, contexts) for name, said in given.items()}
    assert seen == dict.fromkeys(KEYS, "") | {"GROQ_API_KEY": "value of GROQ_API_KEY"}


@pytest.mark.parametrize("file", OURS[:3])
def test_callers_can_name_every_secret_that_a_workflow_reads(file: str) -> None:
    text = (WORKFLOWS / file).read_text()
    declared = set(read(file)["on"]["workflow_call"]["secrets"])
    assert set(re.findall(r"secrets\.(\w+)", text)) == declared == {*KEYS, "ORCHESTRATE_APP_KEY"}


def test_every_key_of_the_catalog_can_reach_an_agent() -> None:
    catalog = (ROOT / "agents" / "catalog.yaml").read_text()
    assert set(re.findall(r"key_env: (\w+)", catalog)) <= set(KEYS)


def test_jobs_that_decide_know_which_keys_are_set_and_not_what_they_are() -> None:
    said = read("orchestrate.yml")["jobs"]["intake"]["env"]["ORCHESTRATE_KEYS"]
    secrets = {"NVIDIA_API_KEY": "n-secret", "GROQ_API_KEY": "", "ORCHESTRATE_API_KEY": "o-secret"}
    parts = [evaluate(part, {"secrets": secrets}) for part in re.findall(r"\$\{\{.+?\}\}", said)]
    assert " ".join(parts).split() == ["NVIDIA_API_KEY", "ORCHESTRATE_API_KEY"]


# What starts a run


def issue(action: str, label: str = "") -> dict[str, Any]:
    return {
        "github": {"event_name": "issues", "event": {"action": action, "label": {"name": label}}},
        "vars": {},
    }


def comment(body: str, action: str = "created") -> dict[str, Any]:
    event = {"action": action, "comment": {"body": body}}
    return {"github": {"event_name": "issue_comment", "event": event}, "vars": {}}


@pytest.mark.parametrize(
    ("starts", "contexts"),
    [
        pytest.param(True, issue("labeled", "orchestrate"), id="the label"),
        pytest.param(False, issue("labeled", "bug"), id="another label"),
        pytest.param(False, issue("unlabeled", "orchestrate"), id="the label taken away"),
        pytest.param(
            True, issue("labeled", "bots") | {"vars": {"ORCHESTRATE_LABEL": "bots"}},
            id="the label that the settings name",
        ),
        pytest.param(
            False, issue("labeled", "orchestrate") | {"vars": {"ORCHESTRATE_LABEL": "bots"}},
            id="the default label where the settings name another",
        ),
        pytest.param(False, issue("opened"), id="an issue opened"),
        pytest.param(
            True, issue("opened") | {"vars": {"ORCHESTRATE_AUTO": "true"}},
            id="an issue opened where issues may start runs by themselves",
        ),
        pytest.param(True, comment("/retry"), id="a command"),
        pytest.param(True, comment("Thanks!\n/retry build"), id="a command on the second line"),
        pytest.param(True, comment("Thanks!\r\n/retry build"), id="a command after CRLF"),
        pytest.param(True, comment("\r\n\r\n/help\r\n"), id="a command after empty lines"),
        pytest.param(False, comment("Look at src/users/api.py"), id="a path"),
        pytest.param(False, comment("either/or\nand/or"), id="slashes inside lines"),
        pytest.param(False, comment("> /retry"), id="a quoted command"),
        pytest.param(False, comment("a literal \\n/retry"), id="a backslash and an n"),
        pytest.param(False, comment(""), id="an empty comment"),
        pytest.param(False, comment("/retry", "edited"), id="a comment that was edited"),
        pytest.param(True, {"github": {"event_name": "schedule"}, "vars": {}}, id="the clock"),
        pytest.param(
            True, {"github": {"event_name": "workflow_dispatch"}, "vars": {}}, id="by hand"
        ),
    ],
)  # fmt: skip
def test_a_runner_starts_for_what_may_be_meant_for_the_bot(
    starts: bool, contexts: Mapping[str, Any]
) -> None:
    assert evaluate(read("orchestrate.yml")["jobs"]["intake"]["if"], contexts) is starts


def pull(sender: str, repository: str, ref: str, login: str = "ours") -> dict[str, Any]:
    head = {"repo": {"full_name": repository}, "ref": ref}
    pull_request = {"head": head, "user": {"login": "ours"}}
    event = {"sender": {"type": sender, "login": login}, "pull_request": pull_request}
    return {
        "github": {"event_name": "pull_request", "repository": "ada/engine", "event": event},
    }


@pytest.mark.parametrize(
    ("runs", "contexts"),
    [
        pytest.param(
            False, pull("Bot", "ada/engine", "orchestrate/42/combined"), id="the bot's own push"
        ),
        pytest.param(
            True, pull("User", "ada/engine", "orchestrate/42/combined"),
            id="a person's push to the bot's branch",
        ),
        pytest.param(
            True, pull("Bot", "ada/engine", "orchestrate/42/combined", "formatter[bot]"),
            id="another bot's push to the bot's branch",
        ),
        pytest.param(True, pull("User", "ada/engine", "topic"), id="a person's branch"),
        pytest.param(True, pull("Bot", "ada/engine", "dependabot/x"), id="another bot's branch"),
        pytest.param(
            True, pull("Bot", "eve/engine", "orchestrate/42/combined"), id="a fork's branch"
        ),
        pytest.param(
            True, {"github": {"event_name": "workflow_dispatch", "event": {}}}, id="a dispatch"
        ),
        pytest.param(True, {"github": {"event_name": "merge_group", "event": {}}}, id="a queue"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("job", ["tests", "review", "docs"])
def test_gates_run_for_everything_but_what_the_bot_dispatches_itself(
    job: str, runs: bool, contexts: Mapping[str, Any]
) -> None:
    assert evaluate(read("gates.yml")["jobs"][job]["if"], contexts) is runs


@pytest.mark.parametrize(
    ("result", "runs"),
    [("success", True), ("failure", True), ("cancelled", True), ("skipped", False)],
)
def test_a_verdict_follows_whatever_became_of_the_tests(result: str, runs: bool) -> None:
    said = read("gates.yml")["jobs"]["verdict"]["if"]
    assert evaluate(said, {"needs": {"tests": {"result": result}}}) is runs


@pytest.mark.parametrize(
    ("posts", "event", "head", "branch"),
    [
        pytest.param(True, "pull_request", "eve/engine", "topic", id="a fork"),
        pytest.param(True, "pull_request", "ada/engine", "dependabot/pip/x", id="Dependabot"),
        pytest.param(False, "pull_request", "ada/engine", "topic", id="a branch of ours"),
        pytest.param(False, "workflow_dispatch", "ada/engine", "main", id="a dispatch"),
    ],
)
def test_gates_are_posted_afterwards_only_where_the_verdict_could_not(
    posts: bool, event: str, head: str, branch: str
) -> None:
    run = {"event": event, "head_repository": {"full_name": head}, "head_branch": branch}
    contexts = {"github": {"repository": "ada/engine", "event": {"workflow_run": run}}}
    assert evaluate(read("gates-post.yml")["jobs"]["post"]["if"], contexts) is posts


def test_triggers_are_these_and_no_others() -> None:
    triggers = {
        file: {
            name: (said or {}).get("types") if isinstance(said, dict) else None
            for name, said in read(file)["on"].items()
            if name != "workflow_call"
        }
        for file in OURS
    }
    assert triggers == {
        "orchestrate.yml": {
            "issues": ["labeled", "opened"],
            "issue_comment": ["created"],
            "schedule": None,
            "workflow_dispatch": None,
        },
        "workstream.yml": {"workflow_dispatch": None},
        "gates.yml": {
            "workflow_dispatch": None,
            "pull_request": ["opened", "synchronize", "reopened"],
            "merge_group": ["checks_requested"],
        },
        "gates-post.yml": {"workflow_run": ["completed"]},
    }
    assert read("gates-post.yml")["on"]["workflow_run"]["workflows"] == [read("gates.yml")["name"]]


def test_required_checks_never_hang_on_a_filter() -> None:
    for event in ("pull_request", "merge_group"):
        assert set(read("gates.yml")["on"][event]) == {"types"}


# What the jobs hand on


WORK = '[{"run":"42","workstream":"build","attempt":1,"key":""}]'


def needs(any_: str, work: str, accept: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {
        "needs": {
            "intake": {"result": "success", "outputs": {"any": any_, "work": work}},
            "accept": {"result": "success" if accept else "skipped", "outputs": accept or {}},
        }
    }


@pytest.mark.parametrize(
    ("starts", "contexts"),
    [
        pytest.param(True, needs("true", WORK), id="ready at once"),
        pytest.param(False, needs("false", "[]"), id="nothing ready"),
        pytest.param(True, needs("false", "[]", {"any": "true", "work": WORK}), id="planned"),
        pytest.param(
            False, needs("false", "[]", {"any": "false", "work": "[]"}), id="a plan refused"
        ),
    ],
)
def test_a_matrix_of_workstreams_is_never_empty(starts: bool, contexts: Mapping[str, Any]) -> None:
    job = read("orchestrate.yml")["jobs"]["work"]
    assert evaluate(job["if"], contexts) is starts
    if starts:
        (work,) = evaluate(job["strategy"]["matrix"]["work"], contexts)
        assert evaluate(job["with"]["attempt"], {"matrix": {"work": work}}) == "1"


def test_one_workstream_that_fails_stops_no_other() -> None:
    assert read("orchestrate.yml")["jobs"]["work"]["strategy"]["fail-fast"] == "false"


def test_an_outcome_is_published_even_after_the_agent_was_cancelled() -> None:
    assert read("workstream.yml")["jobs"]["publish"]["if"] == "always()"
    assert read("orchestrate.yml")["jobs"]["accept"]["if"].startswith("always()")


def test_jobs_from_a_label_to_the_first_agent_are_two() -> None:
    jobs = read("orchestrate.yml")["jobs"]
    assert "needs" not in jobs["intake"]
    assert jobs["work"]["needs"] == ["intake", "accept"]  # of which the second is skipped
    assert "needs" not in read("workstream.yml")["jobs"]["agent"]
    assert "announce" not in str([job.get("needs") for job in jobs.values()])


ARTIFACTS = {
    ("orchestrate.yml", "plan"): "42.plan.r2",
    ("workstream.yml", "agent"): "42.build.3.r2",
    ("gates.yml", "tests"): "gates.tests.c0ffee.r2",
    ("gates.yml", "review"): "gates.review.c0ffee.r2",
    ("gates.yml", "docs"): "gates.docs.c0ffee.r2",
}


def test_artifacts_are_named_for_the_attempt_and_handed_on_by_id() -> None:
    contexts = {
        "inputs": {"run": "42", "workstream": "build", "attempt": "3"},
        "needs": {"intake": {"outputs": {"run": "42"}}},
        "env": {"HEAD": "c0ffee"},
        "github": {"run_attempt": "2"},
    }
    names = {}
    for file, job, step in every_step():
        if "upload-artifact@" in step.get("uses", ""):
            assert step["if"] == "always()"
            assert "overwrite" not in step["with"]
            outputs = read(file)["jobs"][job]["outputs"]
            assert outputs["artifact_id"] == f"${{{{ steps.{step['id']}.outputs.artifact-id }}}}"
            name = step["with"]["name"]
            for part in re.findall(r"\$\{\{.+?\}\}", name):
                name = name.replace(part, evaluate(part, contexts))
            names[file, job] = name
        if "download-artifact@" in step.get("uses", ""):
            asked = step["with"]
            assert set(asked) == {"artifact-ids", "path", "skip-decompress"}
            assert asked["skip-decompress"] == "true"
            assert asked["artifact-ids"].endswith(".outputs.artifact_id }}")
    assert names == ARTIFACTS


@pytest.mark.parametrize(
    ("event", "contexts"),
    [
        ("dispatch", {"inputs": {"head": "c0ffee"}, "github": {"event": {}}}),
        (
            "pull request",
            {"inputs": {}, "github": {"event": {"pull_request": {"head": {"sha": "c0ffee"}}}}},
        ),
        (
            "queue",
            {"inputs": {}, "github": {"event": {"merge_group": {"head_sha": "c0ffee"}}}},
        ),
    ],
)
def test_gates_know_their_head_whatever_started_them(
    event: str, contexts: Mapping[str, Any]
) -> None:
    assert evaluate(read("gates.yml")["env"]["HEAD"], contexts) == "c0ffee", event


@pytest.mark.parametrize(
    "dispatch",
    [
        WorkstreamDispatch(RunId("42"), "build", 1, "GROQ_API_KEY"),
        GatesDispatch(RunId("42"), Sha("c0ffee")),
        ReconcileDispatch(RunId("42")),
        ReconcileDispatch(),
    ],
)
def test_a_dispatch_says_what_its_workflow_asks_for(dispatch: Dispatch) -> None:
    declared = read(dispatch.workflow)["on"]["workflow_dispatch"]["inputs"]
    required = {name for name, said in declared.items() if said["required"] == "true"}
    assert required <= set(dispatch.inputs()) <= set(declared)


@pytest.mark.parametrize("file", OURS)
def test_a_caller_in_another_repository_can_say_all_that_a_dispatch_can(file: str) -> None:
    triggers = read(file)["on"]
    dispatched = set((triggers.get("workflow_dispatch") or {}).get("inputs", ()))
    called = set(triggers["workflow_call"]["inputs"])
    assert {"bot_repository", "bot_commit"} <= called
    if file != "orchestrate.yml":  # which reads its run from the event
        assert dispatched <= called


# The locks


def pins(lock: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9][\w.-]*)==(\S+)", lock.read_text(), flags=re.MULTILINE))


def test_jobs_install_what_the_tests_ran_with() -> None:
    tested = pins(ROOT / "requirements.lock")
    installed = pins(ROOT / ".github" / "orchestrate" / "requirements.lock")
    assert {"pydantic", "typer", "hatchling"} <= set(installed)
    assert "pytest" not in installed
    assert {name: tested.get(name) for name in installed} == installed


def test_locks_name_no_address_to_install_from() -> None:
    for lock in ("requirements.lock", ".github/orchestrate/requirements.lock"):
        assert not re.search(r"https?:|--(index|extra|find)", (ROOT / lock).read_text()), lock
