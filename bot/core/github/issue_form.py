"""What an issue says: the answers of our form, a plan in its text, the task.

GitHub turns a form into Markdown: `### Heading`, an empty line, the answer. So whoever writes an
answer can write headings as well. The first of each counts; a later one is text of the answer in
which it stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from pydantic import TypeAdapter, ValidationError

from bot.core.base import Pattern
from bot.core.github.arguments import CannotRead, dollars
from bot.core.github.plain_text import clean, cut
from bot.core.github.stretches import Prose, Stretch, StretchKind, stretches
from bot.core.github.task_text import task_text, without_comments

TASK = "Task"
DONE = "What done means"
FILES = "Files"
KIND = "Kind"
BUDGET = "Budget"
PLAN = "Plan"
HEADINGS = (TASK, DONE, FILES, KIND, BUDGET, PLAN)
MAX_FILES = 100

_NOTHING = "_No response_"
_HEADING = re.compile(rf"^### ({'|'.join(HEADINGS)})[ \t]*$", re.MULTILINE)
_PATTERN: TypeAdapter[str] = TypeAdapter(Pattern)


@dataclass(frozen=True)
class Form:
    """The answers of a form. `unread` says which could not be used, and why."""

    task: str
    done: str = ""
    files: tuple[str, ...] = ()
    kind: str = ""
    budget_usd: Decimal | None = None
    plan: bytes | None = None  # YAML, for bot.core.plan.read_plan
    unread: tuple[str, ...] = ()


def read_form(body: str) -> Form | None:
    """Read the answers out of an issue's text; None: it was not made with our form."""
    answers = _answers(clean(body))
    if answers is None:
        return None
    files, odd = _files(answers.get(FILES, ""))
    budget, wrong = _budget(answers.get(BUDGET, ""))
    return Form(
        task=answers[TASK],
        done=answers.get(DONE, ""),
        files=files,
        kind=_first_line(answers.get(KIND, "")),
        budget_usd=budget,
        plan=_plan_answer(answers.get(PLAN, "")),
        unread=(*odd, *wrong),
    )


def task_of(title: str, body: str) -> str:
    """Return the task to freeze: of a form its task, what done means, the kind and the files."""
    form = read_form(body)
    if form is None:
        return task_text(title, body)
    parts = [form.task]
    if form.done:
        parts.append(f"Done means:\n{form.done}")
    if form.files:
        parts.append("Files:\n" + "\n".join(f"- {name}" for name in form.files))
    if form.kind:
        parts.append(f"Kind: {form.kind}")
    return task_text(title, "\n\n".join(parts))


def plan_of(body: str) -> bytes | None:
    """Return the plan that an issue brings along, as YAML: a form's answer, or a block of code."""
    form = read_form(body)
    if form is not None:
        return form.plan
    return next((s.inside.encode() for s in stretches(clean(body)) if _is_plan(s)), None)


def _answers(text: str) -> dict[str, str] | None:
    prose = Prose(text)
    first: dict[str, re.Match[str]] = {}
    for heading in _HEADING.finditer(text):
        if prose.holds(heading.start()):
            first.setdefault(heading[1], heading)
    found = sorted(first.values(), key=lambda heading: heading.start())
    if not found or found[0][1] != TASK or DONE not in first or text[: found[0].start()].strip():
        return None
    ends = [*(heading.start() for heading in found[1:]), len(text)]
    return {
        heading[1]: _answer(text[heading.end() : end])
        for heading, end in zip(found, ends, strict=True)
    }


def _answer(text: str) -> str:
    shown = without_comments(text).strip()
    return "" if shown == _NOTHING else shown


def _first_line(answer: str) -> str:
    return cut(answer.partition("\n")[0].strip(), 100)


def _files(answer: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read patterns, one a line, and say which lines are none."""
    files: list[str] = []
    odd: list[str] = []
    for line in answer.split("\n"):
        name = re.sub(r"^[-*] ", "", line.strip()).strip("` ")
        if not name or name in files or line.strip().startswith("```"):
            continue
        try:
            files.append(_PATTERN.validate_python(name))
        except ValidationError as error:
            why = error.errors()[0]["msg"].removeprefix("Value error, ")
            odd.append(f"{FILES}: {cut(why, 200)}")
    if len(files) > MAX_FILES:
        odd.append(f"{FILES}: {len(files):,} patterns, of which the first {MAX_FILES} count")
    return tuple(files[:MAX_FILES]), tuple(odd[:10])


def _budget(answer: str) -> tuple[Decimal | None, tuple[str, ...]]:
    word = _first_line(answer)
    if not word.strip("$0."):
        return (Decimal(0) if word else None), ()
    try:
        return dollars(word), ()
    except CannotRead as error:
        return None, (f"{BUDGET}: {error}",)


def _plan_answer(answer: str) -> bytes | None:
    """Take the YAML out of its fence, which GitHub puts around it."""
    fence = next((s for s in stretches(answer) if s.kind is StretchKind.FENCE), None)
    if fence:
        return fence.inside.encode() if fence.inside.strip() else None
    return answer.encode() if answer else None


def _is_plan(stretch: Stretch) -> bool:
    """Whether a block is meant as our plan: it says so, or begins as one and has workstreams."""
    if stretch.kind is not StretchKind.FENCE:
        return False
    info = stretch.info.lower().split()
    if info[:1] not in (["yaml"], ["yml"]):
        return False
    return "orchestrate" in info[1:] or (
        re.match(r"\s*version: *1\s*$", stretch.inside, re.MULTILINE) is not None
        and re.search(r"^\s*workstreams:", stretch.inside, re.MULTILINE) is not None
    )
