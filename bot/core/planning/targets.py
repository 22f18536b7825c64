"""Which servers, addresses, containers and services a task names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MAX_TARGETS = 20
_KINDS = r"(?:containers?|services?|units?|servers?|hosts?)\b"
_NAME = rf"(?!{_KINDS})[A-Za-z0-9][A-Za-z0-9_.-]{{0,62}}"
_URL = re.compile(r"\bhttps?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[\w./%~+@=?&-]*)?")
_ADDRESS = re.compile(r"(?<![\w./])(?:\d{1,3}\.){3}\d{1,3}(?![\w/])")
_LISTED = re.compile(
    rf"\b(?P<kind>{_KINDS})\s+"
    rf"(?P<names>[`'\"]?{_NAME}[`'\"]?(?:(?:\s*,\s*|\s+and\s+)[`'\"]?{_NAME}[`'\"]?)*)",
    re.IGNORECASE,
)


class TargetKind(StrEnum):
    """What can be looked at from outside, each in its own way."""

    URL = "url"
    HOST = "host"
    CONTAINER = "container"
    SERVICE = "service"


@dataclass(frozen=True)
class Target:
    """Something to look at. Its name is from the task: data, never part of a command."""

    kind: TargetKind
    name: str


def targets_in(task: str) -> tuple[Target, ...]:
    """Find what a task names, in the order of its words, each once."""
    found = [(m.start(), Target(TargetKind.URL, m[0].rstrip(".,?&"))) for m in _URL.finditer(task)]
    rest = _URL.sub(lambda m: " " * len(m[0]), task)
    found += [(m.start(), Target(TargetKind.HOST, m[0])) for m in _ADDRESS.finditer(rest)]
    for listed in _LISTED.finditer(rest):
        kind = _kind(listed["kind"])
        for name in re.finditer(rf"([`'\"]?)({_NAME})[`'\"]?", listed["names"]):
            word = name[2].rstrip(".-")
            if _is_a_name(word, quoted=bool(name[1])) and not _ADDRESS.fullmatch(word):
                found.append((listed.start(), Target(kind, word)))
    unique = dict.fromkeys(target for _, target in sorted(found, key=lambda pair: pair[0]))
    return tuple(unique)[:MAX_TARGETS]


def _kind(word: str) -> TargetKind:
    if word.lower().startswith("container"):
        return TargetKind.CONTAINER
    return TargetKind.SERVICE if word.lower().startswith(("service", "unit")) else TargetKind.HOST


def _is_a_name(word: str, *, quoted: bool) -> bool:
    """Tell a name from the sentence going on ("the server does …")."""
    plain = re.fullmatch(r"[a-z]+|[A-Z][a-z]+|I", word) is not None
    return word.lower() != "and" and (quoted or not plain or word in _WELL_KNOWN)


_WELL_KNOWN = frozenset(
    {"nginx", "apache", "postgres", "postgresql", "mysql", "redis", "mongo", "rabbitmq", "kafka"}
    | {"web", "db", "api", "app", "worker", "cache", "proxy", "traefik", "caddy", "docker", "sshd"}
)
