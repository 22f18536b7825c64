"""The shell engine: a plan's own commands, in their order, up to the first that fails."""

from __future__ import annotations

import shlex
import shutil

from bot.core.denials import Denial
from bot.core.outcomes import OutcomeClass
from bot.core.routing import Tier
from bot.ports import Command, EngineJob, EngineOutcome, Finished, ModelCall

_BASH, _SH = ("bash", "-eo", "pipefail", "-c"), ("sh", "-e", "-c")


class ShellEngine:
    """Commands from the plan, no model."""

    def __init__(self) -> None:
        self._shell = _BASH if shutil.which("bash") else _SH

    def missing(self, tier: Tier) -> str:
        """Nothing is: every machine that runs git has a shell."""
        del tier
        return ""

    def command(self, job: EngineJob) -> Command:
        """Run each command in a shell of its own, so that none changes the next one's settings."""
        steps = [
            f"{shlex.join((*self._shell, line))} || exit $?" for line in job.workstream.run or ()
        ]
        return Command(
            argv=("sh", "-c", "\n".join(steps)),
            cwd=job.worktree,
            env={**job.environment, **job.workstream.env},
            timeout_seconds=job.seconds,
            log=job.log,
            max_log_bytes=job.max_log_bytes,
            max_file_bytes=1_000_000_000,
        )

    def progress(self, line: str) -> str | None:
        """Show what the commands print."""
        return line

    def outcome(self, job: EngineJob, finished: Finished) -> EngineOutcome:
        """Judge by the exit code; a command's last words say why."""
        del job
        if finished.stopped_because == "timeout":
            return EngineOutcome(OutcomeClass.TIMEOUT, "its time ran out")
        if finished.stopped_because:
            return EngineOutcome(OutcomeClass.CRASH, finished.stopped_because)
        if finished.exit_code == 0:
            return EngineOutcome(OutcomeClass.DONE, "")
        words = finished.output.strip().splitlines()
        last = f": {words[-1][:300]}" if words else ""
        return EngineOutcome(OutcomeClass.GAVE_UP, f"exit {finished.exit_code}{last}")

    def calls(self, job: EngineJob) -> tuple[ModelCall, ...]:
        """No model is asked."""
        del job
        return ()

    def denied(self, job: EngineJob) -> tuple[Denial, ...]:
        """A plan's own commands are not judged."""
        del job
        return ()
