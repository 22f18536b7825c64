"""Public names of Python source, read by griffe without importing anything."""

from __future__ import annotations

import ast
import io
import logging
import platform
import tokenize
import warnings
from collections.abc import Iterator
from pathlib import Path

import griffe

from bot.core.base import digest
from bot.core.public_names import (
    Fault,
    NameKind,
    PublicName,
    SourceCode,
    UnreadableSource,
    qualified,
)

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
VERSION = ".".join(platform.python_version_tuple()[:2])


def decoded(text: str) -> str | UnreadableSource:
    """Undo surrogate escapes by the encoding that the file declares for itself (PEP 263)."""
    try:
        data = text.encode("utf-8", "surrogateescape")
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except (SyntaxError, UnicodeError) as error:
        return UnreadableSource(Fault.FILE, f"it is not text in its encoding ({error})")


def read_python(path: str, text: str) -> SourceCode | UnreadableSource:
    """Read a module; raises SyntaxError where this Python's grammar does not know it.

    A name is public by `__all__`, else without a leading underscore. What needs no docstring is
    not listed: constants, attributes, special methods but `__init__` with parameters, methods
    with `@override`, what is imported, and all of a stub file, whose module documents it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like are not our concern
            tree = ast.parse(text)
            if path.endswith(".pyi"):
                return SourceCode((), "")
            names = tuple(_names(path, text, tree))
        effective = _without_docs(tree)
        return SourceCode(names, digest(ast.dump(effective)) if effective.body else "")
    except (RecursionError, MemoryError):
        return UnreadableSource(Fault.FILE, "it is nested too deeply")
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        # griffe takes for granted what only sensible code does (`@overload` in `__init__`).
        return UnreadableSource(Fault.FILE, f"griffe cannot follow it ({error})")


def _without_docs(tree: ast.Module) -> ast.Module:
    """Drop what has no effect: strings that stand alone, and `pass`."""
    for node in ast.walk(tree):
        for field, value in ast.iter_fields(node):
            if isinstance(value, list):
                setattr(node, field, [item for item in value if not _has_no_effect(item)])
    return tree


def _has_no_effect(node: object) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.Pass)


def _names(path: str, text: str, tree: ast.Module) -> Iterator[PublicName]:
    if not tree.body:
        return  # an empty `__init__.py` says nothing that could be documented
    # What griffe leaves out of a signature it says on standard error, amid our own lines.
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    file = Path(path)  # only its name is looked at
    module = griffe.visit(file.stem, file, text)
    yield PublicName("(module)", NameKind.MODULE, 1, "", module.has_docstring)
    yield from _members(module, "", _definitions(tree))


def _definitions(tree: ast.Module) -> dict[int, _Definition]:
    """Index definitions by the line that griffe gives them: that of the first decorator."""
    return {
        min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]): node
        for node in ast.walk(tree)
        if isinstance(node, _Definition)
    }


def _members(
    owner: griffe.Module | griffe.Class, prefix: str, nodes: dict[int, _Definition]
) -> Iterator[PublicName]:
    for name, member in owner.members.items():
        if member.is_alias or not member.is_public:
            continue
        signature = _signature(member)
        if signature is None:
            continue
        node = nodes.get(member.lineno or 0)
        full_name = qualified(prefix, name)
        yield PublicName(
            qualified=full_name,
            kind=_kind(member, owner),
            line=node.lineno if node else member.lineno or 1,
            signature=signature,
            documented=member.has_docstring or _is_covered(name, owner, node),
        )
        if isinstance(member, griffe.Class):
            yield from _members(member, full_name, nodes)
    for name, overloads in owner.overloads.items():  # a protocol's: nothing implements them
        if overloads and overloads[0].is_public:
            yield PublicName(
                qualified=qualified(prefix, name),
                kind=_kind(overloads[0], owner),
                line=overloads[0].lineno or 1,
                signature="; ".join(overload.signature() for overload in overloads),
                documented=any(overload.has_docstring for overload in overloads),
            )


def _kind(member: griffe.Object | griffe.Alias, owner: griffe.Object) -> NameKind:
    if member.is_class:
        return NameKind.CLASS
    return NameKind.METHOD if owner.is_class else NameKind.FUNCTION


def _signature(member: griffe.Object | griffe.Alias) -> str | None:
    """Return how a member is declared; None: it needs no documentation."""
    labels = " ".join(sorted(member.labels))
    match member:
        case griffe.Class():
            keywords = [f"{name}={value}" for name, value in member.keywords.items()]
            return f"{labels} class({', '.join([*map(str, member.bases), *keywords])})"
        case griffe.Function() if _is_documentable(member):
            declared = [*(member.overloads or ()), member]
            return "; ".join(f"{labels} {each.signature()}" for each in declared)
        case griffe.Attribute() if "property" in member.labels:
            return f"{labels} {member.annotation}"
    return None


def _is_documentable(function: griffe.Function) -> bool:
    if any(each.callable_path.endswith("override") for each in function.decorators):
        return False
    takes_parameters = len(function.parameters) > 1  # beside self
    return not function.is_special or (function.name == "__init__" and takes_parameters)


def _is_covered(name: str, owner: griffe.Object, node: _Definition | None) -> bool:
    """Whether the docstring of the class is enough for an `__init__` that only stores."""
    if name != "__init__" or node is None or not owner.has_docstring:
        return False
    return all(_stores(statement) or _calls_super(statement) for statement in node.body)


def _stores(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Assign | ast.AnnAssign) or _has_no_effect(statement)


def _calls_super(statement: ast.stmt) -> bool:
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(ast.Call(ast.Name("super")), "__init__"))):
            return True
        case _:
            return False
