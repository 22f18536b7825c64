"""Python code, looked through for the commands that it starts and the files that it opens."""

from __future__ import annotations

import ast
import base64
import binascii
import re
import shlex
import warnings
from collections.abc import Callable, Iterator

from bot.core.shell.effects import Call, RunsDownload, RunsText, RunsWords, Touches

_MOST_NESTED = 4  # exec within exec
_MOST_FOLDED = 20  # expressions within expressions

Folded = str | list[str] | None  # what literals come to; None: something else is among them


def parsed(code: str) -> ast.Module | None:
    """Parse Python; None where it is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(code)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


_SHELL_CALLS = frozenset(
    ("system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell")
)
_WORD_CALLS = re.compile(
    r"run|call|Popen|check_call|check_output|create_subprocess_exec|posix_spawnp?"
    r"|spawn([lv]p?e?)?|exec[lv]p?e?"
)
_FETCHES = re.compile(r"urlopen|requests\.get|httpx\.get|urlretrieve")


def python_calls(tree: ast.Module, depth: int = 0) -> Iterator[Call]:
    """Return what Python code starts or opens."""
    names: dict[str, ast.expr] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names[node.targets[0].id] = node.value
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {alias.asname: ast.Name(alias.name) for alias in node.names if alias.asname}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _python_call(node, names, depth)


def _python_call(node: ast.Call, names: dict[str, ast.expr], depth: int) -> Iterator[Call]:
    called = _called(node.func, names)
    given = [_folded(argument, names, 0) for argument in node.args]
    given += [_folded(k.value, names, 0) for k in node.keywords if k.arg in ("args", "cmd")]
    first = given[0] if given else None
    if called in _SHELL_CALLS and isinstance(first, str):
        yield RunsText(first)
    elif _WORD_CALLS.fullmatch(called):
        yield from _started(called, given)
    elif called in ("exec", "eval") and node.args:
        yield from _executed(node.args[0], first, names, depth)
    elif called == "rmtree" and isinstance(first, str):
        yield RunsWords(("rm", "-r", first))
    elif called == "open" and isinstance(first, str):
        mode = given[1] if len(given) > 1 else "r"
        yield Touches(first, writes=isinstance(mode, str) and mode[:1] in ("w", "a", "x"))
    elif called in ("read_text", "read_bytes", "write_text", "write_bytes"):
        yield from _path_methods(node, called, names)
    elif called == "kill" and isinstance(node.func, ast.Attribute) and node.args:
        yield RunsWords(("kill", "-9", ast.unparse(node.args[0])))


def _called(function: ast.expr, names: dict[str, ast.expr]) -> str:
    """Return the last name of what is called, through getattr and other names for it."""
    match function:
        case ast.Attribute(attr=name):
            return name
        case ast.Name(id=name):
            other = names.get(name)
            return _called(other, {}) if other is not None else name
        case ast.Call(func=ast.Name(id="getattr"), args=[_, named, *_]):
            return _text(named, names, 0)
        case _:
            return ""


def _started(called: str, given: list[Folded]) -> Iterator[Call]:
    first = given[0] if given else None
    if isinstance(first, list):
        yield RunsWords(tuple(first))
    elif re.match("exec|spawn.|create|posix", called):
        words = [word for word in given if isinstance(word, str)]
        rest = next((word for word in given if isinstance(word, list)), words[1:])
        if words:
            yield RunsWords(tuple(words) if called[0] == "c" else (words[0], *rest[1:]))
    elif isinstance(first, str):
        yield RunsText(first)


def _executed(
    argument: ast.expr, text: Folded, names: dict[str, ast.expr], depth: int
) -> Iterator[Call]:
    source = ast.unparse(argument)
    if isinstance(argument, ast.Name) and argument.id in names:
        source = ast.unparse(names[argument.id])
    if _FETCHES.search(source):
        yield RunsDownload()
    if isinstance(text, str) and depth < _MOST_NESTED and (tree := parsed(text)) is not None:
        yield from python_calls(tree, depth + 1)


def _path_methods(node: ast.Call, called: str, names: dict[str, ast.expr]) -> Iterator[Call]:
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Call):
        for place in node.func.value.args[:1]:
            path = _folded(place, names, 0)
            if isinstance(path, str):
                yield Touches(path, writes=called.startswith("write"))


def _folded(node: ast.expr, names: dict[str, ast.expr], depth: int) -> Folded:
    """Work out text, or a list of texts, from literals."""
    if depth > _MOST_FOLDED:
        return None
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Constant(value=bytes(data)):
            return data.decode("utf-8", "replace")
        case ast.Name(id=name) if name in names:
            return _folded(names[name], names, depth + _MOST_FOLDED // 4)
        case ast.FormattedValue(value=value):
            return _folded(value, names, depth + 1)
        case ast.Call(func=ast.Attribute(value=value, attr=method), args=arguments):
            return _method(value, method, arguments, names, depth + 1)
        case _:
            return _put_together(node, names, depth + 1)


def _put_together(node: ast.expr, names: dict[str, ast.expr], depth: int) -> Folded:
    match node:
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            return [_text(part, names, depth) for part in parts]
        case ast.JoinedStr(values=parts):
            return "".join(_text(part, names, depth) for part in parts)
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            one, other = _folded(left, names, depth), _folded(right, names, depth)
            if isinstance(one, str) and isinstance(other, str):
                return one + other
            return [*one, *other] if isinstance(one, list) and isinstance(other, list) else None
        case ast.Subscript(value=value, slice=ast.Slice(step=ast.UnaryOp())):
            return _text(value, names, depth)[::-1]  # text[::-1]
        case _:
            return None


def _text(node: ast.expr, names: dict[str, ast.expr], depth: int) -> str:
    found = _folded(node, names, depth)
    return found if isinstance(found, str) else "$unknown"


def _method(
    value: ast.expr, method: str, arguments: list[ast.expr], names: dict[str, ast.expr], depth: int
) -> Folded:
    own = _folded(value, names, depth)
    given = _folded(arguments[0], names, depth) if arguments else None
    match method, own, given:
        case "split", str(text), _:
            return text.split(given) if isinstance(given, str) and given else text.split()
        case "join", str(text), list(parts):
            return text.join(parts)
        case (("decode" | "strip"), str(text), _):
            return text
        case "split", _, str(text):
            return _shell_words(text)
        case "b64decode", _, str(text):
            return _decoded(base64.b64decode, text)
        case "fromhex", _, str(text):
            return _decoded(bytes.fromhex, text)
        case _:
            return None


def _shell_words(text: str) -> list[str] | None:
    try:
        return shlex.split(text)
    except ValueError:
        return None


def _decoded(decode: Callable[[str], bytes], text: str) -> str | None:
    try:
        return decode(text).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
