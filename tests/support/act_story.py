"""Stories told as in tests/support/stories.py, whose jobs run in the real workflows, under act."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.support.act import Runner, act
from tests.support.github import Exchange, FakeGithub
from tests.support.peers import ROOT
from tests.support.stories import ROLES, SETTINGS, Story
from tests.support.workshop import Payload, Time

# Notes what a command was given, and lets the bot take over.
_RECORDER = """\
#!/bin/bash
{{ printf '%s\\0' "$*"; env -0; }} >"$(mktemp "{folder}/$(date +%s%N).XXX")"
exec {bot} "$@"
"""


@dataclass(kw_only=True)
class ActStory(Story):
    """A story whose events go to act."""

    runner: Runner

    def deliver(self, name: str, payload: Payload, *, attempt: int = 1) -> None:
        """Run what has happened so far: the runner takes events from the fake itself."""
        del name, payload, attempt
        self.runner.settle()

    @property
    def jobs(self) -> list[str]:
        """The jobs that ran, each with its workflow, in order."""
        return [f"{job.workflow.removesuffix('.yml')} {job.name}" for job in self.runner.ran]

    @property
    def failed(self) -> str:
        """What jobs that did not end well had said."""
        failed = [job for job in self.runner.ran if job.result != "success"]
        return "\n".join(f"{job.workflow} {job.name}: {job.output}" for job in failed)

    def holders(self, key: str) -> list[str]:
        """The first words of each call of the bot that had a variable with something in it."""
        calls = [path.read_text().split("\0") for path in sorted(self.calls.iterdir())]
        return [" ".join(call.split()[1:4]) for call, *had in calls if _has(had, key)]

    @property
    def calls(self) -> Path:
        """Where each call of the bot is noted: how it was called, then its environment."""
        return self.folder / "calls"

    def places_of(self, secret: str) -> list[str]:
        """Where a secret can be read afterwards: in git, on GitHub, in artifacts, in logs."""
        batch = ("git", "cat-file", "--batch-all-objects", "--batch")
        path = self.repository.git.path
        objects = subprocess.run(batch, cwd=path, capture_output=True, check=True).stdout
        texts = {
            "git": objects,
            **{f"artifact {each.name}": _unzipped(each.data) for each in self.repository.artifacts},
            **{f"log of {job.name}": _unmasked(job.output, secret) for job in self.runner.ran},
            **{f"{r.method} {r.path}": repr((r.body, r.answer)).encode() for r in self._requests},
        }
        return [place for place, text in texts.items() if secret.encode() in text]

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that change something, and pushes: method and path of each."""
        pushes = [each for each in self.github.requests if each.kind == "push"]
        return [(r.method, r.path) for r in (*self._requests, *pushes) if r.method != "GET"]

    @property
    def _requests(self) -> list[Exchange]:
        return [each for each in self.github.requests if each.kind in ("rest", "graphql")]


def _unzipped(data: bytes) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return b"".join(map(archive.read, archive.namelist()))


def _unmasked(log: str, secret: str) -> bytes:
    """Put a secret back where act masked it: it was printed, and only its exact words are seen."""
    return log.replace("***", secret).encode()


def _has(variables: list[str], name: str) -> bool:
    return any(each.startswith(f"{name}=") and each != f"{name}=" for each in variables)


def own_files() -> dict[str, bytes]:
    """Our workflows and set-up, and as much of a bot as its key is made from."""
    github = ROOT / ".github"
    kept = [*github.glob("workflows/*.yml"), *github.rglob("orchestrate/*")]
    files = {str(path.relative_to(ROOT)): path.read_bytes() for path in kept if path.is_file()}
    del files[".github/workflows/ci.yml"]
    bot = ("bot/x.py", "agents/x.md", "examples/x.md", "pyproject.toml")
    return files | dict.fromkeys(bot, b"")


@contextmanager
def acted(
    folder: Path,
    *,
    secrets: Mapping[str, str] | None = None,
    bot: str = f"{sys.prefix}/bin/orchestrate",
    environment: Mapping[str, str] | None = None,
    **settings: object,
) -> Iterator[ActStory]:
    """Open acme/widget, where alice may write; `settings` are those of its orchestrate.yml."""
    act()
    (folder / "calls").mkdir(parents=True)
    program = folder / "installed/bin/orchestrate"
    program.parent.mkdir(parents=True)
    program.write_text(_RECORDER.format(folder=folder / "calls", bot=bot))
    program.chmod(0o755)
    files = own_files() | {
        "README.md": b"# Widget\n",
        "CHANGELOG.md": b"# Changelog\n",
        ".github/orchestrate.yml": yaml.safe_dump({**SETTINGS, **settings}).encode(),
    }
    with FakeGithub() as github:
        for login in ROLES:
            github.add_user(login)
        made = github.create_repository("acme/widget", files=files)
        made.collaborators |= {login: role for login, role in ROLES.items() if role}
        runner = Runner(
            github,
            "acme/widget",
            folder / "runs",
            secrets=secrets or {},
            more={"ORCHESTRATE_WRITE_SPACING": "0.001", **(environment or {})},
            installed=folder / "installed",
        )
        with runner:
            yield ActStory(github, made, folder, Time(), runner=runner)
