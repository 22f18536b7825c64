"""Agent programs: what all that are not ours have in common.

Each program has a file of its own that says how it is started and what its lines mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from bot.adapters.engines.denials import noted
from bot.adapters.engines.heard import Ended, Heard, Said, Used
from bot.adapters.engines.proving import hook_argv, hook_text, provable, proven_first, why_no_hook
from bot.core.denials import NOTES_FILE, Denial
from bot.core.names import ACKNOWLEDGEMENT_FILE, CLAIM_FILE
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Tier, Wire
from bot.ports import Command, EngineJob, EngineOutcome, Finished, GivenFile, ModelCall

DUMMY_KEY = "no-key-is-needed-here"  # the gateway has the real one; programs insist on some
MAX_FILE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Installed:
    """A program on this machine."""

    argv: tuple[str, ...]
    version: str
    env: Mapping[str, str] = field(default_factory=dict)  # where it finds parts of itself


@dataclass(frozen=True)
class Start:
    """How a program is started for a job; variables come on top of the job's own."""

    argv: tuple[str, ...]  # behind the program's own
    env: Mapping[str, str] = field(default_factory=dict)
    files: tuple[GivenFile, ...] = ()
    stdin: str = ""
    through: tuple[str, ...] = ()  # what starts the program, given its whole command line


class Speech(Protocol):
    """What is particular to one program."""

    @property
    def name(self) -> str:
        """Name of the engine."""
        ...

    @property
    def wires(self) -> tuple[Wire, ...]:
        """Which protocols it can ask a model in; the first where a tier names none."""
        ...

    def start(self, job: EngineJob, home: str) -> Start:
        """Say how it is started; `home` is a folder of its own for its settings."""
        ...

    def hear(self, line: str) -> tuple[Heard, ...]:
        """Read a line that it printed."""
        ...


class ProgramEngine:
    """An engine that is somebody else's program, behind a door of ours and with our hook."""

    def __init__(
        self,
        speech: Speech,
        find: Callable[[str], Installed | None],
        key: Callable[[str], str | None],
    ) -> None:
        self._speech = speech
        self._find = find
        self._key = key

    def missing(self, tier: Tier) -> str:
        """Say what a tier lacks: the program, and all else, so that one look tells everything."""
        name = self._speech.name
        lacks = what_it_lacks(tier, self._key, self._speech.wires)
        if self._find(name) is None:
            absent = f"not installed: orchestrate engines install {name}"
            return ", and ".join(filter(None, [absent, lacks]))  # reasons are parted by semicolons
        return lacks or why_no_hook()

    def command(self, job: EngineJob) -> Command:
        """Start the program in the worktree, with settings from nowhere but a home of its own."""
        home = f"{job.folder}/engine"
        found = self._find(self._speech.name)
        start = self._speech.start(_with_what_it_hands_in(job), home)
        rules = GivenFile(_rules_file(home), provable(job.deny).model_dump_json())
        program = found.argv if found else (self._speech.name,)
        argv = (*start.through, *program, *start.argv)
        return Command(
            argv=proven_first(_hook(self._speech.name, job, home), argv),
            cwd=job.worktree,
            env={**job.environment, **start.env, **(found.env if found else {})},
            timeout_seconds=job.seconds,
            stdin=start.stdin,
            log=job.log,
            max_log_bytes=job.max_log_bytes,
            max_file_bytes=MAX_FILE_BYTES,
            files=(rules, *start.files),
        )

    def progress(self, line: str) -> str | None:
        """Show what the agent says and which tool it uses."""
        for heard in self._speech.hear(line):
            match heard:
                case Said(text=text) | Used(summary=text) if text.strip():
                    return " ".join(text.split())[:300]
                case _:
                    pass
        return None

    def outcome(self, job: EngineJob, finished: Finished) -> EngineOutcome:
        """Believe the program's last word, and only together with how its process ended."""
        if finished.stopped_because == "timeout":
            return EngineOutcome(OutcomeClass.TIMEOUT, "its time ran out")
        if finished.stopped_because:
            return EngineOutcome(OutcomeClass.CRASH, finished.stopped_because)
        heard = [h for line in finished.output.splitlines() for h in self._speech.hear(line)]
        ended = next((h for h in reversed(heard) if isinstance(h, Ended)), None)
        if ended is None:
            words = finished.output.strip().splitlines()[-1:] or ["it printed nothing"]
            return EngineOutcome(OutcomeClass.CRASH, f"exit {finished.exit_code}: {words[0][:300]}")
        if ended.outcome is OutcomeClass.DONE and finished.exit_code != 0:
            return EngineOutcome(OutcomeClass.CRASH, f"exit {finished.exit_code} after its end")
        message = ended.message
        if job.model_url:  # some name the door, which is a secret for as long as it is open
            message = message.replace(job.model_url, "the gateway")
        return EngineOutcome(ended.outcome, " ".join(message.split())[:300])

    def calls(self, job: EngineJob) -> tuple[ModelCall, ...]:
        """The door counts them."""
        del job
        return ()

    def denied(self, job: EngineJob) -> tuple[Denial, ...]:
        """Read what our hook noted."""
        return noted(Path(job.folder) / "engine" / NOTES_FILE)


def _with_what_it_hands_in(job: EngineJob) -> EngineJob:
    """Let a job that only reads write its two files, too: a program has no tool to hand in with."""
    if job.only_writes is None:
        return job
    return replace(job, only_writes=(ACKNOWLEDGEMENT_FILE, CLAIM_FILE, *job.only_writes))


def what_it_lacks(tier: Tier, key: Callable[[str], str | None], wires: tuple[Wire, ...]) -> str:
    """Say what keeps a tier with a model from being asked: its address, protocol or key."""
    if not tier.base_url or not tier.model:
        return "no endpoint: a tier needs base_url and model"
    if tier.protocol and tier.protocol not in wires:
        return f"{tier.engine} does not speak {tier.protocol}: it speaks {' or '.join(wires)}"
    if tier.key_env and not key(tier.key_env):
        return f"no key: set {tier.key_env}"
    return ""


def mcp_servers(job: EngineJob, **more: object) -> dict[str, object]:
    """Return the tool servers as most programs have them in JSON; `more` is said of each."""
    return {
        server.name: {
            "command": server.argv[0],
            "args": list(server.argv[1:]),
            "env": dict(server.env),
            **more,
        }
        for server in job.tool_servers
    }


def hook_command(dialect: str, job: EngineJob, home: str) -> str:
    """Return the shell text of our deny hook, for a program that asks before each tool call."""
    return hook_text(dialect, _rules_file(home), job.workstream.role)


def _hook(dialect: str, job: EngineJob, home: str) -> tuple[str, ...]:
    return hook_argv(dialect, _rules_file(home), job.workstream.role)


def _rules_file(home: str) -> str:
    return f"{home}/rules.json"
