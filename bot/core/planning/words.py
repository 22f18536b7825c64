"""What a task's words say about files: paths it names, identifiers to look for, plain words."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from bot.core.planning.layout import is_changelog, is_code
from bot.core.repo_paths import RepoFiles, folders_of

MOST_IDENTIFIERS = 8
MOST_IN_A_FOLDER = 500
MOST_BY_WORDS = 40
MOST_MATCHED = 300
COMMON = 0.05  # a word in more than this share of the paths tells nothing
CLOSE = 0.6  # of the best score, to be matched too
_QUOTED = re.compile(r"`([^`\n]{1,200})`")
_PATH = re.compile(r"(?<![\w/:.@-])(?:[\w.@+-]+/)*[\w@+-][\w.@+-]*/?")
_IDENTIFIER = re.compile(
    r"\b(?:[A-Za-z][a-z0-9]*_\w+|_\w{3,}|[a-z]+[A-Z]\w+|(?:[A-Z][a-z0-9]+){2,}|[A-Z]+_[A-Z_]+)\b|\b\w+(?=\(\))"
)
# What a verb of change takes as its object is code too where it looks like a name.
_OBJECT = re.compile(
    r"\b[Rr]enam(?:e|ing)\s+(?:the\s+)?(\w+)\s+(?:in)?to\b"
    r"|\b(?i:renam|remov|replac|extract|inlin|mov|deprecat|split)(?:e|ing|es|s)?\s+(?:the\s+)?([A-Z]\w+)"
)
_STOP = frozenset(
    re.findall(
        r"\w+",
        """about above after again against also and any are around because been before being below
    between both but can cannot change code could create default does doing done down each error
    errors every file files fix for from function get gets give given has have having here how into
    its itself just let like line make makes more most must need needs new nor not now off once
    only open other our out over own page program project remove return returns run same see set
    should show some such support than that the their them then there these they this those through
    to too under until update use used using very was way well were what when where which
    while who why will with without work works would you your add added allow enable feature
    implement improve test tests docs document documentation""",
    )
)


def named_in(task: str, files: Sequence[str]) -> tuple[str, ...]:
    """Return the files that a task names: by path, by a part of it that is unique, by folder."""
    known = RepoFiles(files, root="/")
    folders = {folder for path in files for folder in folders_of(path)}
    at_top = {path.partition(".")[0]: path for path in sorted(files) if "/" not in path}
    found: dict[str, None] = {}
    for token in (*_QUOTED.findall(task), *_PATH.findall(task)):
        text = token.strip().rstrip(".,:;)").removeprefix("./")
        folder = text.rstrip("/")
        if folder in folders and ("/" in text or f"`{token}`" in task):
            below = (path for path in files if path.startswith(folder + "/"))
            found.update(dict.fromkeys(sorted(below)[:MOST_IN_A_FOLDER]))
        elif "." in text or "/" in text:
            path = known.find(text)
            found.update({path: None} if path and not path.startswith("/") else {})
        elif text.isupper() or text in {"Makefile", "Dockerfile"}:
            found.update({at_top[text]: None} if text in at_top else {})
    return tuple(found)


def identifiers_in(task: str) -> tuple[str, ...]:
    """Return names that look like code, in the order of the task, those in backticks first."""
    quoted = [
        part.removesuffix("()").rpartition(".")[2]
        for part in _QUOTED.findall(task)
        if re.fullmatch(r"[A-Za-z_][\w.]*(?:\(\))?", part) and "/" not in part
    ]
    rest = _QUOTED.sub(" ", task)
    objects = [match[1] or match[2] for match in _OBJECT.finditer(rest)]
    bare = [match[0] for match in _IDENTIFIER.finditer(rest)]
    useful = (
        name for name in (*quoted, *objects, *bare) if len(name) > 2 and name.lower() not in _STOP
    )
    return tuple(dict.fromkeys(useful))[:MOST_IDENTIFIERS]


def matched_by_identifiers(holders: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Rank files by the identifiers in them: one in few files weighs more than one in many."""
    score: defaultdict[str, float] = defaultdict(float)
    for files in holders.values():
        for path in files:
            score[path] += 1 / math.sqrt(len(files))
    return _ranked(score)[:MOST_MATCHED]


def matched_by_words(task: str, files: Sequence[str]) -> tuple[str, ...]:
    """Rank code files by the task's words in their paths; a rare word weighs more."""
    wanted = {word for word in _words(task) if len(word) > 2 and word not in _STOP}
    parts = {p: frozenset(_words(p)) & wanted for p in files if is_code(p) and not is_changelog(p)}
    count = Counter(word for found in parts.values() for word in found)
    most = max(MOST_BY_WORDS // 2, COMMON * len(files))
    score = {
        path: total
        for path, found in parts.items()
        if (total := sum(1 / math.sqrt(count[word]) for word in found if count[word] <= most))
    }
    best = max(score.values(), default=0.0)
    close = {path: total for path, total in score.items() if total >= CLOSE * best}
    return _ranked(close)[:MOST_BY_WORDS]


def _ranked(score: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(score, key=lambda path: (-score[path], path)))


def _words(text: str) -> Iterable[str]:
    """Split into lower-case words, also at capitals; a plural counts as its singular."""
    for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", text):
        lower = word.lower()
        yield lower[:-1] if lower.endswith("s") and len(lower) > 3 else lower
