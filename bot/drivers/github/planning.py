"""What is done with a model's plan: an artifact like any other, and nothing of it is believed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from bot.adapters.github.zip_files import BadZip, read_zip
from bot.adapters.steering_files import load_roles
from bot.core.base import few
from bot.core.documents import Problem
from bot.core.github.planning import (
    MAX_PLAN_BYTES,
    MAX_REPORT_BYTES,
    PLAN,
    REPORT,
    PlanReport,
    refuse_report,
    why_no_plan,
)
from bot.core.plan import Plan, read_plan
from bot.core.planning.adopt import adopted, refused
from bot.core.planning.lint import Author, lint
from bot.core.roles import unknown_roles
from bot.drivers.branches import sizes_for
from bot.drivers.github.run import GithubRun
from bot.drivers.github.verdict import record_spend
from bot.drivers.settling import Fact, Proposal
from bot.render.plan import to_yaml


def write_planned(folder: Path, report: PlanReport, plan: bytes | None) -> None:
    """Write what is uploaded into a new folder."""
    folder.mkdir(parents=True)
    (folder / REPORT).write_text(report.model_dump_json(), "utf-8")
    if plan is not None:
        (folder / PLAN).write_bytes(plan)


def accept(run: GithubRun, artifact: Path) -> None:
    """Run by a model's plan, or by a template's where that cannot be; a second time nothing is new.

    A plan that comes after another took its place is recorded for what it cost.
    """
    report, plan = _read(artifact, run)
    spend = report.envelope.spend if isinstance(report, PlanReport) else ()
    if run.state.plan is not None or run.state.finished or run.state.cancelled:
        record_spend(run.desk.origin, spend, run.desk.clock.now())
        run.settle()
        return
    found = _Judge(run).proposal(report, plan)
    run.settle(
        Fact(
            lambda state: (
                run.journal.planned(
                    found.plan,
                    found.source,
                    found.notes,
                    sizes_for(run.desk.origin, state, found.plan),
                )
                if state.plan is None and not state.cancelled
                else ()
            ),
            files={"plan.yaml": found.text.encode()},
            spend=spend,
        )
    )


def _read(artifact: Path, run: GithubRun) -> tuple[PlanReport | str, bytes | None]:
    """Read what the job left; a text says why it is nothing."""
    try:
        files = read_zip(artifact, {REPORT: MAX_REPORT_BYTES, PLAN: 1_000_000})
        report = PlanReport.model_validate_json(files[REPORT])
    except (BadZip, KeyError) as error:
        return f"the planning job handed nothing over: {error}", None
    except ValidationError:
        return "the planning job's report cannot be read", None
    wrong = refuse_report(report, run.state, run.desk.clock.now())
    return (f"what the planning job handed over is refused: {wrong}" if wrong else report), (
        files.get(PLAN)
    )


class _Judge:
    """Holds a model's plan against what we would plan ourselves."""

    def __init__(self, run: GithubRun) -> None:
        assert run.state.request is not None, "a plan is of a request"
        self._desk, self._request = run.desk, run.state.request
        template = run.desk.planner(self._request.task, None, wait=False)
        assert template is not None, "nobody waits for a model"
        self._template = template

    def proposal(self, report: PlanReport | str, data: bytes | None) -> Proposal:
        """Return the model's plan, or the template's with the reason."""
        made = report if isinstance(report, str) else self._plan(report, data)
        if isinstance(made, Proposal):
            return made
        why = f"the model's plan is not used: {made}"
        return replace(self._template, notes=(why, *self._template.notes))

    def _plan(self, report: PlanReport, data: bytes | None) -> Proposal | str:
        if why := why_no_plan(report.completion):
            return why
        if data is None or len(data) > MAX_PLAN_BYTES:
            return "there is none" if data is None else f"it has {len(data):,} bytes"
        plan = read_plan(data)
        if not isinstance(plan, Plan):
            return _told(plan)
        desk = self._desk
        if strangers := unknown_roles(plan, data, frozenset(load_roles(desk.origin))):
            return _told(strangers)
        if why := refused(plan, desk.settings.agents.protected):
            return why
        ours, notes = adopted(plan, self._template.plan)
        linted = lint(ours, desk.origin.paths(self._request.base_sha), written_by=Author.BOT)
        tier = report.completion.tier
        source = f"model {report.completion.model_requested} ({tier})"
        all_notes = (*notes, *map(str, linted.notes))
        return Proposal(linted.plan, source, all_notes, to_yaml(linted.plan))


def _told(problems: tuple[Problem, ...]) -> str:
    return few([str(problem)[:200] for problem in problems], 3)
