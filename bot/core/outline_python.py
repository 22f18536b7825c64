"""The outline of a Python test file, by its syntax tree; nothing of it is run."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.core.outline_bodies import BodyReader, Function
from bot.core.outline_checks import constant_truth, is_skip_name, last_name
from bot.core.outlines import Case, Outline

_SET_UP = frozenset({"setUp", "setUpClass", "asyncSetUp", "setup_method", "setup_class"})
_MODULE_SET_UP = frozenset({"setUpModule", "setup_module"})
_LISTS = frozenset({"collect_ignore", "collect_ignore_glob"})
_HARMLESS_HOOKS = frozenset({"pytest_addoption", "pytest_report_header"})


def outline_python(text: str, *, is_conftest: bool = False) -> Outline | None:
    """Return what a Python file holds; None where this Python cannot parse it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the file's own odd escapes are not our business
            return _Module(ast.parse(text), is_conftest).outline()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@dataclass(frozen=True)
class _Bound:
    """What a name stands for at the end of its scope, and the conditions it stands under."""

    node: ast.stmt
    conditions: tuple[int, ...]


class _Module:
    """One parsed file."""

    def __init__(self, tree: ast.Module, is_conftest: bool) -> None:
        self._tree = tree
        self._is_conftest = is_conftest
        self._constants = dict(_assigned(tree.body))
        self._helpers: dict[str, Function] = {
            node.name: node
            for node in ast.walk(tree)
            if isinstance(node, Function) and not _is_test(node)
        }
        self._bodies = BodyReader(self._helpers)

    def outline(self) -> Outline:
        skips = tuple(self._module_skips())
        cases = {case.name: case for case in self._cases(self._tree.body, "", skips)}
        helpers = {name: self._case(name, function, ()) for name, function in self._helpers.items()}
        return Outline(
            cases=cases,
            helpers=helpers,
            steering=dict(self._steering()),
            exits=tuple(sorted(set(self._exits()))),
        )

    def _cases(self, body: list[ast.stmt], prefix: str, skips: tuple[int, ...]) -> Iterator[Case]:
        for name, bound in _bindings(body).items():
            node, inherited = bound.node, (*skips, *bound.conditions)
            if isinstance(node, ast.ClassDef) and _is_collected(node):
                inherited = (*inherited, *self._class_skips(node))
                yield from self._cases(node.body, f"{prefix}{name}.", inherited)
            elif isinstance(node, Function) and _is_test(node):
                yield self._case(f"{prefix}{name}", node, inherited)

    def _case(self, name: str, function: Function, inherited: tuple[int, ...]) -> Case:
        body = self._bodies.read(function)
        plain = [it for it in function.decorator_list if _parameters(it) is None]
        own = [line for decorator in plain for line in self._marks(decorator)]
        code = ast.unparse(ast.Module(body=function.body, type_ignores=[]))
        return Case(
            name=name,
            line=function.lineno,
            body=hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest(),
            checks=tuple(body.checks),
            possible=body.possible,
            exact=body.exact,
            skips=(*inherited, *own, *body.skips),
            inputs=self._inputs(function.decorator_list),
        )

    def _marks(self, decorator: ast.expr) -> Iterator[int]:
        """Yield the line of each skip, xfail or expected failure that an expression names."""
        for node in ast.walk(decorator):
            if is_skip_name(node) and isinstance(node, ast.Name | ast.Attribute):
                yield node.lineno
            elif isinstance(node, ast.Name) and node.id in self._constants:
                value = self._constants[node.id]
                if any(is_skip_name(part) for part in ast.walk(value)):
                    yield node.lineno

    def _inputs(self, decorators: Iterable[ast.expr]) -> tuple[int, int]:
        known, unknown = 1, 0
        for decorator in decorators:
            values = _parameters(decorator)
            if values is None:
                continue
            size = self._size(values)
            if size is None:
                unknown += 1
            else:
                known *= size
        return known, unknown

    def _size(self, values: ast.expr) -> int | None:
        """Count the literal inputs in a list; None where it is computed."""
        if isinstance(values, ast.Name) and values.id in self._constants:
            values = self._constants[values.id]
        if isinstance(values, ast.Call) and last_name(values) == "range":
            bounds = [arg.value for arg in values.args if isinstance(arg, ast.Constant)]
            numbers = [bound for bound in bounds if isinstance(bound, int)]
            if len(numbers) != len(values.args) or not 1 <= len(numbers) <= 2:
                return None
            return max(0, numbers[-1] - (numbers[0] if len(numbers) == 2 else 0))
        if isinstance(values, ast.Dict):
            return len(values.keys) if None not in values.keys else None
        if not isinstance(values, ast.List | ast.Tuple | ast.Set):
            return None
        if any(isinstance(value, ast.Starred) for value in values.elts):
            return None
        return sum(not any(self._marks(value)) for value in values.elts)

    def _module_skips(self) -> Iterator[int]:
        for statement in _outside_functions(self._tree.body):
            if isinstance(statement, ast.Expr | ast.Assign | ast.AnnAssign | ast.Raise):
                yield from _skip_calls(statement)
            yield from self._class_or_module_marks(statement)
        for name in _MODULE_SET_UP & self._helpers.keys():
            yield from self._bodies.read(self._helpers[name]).skips

    def _class_skips(self, node: ast.ClassDef) -> Iterator[int]:
        for decorator in node.decorator_list:
            yield from self._marks(decorator)
        for statement in node.body:
            yield from self._class_or_module_marks(statement)
            if isinstance(statement, Function) and statement.name in _SET_UP:
                yield from self._bodies.read(statement).skips

    def _class_or_module_marks(self, statement: ast.stmt) -> Iterator[int]:
        for name, value in _assigned([statement]):
            if name == "pytestmark":
                yield from self._marks(value)
            elif name == "__test__" and constant_truth(value) is False:
                yield statement.lineno

    def _steering(self) -> Iterator[tuple[str, tuple[int, str]]]:
        for name, bound in _bindings(self._tree.body).items():
            node = bound.node
            if not isinstance(node, Function) or not _is_hook(node, self._is_conftest):
                continue
            yield name, (node.lineno, ast.unparse(node))
        if self._is_conftest:
            for name in sorted(_LISTS & self._constants.keys()):
                value = self._constants[name]
                yield name, (value.lineno, ast.unparse(value))

    def _exits(self) -> Iterator[int]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and last_name(node) == "_exit":
                yield node.lineno
        body = self._tree.body if self._is_conftest else _outside_functions(self._tree.body)
        for statement in body:
            for node in ast.walk(statement):
                if not isinstance(node, ast.Call | ast.Raise):
                    continue
                skips = self._is_conftest and isinstance(node, ast.Call) and _skips(node)
                if skips or _ends_run(node):
                    yield node.lineno


def _is_test(function: Function) -> bool:
    fixture = any(
        last_name(d.func if isinstance(d, ast.Call) else d) == "fixture"
        for d in function.decorator_list
    )
    return function.name.startswith("test") and not fixture


def _is_collected(node: ast.ClassDef) -> bool:
    """Whether pytest or unittest would look for tests in a class."""
    if any("Test" in last_name(base) for base in node.bases):
        return True
    made = any(isinstance(part, Function) and part.name == "__init__" for part in node.body)
    return node.name.startswith("Test") and not made


def _is_hook(function: Function, is_conftest: bool) -> bool:
    """Whether a function chooses tests or their outcome, once the runner calls it."""
    if function.name == "load_tests":
        return True
    if not is_conftest or not function.name.startswith("pytest_"):
        return False
    if function.name == "pytest_configure":  # naming markers is all that most of them do
        return not all(
            isinstance(part, ast.Expr) and last_name(part.value) == "addinivalue_line"
            for part in function.body
        )
    return function.name not in _HARMLESS_HOOKS


def _parameters(decorator: ast.expr) -> ast.expr | None:
    """Return the list of inputs that a decorator runs a test with, if it does that."""
    if not isinstance(decorator, ast.Call):
        return None
    at = {"parametrize": 1, "expand": 0, "parameterized": 0}.get(last_name(decorator))
    if at is None:
        return None
    named = [word.value for word in decorator.keywords if word.arg == "argvalues"]
    if len(decorator.args) > at:
        return decorator.args[at]
    return named[0] if named else None


def _assigned(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.expr]]:
    for statement in body:
        targets: list[ast.expr] = []
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign | ast.AugAssign):
            targets = [statement.target]
        for target in targets:
            if isinstance(target, ast.Name) and statement.value is not None:  # type: ignore[attr-defined]
                yield target.id, statement.value  # type: ignore[attr-defined]


def _bindings(body: Iterable[ast.stmt], under: tuple[int, ...] = ()) -> dict[str, _Bound]:
    """Return the definitions that a scope ends with: not those under `if False:`."""
    bound: dict[str, _Bound] = {}
    for statement in body:
        if isinstance(statement, Function | ast.ClassDef):
            bound[statement.name] = _Bound(statement, under)
        elif isinstance(statement, ast.If):
            truth = constant_truth(statement.test)
            inner = under if truth is not None else (*under, statement.lineno)
            for branch, taken in ((statement.body, True), (statement.orelse, False)):
                if truth in (None, taken):
                    bound.update(_bindings(branch, inner))
        elif isinstance(statement, ast.Try | ast.With):
            bound.update(_bindings(statement.body, under))
        else:
            for name in _unbound(statement):
                bound.pop(name, None)
    return bound


def _unbound(statement: ast.stmt) -> Iterator[str]:
    """Yield names that a statement takes from their definitions: `test_x = None`, `del test_x`."""
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign | ast.Delete):
        targets = statement.targets
    for target in targets:
        if isinstance(target, ast.Name):
            yield target.id
        elif isinstance(target, ast.Attribute) and target.attr == "__test__":
            yield last_name(target.value)


def _outside_functions(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the simple statements that run on import, in branches too."""
    for statement in body:
        if isinstance(statement, Function | ast.ClassDef) or _is_main_guard(statement):
            continue
        parts: list[list[ast.stmt]] = [
            getattr(statement, part, []) for part in ("body", "orelse", "finalbody")
        ]
        if not any(parts):
            yield statement
        if isinstance(statement, ast.If) and constant_truth(statement.test) is False:
            parts = [statement.orelse]
        for handler in getattr(statement, "handlers", []):
            parts.append(handler.body)
        for part in parts:
            yield from _outside_functions(part)


def _is_main_guard(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.If)
        and isinstance(statement.test, ast.Compare)
        and last_name(statement.test.left) == "__name__"
    )


def _skip_calls(node: ast.AST) -> Iterator[int]:
    return (part.lineno for part in ast.walk(node) if isinstance(part, ast.Call) and _skips(part))


def _skips(call: ast.Call) -> bool:
    """Whether a call skips what runs now; `pytest.mark.skip()` only makes a mark to put on."""
    if isinstance(call.func, ast.Attribute) and last_name(call.func.value) == "mark":
        return False
    return last_name(call) in {"skip", "importorskip", "SkipTest"}


def _ends_run(node: ast.Call | ast.Raise) -> bool:
    """Whether a call or raise is `sys.exit()` or its like; a browser's `quit()` is not."""
    if isinstance(node, ast.Raise):
        return node.exc is not None and last_name(node.exc) == "SystemExit"
    if isinstance(node.func, ast.Attribute):
        return node.func.attr == "exit" and last_name(node.func.value) in {"sys", "pytest"}
    return last_name(node) in {"exit", "quit"}
