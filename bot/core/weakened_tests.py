"""Whether a change makes the tests prove less, which is a high finding.

Nothing is run: each version of a file becomes an outline, and two outlines are compared. New test
files and added tests are no findings, unless they end the run for all others. What a test's
names mean elsewhere (a fixture that returns nothing, a mocked-out subject) is beyond this.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bot.core.base import few
from bot.core.check_settings import changed_settings
from bot.core.diff import FileChange
from bot.core.gates import Finding, Severity
from bot.core.moved_tests import NewCase, NewCases
from bot.core.outline_python import outline_python
from bot.core.outline_text import outline_text, patterns_for
from bot.core.outlines import NOTHING, Case, Outline
from bot.core.repo_paths import is_test_file
from bot.core.suppressions import added_marks

MAX_TEXT = 2_000_000
OVERRIDE = "or let a maintainer say why with /override review because …"
_RUN_BY_NAME = re.compile(
    r"test.*\.py|.*_tests?\.py|.*[._-](?:test|spec|cy)\.[cm]?[jt]sx?|.*_test\.go|.*\.rs"
)
_FIXTURES = frozenset({"fixtures", "__fixtures__", "testdata"})
_SHADOWS = re.compile(
    r"(?:pytest|_pytest|unittest|coverage|pluggy|doctest|hypothesis)(?:\.py|/.*\.py)"
    r"|(?:.*/)?(?:sitecustomize|usercustomize)\.py|[^/]*\.pth"
)


@dataclass(frozen=True)
class _Compared:
    """One changed file with what it held before and holds now."""

    change: FileChange
    base: Outline
    head: Outline

    @property
    def path(self) -> str:
        return self.change.path


def weakened(
    changes: tuple[FileChange, ...],
    base_texts: Mapping[str, str],
    head_texts: Mapping[str, str],
) -> tuple[Finding, ...]:
    """Return a finding for each way in which the change makes the tests prove less.

    `base_texts` has the text of every changed file before, by its old path, `head_texts` after,
    by its path; a file that is no text is in neither. The findings count as they are: they are
    about the change by their nature, and those about what is gone have no line.
    """
    compared = [_compared(change, base_texts, head_texts) for change in changes]
    new_cases = NewCases(
        tuple(
            NewCase(one.path, case)
            for one in compared
            for name, case in one.head.cases.items()
            if name not in one.base.cases
        )
    )
    added = {change.path: change.added_lines for change in changes}
    found: list[Finding] = []
    for one in compared:
        if unreadable := _unreadable(one.change, base_texts, head_texts):
            found.append(unreadable)
            continue
        found += _lost(one, new_cases, added)
        found += _kept(one)
        found += _whole_run(one)
        found += _settings(one.change, base_texts, head_texts)
    found += _marks(changes, head_texts)
    return tuple(sorted(dict.fromkeys(found), key=lambda f: (f.path or "", f.line or 0, f.rule)))


def _is_run(path: str) -> bool:
    """Whether a runner takes a file for tests by its name or folder."""
    return _RUN_BY_NAME.fullmatch(path.rpartition("/")[2]) is not None or "__tests__" in path.split(
        "/"
    )


def _compared(
    change: FileChange, base_texts: Mapping[str, str], head_texts: Mapping[str, str]
) -> _Compared:
    """Read both versions; both by patterns where one of them cannot be parsed."""
    new_path = None if change.deleted else change.path
    base, head = _outline(change.old_path, base_texts), _outline(new_path, head_texts)
    if base.sure != head.sure and NOTHING not in (base, head):
        base = _outline(change.old_path, base_texts, parse=False)
        head = _outline(new_path, head_texts, parse=False)
    return _Compared(change, base, head)


def _outline(path: str | None, texts: Mapping[str, str], *, parse: bool = True) -> Outline:
    """Return what a file holds for the tests; a file that no runner takes holds no tests."""
    text = texts.get(path) if path is not None else None
    patterns = patterns_for(path) if path is not None else None
    if path is None or not text or patterns is None or len(text) > MAX_TEXT:
        return NOTHING
    if not _is_run(path) and not is_test_file(path):
        return NOTHING
    parsed = None
    if parse and path.endswith(".py"):
        parsed = outline_python(text, is_conftest=path.rpartition("/")[2] == "conftest.py")
    outline = parsed or outline_text(text, patterns)
    if _is_run(path):
        return outline
    return Outline({}, outline.helpers, outline.steering, outline.exits, outline.sure)


def _lost(
    one: _Compared, new_cases: NewCases, added: Mapping[str, Mapping[int, str]]
) -> Iterator[Finding]:
    """Yield what became of tests that are not where they were: gone, or weaker elsewhere."""
    gone: list[Case] = []
    for name, case in one.base.cases.items():
        if name in one.head.cases:
            continue
        new = new_cases.take(case, one.path)
        if new is None:
            gone.append(case)
        else:
            yield from _weaker(case, new.case, new.path, added[new.path], one.base.sure)
    if gone and one.change.deleted:
        names = few([case.name for case in gone], 3)
        message = f"The file is deleted, and its tests are nowhere else: {names}."
        yield _finding(one.path, None, "deleted", f"{message} Bring them back, {OVERRIDE}.")
        return
    for case in gone:
        message = f"{case.name} is no longer run, and nothing of its name or content replaces it."
        yield _finding(one.path, None, "removed", f"{message} Bring it back, {OVERRIDE}.")


def _kept(one: _Compared) -> Iterator[Finding]:
    """Yield how tests and helpers that are still there became weaker."""
    sure = one.base.sure and one.head.sure
    for name, case in one.base.cases.items():
        if name in one.head.cases:
            yield from _weaker(case, one.head.cases[name], one.path, one.change.added_lines, sure)
    if one.base.cases:
        return  # what helpers lose there, the tests that use them lose
    for name, helper in one.base.helpers.items():
        if name in one.head.helpers:
            yield from _weaker(
                helper, one.head.helpers[name], one.path, one.change.added_lines, sure
            )


def _weaker(
    before: Case, after: Case, path: str, added: Mapping[int, str], sure: bool
) -> Iterator[Finding]:
    name = after.name
    if len(after.skips) > len(before.skips):
        line = ([line for line in after.skips if line in added] or [*after.skips])[0]
        message = "From this line on tests may be skipped, left early or expected to fail."
        yield _finding(path, line, "skip", f"{message} Take that out, {OVERRIDE}.")
    if _inputs(after) < _inputs(before):
        message = f"{name} runs with {after.inputs[0]} inputs, before with {before.inputs[0]}."
        yield _finding(path, after.line, "inputs", f"{message} Put them back, {OVERRIDE}.")
    was, now = len(before.checks), len(after.checks)
    if now >= was:
        was, now = before.possible, after.possible
    if now < was:
        message = f"{name} checks {now} things, before {was}; idle assertions count for none."
        severity = Severity.HIGH if sure else Severity.MEDIUM
        advice = f"Put the assertions back, {OVERRIDE}."
        yield _finding(path, after.line, "fewer-checks", f"{message} {advice}", severity)
    elif after.exact < before.exact:
        message = f"{name} demands {after.exact} exact outcomes, before {before.exact}."
        advice = "Compare with the expected value again, or say in the pull request why not."
        yield _finding(path, after.line, "looser", f"{message} {advice}", Severity.MEDIUM)


def _inputs(case: Case) -> float:
    """Return how many inputs; lists that could not be counted may hold any number."""
    known, unknown = case.inputs
    return known if not unknown or not known else float("inf")


def _whole_run(one: _Compared) -> Iterator[Finding]:
    """Yield what may end the run, or pick and judge tests, for every test there is."""
    if len(one.head.exits) > len(one.base.exits) and is_test_file(one.path):
        new = [line for line in one.head.exits if line in one.change.added_lines]
        line = (new or list(one.head.exits))[0]
        message = "This can end the test run, or skip from outside the tests, before all have run."
        yield _finding(one.path, line, "exit", f"{message} Take it out, {OVERRIDE}.")
    for name, (line, text) in one.head.steering.items():
        if one.base.steering.get(name, (0, ""))[1] != text:
            message = f"{name} can leave tests out or change their outcome."
            yield _finding(one.path, line, "steering", f"{message} Do without it, {OVERRIDE}.")
    if not one.change.deleted and _SHADOWS.fullmatch(one.path):
        message = "A file of this name can take the place of the test runner or start before it."
        yield _finding(one.path, None, "shadow", f"{message} Rename it, {OVERRIDE}.")


def _settings(
    change: FileChange, base_texts: Mapping[str, str], head_texts: Mapping[str, str]
) -> Iterator[Finding]:
    old = base_texts.get(change.old_path) if change.old_path is not None else None
    new = None if change.deleted else head_texts.get(change.path)
    moved_away = change.old_path is not None and change.old_path != change.path
    if moved_away and change.old_path is not None:
        yield from _changed(change, change.old_path, old, None)
        old = None
    yield from _changed(change, change.path, old, new)


def _changed(change: FileChange, path: str, old: str | None, new: str | None) -> Iterator[Finding]:
    if not _FIXTURES.isdisjoint(path.split("/")):
        return  # settings of projects that tests play with
    changed = changed_settings(path, old, new)
    for names, rule, what in (
        (changed.lowered, "threshold", "A limit is lower or gone"),
        (changed.other, "settings", "Settings of tests, coverage or analyzers changed"),
    ):
        if names:
            line = _line_of(change, names[0]) if path == change.path else None
            message = f"{what}: {few(names, 5)}. Put them back, {OVERRIDE}."
            yield _finding(path, line, rule, message)


def _line_of(change: FileChange, name: str) -> int | None:
    key = name.rpartition(".")[2]
    added = sorted(change.added_lines.items())
    naming = [number for number, line in added if key in line]
    return next(iter([*naming, *(number for number, _ in added)]), None)


def _unreadable(
    change: FileChange, base_texts: Mapping[str, str], head_texts: Mapping[str, str]
) -> Finding | None:
    """Say that tests were there and cannot be compared: silence would prove nothing."""
    if change.old_path is None or not _is_run(change.old_path):
        return None
    sides = (base_texts.get(change.old_path), "" if change.deleted else head_texts.get(change.path))
    if all(text is not None and len(text) <= MAX_TEXT for text in sides):
        return None
    message = "This test file is too large or no UTF-8 text, so nobody can say what it lost."
    return _finding(change.path, None, "unreadable", f"{message} Mend it, {OVERRIDE}.")


def _marks(changes: tuple[FileChange, ...], head_texts: Mapping[str, str]) -> Iterator[Finding]:
    new_tests = {change.path for change in changes if change.is_new and is_test_file(change.path)}
    for added in added_marks(changes, head_texts):
        if added.path not in new_tests:
            message = f"This {added.mark.what}. Mend what it hides, {OVERRIDE}."
            yield Finding(
                path=added.path,
                line=added.line,
                severity=added.mark.severity,
                rule=added.mark.rule,
                message=message,
                evidence=added.text[:200],
            )


def _finding(
    path: str, line: int | None, rule: str, message: str, severity: Severity = Severity.HIGH
) -> Finding:
    return Finding(
        path=path, line=line, severity=severity, rule=f"weakened-test/{rule}", message=message
    )
