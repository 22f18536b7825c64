"""What a job of the gates hands to the verdict: results for one commit, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from bot.core.base import RunId, Sha, Strict
from bot.core.gates import GateName, GateResult
from bot.core.github.handback import Envelope
from bot.core.handoff import Completion, CompletionStatus
from bot.core.review import judge_review

FILE = "gates.json"
MAX_BYTES = 20_000_000
MAX_WORDS = 4_000  # characters of a reason
_MAX_SAID = 500  # of an agent's words beside its score

# Which gates a job may speak of: what executes code of the head speaks of nothing else.
SPEAKS_OF: Mapping[str, tuple[GateName, ...]] = {
    "tests": (GateName.TESTS, GateName.COVERAGE, GateName.REVIEW),
    "review": (),
    "docs": (GateName.DOCS,),
}


class GateReport(Strict):
    """What was found. `pull` is the pull request that it is about.

    `opinion` is a reviewing agent's, its ledger in `envelope`; `unread` says why there is none.
    """

    version: Literal[1] = 1
    head_sha: Sha
    run: RunId | None = None
    pull: int | None = None
    results: Annotated[tuple[GateResult, ...], Field(max_length=len(GateName))] = ()
    opinion: Completion | None = None
    envelope: Envelope | None = None
    unread: Annotated[str, Field(max_length=MAX_WORDS)] = ""
    evidence: Annotated[dict[str, str], Field(max_length=50)] = Field(default_factory=dict)


def join(
    reports: Mapping[str, GateReport | str], wanted: Iterable[GateName], review_minimum: float
) -> tuple[GateResult, ...]:
    """Make one result for each gate that is wanted; a text says why a job has no report.

    A gate that nobody speaks of did not run, whatever else passed.
    """
    found: dict[GateName, GateResult] = {}
    silent: dict[GateName, str] = {}
    for job, names in SPEAKS_OF.items():
        report = reports.get(job, "it did not run")
        for name in names:
            if isinstance(report, str):
                silent[name] = f"the {job} job handed nothing over: {report}"
        if isinstance(report, GateReport):
            found |= {r.name: r for r in report.results if r.name in names}
    review, agent = found.get(GateName.REVIEW), reports.get("review", "it did not run")
    if review is not None and review.status != "off":
        unread = _unread(agent)
        found[GateName.REVIEW] = (
            review.model_copy(update={"because": f"{review.because} No agent read it: {unread}."})
            if isinstance(unread, str)
            else _with_opinion(review, unread, review_minimum)
        )
    return tuple(
        found.get(name)
        or GateResult(name=name, status="not_run", because=silent.get(name, "no job ran it"))
        for name in wanted
    )


def _unread(report: GateReport | str) -> str | Completion:
    """Return an opinion that says something, or why there is none."""
    if isinstance(report, str):
        return f"the review job handed nothing over: {report}"
    said = report.opinion
    if said is None:
        return report.unread or "none was asked"
    if said.status is not CompletionStatus.SUCCESS:
        return f"{said.tier} ended with {said.status}: {(said.error or '')[:MAX_WORDS]}".rstrip(
            ": "
        )
    if said.score is None and not said.findings:
        return f"{said.tier} gave neither a score nor a finding"
    return said


def _with_opinion(review: GateResult, opinion: Completion, minimum: float) -> GateResult:
    """Join what analyzers found with what a reviewing agent did; neither can undo the other."""
    ran = ("analyzers",) if review.status != "not_run" else ()
    could_not = (review.because,) if review.status == "not_run" else ()
    threshold = review.threshold if review.threshold is not None else minimum
    scores = tuple(score for score in (review.value, opinion.score) if score is not None)
    joined = judge_review(
        (*review.findings, *opinion.findings),
        scores,
        (*ran, f"an agent on {opinion.tier}"),
        could_not,
        threshold,
    )
    words = opinion.verification_result[:_MAX_SAID]
    said = f" The agent says: {words}" if words and not opinion.findings else ""
    return joined.model_copy(update={"log": review.log, "because": f"{joined.because}{said}"})
