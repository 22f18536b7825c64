"""Which analyzers look at a repository, and where their report ends up."""

from __future__ import annotations

import pytest

from bot.core.analyzers import Analyzer, configured, detect_analyzers
from bot.core.config import AnalyzerSettings

ALL = frozenset({"ruff", "bandit-sarif", "semgrep", "eslint", "golangci-lint", "clippy-sarif"})
FORMATTER = '{"devDependencies": {"eslint": "9", "@microsoft/eslint-formatter-sarif": "3"}}'


@pytest.mark.parametrize(
    ("files", "available", "names"),
    [
        ({}, ALL, []),
        ({"README.md": None}, ALL, []),
        ({"a.py": None}, ALL, ["ruff", "bandit"]),
        ({"a.py": None}, frozenset(), []),
        ({"a.py": None}, frozenset({"bandit"}), []),
        ({"a.py": None, ".semgrep.yml": None}, ALL, ["ruff", "bandit", "semgrep"]),
        ({"a.rb": None, ".semgrep/rules.yml": None}, ALL, ["semgrep"]),
        ({"a.rb": None}, ALL, []),
        ({"a.ts": None, "package.json": FORMATTER, "eslint.config.mjs": None}, ALL, ["eslint"]),
        ({"a.ts": None, "package.json": FORMATTER}, ALL, []),
        ({"a.ts": None, "package.json": "{}", ".eslintrc.json": None}, ALL, []),
        ({"a.ts": None, "package.json": '{"dependencies": 7}', ".eslintrc": None}, ALL, []),
        ({"a.ts": None, "package.json": "[" * 100_000, ".eslintrc": None}, ALL, []),
        (
            {"a.js": None, "package.json": FORMATTER[:-1] + ', "eslintConfig": {}}'},
            ALL,
            ["eslint"],
        ),
        ({"main.go": None, "go.mod": None}, ALL, ["golangci-lint"]),
        ({"main.go": None}, ALL, []),
        ({"src/lib.rs": None, "Cargo.toml": None}, ALL, ["clippy"]),
    ],
    ids=[
        "nothing in an empty repository", "nothing for prose", "Python has two",
        "nothing that is not installed", "bandit needs its SARIF extra",
        "semgrep with rules of its own", "semgrep reads any language", "no rules over the network",
        "eslint with its formatter", "eslint needs a configuration", "eslint needs its formatter",
        "a package.json of odd types", "a package.json that cannot be read",
        "eslint configured in package.json", "a Go module", "Go without a module", "a Rust crate",
    ],
)  # fmt: skip
def test_detection(
    files: dict[str, str | None], available: frozenset[str], names: list[str]
) -> None:
    found = detect_analyzers(files, available)
    assert [analyzer.name for analyzer in found] == names
    assert all(analyzer.because and "{sarif}" in analyzer.run for analyzer in found)


def test_bandit_takes_the_repository_s_configuration() -> None:
    text = "[tool.bandit]\nskips = ['B101']\n"
    (bandit,) = detect_analyzers(
        {"a.py": None, "pyproject.toml": text}, frozenset({"bandit-sarif"})
    )
    assert "-c pyproject.toml" in bandit.run
    assert "--skip" not in bandit.run


def test_the_report_s_path_is_one_word_of_the_shell() -> None:
    analyzer = Analyzer(name="a", run="a -o {sarif}", because="x")
    assert analyzer.command("/tmp/it's here") == "a -o '/tmp/it'\"'\"'s here'"


def test_an_entry_of_the_settings_is_an_analyzer() -> None:
    entry = AnalyzerSettings(name="mine", run="make lint", sarif="out/lint.sarif")
    analyzer = configured(entry)
    assert (analyzer.name, analyzer.run, analyzer.sarif) == ("mine", "make lint", "out/lint.sarif")
    assert analyzer.ok_exit_codes == (0, 1)
