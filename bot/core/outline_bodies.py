"""What the body of a Python test is sure to check, may check, and never reaches."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from bot.core.outline_checks import (
    catches_failures,
    constant_truth,
    is_check_call,
    is_exact,
    is_idle,
    is_skip_name,
    last_name,
    weight,
)

LIMIT = 1_000  # checks counted a function; helpers that call each other could make it any number
Function = ast.FunctionDef | ast.AsyncFunctionDef
_SKIP_CALLS = frozenset({"skip", "skipTest", "xfail", "SkipTest", "skipif"})
_SWALLOWS = frozenset({"suppress", "raises", "assertRaises"})


class Reach(Enum):
    """Whether a statement runs when its function does."""

    SURE = "sure"
    MAYBE = "maybe"
    NEVER = "never"


@dataclass
class Body:
    """What was found so far in one function."""

    checks: list[str] = field(default_factory=list)
    possible: int = 0
    exact: int = 0
    skips: list[int] = field(default_factory=list)
    returns: list[int] = field(default_factory=list)  # not skips until a check comes after them
    met: bool = False  # whether there is any check, reached or not

    def add(self, text: str, count: int, exact: int, reach: Reach) -> None:
        """Count a check, and make returns before it what they are: ways round it."""
        self.met = True
        self.skips += self.returns
        self.returns = []
        if reach is Reach.NEVER or self.possible >= LIMIT:
            return
        self.possible += count
        self.exact += exact
        if reach is Reach.SURE:
            self.checks += [text] * count


class BodyReader:
    """Reads functions of one module, with the helpers of the module that they use."""

    def __init__(self, helpers: Mapping[str, Function]) -> None:
        """Take the functions, by name, whose checks count where a test names them."""
        self._helpers = helpers
        self._read: dict[str, Body] = {}
        self._reading: set[str] = set()

    def read(self, function: Function) -> Body:
        """Return what one function checks."""
        body = Body()
        self._block(function.body, body, Reach.SURE)
        return body

    def _block(self, statements: Iterable[ast.stmt], body: Body, reach: Reach) -> bool:
        """Read statements in order; True where nothing after them is reached."""
        ended = False
        for statement in statements:
            if self._statement(statement, body, Reach.NEVER if ended else reach):
                ended = True
        return ended

    def _statement(self, statement: ast.stmt, body: Body, reach: Reach) -> bool:
        match statement:
            case ast.Assert():
                self._assertion(statement, body, reach)
            case ast.Return() | ast.Raise():
                return self._leave(statement, body, reach)
            case ast.If():
                return self._if(statement, body, reach)
            case ast.For() | ast.AsyncFor() | ast.While():
                self._loop(statement, body, reach)
            case ast.With() | ast.AsyncWith():
                return self._with(statement, body, reach)
            case ast.Try() | ast.TryStar():
                return self._try(statement, body, reach)
            case ast.Match():
                self._match(statement, body, reach)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                pass  # counts where it is named
            case _:
                self._expression(statement, body, reach)
                return _is_skip_call(statement)
        return False

    def _assertion(self, statement: ast.Assert, body: Body, reach: Reach) -> None:
        self._names(statement.test, body, reach)
        if not is_idle(statement.test):
            count = weight(statement.test)
            exact = count if is_exact(statement.test) else 0
            body.add(ast.unparse(statement.test), count, exact, reach)

    def _leave(self, statement: ast.Return | ast.Raise, body: Body, reach: Reach) -> bool:
        value = statement.value if isinstance(statement, ast.Return) else statement.exc
        if value is not None:
            self._expression(value, body, reach)
        if isinstance(statement, ast.Return):
            body.returns.append(statement.lineno)
        elif value is not None and is_skip_name(value):
            body.skips.append(statement.lineno)
        return True

    def _if(self, statement: ast.If, body: Body, reach: Reach) -> bool:
        self._expression(statement.test, body, reach)
        truth = constant_truth(statement.test)
        if truth is not None:
            taken, other = statement.body, statement.orelse
            if not truth:
                taken, other = other, taken
            self._block(other, body, Reach.NEVER)
            return self._block(taken, body, reach)
        first, second = Body(), Body()
        first_ends = self._block(statement.body, first, reach)
        second_ends = self._block(statement.orelse, second, reach)
        if first.met or second.met:
            body.add("", 0, 0, Reach.NEVER)
        fewer = first if len(first.checks) <= len(second.checks) else second
        body.checks += fewer.checks
        for branch in (first, second):
            body.skips += branch.skips
            body.returns += branch.returns
            body.possible += branch.possible
            body.exact += branch.exact
        return first_ends and second_ends

    def _loop(self, loop: ast.For | ast.AsyncFor | ast.While, body: Body, reach: Reach) -> None:
        over = loop.test if isinstance(loop, ast.While) else loop.iter
        self._expression(over, body, reach)
        runs = constant_truth(over if isinstance(loop, ast.While) else _items(over))
        self._block(loop.body, body, Reach.NEVER if runs is False else reach)
        self._block(loop.orelse, body, reach)

    def _match(self, statement: ast.Match, body: Body, reach: Reach) -> None:
        self._expression(statement.subject, body, reach)
        for case in statement.cases:
            self._block(case.body, body, _less(reach))

    def _with(self, statement: ast.With | ast.AsyncWith, body: Body, reach: Reach) -> bool:
        swallows = False
        for item in statement.items:
            self._expression(item.context_expr, body, reach)
            call = item.context_expr
            if isinstance(call, ast.Call) and last_name(call) in _SWALLOWS:
                swallows |= any(catches_failures(arg) for arg in call.args)
        ended = self._block(statement.body, body, Reach.NEVER if swallows else reach)
        catches = any(last_name(item.context_expr) in _SWALLOWS for item in statement.items)
        return ended and not catches

    def _try(self, statement: ast.Try | ast.TryStar, body: Body, reach: Reach) -> bool:
        swallowed = any(
            catches_failures(handler.type) and not _fails_again(handler)
            for handler in statement.handlers
        )
        ended = self._block(statement.body, body, Reach.NEVER if swallowed else reach)
        for handler in statement.handlers:
            self._block(handler.body, body, _less(reach))
        self._block(statement.orelse, body, reach)
        return self._block(statement.finalbody, body, reach) or (ended and not statement.handlers)

    def _expression(self, node: ast.AST, body: Body, reach: Reach) -> None:
        """Count the checks that calls make, and skips asked for by name."""
        for part in ast.walk(node):
            if isinstance(part, ast.Call):
                name = last_name(part)
                if name in _SKIP_CALLS or name == "importorskip":
                    body.skips.append(part.lineno)
                elif name not in self._helpers and is_check_call(part):
                    body.add(ast.unparse(part), 1, int(is_exact(part)), reach)
        self._names(node, body, reach)

    def _names(self, node: ast.AST, body: Body, reach: Reach) -> None:
        """Count what the helpers check that an expression names, called or handed on."""
        for part in ast.walk(node):
            name = last_name(part) if isinstance(part, ast.Name | ast.Attribute) else ""
            if name in self._helpers and name not in self._reading:
                self._add_helper(name, body, reach)

    def _add_helper(self, name: str, body: Body, reach: Reach) -> None:
        if name not in self._read:
            self._reading.add(name)
            self._read[name] = self.read(self._helpers[name])
            self._reading.discard(name)
        helper = self._read[name]
        if not helper.possible:
            return
        sure = helper.checks if reach is Reach.SURE else []
        body.add("", helper.possible, helper.exact, _less(reach))
        if reach is not Reach.NEVER:
            body.checks += sure[: max(0, LIMIT - len(body.checks))]
            body.skips += helper.skips[: max(0, LIMIT - len(body.skips))]


def _less(reach: Reach) -> Reach:
    return Reach.MAYBE if reach is Reach.SURE else reach


def _items(iterable: ast.expr) -> ast.expr:
    """Return what a loop goes over; `range(0)` and `list([])` go over nothing, as `[]` does."""
    wraps = {"range", "list", "tuple", "iter", "set", "sorted"}
    if isinstance(iterable, ast.Call) and len(iterable.args) == 1 and last_name(iterable) in wraps:
        return iterable.args[0]
    return iterable if isinstance(iterable, ast.Tuple | ast.List | ast.Set) else ast.Name("items")


def _is_skip_call(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and last_name(statement.value) in _SKIP_CALLS
    )


def _fails_again(handler: ast.ExceptHandler) -> bool:
    """Whether a handler raises, fails or asserts on what it caught."""
    return any(
        isinstance(node, ast.Raise)
        or (isinstance(node, ast.Assert) and not is_idle(node.test))
        or (isinstance(node, ast.Call) and is_check_call(node))
        for statement in handler.body
        for node in ast.walk(statement)
    )
