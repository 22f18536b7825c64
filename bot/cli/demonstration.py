"""What `orchestrate demo` does and says: a run, a conflict, a retry, and a look at the record."""

from __future__ import annotations

import shlex
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from rich.console import Console
from rich.text import Text

from bot.adapters.clock import SystemClock
from bot.adapters.example import copy_example
from bot.adapters.git import Repository
from bot.adapters.package_data import data_file
from bot.adapters.recorded_model import RecordedModel, Session
from bot.adapters.worktree import delete_folder
from bot.cli.running import drive_until_stopped
from bot.core.base import RunId
from bot.core.events import RunRequested
from bot.core.folding import fold
from bot.core.ledger import Billing
from bot.core.promises import promises
from bot.core.report import make_report
from bot.core.routing import Ladder
from bot.core.state import RunState, WorkstreamStatus
from bot.drivers.settling import Proposal
from bot.errors import Exit, UserError
from bot.render.live import screen_for
from bot.render.report import print_summary, title
from bot.render.terminal import console_for
from bot.wiring import environment, local, planning, store
from bot.wiring.policy import Asked

_TIER = "recorded"  # as the example's settings call it
_NEEDED = {"pytest": "pytest", "pytest_cov": "pytest-cov"}


class _Interrupted(Exception):
    """Somebody pressed Ctrl-C; the run stopped cleanly."""


@dataclass(frozen=True)
class _Stage:
    """Where the demo takes place, and who watches."""

    repository: Repository
    console: Console
    environment: Mapping[str, str]


def demonstrate(*, keep: bool) -> int:
    """Run the demo; return its exit code. Nothing outside of its temporary folder is written."""
    _require_tools()
    session = Session.model_validate_json(
        data_file("examples", "demo", "session.json").read_bytes()
    )
    with _temporary_folder(keep=keep) as folder, RecordedModel(session) as model:
        stage = _Stage(
            repository=copy_example(folder / "tinylog", model.base_url, SystemClock().now()),
            console=console_for(sys.stdout),
            environment=environment.environment_apart(str(folder / "state")),
        )
        _introduce(stage, model.base_url)
        try:
            run = _run(stage)
        except _Interrupted:
            sys.stderr.write("Interrupted.\n")
            return Exit.INTERRUPTED
        return _judge(stage, run, keep=keep)


def _require_tools() -> None:
    """Raise UserError where the gates of the example could not run."""
    missing = [package for module, package in _NEEDED.items() if find_spec(module) is None]
    if missing:
        raise UserError(
            f"The demo tests a package, and {' and '.join(missing)} cannot be imported.",
            fix=f"{shlex.quote(sys.executable)} -m pip install {' '.join(_NEEDED.values())}",
        )
    if shutil.which("python", path=str(Path(sys.executable).parent)) is None:
        raise UserError(
            f"There is no `python` beside {sys.executable}, which the demo's tests start.",
            fix="Install orchestrate-bot into a virtual environment.",
        )


@contextmanager
def _temporary_folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="orchestrate-demo-")).resolve()
    try:
        yield folder
    finally:
        if not keep:
            delete_folder(folder)


def _introduce(stage: _Stage, base_url: str) -> None:
    _say(
        stage,
        f"A whole run, on a copy of the small package tinylog in {stage.repository.path}.",
        f"The model's answers are recorded: a server plays them at {base_url}. Everything else is "
        "real: git, worktrees, processes, HTTP, tests and gates.",
    )


def _run(stage: _Stage) -> RunId:
    """Run the plan; give what was left out for a conflict another attempt, as the run proposes."""
    repository = stage.repository
    file = data_file("examples", "demo", "plan.yaml")
    source = planning.PlanSource(plan=file.read_bytes(), name=file.name)
    proposal = planning.propose(repository, source, "HEAD")
    run = store.new_run_id(repository)
    _type(stage, "orchestrate run --plan plan.yaml")
    asked = Asked(task=proposal.plan.task)
    _drive(stage, _recorded_only(local.start_request(repository, asked, run)), proposal)
    _retry(stage, run)
    return run


def _retry(stage: _Stage, run: RunId) -> None:
    repository = stage.repository
    state = fold(store.read_record(repository, run))
    left_out = tuple(
        name for name, s in state.standings.items() if s.status is WorkstreamStatus.LEFT_OUT
    )
    if not left_out:
        return
    because = state.finished.because if state.finished else "it goes on"
    _say(stage, "", f"The run {state.status.value}: {because}. {_explained(state)}")
    _type(stage, " ".join(["orchestrate retry", run, *left_out]))
    local.answers(repository, run).retry(left_out, "")
    _type(stage, f"orchestrate run --resume {run}")
    again = local.resume_request(repository, run, Asked(task=""))
    _drive(stage, _recorded_only(again), None)


def _recorded_only(request: RunRequested) -> RunRequested:
    """Let no other model serve, whatever keys there are; prices of paid ones are compared with."""
    ladder = request.policy.ladder
    rungs = tuple(
        rung
        for rung in ladder.rungs
        if rung.tier.name == _TIER or rung.tier.billing is Billing.PAID
    )
    policy = request.policy.model_copy(update={"ladder": Ladder(rungs=rungs)})
    return request.model_copy(update={"policy": policy})


def _explained(state: RunState) -> str:
    conflict = state.conflicts[-1]
    return (
        f"It and {', '.join(conflict.others)} changed the same lines of "
        f"{', '.join(conflict.files)}, so whoever came second was left out, and the rest was "
        "combined, checked and mended without it. What the run proposes next gives it another "
        "attempt, on top of all that landed:"
    )


def _drive(stage: _Stage, request: RunRequested, proposal: Proposal | None) -> None:
    repository, environment = stage.repository, stage.environment
    folder = store.run_folder(repository, request.run, environment)
    with (
        folder.locked(),
        screen_for(stage.console, SystemClock().now, json=False) as screen,
    ):
        driver = local.build_driver(repository, request.run, screen, proposal, environment)
        if drive_until_stopped(driver, request):
            raise _Interrupted


def _judge(stage: _Stage, run: RunId, *, keep: bool) -> int:
    """Print the report, then what was promised and whether it happened."""
    events = store.read_record(stage.repository, run)
    state = fold(events)
    report = make_report(state, events, run)
    steps = _look_around(stage, run) if keep else ("orchestrate demo --keep",)
    report = report.model_copy(update={"next_steps": steps})
    stage.console.print()
    print_summary(stage.console, report, state, SystemClock().now())
    title(stage.console, "What this run showed")
    found = promises(events)
    for promise in found:
        mark = Text("  yes  ", style="green") if promise.kept else Text("  NO   ", style="bold red")
        stage.console.print(Text.assemble(mark, promise.what))
    return Exit.OK if all(promise.kept for promise in found) else Exit.FAILED


def _look_around(stage: _Stage, run: RunId) -> tuple[str, ...]:
    where = shlex.quote(stage.repository.path)
    return (
        f"git -C {where} log --graph --oneline orchestrate/{run}/combined",
        f"git -C {where} diff main...orchestrate/{run}/combined",
        f"orchestrate log {run} --repo {where}",
        f"rm -r {shlex.quote(str(Path(stage.repository.path).parent))}",
    )


def _say(stage: _Stage, *lines: str) -> None:
    for line in lines:
        stage.console.print(Text(line))


def _type(stage: _Stage, command: str) -> None:
    stage.console.print()
    stage.console.print(Text(f"$ {command}", style="cyan"), soft_wrap=True)
