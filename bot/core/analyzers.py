"""Which static analyzers look at a repository, and the command that has each write SARIF.

An analyzer's own configuration can run code of the repository: eslint's is a program, clippy
compiles build scripts. That is why analyzers run like the tests do, apart from the bot's process
and without its keys; nothing here makes them safe to run elsewhere.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass

from bot.core.config import AnalyzerSettings
from bot.core.gates import Severity

REPORT = "{sarif}"
CODE = (
    ".py",
    ".js",
    ".jsx",
    ".ts",
    ".tsx",
    ".go",
    ".rs",
    ".java",
    ".rb",
    ".php",
    ".c",
    ".cs",
    ".sh",
)
PYTHON = (".py", ".pyi", ".ipynb")
JAVASCRIPT = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte")
ESLINT_FORMATTER = "@microsoft/eslint-formatter-sarif"
ESLINT_CONFIG = re.compile(r"eslint\.config\.[cm]?[jt]s|\.eslintrc(\.(js|cjs|json|ya?ml))?")

# What bandit rates high, by ruff's names for the same checks; plus what cannot run at all.
RUFF_HIGH = re.compile(
    r"invalid-syntax|E9\d\d|F7\d\d|F82\d|PLE\w+|S(202|324|501|502|503|507|602|604|605|609|701)"
)
RUFF_MEDIUM = re.compile(r"(F|B|S|BLE|ASYNC|DTZ|PLW|E7|C90|RUF|TRY)\d+")


@dataclass(frozen=True)
class Analyzer:
    """A tool that writes SARIF, and why it looks at this repository.

    `run` is shell text. It writes the report to `{sarif}` where that stands in it, else to the
    path `sarif` (from the top of the repository), else to stdout. `ok_exit_codes` are the ones
    after which the report counts; any other means that the analyzer could not.
    """

    name: str
    run: str
    because: str
    sarif: str | None = None
    ok_exit_codes: tuple[int, ...] = (0,)

    def command(self, report: str) -> str:
        """Return the shell text that leaves the report at `report`, an absolute path.

        A report that lay in the repository before is never taken for this one's.
        """
        to = shlex.quote(report)
        if REPORT in self.run:
            return self.run.replace(REPORT, to)
        if self.sarif is None:
            return f"(\n{self.run}\n) > {to}"
        written = shlex.quote(f"./{self.sarif}")
        return f"rm -f {written}\n(\n{self.run}\n)\ncode=$?\ncat {written} > {to}\nexit $code"


def configured(entry: AnalyzerSettings) -> Analyzer:
    """Return the analyzer that the settings name; exit code 1 is "found something" to most."""
    return Analyzer(
        name=entry.name,
        run=entry.run,
        because="the settings name it",
        sarif=entry.sarif,
        ok_exit_codes=(0, 1),
    )


@dataclass(frozen=True)
class _Repository:
    """What detection looks at: paths, the texts that were read, and the tools at hand."""

    files: Mapping[str, str | None]
    available: frozenset[str]

    def has(self, suffixes: tuple[str, ...]) -> bool:
        return any(path.endswith(suffixes) for path in self.files)

    def text(self, path: str) -> str:
        return self.files.get(path) or ""


def detect_analyzers(
    files: Mapping[str, str | None], available: frozenset[str]
) -> tuple[Analyzer, ...]:
    """Return the analyzers that are installed and have something to read here.

    `files` maps every path of the repository to its text; None where the text was not read (only
    those of configuration files at the top matter). `available` names tools that can be started:
    `ruff`, `bandit-sarif` (bandit with its `sarif` extra), `semgrep`, `eslint`, `golangci-lint`
    (version 2), `clippy-sarif`. shellcheck is not among them: it writes no SARIF.
    """
    repository = _Repository(files, available)
    found = (
        _ruff(repository),
        _bandit(repository),
        _semgrep(repository),
        _eslint(repository),
        _golangci_lint(repository),
        _clippy(repository),
    )
    return tuple(analyzer for analyzer in found if analyzer is not None)


def _ruff(repository: _Repository) -> Analyzer | None:
    if "ruff" not in repository.available or not repository.has(PYTHON):
        return None
    configured = {"ruff.toml", ".ruff.toml"} & repository.files.keys() or (
        "[tool.ruff" in repository.text("pyproject.toml")
    )
    return Analyzer(
        name="ruff",
        run=f"ruff check --output-format sarif --output-file {REPORT} --exit-zero --no-cache .",
        because="ruff is configured" if configured else "there is Python; ruff's own defaults",
    )


def _bandit(repository: _Repository) -> Analyzer | None:
    if "bandit-sarif" not in repository.available or not repository.has((".py",)):
        return None
    if "[tool.bandit" in repository.text("pyproject.toml"):
        options, because = "-c pyproject.toml", "bandit is configured in pyproject.toml"
    elif own := sorted({"bandit.yaml", "bandit.yml", ".bandit.yaml"} & repository.files.keys()):
        options, because = f"-c {own[0]}", f"bandit is configured in {own[0]}"
    elif ".bandit" in repository.files:
        options, because = "", "bandit is configured in .bandit"
    else:  # without configuration it would report every assert of every test
        options, because = "--skip B101", "there is Python; bandit's own defaults, asserts allowed"
    run = f"bandit -r . -q -f sarif -o {REPORT} --exit-zero {options}".rstrip()
    return Analyzer(name="bandit", run=run, because=because)


def _semgrep(repository: _Repository) -> Analyzer | None:
    """Run semgrep's rules where the repository holds them; any others come over the network."""
    if "semgrep" not in repository.available or not repository.has(CODE):
        return None
    own = [
        path
        for path in (".semgrep.yml", ".semgrep.yaml", "semgrep.yml", "semgrep.yaml")
        if path in repository.files
    ]
    if any(path.startswith(".semgrep/") for path in repository.files):
        own.append(".semgrep")
    if not own:
        return None
    return Analyzer(
        name="semgrep",
        run=f"semgrep scan --config {own[0]} --metrics=off --disable-version-check --quiet"
        f" --sarif --output {REPORT} .",
        because=f"semgrep's rules are in {own[0]}",
    )


def _eslint(repository: _Repository) -> Analyzer | None:
    if "eslint" not in repository.available or not repository.has(JAVASCRIPT):
        return None
    manifest = _object(repository.text("package.json"))
    config = sorted(path for path in repository.files if ESLINT_CONFIG.fullmatch(path))
    if "eslintConfig" in manifest:
        config.append("package.json")
    packages = {
        name
        for part in ("dependencies", "devDependencies")
        if isinstance(listed := manifest.get(part), dict)
        for name in listed
    }
    if not config or ESLINT_FORMATTER not in packages:
        return None
    return Analyzer(
        name="eslint",
        run=f"npx --no-install eslint --format {ESLINT_FORMATTER} --output-file {REPORT} .",
        ok_exit_codes=(0, 1),  # 1: there are errors, and they are in the report
        because=f"eslint is configured in {config[0]} and its SARIF formatter in package.json",
    )


def _golangci_lint(repository: _Repository) -> Analyzer | None:
    if "golangci-lint" not in repository.available or not repository.has((".go",)):
        return None
    if "go.mod" not in repository.files:
        return None
    return Analyzer(
        name="golangci-lint",
        run=f"golangci-lint run --output.sarif.path={REPORT} --issues-exit-code=0 ./...",
        because="there is a Go module",
    )


def _clippy(repository: _Repository) -> Analyzer | None:
    if "clippy-sarif" not in repository.available or not repository.has((".rs",)):
        return None
    if "Cargo.toml" not in repository.files:
        return None
    # In two steps: in a pipe the exit code of a failed build is lost, and silence looks clean.
    # Lints that the crate denies are capped, so that another exit code than 0 means a crash.
    return Analyzer(
        name="clippy",
        run="cargo clippy --quiet --all-targets --message-format=json -- --cap-lints warn"
        f" > {REPORT}.json && clippy-sarif -i {REPORT}.json -o {REPORT}",
        because="there is a Cargo package",
    )


def _object(text: str) -> dict[str, object]:
    """Read a JSON object; anything else is an empty one, for whoever needs it complains."""
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def severity_where_every_level_is_error(tool: str, rule: str) -> Severity | None:
    """Rate a rule of a tool that calls everything an error, style too; None for other tools."""
    if tool == "ruff":
        if RUFF_HIGH.fullmatch(rule):
            return Severity.HIGH
        return Severity.MEDIUM if RUFF_MEDIUM.fullmatch(rule) else Severity.LOW
    if tool == "golangci-lint":
        return Severity.HIGH if rule == "typecheck" else Severity.MEDIUM
    return None
