"""Check one commit: tests, coverage, review, docs, each in a clean checkout, each with a reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.core import names
from bot.core.actions import RunGates
from bot.core.analyzers import Analyzer, configured, detect_analyzers
from bot.core.base import Sha
from bot.core.changelog import changelog_of
from bot.core.config import Settings
from bot.core.coverage import CoverageReport, UnreadableReport
from bot.core.diff import changed_lines, read_diff
from bot.core.docs_gate import Source, judge_docs
from bot.core.gates import Finding, GateName, GateResult
from bot.core.handoff import Completion
from bot.core.judge_coverage import judge_coverage
from bot.core.judge_tests import SuiteRun, judge_tests
from bot.core.plan import Kind
from bot.core.public_names import ReadSource
from bot.core.redact import Redactor
from bot.core.repo_paths import RepoFiles
from bot.core.review import judge_review, on_changed_lines, still_valid
from bot.core.state import RunState
from bot.core.suite_detection import detect_suite, texts_needed
from bot.core.suites import COVERAGE_TOOLS, NoSuite, Runner, Suite
from bot.core.weakened_tests import weakened
from bot.ports import Command, Commits, Finished, Processes, Reports, Worktree, Worktrees

ANALYZER_TOOLS = {
    "ruff": "ruff --version",
    "bandit-sarif": 'python -c "import bandit, bandit_sarif_formatter"',
    "semgrep": "semgrep --version",
    "eslint": "test -x node_modules/.bin/eslint",
    "golangci-lint": "golangci-lint --version | grep -q 'version v\\?2'",
    "clippy-sarif": "cargo clippy --version && clippy-sarif --version",
}
_LONE = re.compile("[\ud800-\udfff]")  # how bytes that are no UTF-8 were read
_REVIEWING = frozenset({Kind.REVIEW, Kind.AUDIT})
_PROBE_SECONDS, _ANALYZER_SECONDS = 30.0, 600.0


@dataclass(frozen=True)
class Checked:
    """What the gates say of a commit, and the output that they say it by."""

    results: tuple[GateResult, ...]
    evidence: Mapping[str, bytes]


@dataclass(frozen=True)
class GateKeeper:
    """What gates need: a place to check out, a way to run, and eyes for what comes of it."""

    worktrees: Worktrees
    processes: Processes
    commits: Commits
    reports: Reports
    read_source: ReadSource
    settings: Settings
    redactor: Redactor

    def check(self, asked: RunGates, state: RunState, environment: Mapping[str, str]) -> Checked:
        """Return one result for each gate that was asked for, and what was seen."""
        off = {name: self._off(name) for name in asked.names}
        results = {name: result for name, result in off.items() if result is not None}
        wanted = [name for name in asked.names if name not in results]
        evidence: Mapping[str, bytes] = {}
        if wanted and state.request is not None:
            name = names.gates_folder(asked.iteration)
            worktree = self.worktrees.create(name, asked.head_sha)
            check = _Check(self, state, state.request.base_sha, worktree, dict(environment))
            results |= {result.name: result for result in check.results(wanted)}
            evidence = check.evidence
            self.worktrees.remove(worktree)
        return Checked(tuple(results[name] for name in asked.names if name in results), evidence)

    def _off(self, name: GateName) -> GateResult | None:
        if getattr(self.settings, name.value).enabled:
            return None
        return GateResult(name=name, status="off", because="switched off in the settings")


class _Check:
    """One check of one commit."""

    def __init__(
        self,
        keeper: GateKeeper,
        state: RunState,
        base: Sha,
        worktree: Worktree,
        environment: dict[str, str],
    ) -> None:
        self._keeper = keeper
        self._state = state
        self._base = base
        self._head = worktree.base_sha
        self._worktree = worktree
        self._environment = environment
        self._report = f"{environment['TMPDIR']}/coverage-report"
        self._stamps: dict[str, str] = {}  # of reports that lay there before the tests ran
        self.evidence: dict[str, bytes] = {}
        self._paths = keeper.commits.paths(self._head)
        self._changes = read_diff(keeper.commits.diff(base, self._head))
        self._base_texts = self._texts(base, (c.old_path for c in self._changes))
        self._head_texts = self._texts(self._head, (c.path for c in self._changes if not c.deleted))

    def results(self, wanted: list[GateName]) -> Iterable[GateResult]:
        """Check what was asked for; analyzers come first, while the checkout is clean."""
        if GateName.DOCS in wanted:
            yield self._docs()
        if GateName.REVIEW in wanted:
            yield self._review()
        if GateName.TESTS in wanted or GateName.COVERAGE in wanted:
            yield from (r for r in self._tests_and_coverage() if r.name in wanted)

    def _docs(self) -> GateResult:
        sources = (
            Source(
                change.path,
                self._base_texts.get(change.old_path or ""),
                self._head_texts.get(change.path),
            )
            for change in self._changes
        )
        known = frozenset(self._paths) | frozenset(self._keeper.commits.paths(self._base))
        towncrier = self._texts(self._base, ["pyproject.toml"]).get("pyproject.toml", "")
        rule = changelog_of(known, self._keeper.settings.docs.changelog, towncrier)
        return judge_docs(sources, self._keeper.read_source, self._changes, rule)

    def _review(self) -> GateResult:
        """Join the analyzers' findings with reviewers' and with what weakens the tests."""
        changed = changed_lines(self._changes)
        new_files = frozenset(c.path for c in self._changes if c.is_new)
        found: list[Finding] = list(self._weakened())
        ran: list[str] = []
        could_not: list[str] = []
        for analyzer in self._analyzers():
            said = self._analyze(analyzer)
            if isinstance(said, str):
                could_not.append(f"{analyzer.name} ({said})")
            else:
                ran.append(analyzer.name)
                found += on_changed_lines(said, changed, new_files)
        scores: list[float] = []
        for review in self._reviews():
            if review.base_sha == self._base:
                could_not.append(f"{review.workstream} (it began before anything had landed)")
                continue
            ran.append(review.workstream)
            valid = self._still_valid(review)
            found += valid
            if review.score is not None and len(valid) == len(review.findings):
                scores.append(review.score)  # of what was mended since it says nothing
        minimum = self._state.plan.gates.review_min if self._state.plan else None
        return judge_review(
            tuple(found),
            tuple(scores),
            tuple(ran),
            tuple(could_not),
            minimum if minimum is not None else self._keeper.settings.review.minimum,
        )

    def _weakened(self) -> tuple[Finding, ...]:
        base, head = _readable(self._base_texts), _readable(self._head_texts)
        return weakened(self._changes, base, head)

    def _analyzers(self) -> tuple[Analyzer, ...]:
        own = tuple(configured(entry) for entry in self._keeper.settings.review.analyzers)
        names = {analyzer.name for analyzer in own}
        top = [path for path in self._paths if "/" not in path]
        files: dict[str, str | None] = dict.fromkeys(self._paths)
        files |= self._texts(self._head, top)
        found = detect_analyzers(files, self._available(ANALYZER_TOOLS))
        return own + tuple(analyzer for analyzer in found if analyzer.name not in names)

    def _analyze(self, analyzer: Analyzer) -> tuple[Finding, ...] | str:
        report = f"{self._environment['TMPDIR']}/{analyzer.name}.sarif"
        finished = self._sh(analyzer.command(report), _ANALYZER_SECONDS)
        self._keep(analyzer.name, analyzer.run, finished)
        if finished.exit_code not in analyzer.ok_exit_codes:
            how = finished.stopped_because or f"exit {finished.exit_code}"
            words = self._keeper.redactor.text(finished.output).strip().splitlines()
            return f"{how}: {words[-1][:200]}" if words else how
        data = self._keeper.reports.written(report)
        if data is None:
            return "it wrote no report"
        return self._keeper.reports.findings(data, root=self._worktree.path, tool=analyzer.name)

    def _reviews(self) -> Iterable[Completion]:
        """Yield what reviewing agents handed back and that landed."""
        for name in self._state.landing:
            last = self._state.track(name).last
            completion = last.completion if last else None
            if self._state.workstreams[name].kind not in _REVIEWING or completion is None:
                continue  # nobody reviews their own work
            if completion.findings or completion.score is not None:
                yield completion

    def _still_valid(self, review: Completion) -> tuple[Finding, ...]:
        since = read_diff(self._keeper.commits.diff(review.base_sha, self._head))
        return still_valid(review.findings, since)

    def _tests_and_coverage(self) -> Iterable[GateResult]:
        suite = self._suite()
        if isinstance(suite, NoSuite):
            for name in (GateName.TESTS, GateName.COVERAGE):
                because = f"{suite.because} {suite.fix}"
                yield GateResult(name=name, status="not_run", because=because)
            return
        run = self._run_suite(suite, self._worktree)
        result = judge_tests(run, RepoFiles(self._paths, root=self._worktree.path))
        clean = self._keeper.redactor.text
        yield result.model_copy(
            update={
                "command": suite.command,
                "exit_code": run.exit_code,
                "seconds": round(run.seconds, 3),
                "log": run.log,
                "findings": tuple(
                    f.model_copy(
                        update={"message": clean(f.message), "evidence": clean(f.evidence)}
                    )
                    for f in result.findings
                ),
            }
        )
        yield self._coverage(suite)

    def _suite(self) -> Suite | NoSuite:
        """Find the test command in the base; only where that has none may the change bring it."""
        settings = self._keeper.settings.tests
        detected = self._detected(self._base)
        if isinstance(detected, NoSuite):
            detected = self._detected(self._head)
        if settings.command is None:
            return detected
        if isinstance(detected, Suite) and settings.command == detected.command:
            return detected
        return Suite(settings.command, Runner.OTHER, "the settings give the command")

    def _detected(self, commit: Sha) -> Suite | NoSuite:
        paths = self._keeper.commits.paths(commit)
        files: dict[str, str | None] = dict.fromkeys(paths)
        return detect_suite(files | self._texts(commit, texts_needed(paths)))

    def _run_suite(self, suite: Suite, worktree: Worktree) -> SuiteRun:
        command = suite.command
        if self._keeper.settings.coverage.enabled:
            tools = self._available(COVERAGE_TOOLS)
            command = suite.coverage_command(tools, self._report) or command
        self._stamps |= self._coverage_files(worktree)
        seconds = self._keeper.settings.tests.timeout_minutes * 60
        finished = self._sh(command, seconds, worktree)
        log = self._keep(f"tests{'' if worktree is self._worktree else '-base'}", command, finished)
        return SuiteRun(
            command=suite.command,
            exit_code=finished.exit_code,
            output=finished.output,
            seconds=finished.seconds,
            stopped_because=finished.stopped_because,
            log=log,
        )

    def _coverage(self, suite: Suite) -> GateResult:
        """Judge the report; the base is measured too where the total is below the minimum."""
        settings, plan = self._keeper.settings.coverage, self._state.plan
        wanted = plan.gates.coverage_min if plan else None
        minimum = wanted if wanted is not None else settings.minimum
        head = self._read_coverage(self._worktree, frozenset(self._paths))
        base = None
        total = head.total if isinstance(head, CoverageReport) else None
        if total is not None and total.percent < minimum:
            base = self._base_coverage(suite)
        changed = changed_lines(self._changes)
        return judge_coverage(head, base, changed, minimum, settings.patch_minimum)

    def _base_coverage(self, suite: Suite) -> CoverageReport | None:
        worktree = self._keeper.worktrees.create(f"{self._worktree.name}-base", self._base)
        self._report += "-base"
        self._run_suite(suite, worktree)
        report = self._read_coverage(worktree, frozenset(self._keeper.commits.paths(self._base)))
        self._keeper.worktrees.remove(worktree)
        return report if isinstance(report, CoverageReport) else None

    def _read_coverage(
        self, worktree: Worktree, files: frozenset[str]
    ) -> CoverageReport | UnreadableReport | None:
        reports = self._keeper.reports
        found = [self._report]
        for path, stamp in self._coverage_files(worktree).items():
            if self._stamps.get(path) != stamp:
                found.append(path)
        for path in found:
            data = reports.written(path)
            if data is not None:
                return reports.coverage(data, root=worktree.path, files=files)
        return None

    def _coverage_files(self, worktree: Worktree) -> Mapping[str, str]:
        configured_path = self._keeper.settings.coverage.report
        return self._keeper.reports.coverage_files(worktree.path, configured_path)

    def _keep(self, name: str, command: str, finished: Finished) -> str:
        """Put what a command printed into the record; return where it will be."""
        path = f"evidence/{self._worktree.name}/{name}.log"
        text = f"$ {command}\n{finished.output}\n(exit {finished.exit_code})\n"
        self.evidence[path] = self._keeper.redactor.text(text).encode("utf-8", "replace")
        return path

    def _available(self, tools: Mapping[str, str]) -> frozenset[str]:
        """Ask the machine, as the gates will find it, which tools can be started."""
        lines = "\n".join(
            f"( {probe} ) >/dev/null 2>&1 && echo 'has {name}'" for name, probe in tools.items()
        )
        finished = self._sh(f"{lines}\ntrue", _PROBE_SECONDS)
        said = set(finished.output.splitlines())
        return frozenset(name for name in tools if f"has {name}" in said)

    def _sh(self, command: str, seconds: float, worktree: Worktree | None = None) -> Finished:
        return self._keeper.processes.run(
            Command(
                argv=("sh", "-c", command),
                cwd=(worktree or self._worktree).path,
                env=self._environment,
                timeout_seconds=seconds,
            )
        )

    def _texts(self, commit: Sha, paths: Iterable[str | None]) -> dict[str, str]:
        return self._keeper.commits.texts(commit, [path for path in paths if path])


def _readable(texts: Mapping[str, str]) -> dict[str, str]:
    """Keep what is text, for tests and settings are compared by what people read in them."""
    return {p: t for p, t in texts.items() if "\0" not in t and not _LONE.search(t)}
