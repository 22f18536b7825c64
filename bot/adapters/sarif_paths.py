"""Where in the repository a location of a SARIF report is."""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from urllib.parse import unquote

from bot.adapters.sarif_model import ArtifactLocation, Run, at


def uri_of(run: Run, location: ArtifactLocation) -> str:
    """Return the URI of a location with its bases before it; empty where there is none."""
    if location.uri is None:
        artifact = at(run.artifacts, location.index)
        if artifact is None or artifact.location is None:
            return ""
        location = artifact.location
    uri = location.uri or ""
    for base in _bases(run, location.uri_base_id):
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:|[/\\]", uri):
            break
        uri = base + uri if base.endswith("/") else f"{base}/{uri}"
    return uri


def _bases(run: Run, base_id: str | None) -> Iterator[str]:
    """Give the URIs that a base id stands for, inner ones first; ids that go in circles end."""
    seen: set[str] = set()
    while base_id is not None and base_id not in seen:
        seen.add(base_id)
        base = (run.bases or {}).get(base_id)
        if base is None:
            return
        if base.uri:
            yield base.uri
        base_id = base.uri_base_id


def path_inside(uri: str, root: str) -> str | None:
    """Return the path from `root`, or None where it leads elsewhere.

    Tools write `file:///r/a%20b.py`, `/r/a b.py`, `C:\\r\\a.py`, `file:///C:/r/a.py`, `./a.py`.
    """
    if file_uri := re.match(r"file:(?://(?:localhost)?(?=/)|(?=/(?!/)))", uri, re.IGNORECASE):
        path = unquote(uri[file_uri.end() :])
        path = path[1:] if re.match(r"/[A-Za-z]:", path) else path
    elif re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", uri):
        return None
    else:
        path = unquote(uri)
    path = _normal(path)
    if not re.match(r"/|[a-z]:/", path):
        return None if path in ("", ".", "..") or path.startswith("../") else path
    for top in {_normal(root), _normal(os.path.realpath(root))}:
        prefix = top.rstrip("/") + "/"
        if path.startswith(prefix) and path != prefix:
            return path[len(prefix) :]
    return None


def _normal(path: str) -> str:
    """Write a path with slashes, a small drive letter and no dots; never looks at the disk."""
    path = path.replace("\\", "/")
    if re.match(r"[A-Za-z]:/", path):
        path = path[0].lower() + path[1:]
    leading = "//" if path.startswith("//") else ""  # another machine's share is not ours
    return leading + os.path.normpath(path).lstrip("/") if leading else os.path.normpath(path)
