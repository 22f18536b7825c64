"""Workflows of a repository on the fake GitHub, run by nektos/act in place of GitHub's runners.

`Runner.settle` takes events and dispatches from the fake and runs what they start, until nothing
is left. What act does not do is done here: activity types and branch filters, a token for each job
with its own rights, artifacts, run ids, re-runs, `workflow_run`. What neither does: concurrency
groups, fail-fast, time limits of jobs; and jobs run one after the other, since act's local actions
do not bear two at once.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import pytest
import yaml

from tests.support.act_copies import FOLDER, Copies
from tests.support.artifacts import ArtifactService
from tests.support.github.fake import FakeGithub
from tests.support.github.state import Run
from tests.support.peers import ACTIONS, ROOT

MOST_RUNS = 60  # of one settling
_DEFAULT_TYPES = {"pull_request": ("opened", "synchronize", "reopened")}
_SETUP = ".github/actions/orchestrate/setup.sh"
_READ_ALL = dict.fromkeys(("actions", "checks", "contents", "issues", "pull-requests"), "read")


@dataclass(frozen=True)
class JobRan:
    """A job that ran; of a called workflow the name begins with the calling job's name."""

    run_id: int
    workflow: str  # the file that was started
    name: str  # intake, build/agent
    result: str  # success or failure
    output: str  # what its steps printed


@dataclass(frozen=True)
class _Started:
    """What a run needs to be run, and to be run again."""

    workflow: str
    event: str
    payload: Mapping[str, Any]


@dataclass
class Runner:
    """Runs what one repository's events start; `folder` is where runs work."""

    github: FakeGithub
    repository: str
    folder: Path
    secrets: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, str] = field(default_factory=dict)  # environment of every job
    bot: tuple[str, str] = ("", "HEAD")  # where jobs check it out: a repository, "" is this one
    installed: Path = Path(sys.prefix)  # has bin/orchestrate, stands for what would be installed
    ran: list[JobRan] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._here = self.github.repository(self.repository)
        self._started: dict[int, _Started] = {}
        self._services = ExitStack()

    def __enter__(self) -> Self:
        self._artifacts = self._services.enter_context(ArtifactService(self._here))
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._services.close()

    # What a test does

    def settle(self) -> list[JobRan]:
        """Run all that was started, and what that starts, until nothing is left."""
        before = len(self.ran)
        for count, run in enumerate(self._waiting()):
            assert count < MOST_RUNS, f"{self.repository} does not come to rest"
            self._execute(run)
        return self.ran[before:]

    def rerun(self, run_id: int, *, by: str) -> list[JobRan]:
        """Run all jobs of a run again, as somebody does on its page."""
        run = self._here.runs[run_id]
        run.run_attempt += 1
        run.triggering_actor = self.github.world.user(by)
        before = len(self.ran)
        self._execute(run)
        return self.ran[before:] + self.settle()

    def tick(self) -> None:
        """Let the clock of every schedule strike once."""
        for file, workflow in self._workflows():
            for said in workflow["on"].get("schedule") or ():
                run = self._here.start_run(file, "schedule", by="github-actions[bot]")
                self._started[run.id] = _Started(file, "schedule", {"schedule": said["cron"]})

    def names(self) -> list[str]:
        """Say which jobs ran, in their order."""
        return [job.name for job in self.ran]

    # What was started

    def _waiting(self) -> Iterator[Run]:
        """Go through the runs that wait, those that come meanwhile too."""
        while True:
            self._take()
            waiting = [run for run in self._here.runs.values() if self._is_ours(run)]
            if not waiting:
                return
            yield waiting[0]

    def _is_ours(self, run: Run) -> bool:
        return run.id in self._started and run.status == "queued"

    def _take(self) -> None:
        for dispatch in self._drain(self._here.dispatches):
            self._started[dispatch.run_id] = _Started(
                dispatch.workflow, "workflow_dispatch", dispatch.payload
            )
        for event in self._drain(self.github.events):
            if event.repository == self.repository:
                self._start(event.name, event.payload)

    def _drain(self, queue: list[Any]) -> list[Any]:
        with self.github.world.lock:
            taken = list(queue)
            queue.clear()
        return taken

    def _start(self, name: str, payload: Mapping[str, Any]) -> None:
        for file, workflow in self._workflows():
            if self._wants(workflow["on"], name, payload):
                head, branch, fork = _head(name, payload)
                by = payload["sender"]["login"]
                run = self._here.start_run(file, name, by=by, branch=branch, sha=head, fork=fork)
                self._started[run.id] = _Started(file, name, payload)

    def _wants(self, triggers: Mapping[str, Any], name: str, payload: Mapping[str, Any]) -> bool:
        """Say whether GitHub would start a workflow; act looks at the event's name only."""
        if name == "workflow_dispatch" or name not in triggers:
            return False
        said = triggers[name] or {}
        types = said.get("types", _DEFAULT_TYPES.get(name))
        if types is not None and payload.get("action") not in types:
            return False
        if (
            "branches" in said
            and payload["ref"].removeprefix("refs/heads/") not in said["branches"]
        ):
            return False
        if "workflows" in said:
            file = Path(payload["workflow_run"]["path"]).name
            return dict(self._workflows())[file].get("name", file) in said["workflows"]
        return True

    def _workflows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        branch = f"refs/heads/{self._here.state.default_branch}"
        for path in sorted(self._here.git.files(branch)):
            folder, _, file = path.rpartition("/")
            if folder == FOLDER:
                workflow = yaml.safe_load(self._read(self.repository, branch, path))
                on = workflow.pop(True)
                names = [on] if isinstance(on, str) else on
                yield file, workflow | {"on": on if isinstance(on, dict) else dict.fromkeys(names)}

    def _read(self, repository: str, at: str, path: str) -> str:
        text = self.github.repository(repository).git.read(at, path)
        assert text is not None, f"{repository} has no {path} at {at}"
        return text

    # How a run is run

    def _execute(self, run: Run) -> None:
        started = self._started[run.id]
        root = self.folder / f"{run.id}.{run.run_attempt}"
        root.mkdir()
        copies = Copies(root, self._mint, self._read, _most(started, self.repository))
        branch = f"refs/heads/{self._here.state.default_branch}"
        copy = copies.copy(self.repository, branch, started.workflow)
        (root / "event.json").write_text(json.dumps(started.payload))
        environment = self._environment()
        self._install(environment)
        run.status, run.conclusion = "in_progress", None
        done = subprocess.run(
            self._command(run, started, copy), cwd=root, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        jobs = list(_jobs(run.id, started.workflow, done.stdout))
        failed = [job.name for job in jobs if job.result != "success"]
        assert done.returncode == (1 if failed else 0), done.stderr + done.stdout
        for job in jobs:
            added = self._here.add_job(run, job.name)
            added.status, added.conclusion = "completed", job.result
        self.ran += jobs
        self._here.finish_run(run, "failure" if failed else "success" if jobs else "skipped")

    def _command(self, run: Run, started: _Started, copy: str) -> list[str | Path]:
        environment = {
            "GITHUB_ACTOR": run.actor.login,
            "GITHUB_API_URL": self.github.api_url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_REF": _ref(started, self._here.state.default_branch),
            "GITHUB_REPOSITORY": self.repository,
            "GITHUB_RUN_ATTEMPT": str(run.run_attempt),
            "GITHUB_RUN_ID": str(run.id),
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_TRIGGERING_ACTOR": run.triggering_actor.login,
            "GIT_ALLOW_PROTOCOL": "file:http",
            "SHA_REF": run.head_sha,  # what act takes github.sha from
            "STANDIN_ACTIONS": str(ACTIONS),
            "STANDIN_ARTIFACTS": self._artifacts.url,
        }
        return [
            act(), started.event, "--workflows", copy, "--eventpath", "event.json", "--json",
            "--platform", "ubuntu-24.04=-self-hosted", "--actor", run.actor.login,
            "--concurrent-jobs", "1", "--no-cache-server", "--no-skip-checkout",
            "--action-offline-mode",
            *_options("--local-repository", _stand_ins()),
            *_options("--env", environment | self.more),
            *_options("--secret", {} if _most(started, self.repository) else self.secrets),
            *_options("--var", self.variables),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        # The Python that runs the tests, rather than a version manager's slow stand-in for it.
        ours, path = f"{os.environ['HOME']}/programs", os.environ["PATH"]  # with no sandbox in it
        path = os.pathsep.join((str(self.folder / "bin"), ours, f"{sys.base_prefix}/bin", path))
        return os.environ | {
            "PATH": path,
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }

    def _mint(self, permissions: Mapping[str, str]) -> str:
        return self.github.job_token(self.repository, permissions)

    def _install(self, environment: Mapping[str, str]) -> None:
        """Put what is installed where the set-up of the bot's checkout looks for it."""
        git = self.github.repository(self.bot[0] or self.repository).git
        if git.read(self.bot[1], _SETUP) is None:
            return
        checkout = self.folder / f"bot-{git.sha(self.bot[1])}"
        if not checkout.exists():
            git.git("worktree", "add", "--detach", str(checkout), self.bot[1])
        asked = subprocess.run(
            ("bash", checkout / _SETUP, "folder"),
            env=environment | {"RUNNER_TOOL_CACHE": str(self.folder / "cache/act/tool_cache")},
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        place = Path(asked.stdout.strip())
        if not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(self.installed)


def act() -> Path:
    """Return the program, or skip."""
    found = sorted((ROOT / ".tools" / "bin").glob("act-*"))
    return found[-1] if found else pytest.skip("act is missing: install Go 1.25, run make peers")


def _options(name: str, values: Mapping[str, object]) -> Iterator[str]:
    for key, value in values.items():
        yield from (name, f"{key}={value}")


def _stand_ins() -> dict[str, Path]:
    """Map each action that our workflows pin to the folder that stands in for it."""
    files = (*(ROOT / FOLDER).glob("*.yml"), ROOT / ".github/actions/orchestrate/action.yml")
    pins = re.findall(r"uses: (actions/[\w-]+)[\w/-]*@(\S+)", "".join(f.read_text() for f in files))
    return {f"{name}@{at}": ACTIONS / name for name, at in pins}


def _head(name: str, payload: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return commit, branch and fork of an event that is about them."""
    match name:
        case "pull_request":
            head, here = payload["pull_request"]["head"], payload["repository"]["full_name"]
            home = head["repo"]["full_name"]
            return str(head["sha"]), str(head["ref"]), home if home != here else None
        case "merge_group":
            return str(payload["merge_group"]["head_sha"]), None, None
        case "push":
            return str(payload["after"]), None, None
        case _:
            return None, None, None


def _ref(started: _Started, default_branch: str) -> str:
    match started.event:
        case "pull_request":
            return f"refs/pull/{started.payload['number']}/merge"
        case "merge_group":
            return str(started.payload["merge_group"]["head_ref"])
        case _:
            return f"refs/heads/{default_branch}"


def _most(started: _Started, repository: str) -> Mapping[str, str] | None:
    """Return the rights that the event leaves: pull requests from elsewhere may only read."""
    if started.event != "pull_request":
        return None
    head = started.payload["pull_request"]["head"]["repo"]
    ours = head is not None and head["full_name"] == repository
    return None if ours and started.payload["sender"]["login"] != "dependabot[bot]" else _READ_ALL


def _jobs(run_id: int, workflow: str, printed: str) -> Iterator[JobRan]:
    """Read act's log: after one failure in a matrix it calls every job failed, its steps do not."""
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in map(json.loads, printed.splitlines()):
        if "jobID" in line:
            lines.setdefault(line["job"], []).append(line)
    for place, said in lines.items():
        caller, _, called = place.partition("/")
        name = said[0]["jobID"]
        if "/" in called:
            name = f"{re.sub(r'-[0-9]+$', '', caller)}/{name}"
        failed = any(line.get("stepResult") == "failure" for line in said)
        output = "".join(
            line["msg"]
            for line in said
            if line.get("raw_output") or line.get("command") in ("error", "warning")
        )
        if any("jobResult" in line for line in said):
            yield JobRan(run_id, workflow, name, "failure" if failed else "success", output)
