"""Deny rules: which commands an agent may not run, whatever they are wrapped in, and why."""

from __future__ import annotations

import fnmatch
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from bot.core.base import Strict
from bot.core.documents import Problem, nearest
from bot.core.plan import Line, Name
from bot.core.shell import ForkBomb, Found, Ran, Unreadable, read_commands
from bot.core.shell.options import BEFORE_SUBCOMMAND

Words = Annotated[tuple[Line, ...], Field(min_length=1)]


class Pattern(Strict):
    """What a command looks like once it is unwrapped; everything that is given must hold.

    A list beginning with `@` is taken from the file's `lists`. Expressions match a whole value.
    """

    program: Words | None = None  # names without a folder; `*` and `?` as in file names
    subcommand: Words | None = None  # first words that are no options, such as "remote add"
    flags: Words | None = None  # all of them, each with its spellings: "-r|-R|--recursive"
    argument: Words | None = None  # one argument matches one of these expressions
    path: Words | None = None  # one argument, as a place, matches: ~ is the home, .. is outside
    target: Words | None = None  # the last argument, as a place
    writes: Words | None = None  # output is redirected to such a place
    fed_by: Words | None = None  # it interprets text that comes from such a program
    what: Literal["fork bomb", "unreadable"] | None = None
    unless_flags: Words | None = None  # then it is allowed: any of these
    unless_argument: Words | None = None  # then it is allowed: one argument matches

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.program or self.path or self.writes or self.what):
            raise ValueError("matches every command; give a program, path, writes or what")
        return self


class Rule(Strict):
    """What nobody, or no agent of these roles, may run."""

    id: Name
    because: Line  # what the agent is told
    roles: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None  # None: every role
    deny: Annotated[tuple[Pattern, ...], Field(min_length=1)]


class Rules(Strict):
    """`agents/constraints.yaml`: deny rules, and lists that their patterns share."""

    version: Literal[1] = 1
    lists: Mapping[Name, Words] = {}
    rules: tuple[Rule, ...] = ()

    @field_validator("rules")
    @classmethod
    def _named_once(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        ids = [rule.id for rule in rules]
        if twice := next((name for name in ids if ids.count(name) > 1), None):
            raise ValueError(f"two rules are called {twice!r}; give each its own id")
        return rules

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        for rule in self.rules:
            for pattern in rule.deny:
                self._check(rule, pattern)
        return self

    def _check(self, rule: Rule, pattern: Pattern) -> None:
        for name in _LISTS:
            for word in getattr(pattern, name) or ():
                if word.startswith("@") and word[1:] not in self.lists:
                    hint = nearest(word[1:], sorted(self.lists), "Lists")
                    raise ValueError(f"rule {rule.id!r} names no list of this file: {word}; {hint}")
        for name in _EXPRESSIONS:
            for word in self.words(getattr(pattern, name)):
                try:
                    re.compile(word)
                except re.error as error:
                    raise ValueError(
                        f"rule {rule.id!r}: {word!r} is no expression: {error}"
                    ) from error

    def words(self, given: tuple[str, ...] | None) -> tuple[str, ...]:
        """Return a pattern's words with the lists they name filled in."""
        found: list[str] = []
        for word in given or ():
            found += self.lists.get(word[1:], ()) if word.startswith("@") else (word,)
        return tuple(found)

    def also(self, prefixes: tuple[str, ...]) -> Rules:
        """Add a role's own `deny`, each the beginning of a command, as rules."""
        own = tuple(
            Rule(id=f"role-{n}", because="The role's rules forbid it.", deny=(beginning(prefix),))
            for n, prefix in enumerate(dict.fromkeys(prefixes), 1)
        )
        return self.model_copy(update={"rules": (*self.rules, *own)})


_EXPRESSIONS = ("argument", "path", "target", "writes", "unless_argument")
_LISTS = (*_EXPRESSIONS, "program", "subcommand", "flags", "fed_by", "unless_flags")


NO_RULES = Rules()


@dataclass(frozen=True)
class Denied:
    """The rule that forbids a command, why, and which part of the command it is about."""

    rule: str
    because: str
    what: str


def judge(command: str, rules: Rules, role: str) -> Denied | None:
    """Say which rule forbids shell text for a role, if one does. Never raises."""
    held = [rule for rule in rules.rules if rule.roles is None or role in rule.roles]
    if not held:
        return None
    found = read_commands(command)
    for rule in held:
        for one in found:
            if any(_matches(pattern, one, rules) for pattern in rule.deny):
                return Denied(rule.id, rule.because, " ".join(str(one).split())[:200])
    return None


def unknown_roles(rules: Rules, known: tuple[str, ...]) -> tuple[Problem, ...]:
    """Name the roles in rules that nobody wrote: such a rule would hold for nobody."""
    return tuple(
        Problem(f"rule {rule.id!r}: no role is called {role!r}", nearest(role, known, "Roles"))
        for rule in rules.rules
        for role in rule.roles or ()
        if role not in known
    )


def beginning(prefix: str) -> Pattern:
    """Make a pattern of the words that a command may not begin with."""
    try:
        program, *rest = shlex.split(prefix) or [prefix]
    except ValueError:
        program, *rest = prefix.split()
    flags = tuple(flag for word in rest if word.startswith("-") for flag in _spelled(word))
    words = [word for word in rest if not word.startswith("-")]
    places = [word for word in words if word[:1] in ("/", "~", ".", "$")]
    named = " ".join(word for word in words if word not in places)
    return Pattern(
        program=(program.rpartition("/")[2] or program,),
        subcommand=(named,) if named else None,
        flags=flags or None,
        path=tuple(re.escape(place) for place in places) or None,
    )


_LONG = {"r": "-r|-R|--recursive", "f": "-f|--force"}


def _spelled(word: str) -> list[str]:
    """Take short options that are written as one word apart."""
    if re.fullmatch(r"-[a-zA-Z]{2,3}", word):
        return [_LONG.get(letter, f"-{letter}") for letter in word[1:]]
    return [word]


def _matches(pattern: Pattern, found: Found, rules: Rules) -> bool:
    match found:
        case ForkBomb():
            return pattern.what == "fork bomb"
        case Unreadable():
            return pattern.what == "unreadable"
        case Ran():
            return pattern.what is None and _ran(pattern, found, rules)


def _ran(pattern: Pattern, found: Ran, rules: Rules) -> bool:
    words, arguments = rules.words, found.arguments
    if pattern.program and not _named(found.program, words(pattern.program)):
        return False
    if pattern.writes and not _one_matches(found.writes, words(pattern.writes)):
        return False
    if pattern.fed_by and not any(_named(name, words(pattern.fed_by)) for name in found.fed_by):
        return False
    if pattern.subcommand and not _begins(found, words(pattern.subcommand)):
        return False
    if not all(_has_flag(arguments, flag) for flag in words(pattern.flags)):
        return False
    if pattern.argument and not _one_matches(arguments, words(pattern.argument)):
        return False
    if pattern.path and not _one_matches(found.paths, words(pattern.path)):
        return False
    if pattern.target and not _one_matches(found.paths[-1:], words(pattern.target)):
        return False
    if any(_has_flag(arguments, flag) for flag in words(pattern.unless_flags)):
        return False
    return not _one_matches(arguments, words(pattern.unless_argument))


def _named(program: str, names: tuple[str, ...]) -> bool:
    if any(fnmatch.fnmatchcase(program, name) for name in names):
        return True
    if not re.search(r"[*?\[]", program) or not re.search(r"\w", program):
        return False
    return any(fnmatch.fnmatchcase(name, program) for name in names)  # what the shell would find


def _begins(found: Ran, subcommands: tuple[str, ...]) -> bool:
    valued = BEFORE_SUBCOMMAND.get(found.program, frozenset())
    words: list[str] = []
    skip = False
    for argument in found.arguments:
        if skip or argument.startswith(("-", "+")):
            skip = not skip and argument in valued
            continue
        words.append(argument)
    return any(words[: len(wanted.split())] == wanted.split() for wanted in subcommands)


def _has_flag(arguments: tuple[str, ...], spellings: str) -> bool:
    for flag in spellings.split("|"):
        for argument in arguments:
            if argument == "--":
                break
            if argument == flag or argument.startswith(f"{flag}="):
                return True
            if len(flag) == 2 and re.match(rf"-[A-Za-z0-9]*{re.escape(flag[1])}", argument):
                return True
            if flag.startswith("--") and len(argument) > 4 and flag.startswith(argument):
                return True  # GNU programs take the beginning of a long option
    return False


def _one_matches(values: tuple[str, ...], expressions: tuple[str, ...]) -> bool:
    compiled = [_compiled(expression) for expression in expressions]
    return any(one.fullmatch(value) for one in compiled for value in values)


@lru_cache(maxsize=1_000)
def _compiled(expression: str) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL)
