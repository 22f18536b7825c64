"""Which of some files import which, by cheap patterns: Python, JavaScript, TypeScript, Go, Rust."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

_PYTHON = re.compile(
    r"^[ \t]*(?:from[ \t]+([.\w]+)[ \t]+import[ \t]+([^#\n]+)|import[ \t]+([\w., \t]+))",
    re.MULTILINE,
)
_SCRIPT = re.compile(
    r"""(?:\bfrom\s*|\brequire\(\s*|\bimport\s*\(?\s*)["'](\.[^"'\n]{0,500})["']"""
)
_GO = re.compile(r'^\s*(?:import\s+)?(?:[\w.]+\s+)?"([\w./-]+/[\w./-]+)"', re.MULTILINE)
_RUST = re.compile(r"\b(?:use\s+(?:crate|super|self)::([\w:]+)|mod\s+(\w+)\s*;)")
_SCRIPT_ENDS = (".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs")


def imports_among(texts: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Return pairs (importer, imported) of the given paths; texts by path."""
    index = _Index(texts)
    found: set[tuple[str, str]] = set()
    for path, text in texts.items():
        found.update((path, other) for other in _imported(path, text, index) if other != path)
    return frozenset(found)


class _Index:
    """Files by every end of their path without suffix: `a/b/c`, `b/c`, `c`."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.paths = frozenset(paths)
        self.folders: defaultdict[str, list[str]] = defaultdict(list)
        self._ends: defaultdict[str, list[str]] = defaultdict(list)
        for path in sorted(self.paths):
            self.folders[posixpath.dirname(path)].append(path)
            stem = path.rpartition(".")[0] if "." in path.rpartition("/")[2] else path
            stem = re.sub(r"/(?:__init__|mod|index)$", "", stem)
            parts = stem.split("/")
            for start in range(len(parts)):
                self._ends["/".join(parts[start:])].append(path)

    def by_end(self, end: str, suffix: str) -> list[str]:
        """Return the files whose path without suffix ends so; none where it says too little."""
        found = [path for path in self._ends.get(end, ()) if path.endswith(suffix)]
        return found if len(found) <= 3 else []


def _imported(path: str, text: str, index: _Index) -> Iterator[str]:
    if path.endswith((".py", ".pyi")):
        yield from _python(path, text, index)
    elif path.endswith(_SCRIPT_ENDS):
        yield from _script(path, text, index)
    elif path.endswith(".go"):
        yield from _go(text, index)
    elif path.endswith(".rs"):
        for used, module in _RUST.findall(text):
            parts = (used or module).strip(":").split("::")
            for length in range(len(parts), 0, -1):
                yield from index.by_end("/".join(parts[:length]), ".rs")


def _python(path: str, text: str, index: _Index) -> Iterator[str]:
    for module, names, plain in _PYTHON.findall(text):
        for dotted in plain.split(","):
            name = dotted.split()[0] if dotted.split() else ""
            yield from index.by_end(name.replace(".", "/"), ".py") if name else ()
        if not module:
            continue
        base = _python_base(path, module)
        below = [
            found
            for name in re.findall(r"\w+", names)
            for found in index.by_end(f"{base}/{name}".strip("/"), ".py")
        ]
        yield from below or (index.by_end(base, ".py") if base else ())


def _python_base(path: str, module: str) -> str:
    """Turn `..x.y` seen from a path, or `a.b`, into the end of a path."""
    rest = module.lstrip(".")
    up = len(module) - len(rest)
    here = path.split("/")[:-1]
    folders = here[: len(here) - (up - 1)] if up else []
    return "/".join([*folders, *filter(None, rest.split("."))])


def _script(path: str, text: str, index: _Index) -> Iterator[str]:
    for target in _SCRIPT.findall(text):
        base = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
        stem = re.sub(r"\.[mc]?jsx?$", "", base)
        tries = (base, *(f"{stem}{end}" for end in _SCRIPT_ENDS))
        inside = tuple(f"{base}/index{end}" for end in _SCRIPT_ENDS)
        yield from (found for found in (*tries, *inside) if found in index.paths)


def _go(text: str, index: _Index) -> Iterator[str]:
    """Go imports packages, so an import means every file of a folder."""
    for package in _GO.findall(text):
        for folder, files in index.folders.items():
            if folder and (package == folder or package.endswith("/" + folder)):
                yield from (file for file in files if file.endswith(".go"))
