"""How much a task needs, by what it says and what the repository shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.core.base import few
from bot.core.names import ALWAYS_PROTECTED
from bot.core.patterns import owns
from bot.core.plan import Complexity
from bot.core.planning.layout import is_changelog, is_code, is_document
from bot.core.planning.partition import builders_for, closeness, coupling

FEW, SEVERAL = 2, 10  # files up to which a task is simple, and up to which one builder does it
TIGHT = 0.5  # share of their closeness that a split would cut, from which one agent keeps them
RISKS = {
    "security": r"security|securely|vulnerabilit(?:y|ies)|exploit|CVE-\d+|XSS|CSRF|SQL injection",
    "auth": r"auth|oauth\d?|authenticat\w*|authori[sz]\w*|log-?in|sign-?in|passwords?|permissions?",
    "secrets": r"secrets?|credentials?|api[ -]keys?|access tokens?|private keys?",
    "payment": r"payments?|billing|checkout flow|credit cards?|refunds?",
    "migration": r"migrations?|migrat(?:e|es|ing)|schema changes?",
    "architecture": r"architecture|architectural|re-?architect\w*|redesign\w*",
    "crypto": r"crypto\w*|encrypt\w*|decrypt\w*|hashing|TLS|certificates?",
    "data loss": r"delet(?:e|es|ing) (?:\w+ ){0,3}(?:data|users?|records?|accounts?|tables?)"
    r"|drop (?:\w+ )?(?:tables?|columns?|database)|data loss|purge|GDPR",
}


@dataclass(frozen=True)
class Survey:
    """What a repository shows of a task.

    `named` are files that the task names; `matched` those that its identifiers lead to, or where
    there are none its plain words (`guessed`), best first. `together` weighs pairs of them, in
    sorted order, by shared commits, of which recent ones count more.
    """

    files: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    matched: tuple[str, ...] = ()
    guessed: bool = False
    imports: frozenset[tuple[str, str]] = frozenset()
    together: Mapping[tuple[str, str], float] = field(default_factory=dict)


@dataclass(frozen=True)
class Assessment:
    """The class of a task and why; the files it will likely change; how tight they hang together.

    `sure` says that the task itself names all of these files. `coupling` is the share of what
    ties them that a split would cut, 0 to 1; it is 0 where they are too few to be split.
    """

    complexity: Complexity
    because: str
    files: tuple[str, ...] = ()
    sure: bool = False
    coupling: float = 0.0
    weights: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def one_builder(self) -> bool:
        """Whether one agent should change all the code: few files, or files that hang together."""
        code = sum(is_code(path) for path in self.files)
        return code <= SEVERAL or self.coupling >= TIGHT


def assess(task: str, survey: Survey) -> Assessment:
    """Class a task as simple, standard, complex or critical, with the reason."""
    sure = bool(survey.named) and _names_all(task, survey.named)
    predicted = survey.named if sure else survey.matched
    files = tuple(path for path in predicted if not owns(ALWAYS_PROTECTED, path)) or predicted
    weights = closeness(files, survey.imports, survey.together)
    code = [path for path in files if is_code(path)]
    many = len(code) > SEVERAL  # fewer stay together anyway
    tight = coupling(code, weights, builders_for(len(code))) if many else 0.0
    risks = risks_in(task)
    harmless = bool(files) and all(is_document(path) or is_changelog(path) for path in files)
    complexity, because = _class_of(survey, files, tight, sure=sure)
    if risks and not harmless:
        complexity = Complexity.CRITICAL
        because = f"the task speaks of {', '.join(risks)}; {because}"
    return Assessment(complexity, because, files, sure, tight, weights)


def risks_in(task: str) -> tuple[str, ...]:
    """Name the risks that a task speaks of."""
    return tuple(
        name
        for name, words in RISKS.items()
        if re.search(rf"(?<![\w-])(?:{words})(?![\w])", task, flags=re.IGNORECASE)
    )


def _names_all(task: str, named: tuple[str, ...]) -> bool:
    """Whether the files that a task names are all that it is about.

    Code that is named is meant. A document is often only one more thing to do ("add a dark mode
    and describe it in the README"): it is all only where it comes first.
    """
    if any(not is_document(path) and not is_changelog(path) for path in named):
        return True
    first = task.strip().partition("\n")[0].lower()
    stems = (path.rpartition("/")[2].partition(".")[0].lower() for path in named)
    at = min((first.find(stem) for stem in stems if stem in first), default=-1)
    return at >= 0 and re.search(r"\b(?:and|then|also)\b|[;,]", first[:at]) is None


def _class_of(
    survey: Survey, files: tuple[str, ...], tight: float, *, sure: bool
) -> tuple[Complexity, str]:
    if not survey.files:
        return Complexity.STANDARD, "the repository has no files yet"
    if not files:
        return Complexity.STANDARD, "no file is named or matched, so one builder sees them all"
    count = f"{len(files)} file{'s' if len(files) > 1 else ''}"
    seen = f"{count} {'named in the task' if sure else 'matched by its words'}"
    seen = f"{seen} ({few([_shown(path) for path in files], 3)})"
    if len(files) <= FEW and survey.guessed and not sure:
        return Complexity.STANDARD, f"{seen}, which is a guess: one builder, quality beside it"
    if len(files) <= FEW:
        return Complexity.SIMPLE, f"{seen}: one agent does it directly"
    if len(files) <= SEVERAL:
        return Complexity.STANDARD, f"{seen}: one builder, quality beside it"
    if tight >= TIGHT:
        why = f"a split would cut {tight:.0%} of what ties them, so one builder keeps them"
        return Complexity.COMPLEX, f"{seen}: {why}"
    return Complexity.COMPLEX, f"{seen}: several builders side by side"


def _shown(path: str) -> str:
    """Write a path on one line; what cannot be printed becomes a question mark."""
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "?", path)
