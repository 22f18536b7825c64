"""Which lines a test run covered, of all and of those that changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bot.core.repo_paths import is_test_file

Lines = Mapping[str, frozenset[int]]


@dataclass(frozen=True)
class FileCoverage:
    """A file's lines that can run, and those among them that did."""

    executable: frozenset[int]
    covered: frozenset[int]

    def __post_init__(self) -> None:
        """Hold that what was covered can run."""
        object.__setattr__(self, "covered", self.covered & self.executable)

    def __or__(self, other: FileCoverage) -> FileCoverage:
        """Join two accounts of one file: a line is covered if either says so."""
        return FileCoverage(self.executable | other.executable, self.covered | other.covered)


@dataclass(frozen=True)
class Share:
    """Covered lines out of executable ones, of which there is at least one."""

    covered: int
    executable: int

    def __post_init__(self) -> None:
        """Refuse a share of nothing, and more covered lines than there are."""
        if not 0 <= self.covered <= self.executable or not self.executable:
            raise ValueError(f"{self.covered} covered lines of {self.executable}")

    @property
    def percent(self) -> float:
        """From 0 to 100, not rounded."""
        return 100 * self.covered / self.executable


@dataclass(frozen=True)
class Patch:
    """The coverage of changed lines, and where it lacks: ranges, both ends in it, by file."""

    share: Share
    uncovered: Mapping[str, tuple[tuple[int, int], ...]]
    unmentioned: frozenset[str]  # files of `uncovered` that the report does not know


@dataclass(frozen=True)
class CoverageReport:
    """A report, by repository path. `totals` is there where it counts lines and names none."""

    files: Mapping[str, FileCoverage]
    totals: Share | None = None
    left_out: int = field(default=0)  # files of the report that are not in the repository

    @property
    def total(self) -> Share | None:
        """All lines, or None where the report has none."""
        executable = sum(len(file.executable) for file in self.files.values())
        if not executable:
            return self.totals
        return Share(sum(len(file.covered) for file in self.files.values()), executable)

    def of(self, changed: Lines) -> Patch | None:
        """Return the coverage of the changed lines, or None where none of them can run.

        Tests are left out: they are what covers, not what is to be covered. A changed file that
        the report should know and does not (see `_should_know`) counts as uncovered in all its
        changed lines, for no test even loaded it; which of them can run nobody knows.
        """
        covered = executable = 0
        uncovered: dict[str, tuple[tuple[int, int], ...]] = {}
        unmentioned: set[str] = set()
        roots = _source_roots(self.files)
        for path, lines in sorted(changed.items()):
            if is_test_file(path) or not lines:
                continue
            file = self.files.get(path)
            if file is None and _should_know(self.files, roots, path):
                file = FileCoverage(lines, frozenset())
                unmentioned.add(path)
            if file is None:
                continue
            executable += len(lines & file.executable)
            covered += len(lines & file.covered)
            missing = (lines & file.executable) - file.covered
            if missing:
                uncovered[path] = _ranges(missing, file.executable - missing)
        if not executable:
            return None
        return Patch(Share(covered, executable), uncovered, frozenset(unmentioned))


@dataclass(frozen=True)
class UnreadableReport:
    """Why a coverage report says nothing, and what a person can do."""

    because: str
    fix: str


def _should_know(files: Mapping[str, FileCoverage], roots: frozenset[str], path: str) -> bool:
    """Whether a file that the report does not mention is one that it measures.

    It is, where the report measures that language and mentions other code in the same source
    root. It is not, where the file only declares: TypeScript's `.d.ts`, and a Go file beside
    others that are mentioned, for a Go profile names every file of a package that has statements.
    """
    folder, _, name = path.rpartition("/")
    suffix = _suffix(name)
    if name.endswith(".d.ts") or suffix not in {_suffix(known) for known in files}:
        return False
    if suffix == "go" and any(known.rpartition("/")[0] == folder for known in files):
        return False
    return folder in roots or any(root and folder.startswith(root + "/") for root in roots)


def _suffix(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[2]


def _source_roots(paths: Iterable[str]) -> frozenset[str]:
    """Return, for each folder at the top, the deepest folder that holds all its known files.

    The top itself is a root only for the files in it, which is why it counts no folder below.
    """
    common: dict[str, list[str]] = {}
    for path in paths:
        folders = path.split("/")[:-1]
        top = folders[0] if folders else ""
        common[top] = _common(common.get(top, folders), folders)
    return frozenset("/".join(folders) for folders in common.values())


def _common(one: list[str], other: list[str]) -> list[str]:
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return one[:count]


def _ranges(lines: frozenset[int], others: frozenset[int]) -> tuple[tuple[int, int], ...]:
    """Join lines into ranges, across lines that cannot run but not across `others`."""
    ranges: list[tuple[int, int]] = []
    for line in sorted(lines | others):
        if line in others:
            ranges.append((0, 0))
        elif ranges and ranges[-1] != (0, 0):
            ranges[-1] = (ranges[-1][0], line)
        else:
            ranges.append((line, line))
    return tuple(found for found in ranges if found != (0, 0))
