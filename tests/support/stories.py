"""Stories told on GitHub: who is there, what the repository holds, who says what, what is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest
import yaml

from bot.adapters.clock import SystemClock
from bot.core.base import RunId
from bot.core.github.presence import marker
from tests.support.github import FakeGithub
from tests.support.github.state import CheckRun, Comment, Pull
from tests.support.scripted_model import ScriptedModel
from tests.support.workshop import WORKFLOWS, Time, Workshop

BOT = "github-actions[bot]"
LABEL = "orchestrate"
ROLES = {"alice": "write", "trish": "triage", "mallory": "", "oscar": "read"}
SETTINGS: Mapping[str, object] = {
    "coverage": {"enabled": False},
    "docs": {"enabled": False},
    "review": {"enabled": False},
    "tests": {"command": 'echo "3 passed in 0.01s"'},
}
FILES = {
    "README.md": "# Widget\n",
    **{f".github/workflows/{path.name}": path.read_text() for path in WORKFLOWS.glob("*.yml")},
}


@dataclass
class Story(Workshop):
    """A workshop with words for what people do and see."""

    tamper: Callable[[Path, str], None] | None = None  # changes an artifact after its upload

    def zipped(self, folder: Path, name: str) -> Path:
        """Zip what a job left, and let somebody change it."""
        path = super().zipped(folder, name)
        if self.tamper:
            self.tamper(path, name)
        return path

    def ask(self, plan: str, *, by: str = "alice", title: str = "Write files") -> int:
        """Open an issue with a plan, label it, and run whatever that starts; return its number."""
        issue = self.repository.open_issue(title, plan, by=by)
        self.deliver("issues", self.repository.label(issue.number, LABEL, by=by))
        return issue.number

    def say(self, number: int, text: str, *, by: str = "alice") -> list[str]:
        """Write a comment, run whatever that starts, and return the bot's answers to it."""
        before = len(self.answers(number))
        self.deliver("issue_comment", self.repository.comment(number, text, by=by))
        return self.answers(number)[before:]

    def by_bot(self, number: int = 1) -> list[Comment]:
        """The bot's comments."""
        return [c for c in self.repository.issues[number].comments if c.author.login == BOT]

    def answers(self, number: int = 1) -> list[str]:
        """The bot's answers to commands and labels."""
        return [c.body for c in self.by_bot(number) if ":reply-" in c.body.partition("\n")[0]]

    def live(self, run: str = "1") -> str:
        """The live comment of a run."""
        issue = self.presence(run).issue
        [found] = [c.body for c in self.by_bot(issue) if marker_of(run) in c.body]
        return found

    def pull_number(self) -> int:
        """The number of the only pull request."""
        [number] = self.repository.pulls
        return number

    def pull(self) -> Pull:
        """The only pull request."""
        return self.repository.pull(self.pull_number())

    def checks(self, sha: str = "") -> dict[str, str | None]:
        """What each check says on a commit, by default the pull request's head."""
        return self.repository.checks_on(sha or self.pull().head_sha)

    def check(self, name: str) -> CheckRun:
        """The newest check of a name."""
        return [c for c in self.repository.checks if c.name == name][-1]

    def run_pull_events(self) -> None:
        """Run the gates for what people did to pull requests and merge queues."""
        events, self.github.events[:] = list(self.github.events), []
        for event in events:
            if event.name in {"pull_request", "merge_group"}:
                self._runs += 1
                self.gates(event.name, event.payload, self._runs)
        self.drain()

    def text(self, ref: str, path: str) -> str:
        """A file of a branch or commit, without the newlines around it."""
        return self.repository.git.git("show", f"{ref}:{path}")

    def ledger(self) -> list[dict[str, object]]:
        """Every line of the committed ledger."""
        git, folder = self.repository.git, "orchestrate/ledger:ledger"
        names = git.git("ls-tree", "--name-only", folder).split()
        text = "".join(git.git("show", f"{folder}/{name}") for name in names)
        return [json.loads(line) for line in text.splitlines()]

    def requests_of(self, *names: str) -> int:
        """How many requests were made of the API; with names, those whose path has them."""
        return sum(
            each.kind in {"rest", "graphql"} and all(name in each.path for name in names)
            for each in self.github.requests
        )


class Opens(Protocol):
    """Opens a shop with settings of its own."""

    def __call__(self, **settings: object) -> AbstractContextManager[Story]: ...


def marker_of(run: str) -> str:
    """The hidden line of a run's live comment."""
    return marker(RunId(run), "live")


@contextmanager
def story(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: Mapping[str, str] | None = None,
    **settings: object,
) -> Iterator[Story]:
    """Open acme/widget, where alice may write; `settings` are those of its orchestrate.yml."""
    written = yaml.safe_dump({**SETTINGS, **settings})
    with FakeGithub() as github:
        time = _same_time(github, monkeypatch)
        for login in ROLES:
            github.add_user(login)
        all_files = {**FILES, ".github/orchestrate.yml": written, **(files or {})}
        repository = github.create_repository("acme/widget", files=all_files)
        repository.collaborators |= {login: role for login, role in ROLES.items() if role}
        yield Story(github, repository, folder / "shop", time)


def _same_time(github: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> Time:
    """Let the jobs' pauses pass at once, for GitHub too."""
    time = Time()
    time.install(monkeypatch)
    wait = SystemClock.pause

    def pause(clock: SystemClock, seconds: float) -> None:
        wait(clock, seconds)
        github.clock.advance(seconds=seconds)

    monkeypatch.setattr(SystemClock, "pause", pause)
    return time


def plan(*workstreams: str, task: str = "Write files") -> str:
    """An issue's text with a plan in it; each workstream is a line of YAML."""
    lines = "\n".join(f"  - {line}" for line in workstreams)
    return f"Please.\n\n```yaml orchestrate\nversion: 1\ntask: {task}\nworkstreams:\n{lines}\n```\n"


def writes(name: str, *, needs: str = "", run: str = "", more: str = "") -> str:
    """A workstream whose commands write name.txt."""
    commands = run or f'"echo {name} > {name}.txt"'
    wanted = f", needs: [{needs}]" if needs else ""
    return (
        f"{{id: {name}, title: Write {name}, kind: implementation, files: [{name}.txt], "
        f"goal: Have {name}, engine: shell, run: [{commands}]{wanted}{more}}}"
    )


def three_files(first: str = "true") -> str:
    """A plan of two workstreams side by side and one that needs both; the second begins so."""
    return plan(
        writes("one"),
        writes("two", run=f'"{first}", "echo two > two.txt"'),
        writes("three", needs="one, two", run='"cat one.txt two.txt > three.txt"'),
    )


def paid_tier(model: ScriptedModel) -> dict[str, object]:
    """A tier of one's own that costs money, on a scripted model."""
    return {
        **{"name": "acme-paid", "engine": "builtin", "provider": "acme", "model": "scripted-1"},
        **{"billing": "paid", "base_url": model.base_url, "key_env": "ACME_API_KEY"},
        **{"input_usd_per_million": "10", "output_usd_per_million": "40"},
    }
