"""What the verdict does: join what the gates' jobs found, record it, and say it on the commit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from bot.adapters.git import RefMoved
from bot.adapters.github.hub import Hub
from bot.adapters.github.origin import Origin
from bot.adapters.github.zip_files import BadZip, read_zip
from bot.adapters.ledger_branch import LedgerBranch
from bot.core.base import digest
from bot.core.config import Settings
from bot.core.gates import GateName, GateResult
from bot.core.github.gate_report import FILE, MAX_BYTES, GateReport, join
from bot.core.github.opinions import refuse_opinion
from bot.core.github.subject import Subject
from bot.core.ledger import LedgerLine
from bot.core.routing import Tier
from bot.drivers.github.exhibit import new_check
from bot.drivers.github.heeding import heed_pull
from bot.drivers.github.run import GithubRun
from bot.drivers.settling import Fact
from bot.errors import Unavailable
from bot.render.github.checks import check_output, not_orchestrated

_TRIES = 10


def read_reports(
    artifacts: Mapping[str, Path], results: Mapping[str, str], subject: Subject
) -> dict[str, GateReport | str]:
    """Read each job's report. What is not about this commit, or of a job that failed, is none."""
    found: dict[str, GateReport | str] = {}
    for job, path in artifacts.items():
        if results.get(job) != "success":
            found[job] = f"it ended with {results.get(job) or 'nothing'}"
            continue
        found[job] = read_report(path)
        report = found[job]
        if isinstance(report, GateReport) and (report.head_sha, report.run, report.pull) != (
            subject.head,
            subject.run,
            subject.pull,
        ):
            found[job] = "its report is about something else"
    return found


def record_verdict(
    run: GithubRun, subject: Subject, reports: Mapping[str, GateReport | str]
) -> None:
    """Record what the gates say of a run's commit and go on from there."""
    tiers = (rung.tier for rung in run.state.policy.ladder.rungs)
    reports = held_against(reports, subject, tiers, run.desk.clock.now())
    results = join(reports, run.state.policy.gates, run.desk.settings.review.minimum)
    evidence = {
        name: text.encode()
        for report in reports.values()
        if isinstance(report, GateReport)
        for name, text in report.evidence.items()
        if _is_evidence(name)
    }
    heed_pull(run)
    run.settle(
        Fact(
            lambda state: [
                run.journal.gate(result, state, state.iteration, subject.head) for result in results
            ],
            files=evidence,
            spend=spend_of(reports),
        )
    )
    run.hand_out()
    run.show()


def held_against(
    reports: Mapping[str, GateReport | str], subject: Subject, tiers: Iterable[Tier], now: datetime
) -> Mapping[str, GateReport | str]:
    """Take an agent's opinion out that is not what a review of this commit would be."""
    report = reports.get("review")
    why = refuse_opinion(report, subject, tiers, now) if isinstance(report, GateReport) else ""
    return {**reports, "review": f"its opinion is refused, {why}"} if why else reports


def spend_of(reports: Mapping[str, GateReport | str]) -> tuple[LedgerLine, ...]:
    """Return the model calls of a review that was held against what it must be."""
    report = reports.get("review")
    found = report.envelope if isinstance(report, GateReport) else None
    return found.spend if found else ()


def record_spend(origin: Origin, lines: tuple[LedgerLine, ...], now: datetime) -> None:
    """Write model calls that belong to no run into the ledger. Raises Unavailable."""
    for _ in range(_TRIES):
        try:
            origin.update_refs(LedgerBranch(origin).prepare(lines, now))
        except RefMoved:
            continue  # it was fetched; somebody else's lines come first
        return
    raise Unavailable("The ledger is written to faster than it can be read.", fix="Run it again.")


def post_checks(hub: Hub, subject: Subject, results: tuple[GateResult, ...]) -> None:
    """Say results on a commit that belongs to no run."""
    for result in results:
        output = check_output(result)
        shown = digest(subject.head, output.conclusion, output.summary)
        hub.checks.create(new_check(output, subject.head, shown))


def post_not_orchestrated(hub: Hub, subject: Subject) -> None:
    """Say on somebody's commit that it is none of ours, so that required checks do not hang."""
    for gate in GateName:
        output = not_orchestrated(gate)
        hub.checks.create(new_check(output, subject.head, digest(subject.head, "neutral")))


def results_for(
    reports: Mapping[str, GateReport | str], settings: Settings
) -> tuple[GateResult, ...]:
    """Join the reports on a pull request that belongs to no run."""
    return join(reports, tuple(GateName), settings.review.minimum)


def read_report(path: Path) -> GateReport | str:
    """Read what a job handed over; a text says why it cannot be used."""
    try:
        files = read_zip(path, {FILE: MAX_BYTES})
        return GateReport.model_validate_json(files[FILE])
    except (BadZip, KeyError) as error:
        return f"its artifact cannot be used: {error}"
    except ValidationError as error:
        return f"its report cannot be read: {error.errors()[0]['msg'][:200]}"


def _is_evidence(name: str) -> bool:
    return name.startswith("evidence/combined.") and ".." not in name and name.count("/") == 2
