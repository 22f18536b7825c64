"""Which settings of tests, coverage and analyzers a change touches, and which limits it lowers."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_INI_FILES = re.compile(r"\.?pytest\.ini|tox\.ini|\.coveragerc|setup\.cfg")
_TOML_FILES = re.compile(
    r"pyproject\.toml|\.?pytest\.toml|\.coveragerc\.toml|Cargo\.toml|nextest\.toml|\.?tarpaulin\.toml"
)
_TEXT_FILES = re.compile(
    r"""
    \.?codecov\.ya?ml | noxfile\.py | phpunit\.xml(?:\.dist)? | \.rspec | \.simplecov
    | (?:jest|vitest|playwright|cypress|karma|wdio|ava)(?:\.\w+)?\.(?:config|conf|workspace)\.\w+
    | \.(?:nycrc|c8rc|mocharc)(?:\.\w+)?
    | \.?ruff\.toml | \.bandit | bandit\.ya?ml | \.semgrep(?:\.ya?ml|ignore) | \.?clippy\.toml
    | \.golangci\.\w+ | \.eslint(?:rc|ignore)(?:\.\w+)? | eslint\.config\.\w+
    """,
    re.VERBOSE,
)
_MAKE_FILES = re.compile(r"(?:GNU)?[Mm]akefile|.*\.mk|[Jj]ustfile|\.justfile")
_BUNDLER = re.compile(r"vite\.config\.\w+")

_INI_SECTIONS = re.compile(r"(?:tool:)?pytest|coverage:.*|tox|testenv.*|aliases")
_TOML_KEYS = re.compile(
    r"tool\.(?:pytest|coverage|tox|nox|ruff|bandit)\..*|tool\.(?:hatch|poe|pdm|taskipy|pixi)\..*(?:test|cov).*"
)
_CARGO_KEYS = re.compile(r"(?:lib|bin|test|bench|example)(?:\.(?:test|harness)|$)")
_JSON_KEYS = re.compile(r"scripts\.[^.]*(?:test|cov).*|(?:jest|vitest|mocha|nyc|c8|ava)(?:\..*)?")
_TEST_TARGET = re.compile(r"test|check|cov", re.IGNORECASE)
_MAKE_WIDE = re.compile(
    r"(?:export\s+)?(?:SHELL|\.SHELLFLAGS|MAKEFLAGS|\w*(?:TEST|COV)\w*)\s*[:?+!]*=|\.(?:IGNORE|POSIX)\b"
)

_HARMLESS = re.compile(
    r"markers|minversion|requires|asyncio_\w+|log_\w+|show_missing|skip_(?:covered|empty)|precision"
    r"|junit_\w+|cache_dir|console_output_style|required_plugins"
)
_STRICTER = re.compile(r"xfail_strict|strict|strict_\w+|branch")
_LIMIT = re.compile(
    r"\b(?P<name>fail[_-]under|statements|branches|functions|lines|target)\b"
    r"(?P<is>[\"']?\s{0,8}[:=\s]\s{0,8}[\"']?)(?P<number>-?\d{1,9}(?:\.\d{1,9})?)"
)


@dataclass(frozen=True)
class ChangedSettings:
    """Names of settings that changed; `lowered` are limits, `other` is the rest."""

    lowered: tuple[str, ...] = ()
    other: tuple[str, ...] = ()


def changed_settings(path: str, base: str | None, head: str | None) -> ChangedSettings:
    """Compare one file's settings of such tools; None is a file that is not there.

    A limit that rises, a setting that only concerns how things look, and a switch turned to
    stricter are no change.
    """
    before, after = settings_of(path, base or ""), settings_of(path, head or "")
    lowered, other = [], []
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old == new or _is_harmless(name, new):
            continue
        fell = _limits_fell(name, old, new)
        if fell is None:
            other.append(name)
        elif fell:
            lowered.append(name)
    return ChangedSettings(tuple(lowered), tuple(other))


def settings_of(path: str, text: str) -> Mapping[str, str]:
    """Return the settings of tests and coverage in a file, each as text; most files have none."""
    name = path.rpartition("/")[2]
    if not text.strip():
        return {}
    if _INI_FILES.fullmatch(name):
        return dict(_ini(name, text))
    if _TOML_FILES.fullmatch(name):
        return dict(_toml(name, text))
    if name == "package.json":
        return dict(_package_json(text))
    if _MAKE_FILES.fullmatch(name):
        return dict(_make(text))
    if _TEXT_FILES.fullmatch(name):
        return {name: _bare(text)}
    if _BUNDLER.fullmatch(name):
        return dict(_block(text))
    return {}


def _is_harmless(name: str, new: str | None) -> bool:
    key = name.rpartition(".")[2]
    if _HARMLESS.fullmatch(key):
        return True
    return _STRICTER.fullmatch(key) is not None and (new or "").lower() in {
        "true",
        "1",
        "yes",
        "on",
    }


def _limits_fell(name: str, old: str | None, new: str | None) -> bool | None:
    """Return whether only limits changed, and downwards; None where something else changed."""
    key = name.rpartition(".")[2]
    before, after = (f"{key} = {text or ''}" for text in (old, new))
    was = [float(found["number"]) for found in _LIMIT.finditer(before)]
    now = [float(found["number"]) for found in _LIMIT.finditer(after)]
    if old is None or new is None:
        only = _LIMIT.fullmatch(after if old is None else before) is not None
        return (new is None) if only else None
    if was and not now:
        return True
    if _LIMIT.sub(_masked, before) != _LIMIT.sub(_masked, after):
        return None
    return any(after_it < before_it for before_it, after_it in zip(was, now, strict=True))


def _masked(found: re.Match[str]) -> str:
    return f"{found['name']}{found['is']}#"


def _ini(name: str, text: str) -> Iterator[tuple[str, str]]:
    parser = configparser.RawConfigParser(strict=False, allow_no_value=True)
    try:
        parser.read_string(text)
    except configparser.Error:
        yield name, _bare(text)
        return
    for section in parser.sections():
        if name == "setup.cfg" and not _INI_SECTIONS.fullmatch(section):
            continue
        for key, value in parser.items(section):
            yield f"{section}.{key}", " ".join((value or "").split())


def _toml(name: str, text: str) -> Iterator[tuple[str, str]]:
    keys = {"pyproject.toml": _TOML_KEYS, "Cargo.toml": _CARGO_KEYS}.get(name)
    try:
        for key, value in _flat(tomllib.loads(text), ""):
            if keys is None or keys.match(key):
                yield key, value
    except (tomllib.TOMLDecodeError, RecursionError):
        yield name, _bare(text)


def _package_json(text: str) -> Iterator[tuple[str, str]]:
    try:
        for key, value in _flat(json.loads(text), ""):
            if _JSON_KEYS.fullmatch(key):
                yield key, value
    except (ValueError, RecursionError):
        yield "package.json", _bare(text)


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        yield name, " ".join(text.split())


def _make(text: str) -> Iterator[tuple[str, str]]:
    """Yield the recipes of targets that test, and lines that change how every recipe runs."""
    recipes: dict[str, list[str]] = {}
    target = ""
    for line in text.replace("\\\n", " ").split("\n"):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if _MAKE_WIDE.match(line):
            recipes.setdefault(re.split(r"[\s:?+!=]", line, maxsplit=1)[0], []).append(line)
        elif line[0] in " \t":
            if target:
                recipes[target].append(" ".join(line.split()))
        elif found := re.match(r"([^:=#]+):", line):
            target = found[1].strip() if _TEST_TARGET.search(found[1]) else ""
            if target == ".PHONY":
                target = ""
            if target:
                recipes.setdefault(target, []).append(" ".join(line.split()))
    for name, lines in recipes.items():
        yield name, "\n".join(lines)


def _block(text: str) -> Iterator[tuple[str, str]]:
    """Yield the `test: {…}` part of a bundler's configuration."""
    found = re.search(r"\btest\s{0,8}:\s{0,8}\{", text)
    if found is None:
        return
    depth = 0
    for at in range(found.end() - 1, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if depth == 0:
            yield "test", _bare(text[found.start() : at + 1])
            return
    yield "test", _bare(text[found.start() :])


def _bare(text: str) -> str:
    """Return text without blank lines, comment lines and differences of white space."""
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line and not line.startswith(("#", "//", ";", "*")))
