"""What GitHub's runner says of a job, and how the job reaches the repository."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.adapters.clock import SystemClock
from bot.adapters.github.origin import Origin, Remote, refspecs
from bot.core.base import RunId
from bot.core.github.payloads import Event, read_event
from bot.core.github.permission import OWN_LOGINS
from bot.core.github.subject import Subject, subject_of
from bot.errors import UserError

if TYPE_CHECKING:
    from bot.adapters.github.api import Api
    from bot.adapters.github.hub import Hub


@dataclass(frozen=True)
class Runner:
    """What GitHub's runner says of the job, as it stands in the environment."""

    variables: Mapping[str, str]

    def require(self, name: str) -> str:
        """Return a variable. Raises UserError where this is no job of a workflow."""
        value = self.variables.get(name, "")
        if not value:
            raise UserError(
                f"{name} is not set: this command is a step of the workflows.",
                fix="On a laptop it is: orchestrate run, status, retry.",
            )
        return value

    @property
    def event_name(self) -> str:
        """The event that started the workflow."""
        return self.require("GITHUB_EVENT_NAME")

    def event(self) -> Event:
        """Read the event that started the workflow."""
        data = Path(self.require("GITHUB_EVENT_PATH")).read_bytes()
        return read_event(self.event_name, data)

    @property
    def attempt(self) -> int:
        """Which try of its workflow run this is; somebody pressed "re-run" from the second on."""
        return int(self.variables.get("GITHUB_RUN_ATTEMPT", "1"))

    @property
    def scratch(self) -> Path:
        """The folder for files of this job, where the agents' user can reach what is its own."""
        place = self.variables.get("ORCHESTRATE_SCRATCH") or self.require("RUNNER_TEMP")
        return Path(place) / "orchestrate"

    @property
    def agent_user(self) -> str:
        """The user that runs what is not ours; empty where there is none."""
        return self.variables.get("ORCHESTRATE_AGENT_USER", "")

    def output(self, outputs: Mapping[str, str]) -> None:
        """Hand outputs to later jobs; a delimiter that nobody can guess keeps them apart."""
        import secrets

        path = self.variables.get("GITHUB_OUTPUT")
        if not path:
            return
        with Path(path).open("a", encoding="utf-8") as file:
            for name, value in outputs.items():
                mark = secrets.token_hex(16)
                file.write(f"{name}<<{mark}\n{value}\n{mark}\n")

    def summary(self, text: str) -> None:
        """Show Markdown on the job's page."""
        path = self.variables.get("GITHUB_STEP_SUMMARY")
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(f"{text}\n")


def runner() -> Runner:
    """Return the job that this process is a step of."""
    return Runner(os.environ)


def subject_at(event: Event) -> Subject:
    """Return the commit that an event asks to check. Raises UserError where it asks for none."""
    found = subject_of(event)
    if isinstance(found, str):
        raise UserError(found)
    return found


def hub_of(here: Runner) -> Hub:
    """Return the repository's API, with this job's token."""
    from bot.adapters.github.hub import Hub  # what only clones needs no HTTP

    own = here.variables.get("ORCHESTRATE_OWN_LOGIN") or ""
    logins = frozenset({*OWN_LOGINS, own} - {""})
    api = _api(here, here.require("ORCHESTRATE_TOKEN"))
    for_checks = here.variables.get("ORCHESTRATE_CHECKS_TOKEN")
    checks_api = _api(here, for_checks) if for_checks else None
    return Hub(api, here.require("GITHUB_REPOSITORY"), logins, checks_api)


def _api(here: Runner, token: str) -> Api:
    from bot.adapters.github.api import Api
    from bot.adapters.github.pace import Pace

    clock, spacing = SystemClock(), here.variables.get("ORCHESTRATE_WRITE_SPACING")
    pace = Pace(clock.pause, clock.now)
    if spacing:  # seconds between two writes, where a server has no such limit
        pace = Pace(clock.pause, clock.now, spacing=float(spacing))
    url = here.require("GITHUB_API_URL")
    return Api(url, token, pace, graphql_url=here.variables.get("GITHUB_GRAPHQL_URL"))


def clone_for(here: Runner, path: Path, default_branch: str, run: RunId | None = None) -> Origin:
    """Clone what a job reads; nothing secret is written into the clone."""
    server, repository = here.require("GITHUB_SERVER_URL"), here.require("GITHUB_REPOSITORY")
    remote = Remote(f"{server}/{repository}.git", here.require("ORCHESTRATE_TOKEN"))
    specs = refspecs(default_branch, run)
    return Origin.clone(path, remote, default_branch, specs, SystemClock().pause)
