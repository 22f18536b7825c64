"""The workstream that mends what the gates found."""

from __future__ import annotations

from collections.abc import Iterable

from bot.core import names
from bot.core.gates import Finding, GateResult
from bot.core.plan import Criterion, Kind, Workstream
from bot.core.state import RunState

MAX_FINDINGS = 40


def fix_workstream(state: RunState, failed: Iterable[GateResult]) -> Workstream:
    """Describe what is to be mended; it may change whatever the run's workstreams may change."""
    failed = tuple(failed)
    findings = [f"{result.name}: {spell(f)}" for result in failed for f in result.findings]
    reasons = [f"{result.name}: {result.because}" for result in failed]
    commands = [result.command for result in failed if result.command and result.name == "tests"]
    return Workstream(
        id=_free_name(state),
        title=f"Mend {', '.join(result.name.value for result in failed)}",
        kind=Kind.FIX,
        files=_files(state) or ("**",),
        goal="\n".join(["Make these gates pass.", *reasons, *findings[:MAX_FINDINGS]])[:20_000],
        constraints=("Mend the code; do not weaken, skip or delete a test.",),
        acceptance=tuple(Criterion(run=command) for command in commands),
    )


def _free_name(state: RunState) -> str:
    """Name the fix after its iteration, and apart from whatever the plan has."""
    name = names.fix_workstream(state.iteration + 1)
    while name in state.workstreams:
        name += "x"
    return name


def _files(state: RunState) -> tuple[str, ...]:
    """Join what the workstreams may change; who takes patterns back takes none from the others."""
    patterns = {w.may_change for w in state.workstreams.values()}
    ordered = sorted(patterns, key=lambda own: (not any(p.startswith("!") for p in own), own))
    return tuple(pattern for own in ordered for pattern in own)


def spell(finding: Finding) -> str:
    """Write a finding in one line: path:line: severity rule: message."""
    where = f"{finding.path}:{finding.line}: " if finding.line else ""
    where = where or (f"{finding.path}: " if finding.path else "")
    rule = f" {finding.rule}" if finding.rule else ""
    return f"{where}{finding.severity}{rule}: {finding.message}"


def same_findings(state: RunState, failed: Iterable[GateResult]) -> bool:
    """Whether these results, and no fewer, say just what they said before the last fix."""
    if not state.iterations:
        return False
    failed = tuple(failed)
    before = {
        gate.result.name: gate.result
        for gate in state.gates
        if gate.iteration == state.iteration - 1
    }
    failed_before = [result for result in before.values() if result.status == "failed"]
    return len(failed_before) == len(failed) and all(
        result.name in before
        and before[result.name].status == result.status
        and _essence(before[result.name]) == _essence(result)
        for result in failed
    )


def _essence(result: GateResult) -> tuple[object, ...]:
    return (result.value, frozenset((f.path, f.rule, f.message) for f in result.findings))
