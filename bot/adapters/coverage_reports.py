"""Coverage reports of tests, read into the lines of the repository's files."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot.adapters.coverage_formats import Malformed, Parsed, reader_of
from bot.core.coverage import CoverageReport, FileCoverage, Share, UnreadableReport
from bot.core.repo_paths import RepoFiles, is_foreign

_MOST_BYTES = 100_000_000
_FORMATS = "Cobertura XML, LCOV, coverage.py JSON, JaCoCo XML or a Go cover profile"
_AGAIN = f"Let the tests write {_FORMATS}, and set coverage.report to its path."

# Where suites leave their report, the most telling first.
_WELL_KNOWN = (
    "coverage.xml",
    "coverage.json",
    "lcov.info",
    "coverage/lcov.info",
    "coverage/cobertura-coverage.xml",
    "cobertura.xml",
    "cover.out",
    "coverage.out",
    "target/site/jacoco/jacoco.xml",
    "target/site/jacoco-aggregate/jacoco.xml",
    "build/reports/jacoco/test/jacocoTestReport.xml",
    "target/llvm-cov/lcov.info",
    "target/llvm-cov/cobertura.xml",
)


def find_reports(listing: Iterable[str]) -> tuple[str, ...]:
    """Return the reports among the paths, those at the top first, then those of parts below.

    `listing` is what a run of the tests wrote: a report that is committed, or that was there
    before, is about other code.
    """
    ours = {path for path in listing if not is_foreign(path)}
    paths = sorted(ours, key=lambda path: (path.count("/"), path))
    at_top = [known for known in _WELL_KNOWN if known in ours]
    below = [path for known in _WELL_KNOWN for path in paths if path.endswith("/" + known)]
    return tuple(dict.fromkeys((*at_top, *below)))


def read_report(
    data: bytes, *, root: str, files: frozenset[str]
) -> CoverageReport | UnreadableReport:
    """Read a report in any of the formats, which it shows by itself.

    `root` is the absolute folder that the tests ran in, `files` are the repository's paths: what
    the report says of others is left out and counted. Several entries of a file are joined; a
    line is covered if any of them says so.
    """
    if len(data) > _MOST_BYTES:
        said = f"The coverage report has {len(data):,} bytes; at most {_MOST_BYTES:,} are read."
        return UnreadableReport(said, "Let the tests measure the repository's own code only.")
    if not data.strip():
        return UnreadableReport("The coverage report is empty.", _AGAIN)
    read = reader_of(data)
    if read is None:
        return UnreadableReport("The coverage report is in no format that is known.", _AGAIN)
    try:
        parsed = read(data)
        return _in_repository(parsed, RepoFiles(files, root=root))
    except Malformed as error:
        return UnreadableReport(f"The coverage report cannot be read: {error}.", _AGAIN)


def _in_repository(parsed: Parsed, files: RepoFiles) -> CoverageReport | UnreadableReport:
    found: dict[str, FileCoverage] = {}
    left_out: list[str] = []
    for spelled, lines in parsed.lines.items():
        path = _path(spelled, parsed.sources, files)
        if path is None:
            left_out.append(spelled)
            continue
        covered = frozenset(line for line, hit in lines.items() if hit)
        file = FileCoverage(frozenset(lines), covered)
        found[path] = found[path] | file if path in found else file
    if left_out and not found:
        first = left_out[0][:200]
        return UnreadableReport(
            f"None of the coverage report's {len(left_out)} files, the first of which is"
            f" {first!r}, is in the repository.",
            "Run the tests from the top of the repository, on its own code.",
        )
    totals = parsed.totals if not any(parsed.lines.values()) else None
    return CoverageReport(found, _share(totals), len(left_out))


def _path(spelled: str, sources: list[str], files: RepoFiles) -> str | None:
    """Find a file, from the report's sources first: only with them is its path complete."""
    spellings = [spelled]
    if not re.match(r"/|\\|[A-Za-z]:[\\/]", spelled):
        spellings = [*(f"{source}/{spelled}" for source in sources), spelled]
    for look in (files.exact, files.find):
        for text in spellings:
            path = look(text)
            if path is not None:
                return path
    return None


def _share(totals: tuple[int, int] | None) -> Share | None:
    if totals is None or not totals[1]:
        return None
    covered, executable = totals
    if not 0 <= covered <= executable:
        raise Malformed(f"it says that {covered} of {executable} lines are covered")
    return Share(covered, executable)
