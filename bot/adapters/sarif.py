"""Analyzers' findings, read from SARIF 2.1.0 in the shapes that real tools write it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from bot.adapters.sarif_model import (
    Component,
    Configuration,
    Log,
    Message,
    Properties,
    Result,
    Rule,
    RuleReference,
    Run,
    at,
)
from bot.adapters.sarif_paths import path_inside, uri_of
from bot.core.analyzers import severity_where_every_level_is_error
from bot.core.gates import Finding, Severity

MAX_BYTES = 50_000_000
MAX_MESSAGE = 1_000
LEVELS = {
    "error": Severity.HIGH,
    "warning": Severity.MEDIUM,
    "note": Severity.LOW,
    # golangci-lint passes on whatever word its linters use; bandit has its own in `properties`
    "critical": Severity.CRITICAL,
    "high": Severity.HIGH,
    "medium": Severity.MEDIUM,
    "low": Severity.LOW,
    "info": Severity.LOW,
}
NOT_A_PROBLEM = frozenset({"pass", "notApplicable", "informational"})
WRITES_NULL_WHEN_CLEAN = frozenset({"golangci-lint"})


@dataclass(frozen=True)
class UnreadableSarif:
    """A report that proves nothing, and why."""

    why: str


def read_sarif(
    text: str | bytes, *, root: str, tool_hint: str = ""
) -> tuple[Finding, ...] | UnreadableSarif:
    """Read a report into findings with paths from the top of the repository at `root`.

    `root` is absolute. `tool_hint` is what the caller calls the tool; it goes before the rule's
    id, as in `ruff/F841`. Accepted suppressions are left out; so are results outside `root`,
    and a last finding without a path says how many. A report that says the tool failed, that has
    no run, or whose results are all outside `root`, proves nothing and is unreadable.
    """
    log = _parse(text)
    if isinstance(log, UnreadableSarif):
        return log
    findings: list[Finding] = []
    outside = 0
    for run in log.runs:
        tool = (tool_hint or run.tool.driver.name or "analyzer").strip().lower()
        if why := _why_it_proves_nothing(run, tool):
            return UnreadableSarif(why)
        rules = _rules_by_id(run)
        for result in run.results or ():
            found = _finding(run, result, rules, root, tool)
            if found is _OUTSIDE:
                outside += 1
            elif isinstance(found, Finding):
                findings.append(found)
    if outside and not findings:
        return UnreadableSarif(f"every result ({outside}) is about a file outside the repository")
    if outside:
        message = f"Left out, being about files outside the repository: {outside} results"
        findings.append(Finding(severity=Severity.LOW, rule="sarif/outside", message=message))
    return tuple(findings)


def _parse(text: str | bytes) -> Log | UnreadableSarif:
    if len(text) > MAX_BYTES:
        return UnreadableSarif(f"the report is larger than {MAX_BYTES // 1_000_000} MB")
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text))
        text = text.removeprefix("\ufeff").strip()
        if not text:
            return UnreadableSarif("the report is empty")
        log = Log.model_validate_json(text)
    except UnicodeDecodeError:
        return UnreadableSarif("the report is not UTF-8")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        return UnreadableSarif(f"not SARIF 2.1.0: {place + ': ' if place else ''}{first['msg']}")
    if not log.version.startswith("2.1"):
        return UnreadableSarif(f"SARIF version {log.version[:20]!r} is not 2.1.0")
    if not log.runs:
        return UnreadableSarif("the report holds no run of any tool")
    return log


def _why_it_proves_nothing(run: Run, tool: str) -> str:
    for invocation in run.invocations or ():
        if invocation.successful is False:
            said = [invocation.exit_text or ""]
            said += [_text(note.message) for note in invocation.execution or ()]
            said += [_text(note.message) for note in invocation.configuration or ()]
            if invocation.exit_code is not None:
                said.append(f"exit code {invocation.exit_code}")
            return f"{tool} says that it failed: {_one_line('; '.join(filter(None, said))) or '?'}"
    if run.results is None and run.tool.driver.name.lower() not in WRITES_NULL_WHEN_CLEAN:
        return f"{tool} wrote a report without results, so it did not look"
    return ""


class _Outside:
    """Stands for a result about a file that is not in the repository."""


_OUTSIDE = _Outside()


def _finding(
    run: Run, result: Result, rules: Mapping[str, Rule], root: str, tool: str
) -> Finding | _Outside | None:
    """Turn a result into a finding; None where it is suppressed or no problem."""
    waived = [(suppression.status or "accepted") for suppression in result.suppressions or ()]
    if waived and set(waived) == {"accepted"}:
        return None
    rule = _rule(run, result, rules)
    severity = _severity(run, result, rule)
    if severity is None:
        return None
    place = _place(run, result, root)
    if isinstance(place, _Outside):
        return place
    path, line = place
    rule_id = _rule_id(result, rule)
    try:
        return Finding(
            path=path,
            line=line,
            severity=severity,
            rule=f"{tool}/{rule_id}" if rule_id else tool,
            message=_message(result, rule) or rule_id or f"{tool} gives no message",
        )
    except ValidationError:  # a path with a NUL, or longer than any file system allows
        return _OUTSIDE


def _rule_id(result: Result, rule: Rule | None) -> str:
    named = result.rule.id if result.rule else None
    return _one_line(result.rule_id or named or (rule.id if rule else ""))


def _rules_by_id(run: Run) -> dict[str, Rule]:
    """Index the rules of the driver and its extensions; the driver's come first."""
    parts = (*(run.tool.extensions or ()), run.tool.driver)
    return {rule.id: rule for part in parts for rule in part.rules or ()}


def _rule(run: Run, result: Result, rules: Mapping[str, Rule]) -> Rule | None:
    """Find the rule by index, else by id, else by the id's parents (`CA1000/1` is `CA1000`)."""
    reference = result.rule or RuleReference()
    component: Component | None = run.tool.driver
    if reference.component is not None and reference.component.index is not None:
        component = at(run.tool.extensions, reference.component.index)
    index = reference.index if result.rule_index is None else result.rule_index
    named = result.rule_id or reference.id or ""
    rule = at(component.rules if component else None, index)
    if rule is not None and (not named or named == rule.id or named.startswith(rule.id + "/")):
        return rule
    parents = (named.rsplit("/", cut)[0] for cut in range(min(named.count("/"), 8) + 1))
    return next((rules[name] for name in parents if name in rules), None)


def _severity(run: Run, result: Result, rule: Rule | None) -> Severity | None:
    """Rate a result: what it says itself comes before what its rule says; None is no problem."""
    if result.level == "none" or result.kind in NOT_A_PROBLEM:
        return None
    own = result.properties or Properties()
    of_rule = (rule.properties if rule else None) or Properties()
    default = (rule.configuration if rule else None) or Configuration()
    for score in (own.security_severity, of_rule.security_severity):
        if (rated := _of_score(score, 1.0)) is not None:
            return rated
    if isinstance(own.issue_severity, str) and own.issue_severity.lower() in LEVELS:
        return LEVELS[own.issue_severity.lower()]
    level = (result.level or default.level or "").lower()
    if level == "none":
        return None
    if level == "error":
        unrated = severity_where_every_level_is_error(
            run.tool.driver.name.lower(), _rule_id(result, rule)
        )
        return unrated or Severity.HIGH
    by_rank = _of_score(result.rank, 10.0) or _of_score(default.rank, 10.0)
    return LEVELS.get(level) or by_rank or Severity.MEDIUM


def _of_score(value: object, per_point: float) -> Severity | None:
    """Rate 0..10 (after division) as CVSS does; None where it is no such number."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        score = float(value) / per_point
    except (ValueError, OverflowError):
        return None
    if not math.isfinite(score) or not 0 < score <= 10:
        return None
    if score >= 9:
        return Severity.CRITICAL
    if score >= 7:
        return Severity.HIGH
    return Severity.MEDIUM if score >= 4 else Severity.LOW


def _one_line(text: str) -> str:
    return " ".join(text[: 4 * MAX_MESSAGE].split())[:MAX_MESSAGE]


def _text(message: Message | None) -> str:
    return _one_line((message.text or message.markdown or "") if message else "")


def _message(result: Result, rule: Rule | None) -> str:
    message = result.message or Message()
    if said := _text(message):
        return said
    if rule is None:
        return ""
    template = _text((rule.messages or {}).get(message.id or "")) or _text(rule.short)
    for number, argument in enumerate((message.arguments or ())[:10]):
        template = _one_line(template.replace("{" + str(number) + "}", _one_line(argument)))
    return template


def _place(run: Run, result: Result, root: str) -> tuple[str | None, int | None] | _Outside:
    """Take the first location in the repository; `_OUTSIDE` where there are only others."""
    somewhere_else = False
    for location in result.locations or ():
        physical = location.physical
        if physical is None or physical.artifact is None:
            continue
        uri = uri_of(run, physical.artifact)
        if not uri:
            continue
        path = path_inside(uri, root)
        if path is None:
            somewhere_else = True
            continue
        line = physical.region.start_line if physical.region else None
        return path, line if line is not None and line >= 1 else None
    return _OUTSIDE if somewhere_else else (None, None)
