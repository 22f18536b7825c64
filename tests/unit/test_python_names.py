"""Public names of Python code: what is listed, what is documented, what cannot be read."""

from __future__ import annotations

import pytest

from bot.adapters.public_api import MAX_CHARACTERS, read_source
from bot.core.public_names import Fault, SourceCode, UnreadableSource


def names(text: str, path: str = "src/app.py") -> dict[str, bool]:
    """Map each public name, without the module, to whether it is documented."""
    read = read_source(path, text)
    assert isinstance(read, SourceCode), read
    return {name.qualified: name.documented for name in read.names if name.kind != "module"}


def signature(text: str) -> str:
    read = read_source("a.py", text)
    assert isinstance(read, SourceCode), read
    return read.names[1].signature


def behaviour(text: str) -> str:
    read = read_source("a.py", text)
    assert isinstance(read, SourceCode), read
    return read.behaviour


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('def f():\n    "Say."\n', {"f": True}, id="a docstring documents"),
        pytest.param("# comment\ndef f(): ...\n", {"f": False}, id="a comment does not"),
        pytest.param("async def f(): ...\n", {"f": False}, id="an async function is a function"),
        pytest.param("def _f(): ...\n", {}, id="a leading underscore is private"),
        pytest.param("class _A:\n def f(self): ...\n", {}, id="so is all in a private class"),
        pytest.param(
            "__all__ = ['_f']\ndef _f(): ...\ndef g(): ...\n",
            {"_f": False},
            id="__all__ has the last word both ways",
        ),
        pytest.param(
            "__all__ = ['f']\n__all__ += ['g']\ndef f(): ...\ndef g(): ...\ndef h(): ...\n",
            {"f": False, "g": False},
            id="__all__ may grow",
        ),
        pytest.param(
            "from typing import overload\n@overload\ndef f(a: int): ...\n"
            "@overload\ndef f(a: str): ...\ndef f(a):\n 'Say.'\n",
            {"f": True},
            id="overloads count once, with what implements them",
        ),
        pytest.param(
            "from typing import overload, Protocol\nclass P(Protocol):\n 'P.'\n"
            " @overload\n def f(self, a: int): ...\n @overload\n def f(self, a: str): ...\n",
            {"P": True, "P.f": False},
            id="overloads that nothing implements count once too",
        ),
        pytest.param(
            "class A:\n 'A.'\n @property\n def p(self): 'P.'\n @p.setter\n def p(self, v): ...\n",
            {"A": True, "A.p": True},
            id="a property and its setter count once",
        ),
        pytest.param(
            "from functools import cached_property\nclass A:\n 'A.'\n"
            " @cached_property\n def p(self): ...\n",
            {"A": True, "A.p": False},
            id="a cached property is a property",
        ),
        pytest.param(
            "from typing import override\nclass A(B):\n 'A.'\n @override\n def f(self): ...\n",
            {"A": True},
            id="an override is documented where it overrides",
        ),
        pytest.param(
            "class A:\n 'A.'\n def __repr__(self): ...\n def __eq__(self, other): ...\n"
            " def __init__(self): work()\n",
            {"A": True},
            id="special methods and an __init__ without parameters need nothing",
        ),
        pytest.param(
            "class A(B):\n 'A.'\n def __init__(self, a, b):\n"
            "  super().__init__(b)\n  c = a\n  self.a = c\n  self.b: int = b\n",
            {"A": True, "A.__init__": True},
            id="the class says it all for an __init__ that only stores",
        ),
        pytest.param(
            "class A:\n 'A.'\n def __init__(self, a):\n  connect(a)\n",
            {"A": True, "A.__init__": False},
            id="it does not for an __init__ that does something",
        ),
        pytest.param(
            "class A:\n def __init__(self, a):\n  self.a = a\n",
            {"A": False, "A.__init__": False},
            id="nor if it says nothing",
        ),
        pytest.param("def f():\n 'F.'\n def g(): ...\n", {"f": True}, id="inner functions are not"),
        pytest.param(
            "class A:\n 'A.'\n class B:\n  def f(self): ...\n",
            {"A": True, "A.B": False, "A.B.f": False},
            id="inner classes are public",
        ),
        pytest.param(
            "class E(enum.Enum):\n 'E.'\n A = 1\nclass T(typing.TypedDict):\n 'T.'\n a: int\n"
            "@dataclasses.dataclass\nclass D:\n 'D.'\n a: int = 1\nX = 1\n",
            {"E": True, "T": True, "D": True},
            id="fields, members and constants need nothing",
        ),
        pytest.param(
            "from a import f, g as h\nimport os\n__all__ = ['f', 'h']\n",
            {},
            id="a re-export is documented where it comes from",
        ),
        pytest.param(
            "class A:\n 'A.'\n @x.setter\n def x(self, v): ...\n",
            {"A": True, "A.x": False},
            id="a setter of nothing is a method",
        ),
    ],
)
def test_what_is_public_and_what_is_documented(text: str, expected: dict[str, bool]) -> None:
    assert names(text) == expected


def test_a_stub_is_documented_by_its_module() -> None:
    assert names("def f(a: int) -> str: ...\n", "src/app.pyi") == {}


@pytest.mark.parametrize(
    ("text", "documented"),
    [
        pytest.param("'Say.'\nx = 1\n", [True], id="a module with a docstring"),
        pytest.param("x = 1\n", [False], id="a module without one"),
        pytest.param("# only a comment\n", [], id="an empty module has nothing to say"),
    ],
)
def test_a_module_is_a_name_as_well(text: str, documented: list[bool]) -> None:
    read = read_source("pkg/__init__.py", text)
    assert isinstance(read, SourceCode)
    assert [name.documented for name in read.names] == documented


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("def f(a, b): ...", "def f(\n    a,\n    b,\n): ...", True),
        ("def f(a, b): ...", "def f(a, b=1): ...", False),
        ("def f(a): ...", "def f(a: int): ...", False),
        ("def f(): ...", "async def f(): ...", False),
        ("class A(B): ...", "class A(C): ...", False),
        ("class A: ...", "class A(metaclass=M): ...", False),
        ("def f(a): return 1", "def f(a): return 2", True),
    ],
)
def test_a_signature_changes_with_what_callers_see(before: str, after: str, same: bool) -> None:
    assert (signature(before) == signature(after)) is same


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        pytest.param("x = 1", "x  =  (1)  # one", True, id="layout and comments"),
        pytest.param("def f(): return 1", "def f():\n 'F.'\n return 1", True, id="a docstring"),
        pytest.param("def f(): pass", "def f():\n 'F.'", True, id="a docstring for pass"),
        pytest.param("def f(): return 1", "def f(): return 2", False, id="a value"),
        pytest.param("x = 'a b'", "x = 'a  b'", False, id="white space in a string"),
        pytest.param("if a:\n b\nc", "if a:\n b\n c", False, id="indentation that matters"),
        pytest.param("a\nb", "\ufeffa\r\nb\r\n", True, id="line ends and a byte-order mark"),
        pytest.param("", "# coding: utf-8\n'''Doc.'''\n", True, id="nothing but a docstring"),
    ],
)
def test_behaviour_is_what_is_left_without_comments(before: str, after: str, same: bool) -> None:
    assert (behaviour(before) == behaviour(after)) is same


def test_lines_are_those_of_the_definition() -> None:
    read = read_source("a.py", "\r\n\r\n@deco\r\n@deco\r\ndef f(): ...\r\n")
    assert isinstance(read, SourceCode)
    assert read.names[1].line == 5


def test_a_coding_cookie_is_honoured() -> None:
    data = "# -*- coding: latin-1 -*-\ndef f():\n    'é'\nX = 'é'\n"
    text = data.encode("latin-1").decode("utf-8", "surrogateescape")
    assert names(text) == {"f": True}
    assert behaviour(text) == behaviour(data.replace("latin-1", "utf-8"))


@pytest.mark.parametrize(
    ("text", "fault", "why"),
    [
        pytest.param("def f(:\n", Fault.FILE, "no valid Python", id="a syntax error"),
        pytest.param("if x:\n    a\n  b\n", Fault.FILE, "unindent", id="wrong indentation"),
        pytest.param("x = 1\0\n", Fault.FILE, "NUL", id="a NUL byte"),
        pytest.param("'\udce9'\n", Fault.FILE, "encoding", id="latin-1 that does not say so"),
        pytest.param("# coding: nonsense\n", Fault.FILE, "encoding", id="no such encoding"),
        pytest.param("x = '\ud800'\n", Fault.FILE, "encoding", id="half a character"),
        pytest.param("x" * (MAX_CHARACTERS * 5), Fault.FILE, "too large", id="five megabytes"),
        pytest.param("x = " + "(" * 5000 + ")" * 5000, Fault.FILE, "nested", id="deep brackets"),
        pytest.param("x = " + "-" * 50000 + "1", Fault.FILE, "nested", id="deep operators"),
        pytest.param("x = a" + ".b" * 50000, Fault.FILE, "nested", id="deep attributes"),
        pytest.param(
            "\n".join(" " * depth + "if x:" for depth in range(200)) + " 1",
            Fault.FILE,
            "indentation",
            id="deep blocks",
        ),
        pytest.param(
            "from typing import overload\nclass A:\n def __init__(self):\n"
            "  @overload\n  def f(): ...\n",
            Fault.FILE,
            "griffe",
            id="what griffe does not expect",
        ),
        pytest.param("print 'two'\n", Fault.LANGUAGE, "another version", id="another Python"),
    ],
)
def test_what_cannot_be_read_says_why(text: str, fault: Fault, why: str) -> None:
    read = read_source("src/app.py", text)
    assert isinstance(read, UnreadableSource)
    assert read.fault is fault
    assert why in read.why


def test_nothing_of_the_file_is_run_or_warned_about() -> None:
    assert names("raise SystemExit\nx = '\\d'\ndef f(): ...\n1 is 1\n") == {"f": False}
