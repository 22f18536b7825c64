"""The workflows' jobs run in this process, one step after the other, against the fake GitHub.

Their order, their tokens' rights and what they hand to each other are those of the YAML (rights
are read from it); the YAML itself is run under act elsewhere. Fast enough to put a fault at each
request.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.clock import SystemClock
from bot.adapters.event_ref import parse_events
from bot.core.base import RunId
from bot.core.events import Event
from bot.core.folding import fold
from bot.core.github.presence import Presence
from bot.core.state import RunState
from bot.errors import BotError
from bot.wiring import jobs, needed
from tests.support.github import FakeGithub, FakeRepository

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
Payload = Mapping[str, Any]


@cache
def rights(workflow: str, job: str) -> dict[str, str]:
    """Return what a job's token may, as its workflow says."""
    found = yaml.safe_load((WORKFLOWS / f"{workflow}.yml").read_text())["jobs"][job]["permissions"]
    return {str(name): str(level) for name, level in found.items()}


@dataclass
class Time:
    """The jobs' clock: pauses cost nothing, and tests let time pass."""

    ahead: timedelta = timedelta()

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let every clock of the bot's be this one."""

        real = SystemClock.now

        def now(clock: SystemClock) -> datetime:
            return real(clock) + self.ahead

        def pause(_: SystemClock, seconds: float) -> None:
            self.ahead += timedelta(seconds=seconds)

        monkeypatch.setattr(SystemClock, "now", now)
        monkeypatch.setattr(SystemClock, "pause", pause)


@dataclass(frozen=True)
class Ran:
    """One job that ran: its name, what it handed on, and what ended it, if anything did."""

    job: str
    outputs: Mapping[str, str]
    error: BotError | None = None


@dataclass
class Workshop:
    """Runs the jobs that events and dispatches start."""

    github: FakeGithub
    repository: FakeRepository
    folder: Path
    time: Time
    variables: dict[str, str] = field(default_factory=dict)  # more of the runner's environment
    ran: list[Ran] = field(default_factory=list)
    wrap: Callable[[str, Callable[[], None]], None] | None = None  # runs a job otherwise
    silent: set[str] = field(default_factory=set)  # jobs that die before their first step
    planning_keys: list[str] = field(default_factory=list)  # that planning asked for, by name
    _runs: int = 9_000
    _taken: int = 0  # dispatches that were run

    def deliver(self, name: str, payload: Payload, *, attempt: int = 1) -> None:
        """Run what a webhook starts, and everything that is dispatched then."""
        self._runs += 1
        self._orchestrate(name, payload, self._runs, attempt)
        self.drain()

    def drain(self) -> None:
        """Run dispatches until none is left."""
        while self._taken < len(self.repository.dispatches):
            dispatch = self.repository.dispatches[self._taken]
            self._taken += 1
            inputs = dict(dispatch.inputs)
            match dispatch.workflow:
                case "workstream.yml":
                    self.workstream(inputs, dispatch.payload, dispatch.run_id)
                case "gates.yml":
                    self.gates("workflow_dispatch", dispatch.payload, dispatch.run_id)
                case _:
                    self._orchestrate("workflow_dispatch", dispatch.payload, dispatch.run_id, 1)

    def sweep(self) -> None:
        """Run the scheduled workflow."""
        state = self.github.repository(self.repository.full_name).state
        payload = {"schedule": "37 */6 * * *", "repository": _repository(state)}
        self.deliver("schedule", payload)

    def _orchestrate(self, name: str, payload: Payload, run_id: int, attempt: int) -> None:
        took = self.job("orchestrate", "intake", jobs.intake, name, payload, run_id, attempt)
        run = took.outputs.get("run", "")
        if took.outputs.get("planning") == "true":
            took = self._plan(run, took.outputs["planning_key"], (name, payload, run_id, attempt))
        if run:
            self.job(
                *("orchestrate", "announce"),
                lambda: jobs.announce(run), name, payload, run_id, attempt,
            )  # fmt: skip
        for entry in json.loads(took.outputs.get("work", "[]")):
            inputs = {key: str(value) for key, value in entry.items()}
            self.workstream(inputs, payload, run_id, name, attempt)

    def _plan(self, run: str, key: str, about: tuple[str, Payload, int, int]) -> Ran:
        """Run the two jobs of a planning model; only the one key that it asked for is there."""
        out, clone = self._scratch("out"), self._scratch("from")
        self.planning_keys.append(key)

        def plan() -> None:
            jobs.fetch(clone, run)
            self._without_token(lambda: needed.to_plan(run, clone))
            self._without_token(lambda: jobs.plan(run, clone, out))

        self.job("orchestrate", "plan", plan, *about)
        artifact = self.zipped(out, f"{run}.plan")
        return self.job("orchestrate", "accept", lambda: jobs.accept(run, artifact), *about)

    def workstream(
        self,
        inputs: Mapping[str, str],
        payload: Payload,
        run_id: int,
        name: str = "workflow_dispatch",
        attempt: int = 1,
    ) -> None:
        """Run a workstream's two jobs."""
        run, stream, nth = inputs["run"], inputs["workstream"], int(inputs["attempt"])
        out = self._scratch("out")
        clone = self._scratch("from")
        about = (name, payload, run_id, attempt)

        def agent() -> None:
            jobs.fetch(clone, run)
            self._without_token(lambda: needed.for_attempt(run, stream, nth, clone))
            self._without_token(lambda: jobs.agent(run, stream, nth, clone, out))

        self.job("workstream", "agent", agent, *about)
        artifact = self.zipped(out, f"{run}.{stream}.{nth}")
        publish = lambda: jobs.publish(run, stream, nth, artifact)  # noqa: E731
        self.job("workstream", "publish", publish, *about)

    def gates(self, name: str, payload: Payload, run_id: int, attempt: int = 1) -> None:
        """Run the gates' jobs and the verdict."""
        artifacts: dict[str, Path] = {}
        results: dict[str, str] = {}
        for job, wanted in {"tests": "tests coverage", "review": "review", "docs": "docs"}.items():
            out, clone = self._scratch("out"), self._scratch("from")

            def check(out: Path = out, clone: Path = clone, wanted: str = wanted) -> None:
                jobs.fetch(clone, "")
                if wanted == "review":
                    self._without_token(lambda: needed.to_review(clone))
                self._without_token(lambda: jobs.check(wanted, clone, out))

            ran = self.job("gates", job, check, name, payload, run_id, attempt)
            results[job] = "failure" if ran.error else "success"
            artifacts[job] = self.zipped(out, f"gates.{job}.{run_id}")
        self.variables["ORCHESTRATE_NEEDS"] = json.dumps(results)
        verdict = lambda: jobs.verdict(artifacts)  # noqa: E731
        self.job("gates", "verdict", verdict, name, payload, run_id, attempt)

    def job(
        self,
        workflow: str,
        job: str,
        step: Callable[[], object],
        event: str,
        payload: Payload,
        run_id: int,
        attempt: int,
    ) -> Ran:
        """Run one job with a token of its own."""
        if job in self.silent:
            return Ran(f"{workflow}/{job}", {})
        token = self.github.job_token(self.repository.full_name, rights(workflow, job))
        scratch = self._scratch("job")
        scratch.mkdir()
        (scratch / "event.json").write_text(json.dumps(payload))
        variables = {
            "ORCHESTRATE_TOKEN": token,
            "ORCHESTRATE_WRITE_SPACING": "0",
            "GITHUB_API_URL": self.github.api_url,
            "GITHUB_GRAPHQL_URL": self.github.graphql_url,
            "GITHUB_SERVER_URL": self.github.url,
            "GITHUB_REPOSITORY": self.repository.full_name,
            "GITHUB_EVENT_NAME": event,
            "GITHUB_EVENT_PATH": str(scratch / "event.json"),
            "GITHUB_RUN_ID": str(run_id),
            "GITHUB_RUN_ATTEMPT": str(attempt),
            "GITHUB_OUTPUT": str(scratch / "output"),
            "RUNNER_TEMP": str(scratch),
            **self.variables,
        }
        error: BotError | None = None
        with _environment(variables):
            try:
                if self.wrap:
                    self.wrap(job, step)  # type: ignore[arg-type]
                else:
                    step()
            except BotError as found:
                error = found
        done = Ran(f"{workflow}/{job}", _outputs(scratch / "output"), error)
        self.ran.append(done)
        return done

    @contextmanager
    def _no_token(self) -> Iterator[None]:
        token = os.environ.pop("ORCHESTRATE_TOKEN")
        try:
            yield
        finally:
            os.environ["ORCHESTRATE_TOKEN"] = token

    def _without_token(self, step: Callable[[], object]) -> None:
        with self._no_token():
            step()

    def zipped(self, folder: Path, name: str) -> Path:
        """Zip what a job left, as the artifact actions do; a missing path where it left nothing."""
        path = self._scratch(name).with_suffix(".zip")
        if folder.is_dir():
            buffer = io.BytesIO()
            with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
                for file in sorted(folder.iterdir()):
                    archive.write(file, file.name)
            path.write_bytes(buffer.getvalue())
        return path

    def _scratch(self, name: str) -> Path:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self.folder / f"{len(list(self.folder.iterdir())):04}-{name}"

    # What came of it

    def events(self, run: str = "") -> tuple[Event, ...]:
        """The events of a run, by default the only one."""
        name = run or self.run_ids()[-1]
        data = self.repository.git.git("show", f"refs/orchestrate/runs/{name}:events.jsonl")
        return parse_events(data if isinstance(data, bytes) else data.encode(), RunId(name))

    def state(self, run: str = "") -> RunState:
        """Where a run stands."""
        return fold(self.events(run))

    def presence(self, run: str = "") -> Presence:
        """What was made for a run."""
        name = run or self.run_ids()[-1]
        data = self.repository.git.git("show", f"refs/orchestrate/runs/{name}:github.json")
        return Presence.model_validate_json(data)

    def run_ids(self) -> list[str]:
        """Every run of the repository."""
        prefix = "refs/orchestrate/runs/"
        refs = self.repository.git.refs()
        return sorted(ref.removeprefix(prefix) for ref in refs if ref.startswith(prefix))

    def errors(self) -> list[BotError]:
        """What ended jobs before their time."""
        return [ran.error for ran in self.ran if ran.error]


def _outputs(path: Path) -> dict[str, str]:
    """Read GITHUB_OUTPUT as the runner does."""
    if not path.exists():
        return {}
    found: dict[str, str] = {}
    lines = iter(path.read_text().splitlines())
    for line in lines:
        name, _, mark = line.partition("<<")
        value = []
        for part in lines:
            if part == mark:
                break
            value.append(part)
        found[name] = "\n".join(value)
    return found


def _repository(state: Any) -> Payload:
    return {
        "id": state.id,
        "full_name": state.full_name,
        "default_branch": state.default_branch,
        "private": state.private,
    }


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
