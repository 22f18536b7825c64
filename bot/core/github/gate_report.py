"""What a job of the gates hands to the verdict: results for one commit, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import Field

from bot.core.base import RunId, Sha, Strict
from bot.core.gates import GateName, GateResult
from bot.core.handoff import Completion
from bot.core.review import judge_review

FILE = "gates.json"
MAX_BYTES = 20_000_000

# Which gates a job may speak of: what executes code of the head speaks of nothing else.
SPEAKS_OF: Mapping[str, tuple[GateName, ...]] = {
    "tests": (GateName.TESTS, GateName.COVERAGE, GateName.REVIEW),
    "review": (),
    "docs": (GateName.DOCS,),
}


class GateReport(Strict):
    """What was found. `opinion` is a reviewing agent's, `pull` the pull request it is about."""

    version: Literal[1] = 1
    head_sha: Sha
    run: RunId | None = None
    pull: int | None = None
    results: Annotated[tuple[GateResult, ...], Field(max_length=len(GateName))] = ()
    opinion: Completion | None = None
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
    review, agent = found.get(GateName.REVIEW), reports.get("review")
    if review is not None and isinstance(agent, GateReport) and agent.opinion is not None:
        found[GateName.REVIEW] = _with_opinion(review, agent.opinion, review_minimum)
    return tuple(
        found.get(name)
        or GateResult(name=name, status="not_run", because=silent.get(name, "no job ran it"))
        for name in wanted
    )


def _with_opinion(review: GateResult, opinion: Completion, minimum: float) -> GateResult:
    """Join what analyzers found with what a reviewing agent did; neither can undo the other."""
    if review.status == "off":
        return review
    said = opinion.findings
    scores = () if opinion.score is None else (opinion.score,)
    ran = ("analyzers",) if review.status != "not_run" else ()
    could_not = (review.because,) if review.status == "not_run" else ()
    if not said and not scores:
        return review
    threshold = review.threshold if review.threshold is not None else minimum
    earlier = () if review.value is None else (review.value,)
    joined = judge_review(
        (*review.findings, *said), (*earlier, *scores), (*ran, opinion.engine), could_not, threshold
    )
    return joined.model_copy(update={"log": review.log})
