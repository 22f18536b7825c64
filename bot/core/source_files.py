"""Which files are code, in which language, and which of them count for what users get."""

from __future__ import annotations

import re

from bot.core.patterns import owns
from bot.core.repo_paths import is_test_file

_SUFFIXES = {
    "Python": "py pyi pyw",
    "JavaScript": "js jsx mjs cjs",
    "TypeScript": "ts mts cts",
    "TSX": "tsx",
    "Go": "go",
    "Rust": "rs",
    "Java": "java",
    "C": "c h",
    "C++": "cc cpp cxx c++ hh hpp hxx h++",
    "C#": "cs csx",
    "Clojure": "clj cljs cljc",
    "CoffeeScript": "coffee",
    "Crystal": "cr",
    "CUDA": "cu cuh",
    "Cython": "pyx pxd pxi",
    "Dart": "dart",
    "Elixir": "ex exs",
    "Elm": "elm",
    "Erlang": "erl hrl",
    "F#": "fs fsi fsx",
    "Fortran": "f f90 f95 f03 f08 for",
    "GLSL": "glsl vert frag",
    "GraphQL": "graphql gql",
    "Groovy": "groovy gradle",
    "Haskell": "hs lhs",
    "Julia": "jl",
    "Kotlin": "kt kts",
    "Lua": "lua luau",
    "Objective-C or MATLAB": "m",
    "Nim": "nim",
    "Nix": "nix",
    "Objective-C++": "mm",
    "OCaml": "ml mli",
    "Pascal": "pas pp",
    "Perl": "pl pm",
    "PHP": "php phtml",
    "PowerShell": "ps1 psm1",
    "Protocol Buffers": "proto",
    "PureScript": "purs",
    "R": "r",
    "Racket": "rkt",
    "Ruby": "rb rake gemspec",
    "Scala": "scala sc",
    "Scheme": "scm",
    "Common Lisp": "lisp",
    "Emacs Lisp": "el",
    "shell": "sh bash zsh fish ksh bats",
    "Solidity": "sol",
    "SQL": "sql",
    "Svelte": "svelte",
    "Swift": "swift",
    "Tcl": "tcl",
    "Terraform": "tf",
    "Thrift": "thrift",
    "Vala": "vala",
    "Verilog": "v sv svh",
    "VHDL": "vhd vhdl",
    "Visual Basic": "vb bas",
    "Vue": "vue",
    "Zig": "zig",
}
_LANGUAGE_OF = {suffix: name for name, all_ in _SUFFIXES.items() for suffix in all_.split()}
_INTERPRETERS = {"python": "Python", "pypy": "Python", "node": "JavaScript"}
_SHEBANG = re.compile(r"\ufeff?#![ \t]*(?:\S*/env(?:[ \t]+-\S*)*[ \t]+)?(?:\S*/)?([A-Za-z]+)")

# Changes to these reach nobody who uses the project: they are for those who work on it.
_NOT_SHIPPED = (
    *("./docs/", "./doc/", "example/", "examples/", "samples/"),
    *("bench/", "benches/", "benchmarks/", "ci/", "scripts/", ".*/"),
    *("setup.py", "noxfile.py", "tasks.py", "build.rs", "*.config.[cm][jt]s", "*.config.[jt]s"),
    *("vendor/", "third_party/", "node_modules/", "_vendor/", "dist/", "*.min.js"),
    *("generated/", "__generated__/", "*.generated.*", "*_generated.*", "*.pb.go"),
    *("*_pb2.py", "*_pb2.pyi", "*_pb2_grpc.py", "**/migrations/[0-9]*.py"),
)
# What code generators put near the top: Go's agreed line, and what others write.
_GENERATED = re.compile(
    r"Code generated .{0,200} DO NOT EDIT|@generated\b"
    r"|[Gg]enerated.{0,200}(?i:do not (?:edit|modify))"
)
_TOP = 2_000  # characters in which a generator names itself


def language_of(path: str, text: str) -> str | None:
    """Return the programming language of a file by its suffix or `#!` line; None: not code."""
    name = path.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    if dot and stem:
        return _LANGUAGE_OF.get(suffix.lower())
    shebang = _SHEBANG.match(text[:200])
    return None if shebang is None else _INTERPRETERS.get(shebang[1], "shell")


def is_shipped(path: str) -> bool:
    """Whether users get what is in this file: no test, example, build step or foreign code."""
    return not is_test_file(path) and not owns(_NOT_SHIPPED, path)


def is_public_path(path: str) -> bool:
    """Whether other code may use what is in a shipped file, by the names of it and its folders."""
    *folders, _ = parts = path.split("/")
    if "internal" in folders:
        return False  # Go refuses the import, elsewhere it is agreed
    return is_shipped(path) and not any(map(_is_private, parts))


def _is_private(part: str) -> bool:
    return part.startswith("_") and not part.startswith("__")


def is_generated(text: str) -> bool:
    """Whether a program wrote this, as it says itself."""
    return _GENERATED.search(text[:_TOP]) is not None
