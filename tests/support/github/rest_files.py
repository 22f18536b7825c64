"""Endpoints that a person's doctor asks: files of a branch, workflows, whether Actions are on."""

from __future__ import annotations

import base64
from typing import Any

from tests.support.github.bare import WORKFLOWS
from tests.support.github.refused import Refused
from tests.support.github.rest import Answer, Call, route
from tests.support.github.rest_repository import REPO, resolve
from tests.support.github.views import node_id, when


@route("GET", f"{REPO}/contents/{{path+}}", "contents:read")
def contents(call: Call) -> Answer:
    """A file with its content in base64, or a folder's entries without theirs."""
    git, path = call.repository.git, call.values["path"]
    commit = resolve(call, call.query.get("ref", call.repository.default_branch))
    kind = git.run("cat-file", "-t", f"{commit}:{path}", ok=(0, 128)).decode().strip()
    if not kind:
        raise Refused(404, "Not Found")
    if kind == "blob":
        data = git.run("cat-file", "blob", f"{commit}:{path}")
        encoded = base64.encodebytes(data).decode()
        entry = _entry(call, path, git.git("rev-parse", f"{commit}:{path}"), "file", len(data))
        return Answer(200, entry | {"content": encoded, "encoding": "base64"})
    listed = git.run("ls-tree", "-zl", commit, f"{path}/").decode().split("\0")[:-1]
    entries = []
    for line in listed:
        (_, found, sha, size), name = line.split("\t")[0].split(), line.split("\t")[1]
        named = "dir" if found == "tree" else "file"
        entries.append(_entry(call, name, sha, named, 0 if size == "-" else int(size)))
    return Answer(200, entries)


def _entry(call: Call, path: str, sha: str, kind: str, size: int) -> dict[str, Any]:
    api = call.views.api(call.repository, "contents", path)
    git = call.views.api(call.repository, "git/trees" if kind == "dir" else "git/blobs", sha)
    page = call.views.web(call.repository, "blob", call.repository.default_branch, path)
    return {
        "type": kind,
        "size": size,
        "name": path.rpartition("/")[2],
        "path": path,
        "sha": sha,
        "url": api,
        "git_url": git,
        "html_url": page,
        "download_url": page if kind == "file" else None,
        "_links": {"self": api, "git": git, "html": page},
    }


@route("GET", f"{REPO}/actions/workflows", "actions:read")
def workflows(call: Call) -> Answer:
    """The workflows of the default branch; the fake has none switched off."""
    head = call.repository.git.sha(call.repository.default_branch)
    paths = call.repository.git.files(head) if head else []
    found = [path for path in paths if path.startswith(f"{WORKFLOWS}/")]
    return call.page(found, lambda _, path: _workflow(call, path), within="workflows")


def _workflow(call: Call, path: str) -> dict[str, Any]:
    number = int.from_bytes(path.encode()[-4:], "big")
    made = when(call.world.clock.now())
    page = call.views.web(call.repository, "actions/workflows", path.rpartition("/")[2])
    return {
        "id": number,
        "node_id": node_id("W", number),
        "name": path,
        "path": path,
        "state": "active",
        "created_at": made,
        "updated_at": made,
        "url": call.views.api(call.repository, "actions/workflows", number),
        "html_url": page,
        "badge_url": f"{page}/badge.svg",
    }


@route("GET", f"{REPO}/actions/permissions", "administration:read")
def permissions(call: Call) -> Answer:
    """Whether Actions are on; administrators only."""
    del call
    return Answer(200, {"enabled": True, "allowed_actions": "all", "sha_pinning_required": False})
