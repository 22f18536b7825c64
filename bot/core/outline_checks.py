"""Which Python expressions check something, which only seem to, and which demand one outcome."""

from __future__ import annotations

import ast
import re

_CHECK = re.compile(
    r"assert\w*|fail|raises|warns|deprecated_call|(expect|verify|check|ensure|should|must)(_\w+|[A-Z]\w*)?"
)
_SKIP = re.compile(r"skip|xfail|expected_?failure", re.IGNORECASE)
_VAGUE_CALLS = frozenset(
    {"asserttrue", "assertfalse", "assertisnone", "assertisnotnone", "assertisinstance",
     "isinstance", "assertnotisinstance", "assert_called", "assert_", "callable", "hasattr"}
)  # fmt: skip
_ALIKE = frozenset(
    {"assertequal", "assertequals", "assertis", "assertlistequal", "assertdictequal",
     "assertsetequal", "asserttupleequal", "assertsequenceequal", "assertalmostequal",
     "assertcountequal", "assertgreaterequal", "assertlessequal", "assert_equal", "assert_allclose",
     "assert_array_equal", "assert_frame_equal"}
)  # fmt: skip
_ANY_ERROR = frozenset({"Exception", "BaseException"})


def last_name(node: ast.AST) -> str:
    """Return what a name, attribute or call is called at its end: `a.b.c(…)` is `c`."""
    if isinstance(node, ast.Call):
        return last_name(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def is_check_call(call: ast.Call) -> bool:
    """Whether a call's name says that it checks, and its arguments do not make that idle."""
    name = last_name(call)
    return _CHECK.fullmatch(name) is not None and not _is_idle_call(name.lower(), call.args)


def is_skip_name(node: ast.AST) -> bool:
    """Whether a name, attribute or call is called as things are that keep tests from running."""
    return _SKIP.search(last_name(node)) is not None


def catches_failures(error: ast.expr | None) -> bool:
    """Whether `except` or `raises` with this swallows a failed assertion; None is a bare one."""
    if error is None:
        return True
    parts = error.elts if isinstance(error, ast.Tuple) else [error]
    return any(last_name(part) in _ANY_ERROR | {"AssertionError"} for part in parts)


def constant_truth(test: ast.expr) -> bool | None:
    """Return what a condition always is, or None where that depends."""
    if isinstance(test, ast.Constant):
        return bool(test.value)
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = constant_truth(test.operand)
        return None if inner is None else not inner
    if isinstance(test, ast.Tuple | ast.List | ast.Set):
        return bool(test.elts)
    if isinstance(test, ast.Dict):
        return bool(test.keys)
    if isinstance(test, ast.Name) and test.id in {"TYPE_CHECKING", "__debug__"}:
        return test.id == "__debug__"
    if isinstance(test, ast.BoolOp):
        truths = [constant_truth(value) for value in test.values]
        decisive = isinstance(test.op, ast.Or)
        if decisive in truths:
            return decisive
        return None if None in truths else not decisive
    return None


def is_idle(test: ast.expr) -> bool:
    """Whether `assert test` can hardly fail: a constant, or a thing compared with itself."""
    if constant_truth(test) or isinstance(test, ast.JoinedStr | ast.Lambda):
        return True
    if isinstance(test, ast.BoolOp):
        idle = [is_idle(value) for value in test.values]
        return any(idle) if isinstance(test.op, ast.Or) else all(idle)
    if isinstance(test, ast.Compare) and len(test.ops) == 1:
        return _is_idle_comparison(test.left, test.ops[0], test.comparators[0])
    if isinstance(test, ast.Call) and last_name(test) == "isinstance" and len(test.args) == 2:
        return last_name(test.args[1]) == "object"
    return False


def _is_idle_comparison(left: ast.expr, op: ast.cmpop, right: ast.expr) -> bool:
    if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
        return True
    if isinstance(op, ast.Eq | ast.Is | ast.LtE | ast.GtE) and _same(left, right):
        return True
    nothing = isinstance(right, ast.Constant) and right.value == 0
    return nothing and isinstance(op, ast.GtE) and last_name(left) == "len"


def _same(left: ast.expr, right: ast.expr) -> bool:
    return ast.dump(left) == ast.dump(right)


def _is_idle_call(name: str, args: list[ast.expr]) -> bool:
    if name in {"asserttrue", "assert_"} and args:
        return is_idle(args[0])
    if name == "assertfalse" and args:
        return constant_truth(args[0]) is False
    if name == "assertisnotnone" and args:
        return isinstance(args[0], ast.Constant) and args[0].value is not None
    if name in _ALIKE and len(args) >= 2:
        both_constant = isinstance(args[0], ast.Constant) and isinstance(args[1], ast.Constant)
        return both_constant or _same(args[0], args[1])
    return False


def is_exact(test: ast.expr) -> bool:
    """Whether a check demands one outcome; truth, `is not None` and `isinstance` do not."""
    if isinstance(test, ast.Compare):
        operands = [test.left, *test.comparators]
        return not any(isinstance(o, ast.Constant) and o.value is None for o in operands)
    if isinstance(test, ast.BoolOp):
        exact = [is_exact(value) for value in test.values]
        return all(exact) if isinstance(test.op, ast.Or) else any(exact)
    if not isinstance(test, ast.Call):
        return False
    name = last_name(test).lower()
    if name in {"raises", "assertraises", "warns"} and test.args:
        return not catches_failures(test.args[0])
    return name not in _VAGUE_CALLS and _CHECK.fullmatch(last_name(test)) is not None


def weight(test: ast.expr) -> int:
    """Return how many assertions one stands for: `a and b` and `(a, b) == …` are two."""
    if isinstance(test, ast.BoolOp) and isinstance(test.op, ast.And):
        return sum(weight(value) for value in test.values)
    if isinstance(test, ast.Compare) and isinstance(test.left, ast.Tuple):
        return max(1, len(test.left.elts))
    return 1
