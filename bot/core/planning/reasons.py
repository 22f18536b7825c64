"""Why one workstream of a plan has to come after another, if there is a reason at all."""

from __future__ import annotations

import re

from bot.core.patterns import may_meet
from bot.core.plan import Kind, NeedType, Workstream
from bot.core.planning.layout import pattern_of

_CODE = {Kind.IMPLEMENTATION, Kind.FIX}
_ORDER_WORDS = re.compile(
    r"\b(?:after|once|as soon as|depends? on|builds? (?:up)?on|based on|relies on|follow(?:s|ing)"
    r"|previous|earlier|preceding|(?:uses?|using|from) the (?:result|output|findings)s?)\b",
    re.IGNORECASE,
)


def reason_for(early: Workstream, late: Workstream) -> str:
    """Say why `late` comes after `early`; empty where files, artifacts and words give no reason."""
    for need in late.needs:
        if need.id == early.id and need.type not in {NeedType.FINISH, NeedType.EXCLUDE}:
            return f"the plan says {need.type.value}"
    return (
        _by_kind(early, late)
        or ("both may change the same files" if _share_files(early, late) else "")
        or _by_reading(early, late)
        or _by_words(early, late)
    )


def _by_kind(early: Workstream, late: Workstream) -> str:
    if late.approval or early.approval:
        return "a person's approval lies between them"
    if late.kind in {Kind.REVIEW, Kind.AUDIT} and not early.kind.changes_nothing:
        return "a review needs the change"
    leads = early.kind.changes_nothing or early.kind is Kind.ARCHITECTURE
    if leads and early.kind is not late.kind:
        return f"{late.kind.value} uses what {early.kind.value} found"
    runs_tests = late.kind is Kind.TESTS and any(c.run for c in late.acceptance)
    if runs_tests and early.kind in _CODE:
        return "its tests must pass on the code"
    return ""


def _share_files(early: Workstream, late: Workstream) -> bool:
    return bool(may_meet(early.files, late.may_change) or may_meet(early.shares, late.files))


def _by_reading(early: Workstream, late: Workstream) -> str:
    artifacts = tuple(pattern_of(path) for path in late.artifacts)
    if met := may_meet(early.may_change, artifacts):
        return f"it reads {met[1].removeprefix('./')}"
    commands = " ".join((*(late.run or ()), *(c.run or "" for c in late.acceptance)))
    for pattern in early.may_change:
        start = re.split(r"[*?\[\\!]", pattern.removeprefix("./"))[0].rstrip("/")
        if len(start) > 2 and re.search(rf"(?<![\w./-]){re.escape(start)}(?![\w-])", commands):
            return f"its commands name {start}"
    return ""


def _by_words(early: Workstream, late: Workstream) -> str:
    """Find the order in what `late` says: the other's id or title, or words such as "after"."""
    said = "\n".join((late.goal, *late.constraints, *(c.text or "" for c in late.acceptance)))
    names = {early.id, early.id.replace("-", " "), early.title.strip() or early.id}
    if any(re.search(rf"(?<![\w-]){re.escape(n)}(?![\w-])", said, re.IGNORECASE) for n in names):
        return f"its text names {early.id}"
    found = _ORDER_WORDS.search(said)
    return f"its text says {found[0]!r}" if found else ""
