"""Which new test a lost one became: moved to another file or class, renamed, or made part of."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass

from bot.core.outlines import Case

MAX_ALIKE = 50  # new tests that a lost one is held against, so that time stays in bounds


@dataclass(frozen=True)
class NewCase:
    """A test that is new in its file."""

    path: str
    case: Case


class NewCases:
    """The tests that a change brings, each of which can stand for one that it took away."""

    def __init__(self, cases: tuple[NewCase, ...]) -> None:
        """Take every test that is new in its file."""
        self._by_name: defaultdict[str, list[NewCase]] = defaultdict(list)
        self._by_content: defaultdict[str, list[NewCase]] = defaultdict(list)
        self._taken: set[tuple[str, str]] = set()
        for new in cases:
            self._by_name[new.case.short_name].append(new)
            for content in {new.case.body, *new.case.checks}:
                self._by_content[content].append(new)

    def take(self, lost: Case, path: str) -> NewCase | None:
        """Find what a test lost from `path` became: by name, else by its body or all its checks."""
        same_name = [new for new in self._by_name[lost.short_name] if self._is_free(new)]
        here = [new for new in same_name if new.path == path]
        alike = [*here, *same_name]
        if lost.body:
            alike += self._by_content[lost.body][:MAX_ALIKE]
        wanted = Counter(lost.checks)
        if wanted:
            rarest = min(wanted, key=lambda check: len(self._by_content[check]))
            alike += [
                new
                for new in self._by_content[rarest][:MAX_ALIKE]
                if not wanted - Counter(new.case.checks)
            ]
        found = next((new for new in alike if self._is_free(new)), None)
        if found is not None:
            self._taken.add((found.path, found.case.name))
        return found

    def _is_free(self, new: NewCase) -> bool:
        return (new.path, new.case.name) not in self._taken
