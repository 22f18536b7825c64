"""What `run`, `demo` and `--resume` share: a plan goes in, a report comes out."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from pathlib import Path

from bot.adapters.clock import SystemClock
from bot.adapters.git import Repository
from bot.adapters.steering_files import load_settings
from bot.core import names
from bot.core.base import RunId
from bot.core.events import RunRequested, RunStatus
from bot.core.folding import fold
from bot.core.report import exit_code, make_report
from bot.drivers.local import LocalDriver
from bot.drivers.settling import Proposal
from bot.errors import Exit, UserError
from bot.wiring import local, planning, store, tiers
from bot.wiring.policy import Asked

_ONE_PRESS = timedelta(seconds=1)  # signals within it are the same person's same wish


@dataclass(frozen=True)
class Options:
    """The options of `orchestrate run`."""

    task: str | None = None
    plan: str | None = None
    issue_file: str | None = None
    repo: str = "."
    base: str = "HEAD"
    jobs: int | None = None
    engine: str | None = None
    max_usd: str | None = None
    dry_run: bool = False
    resume: str | None = None
    json: bool = False


def run_task(options: Options) -> int:
    """Run, resume or show a plan; return the exit code."""
    _refuse_what_does_not_go_together(options)
    repository = store.open_repository(options.repo)
    if options.resume is not None:
        return _resume(repository, names.run_id(options.resume), options)
    store.base_commit(repository, options.base)
    proposal = planning.propose(repository, _source(options), options.base)
    asked = _asked(options, proposal.plan.task)
    if options.dry_run:
        return _show(repository, proposal, options)
    run = store.new_run_id(repository)
    request = local.start_request(repository, asked, run)
    planning.require_tiers(proposal, request)
    store.clean_runs(repository, logs_too=False)
    return drive(repository, request, proposal, options)


def drive(
    repository: Repository, request: RunRequested, proposal: Proposal | None, options: Options
) -> int:
    """Drive a run to its end, or to where a person is needed, and print the report."""
    from bot.render.live import screen_for
    from bot.render.terminal import console_for

    clock = SystemClock()
    with (
        store.run_folder(repository, request.run).locked(),
        screen_for(console_for(sys.stdout), clock.now, json=options.json) as screen,
    ):
        driver = local.build_driver(repository, request.run, screen, proposal)
        interrupted = drive_until_stopped(driver, request)
    return _report(repository, request.run, options, interrupted=interrupted)


def drive_until_stopped(driver: LocalDriver, request: RunRequested) -> bool:
    """Drive to where nothing is left to do, or to Ctrl-C; return whether it was that."""
    with _stopped_by_signals(driver):
        driver.drive(request)
    return driver.interrupted


def _resume(repository: Repository, run: RunId, options: Options) -> int:
    state = fold(store.read_record(repository, run))
    if state.finished and state.finished.status != RunStatus.FAILED:
        return _report(repository, run, options, interrupted=False)
    request = local.resume_request(repository, run, _asked(options, ""))
    return drive(repository, request, None, options)


def _report(repository: Repository, run: RunId, options: Options, *, interrupted: bool) -> int:
    from bot.render.report import print_summary
    from bot.render.terminal import console_for

    events = store.read_record(repository, run)
    state = fold(events)
    report = make_report(state, events, run)
    if options.json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        print_summary(console_for(sys.stdout), report, state, SystemClock().now())
    if interrupted:
        sys.stderr.write(f"Interrupted. Go on with: orchestrate run --resume {run}\n")
        return Exit.INTERRUPTED
    return exit_code(state)


def _show(repository: Repository, proposal: Proposal, options: Options) -> int:
    """Print the plan, and which tier would take each workstream."""
    ladder = tiers.load_ladder(repository, load_settings(repository))
    as_json = proposal.plan.model_dump_json(indent=2, exclude_defaults=True) + "\n"
    sys.stdout.write(as_json if options.json else proposal.text)
    remarks = sys.stderr if options.json else sys.stdout  # JSON has no comments
    for line in (*planning.routes(proposal, ladder, options.engine), *proposal.notes):
        remarks.write(f"# {line}\n")
    return Exit.OK


def _refuse_what_does_not_go_together(options: Options) -> None:
    sources = (options.task, options.plan, options.issue_file)
    if options.resume is not None and (options.dry_run or any(one is not None for one in sources)):
        raise UserError(
            "--resume takes no task, no --plan and no --dry-run beside it.",
            fix=f"orchestrate run --resume {options.resume}",
        )


def _source(options: Options) -> planning.PlanSource:
    given = [options.task, options.plan, options.issue_file]
    if sum(text is not None for text in given) != 1:
        raise UserError(
            "Give one of a task, --plan or --issue-file.", fix='orchestrate run "add pagination"'
        )
    if options.plan is not None:
        return planning.PlanSource(plan=_read(options.plan), name=options.plan)
    if options.issue_file is not None:
        text = _text(_read(options.issue_file), options.issue_file)
        return planning.PlanSource(task=_some(text, options.issue_file))
    return planning.PlanSource(task=_some(options.task or "", "The task"))


def _some(text: str, what: str) -> str:
    if not text.strip():
        raise UserError(f"{what} is empty.", fix="Say what is to be done.")
    return text.strip()[:20_000]


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{name} is not UTF-8.", fix="Save the file as UTF-8.") from error


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        raise UserError(
            f"{name} cannot be read: {error.strerror}.", fix="Name a file, or - for stdin."
        ) from error


def _asked(options: Options, task: str) -> Asked:
    return Asked(
        task=task,
        base=options.base,
        jobs=options.jobs,
        engine=_known_engine(options.engine),
        max_usd=_amount(options.max_usd),
        nobody_answers=not sys.stdin.isatty(),
    )


def _known_engine(name: str | None) -> str | None:
    known = tiers.engines()
    if name is not None and name not in known:
        raise UserError(f"There is no engine {name!r}.", fix=f"Engines: {', '.join(known)}.")
    return name


def _amount(text: str | None) -> Decimal | None:
    try:
        amount = None if text is None else Decimal(text)
    except InvalidOperation as error:
        raise UserError(f"{text!r} is no amount of dollars.", fix="Write 1.50.") from error
    if amount is not None and not (amount.is_finite() and amount >= 0):
        raise UserError(f"{text!r} is no amount of dollars.", fix="Write 1.50.")
    return amount


@contextmanager
def _stopped_by_signals(driver: LocalDriver) -> Iterator[None]:
    """The first Ctrl-C stops cleanly; a second one does not wait for that.

    Who ends a whole process group (`timeout`, a terminal) may send the signal twice at once.
    """
    clock = SystemClock()
    patient_until: list[datetime] = []

    def stop(number: int, frame: object) -> None:
        del frame
        if not patient_until:
            patient_until.append(clock.now() + _ONE_PRESS)
            driver.interrupt()
        elif clock.now() > patient_until[0]:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
