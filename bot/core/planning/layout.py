"""Where a repository keeps its code, tests, documents and changelog, by its file names alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from bot.core.patterns import may_meet
from bot.core.repo_paths import folders_of, is_test_file

MAX_PATTERNS = 40
MAX_PATH = 1_000  # so that it fits a pattern
FRAGMENTS = re.compile(
    r"(?:.*/)?(?:changes|\.changes|changelog\.d|changelog|newsfragments|towncrier)"
)
CHANGELOG = re.compile(r"(?:CHANGELOG|CHANGES|HISTORY|NEWS)(?:\.(?:md|rst|txt))?", re.IGNORECASE)
DOCUMENT = re.compile(r".*\.(?:md|rst|adoc|txt)|LICENSE.*|README.*", re.IGNORECASE)
DOC_FOLDERS = frozenset({"docs", "doc", "documentation", "site-docs"})
TEST_FOLDERS = frozenset({"test", "tests", "__tests__", "spec", "specs", "e2e"})
TESTS_BESIDE_CODE = {
    ".go": ("*_test.go",),
    ".js": ("*.test.js", "*.spec.js"),
    ".jsx": ("*.test.jsx", "*.spec.jsx"),
    ".ts": ("*.test.ts", "*.spec.ts"),
    ".tsx": ("*.test.tsx", "*.spec.tsx"),
}


@dataclass(frozen=True)
class Layout:
    """Patterns of what the workstreams of one plan can own; no two of them mean the same file.

    `code` is everything but the other three, also what is not there yet.
    """

    code: tuple[str, ...]
    tests: tuple[str, ...]
    docs: tuple[str, ...]
    changelog: tuple[str, ...]


def pattern_of(path: str) -> str:
    """Write the pattern that means exactly this file, at this place.

    What a pattern or a plan cannot hold plainly (a star, a backslash, a newline, bytes that are
    not UTF-8) becomes `?`, any one character; of a path that is too long its folder is named.
    """
    if len(path) > MAX_PATH:
        return folder_pattern(path[:MAX_PATH].rpartition("/")[0])
    written = re.sub(r"[*?\[\\\x00-\x1f\x7f\ud800-\udfff]", "?", path)
    if written[-1:].isspace():
        written = written[:-1] + "?"  # git drops a space at the end of a pattern
    anchored = "/" in written and not re.match(r"[#!~]|[A-Za-z]:[\\/]", written)
    return written if anchored else f"./{written}"


def is_document(path: str) -> bool:
    """Whether a file is there for people to read."""
    *folders, name = path.split("/")
    return not DOC_FOLDERS.isdisjoint(folders) or DOCUMENT.fullmatch(name) is not None


def is_changelog(path: str) -> bool:
    """Whether a file is the changelog, or a fragment of it."""
    folder, _, name = path.rpartition("/")
    return FRAGMENTS.fullmatch(folder) is not None or CHANGELOG.fullmatch(name) is not None


def is_code(path: str) -> bool:
    """Whether a file is neither test, document nor changelog."""
    return not (is_test_file(path) or is_document(path) or is_changelog(path))


def layout_of(files: Sequence[str]) -> Layout:
    """Find out where a repository keeps what."""
    tests = _test_patterns(files)
    changelog = _changelog_patterns(files)
    docs = without(_doc_patterns(files), changelog, tests)
    return Layout(
        code=without(("**",), tests, docs, changelog),
        tests=tests,
        docs=docs,
        changelog=without(changelog, tests),
    )


def without(patterns: Sequence[str], *others: Sequence[str]) -> tuple[str, ...]:
    """Take away from patterns what others mean, so that the two sides never meet."""
    taken = (p for other in others for p in other if not p.startswith("!"))
    return (*patterns, *(f"!{p}" for p in dict.fromkeys(taken) if may_meet(patterns, (p,))))


def part_patterns(part: Collection[str], everything: Iterable[str]) -> tuple[str, ...]:
    """Own the files of a part, and their folders where no other part has files below these.

    `everything` are the files of all parts. A folder leaves room for files that are new.
    """
    elsewhere = {folder for path in everything if path not in part for folder in folders_of(path)}
    owned_folders = {
        folder for path in part if (folder := path.rpartition("/")[0]) and folder not in elsewhere
    }
    highest = {f for f in owned_folders if owned_folders.isdisjoint(folders_of(f))}
    single = {path for path in part if highest.isdisjoint(folders_of(path))}
    return (
        *(folder_pattern(folder) for folder in sorted(highest)),
        *(pattern_of(path) for path in sorted(single)),
    )


def folder_pattern(folder: str) -> str:
    """Write the pattern that means everything below a folder."""
    return f"{pattern_of(folder + '/x')[:-2]}/**"


def _suffix(path: str) -> str:
    name = path.rpartition("/")[2]
    return "." + name.rpartition(".")[2] if "." in name else ""


def _test_patterns(files: Sequence[str]) -> tuple[str, ...]:
    """Cover test folders by their names, and tests that stand beside code by theirs."""
    tests = [path for path in files if is_test_file(path)]
    folders: set[str] = set()
    beside: defaultdict[str, set[str]] = defaultdict(set)
    for path in tests:
        parts = path.split("/")[:-1]
        at = next((n for n, part in enumerate(parts) if part in TEST_FOLDERS), None)
        if at is not None:
            folders.add("/".join(parts[: at + 1]))
        else:
            beside[_suffix(path)].add(path)
    if len(folders) > MAX_PATTERNS:
        names = {folder.rpartition("/")[2] for folder in folders}
        found = {f"**/{name}/**" for name in names}
    else:
        found = {folder_pattern(folder) for folder in folders}
    for suffix, paths in beside.items():
        found.update(TESTS_BESIDE_CODE.get(suffix, map(pattern_of, sorted(paths)[:MAX_PATTERNS])))
    if not tests and any(path.endswith(".go") for path in files):
        found.update(TESTS_BESIDE_CODE[".go"])
    return tuple(sorted(found)) or ("tests/**",)


def _doc_patterns(files: Sequence[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for path in files:
        if is_changelog(path) or is_test_file(path):
            continue
        top, slash, _ = path.partition("/")
        if slash and top in DOC_FOLDERS:
            found.add(f"{top}/**")
        elif not slash and top.upper().startswith("README"):
            found.add(pattern_of(path))
    return tuple(sorted(found)) or ("docs/**", "./README.md")


def _changelog_patterns(files: Iterable[str]) -> tuple[str, ...]:
    """Prefer a folder of fragments, since parallel branches then never edit one file."""
    single: set[str] = set()
    for path in files:
        folder, _, name = path.rpartition("/")
        if folder and "/" not in folder and FRAGMENTS.fullmatch(folder):
            return (f"{folder}/**",)
        if not folder and CHANGELOG.fullmatch(name):
            single.add(pattern_of(path))
    return tuple(sorted(single)) or ("./CHANGELOG.md",)
