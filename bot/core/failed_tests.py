"""Which tests failed, and where, read from what test runners print."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from bot.core.escapes import without_escapes
from bot.core.gates import Finding, Severity
from bot.core.repo_paths import RepoFiles, reportable

MAX_EVIDENCE = 2_000
_MAX_FINDINGS = 50
_MAX_MESSAGE = 300
_LONGEST_LINE = 1_000  # so that a line that goes on for ever costs little to look through
_PLACE = re.compile(
    r"""File \s "([^"]{1,500})", \s line \s (\d{1,7})
    | ((?:[A-Za-z]:)?[^\s'"()<>|:]{1,300}\.[a-z]{1,5}):(\d{1,7})""",
    re.VERBOSE,
)
_RULE = "failed-test"


def failed_tests(output: str, files: RepoFiles) -> tuple[Finding, ...]:
    """Return a finding for each failed test that the output names, at most 50, none twice."""
    lines = [line[:_LONGEST_LINE] for line in without_escapes(output).split("\n")]
    found: dict[tuple[str | None, str], Finding] = {}
    for read in _READERS:
        for finding in read(lines, files):
            found.setdefault((finding.path, finding.message), finding)
    return tuple(found.values())[:_MAX_FINDINGS]


def tail(text: str) -> str:
    """Return the end of an output, short enough for evidence."""
    text = without_escapes(text).strip()
    return text if len(text) <= MAX_EVIDENCE else "…" + text[1 - MAX_EVIDENCE :]


def _finding(message: str, body: Sequence[str], at: tuple[str | None, int | None]) -> Finding:
    text = message if len(message) <= _MAX_MESSAGE else message[: _MAX_MESSAGE - 1] + "…"
    path, line = at
    return Finding(
        path=reportable(path),
        line=line,
        severity=Severity.HIGH,
        rule=_RULE,
        message=text,
        evidence=tail("\n".join(body)),
    )


def _places(body: Iterable[str], files: RepoFiles) -> Iterator[tuple[str, int]]:
    """Yield the lines of repository files that a traceback goes through, in its order."""
    for text in body:
        for match in _PLACE.finditer(text):
            path = files.find(match[1] or match[3])
            line = int(match[2] or match[4])
            if path is not None and line:
                yield path, line


def _first(places: Iterable[tuple[str, int]]) -> tuple[str | None, int | None]:
    return next(iter(places), (None, None))


def _last_in(path: str | None, places: Iterable[tuple[str, int]]) -> tuple[str | None, int | None]:
    """Return the innermost place in the test's own file, or just the file."""
    return path, next((line for at, line in reversed(list(places)) if at == path), None)


def _sections(
    lines: Sequence[str], start: str, stop: str
) -> Iterator[tuple[re.Match[str], list[str]]]:
    """Yield each line that `start` matches with the lines below it, up to the next or to `stop`."""
    heading, body = None, list[str]()
    for line in lines:
        match = re.match(start, line)
        if match or re.match(stop, line):
            if heading:
                yield heading, body
            heading, body = match, []
        elif heading:
            body.append(line)
    if heading:
        yield heading, body


def _pytest(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    bodies: defaultdict[str, list[list[str]]] = defaultdict(list)
    for heading, body in _sections(lines, r"_{2,} (.+?) _{2,}$", r"={3,}"):
        bodies[re.sub(r"^ERROR (?:at \w+ of|collecting) ", "", heading[1])].append(body)
    for line in lines:
        match = _PYTEST_END.fullmatch(line)
        path = files.find(match[1]) if match else None
        if not match or (path is None and match[2] is None):
            continue
        test = f"{match[1]}::{match[2]}" if match[2] else match[1]
        candidates = bodies[match[2].replace("::", ".") if match[2] else match[1]]
        body = next(
            (one for one in candidates if _last_in(path, _places(one, files))[1]),
            candidates[0] if candidates else [],
        )
        message = f"{test}: {match[3]}" if match[3] else f"{test} fails"
        yield _finding(message, body, _last_in(path, _places(body, files)))


def _unittest(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    for heading, body in _sections(
        lines, r"(?:FAIL|ERROR): (\S+ \([^()]+\).*)$", r"={70}$|Ran \d+ test"
    ):
        text = [line for line in body if line.strip("-")]
        if any(line.startswith("Traceback ") for line in text):
            *_, innermost = [(None, None), *_places(text, files)]
            yield _finding(f"{heading[1]}: {text[-1].strip()}", text, innermost)


def _go(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    logs: defaultdict[str, list[str]] = defaultdict(list)
    failed: list[str] = []
    current = ""
    for line in lines:
        mark = re.match(r"=== [A-Z]+ +(\S+)|\s*--- ([A-Z]+): (\S+) \(", line)
        package = re.match(r"(?:FAIL|ok  |\?   )\t(\S+)", line)
        if package:
            yield from _go_package(failed, logs, package[1], files)
            logs.clear()
            failed, current = [], ""
        elif mark:
            current = mark[1] or mark[3]
            failed += [current] if mark[2] == "FAIL" else []
        elif current:
            logs[current].append(line)


def _go_package(
    failed: Sequence[str], logs: dict[str, list[str]], package: str, files: RepoFiles
) -> Iterator[Finding]:
    for test in failed:
        if any(other.startswith(test + "/") for other in failed):
            continue  # its subtests say more
        body = logs.get(test, [])
        said = next((match for match in map(_GO_LOG.match, body) if match), None)
        path = files.find(f"{package}/{said[1]}") if said else None
        at = (path, int(said[2]) or None) if said and path else _first(_places(body, files))
        yield _finding(
            f"{package} {test}: {said[3]}" if said else f"{package} {test} fails", body, at
        )


def _go_build(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    if not any(line.startswith("FAIL\t") and "[build failed]" in line for line in lines):
        return
    for line in lines:
        match = re.match(r"(?:vet: )?(\S+\.go):(\d{1,7})(?::\d+)?: (.+)", line)
        path = files.find(match[1]) if match else None
        if match and path:
            yield _finding(match[3], [line], (path, int(match[2]) or None))


def _cargo(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    bodies = {
        heading[1]: [line for line in body if line.strip()]
        for heading, body in _sections(lines, r"---- (.+) stdout ----$", r"failures:$")
    }
    for line in lines:
        match = re.fullmatch(r"test (.+?)(?: - should panic)? \.\.\. FAILED", line)
        if match:
            body = bodies.get(match[1], [])
            panic = next((n for n, text in enumerate(body) if " panicked at " in text), None)
            said = body[panic + 1 : panic + 2] if panic is not None else []
            message = f"{match[1]}: {said[0].strip()}" if said else f"{match[1]} fails"
            yield _finding(message, body, _first(_places(body, files)))


def _jest(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    stop = r"(?:PASS|FAIL) |Test Suites: |Summary of all failing"
    for heading, body in _sections(lines, r"  ● (?!Console$|.*Warning:)(.+)$", stop):
        said = next((line.strip() for line in body if line.strip()), "fails")
        yield _finding(f"{heading[1].strip()}: {said}", body, _first(_places(body, files)))


def _vitest(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    for heading, body in _sections(
        lines, r" FAIL  (?:\|[^|]*\| )?(\S+) > (.+)$", r"⎯|\s*Test Files "
    ):
        path = files.find(heading[1])
        said = next((line.strip() for line in body if line.strip()), "fails")
        line = next((line for at, line in _places(body, files) if at == path), None)
        yield _finding(f"{heading[2].strip()}: {said}", body, (path, line))


def _tap(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    start = r"\s*not ok \d+(?: -)? (?!.*# *(?i:todo|skip))(.*)$"
    for heading, body in _sections(lines, start, r"\s*(?:ok \d|# |\.\.\.$|\d+\.\.\d)"):
        text = "\n".join(body)
        if "'subtestsFailed'" not in text:
            said = re.search(r"^\s*(?:error|message): '?([^'].*?)'?$", text, re.MULTILINE)
            name = heading[1].strip() or "a test"
            message = f"{name}: {said[1]}" if said else f"{name} fails"
            yield _finding(message, body, _first(_places(body, files)))


def _node(lines: Sequence[str], files: RepoFiles) -> Iterator[Finding]:
    for heading, body in _sections(lines, r"test at (\S+):(\d+):\d+$", r"$"):
        name = re.sub(r"^✖ | \([\d.]+ms\)$", "", body[0]) if body else heading[0]
        at = _first(_places([heading[0]], files))
        yield _finding(f"{name}: {body[1].strip()}" if body[1:] else f"{name} fails", body, at)


# A test's name may have " - " between its brackets.
_PYTEST_END = re.compile(
    r"(?:FAILED|ERROR) (\S+?)(?:::([^\[]+?(?:\[.*?\](?= - |$))?))?(?: - (.*))?"
)
_GO_LOG = re.compile(r"\s+(\S+\.go):(\d{1,7}): (.*)")
_READERS = (_pytest, _unittest, _go, _go_build, _cargo, _jest, _vitest, _tap, _node)
