"""The docs gate: what a change adds or alters is documented, and what it does differently is told.

Judged from the code alone. What could not be read is named in `because`, and where nothing could
be read the gate did not run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from pydantic import ValidationError

from bot.core.base import few
from bot.core.changelog import ChangelogRule
from bot.core.diff import FileChange
from bot.core.gates import Finding, GateName, GateResult, Severity
from bot.core.public_names import (
    Fault,
    NameKind,
    PublicName,
    ReadSource,
    SourceCode,
    UnreadableSource,
)
from bot.core.source_files import is_generated, is_public_path, is_shipped, language_of

UNDOCUMENTED = "docs/undocumented"
UNREADABLE = "docs/unreadable"
CHANGELOG = "docs/changelog"
_Identity = tuple[str, NameKind, str, bool]
_MANY = 5  # files that `because` names before it counts the rest


@dataclass(frozen=True)
class Source:
    """A text file that the change touches, before and after it; None: it was not there."""

    path: str
    base_text: str | None
    head_text: str | None


@dataclass(frozen=True)
class _Reading:
    source: Source
    base: SourceCode | UnreadableSource | None
    head: SourceCode | UnreadableSource | None

    @property
    def path(self) -> str:
        return self.source.path

    @property
    def broken(self) -> UnreadableSource | None:
        """What is wrong with the file since this change."""
        before = isinstance(self.base, UnreadableSource) and self.base.fault is Fault.FILE
        now = isinstance(self.head, UnreadableSource) and self.head.fault is Fault.FILE
        return self.head if isinstance(self.head, UnreadableSource) and now > before else None

    @property
    def unread(self) -> str | None:
        """Why nothing is known of the names in this file, where the change is not to blame."""
        if not isinstance(self.head, UnreadableSource) or not is_public_path(self.path):
            return None
        return None if self.broken else f"{self.path} ({self.head.why})"

    @property
    def acts_differently(self) -> bool:
        """Whether more than comments, documentation and layout changed."""
        base, head = (
            _behaviour(read, text)
            for read, text in (
                (self.base, self.source.base_text),
                (self.head, self.source.head_text),
            )
        )
        return base != head


def judge_docs(
    sources: Iterable[Source],
    read: ReadSource,
    changes: tuple[FileChange, ...],
    changelog: ChangelogRule | None,
) -> GateResult:
    """Judge the changed text files; `changes` is the whole diff, where the entry is looked for.

    `value` is the number of undocumented names. A change without code has nothing to document,
    which is a proof and passes; code that nothing here can read proves nothing.
    """
    readings = tuple(_read(source, read) for source in sources if _counts(source))
    names, changed = _undocumented(readings)
    broken = tuple(_broken(reading.path, why) for reading in readings if (why := reading.broken))
    entry = _missing_entry(readings, changes, changelog)
    findings = (*names, *broken, *entry)
    unread = tuple(reading.unread for reading in readings if reading.unread)
    if unread and not findings and not any(map(_is_judged, readings)):
        because = f"No changed file is in a language whose names can be read: {few(unread, _MANY)}."
        return GateResult(name=GateName.DOCS, status="not_run", because=because)
    parts = (
        _about_names(len(names), changed),
        _about_broken(len(broken)),
        _about_changelog(readings, changelog, missing=bool(entry)),
        f"not read: {few(unread, _MANY)}" if unread else "",
    )
    return GateResult(
        name=GateName.DOCS,
        status="failed" if findings else "passed",
        value=len(names),
        threshold=0,
        because="; ".join(part for part in parts if part) + ".",
        findings=findings,
    )


def _counts(source: Source) -> bool:
    """Whether this is code that users get. A change cannot declare itself generated."""
    text = source.base_text if source.base_text is not None else source.head_text
    if text is None or source.base_text == source.head_text or is_generated(text):
        return False
    return is_shipped(source.path) and any(
        language_of(source.path, version) is not None
        for version in (source.base_text, source.head_text)
        if version is not None
    )


def _read(source: Source, read: ReadSource) -> _Reading:
    base, head = (
        None if text is None else read(source.path, text)
        for text in (source.base_text, source.head_text)
    )
    return _Reading(source, base, head)


def _is_judged(reading: _Reading) -> bool:
    return is_public_path(reading.path) and not isinstance(reading.head, UnreadableSource)


def _behaviour(read: SourceCode | UnreadableSource | None, text: str | None) -> str:
    if isinstance(read, SourceCode):
        return read.behaviour
    return "".join((text or "").split())  # unknown: any change but white space may be one


def _names_of(reading: _Reading, read: SourceCode | UnreadableSource | None) -> list[PublicName]:
    is_known = isinstance(read, SourceCode) and is_public_path(reading.path)
    return list(read.names) if isinstance(read, SourceCode) and is_known else []


def _undocumented(readings: tuple[_Reading, ...]) -> tuple[tuple[Finding, ...], int]:
    """Find what is added or altered without documentation; and count all that is.

    What is gone from one file and in another one as it was has only moved.
    """
    gone: Counter[_Identity] = Counter()
    for reading in readings:
        base = Counter(name.identity for name in _names_of(reading, reading.base))
        gone += base - Counter(name.identity for name in _names_of(reading, reading.head))
    findings = []
    changed = 0
    for reading in readings:
        base_names = _names_of(reading, reading.base)
        before = {name.identity for name in base_names}
        for name in _names_of(reading, reading.head):
            if name.identity in before:
                continue
            if gone[name.identity]:
                gone[name.identity] -= 1
                continue
            changed += 1
            if not name.documented:
                findings.append(_undocumented_name(reading.path, name, base_names))
    return tuple(findings), changed


def _undocumented_name(path: str, name: PublicName, before: list[PublicName]) -> Finding:
    same = [old for old in before if (old.qualified, old.kind) == (name.qualified, name.kind)]
    if not same:
        what = "is new and not documented"
    elif any(old.signature == name.signature for old in same):
        what = "is not documented any more"
    else:
        what = "is altered and not documented"
    is_file = name.kind is NameKind.MODULE and name.qualified == "(module)"
    who = "This file" if is_file else f"`{name.qualified}`"
    message = f"{who} ({name.kind}) {what}; say there what it is for."
    return _finding(UNDOCUMENTED, path, message, line=name.line, evidence=name.signature[:300])


def _broken(path: str, why: UnreadableSource) -> Finding:
    return _finding(UNREADABLE, path, f"Cannot be judged: {why.why}.", line=why.line)


def _missing_entry(
    readings: tuple[_Reading, ...],
    changes: tuple[FileChange, ...],
    changelog: ChangelogRule | None,
) -> tuple[Finding, ...]:
    different = [reading.path for reading in readings if reading.acts_differently]
    if changelog is None or not different or changelog.met_by(changes):
        return ()
    places = " or ".join(changelog.places)
    message = f"The change has no entry in {places}; add a line that says what users will notice."
    evidence = f"what changed: {few(different, _MANY)}"
    return (_finding(CHANGELOG, changelog.places[0], message, evidence=evidence),)


def _finding(
    rule: str, path: str, message: str, *, line: int | None = None, evidence: str = ""
) -> Finding:
    try:
        return Finding(
            path=path,
            line=line,
            severity=Severity.MEDIUM,
            rule=rule,
            message=message,
            evidence=evidence,
        )
    except ValidationError:  # git allows names that no path of ours may have (`~x.py`)
        return Finding(rule=rule, message=f"{path!r}: {message}", evidence=evidence)


def _about_names(undocumented: int, changed: int) -> str:
    if not changed:
        return "No public name changed"
    names = "1 public name is" if changed == 1 else f"{changed} public names are"
    how = "all documented" if not undocumented else f"{undocumented} not documented"
    return f"{names} new or altered, {how}"


def _about_broken(broken: int) -> str:
    return "" if not broken else f"{broken} {'file' if broken == 1 else 'files'} cannot be judged"


def _about_changelog(
    readings: tuple[_Reading, ...], changelog: ChangelogRule | None, *, missing: bool
) -> str:
    if not any(reading.acts_differently for reading in readings):
        return "nothing that users get acts differently"
    if changelog is None:
        return "the repository keeps no changelog, so none is asked for"
    places = " or ".join(changelog.places)
    return f"no entry in {places}" if missing else f"there is an entry in {places}"
