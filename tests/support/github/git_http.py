"""Git over HTTP: `git http-backend` behind the tokens' rights."""

from __future__ import annotations

import gzip
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass

from tests.support.github.bare import git_environment
from tests.support.github.faults import REJECTED, Fault
from tests.support.github.rest import Answer, allows
from tests.support.github.server import Request
from tests.support.github.state import RepositoryState, Token

_PLACE = re.compile(
    r"/(?P<name>[\w.-]+/[\w.-]+?)(\.git)?(?P<rest>/info/refs|/git-(?:upload|receive)-pack)"
)
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitHub"'}


@dataclass(frozen=True)
class GitRequest:
    """A request of git's smart protocol."""

    method: str
    repository: str
    rest: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def writes(self) -> bool:
        """Say whether this is part of a push."""
        return self.rest == "/git-receive-pack" or "git-receive-pack" in self.query

    @property
    def kind(self) -> str:
        """Say what this is: push, fetch, or just git, which leads up to one of them."""
        if self.rest == "/git-upload-pack":
            return "fetch"
        # A body of a flush alone only tries whether the way is free.
        return "push" if self.rest == "/git-receive-pack" and self.body != b"0000" else "git"

    def commands(self) -> list[str]:
        """Return "<old> <new> <ref>" of what is pushed."""
        body, found = self.body, []
        while size := int(body[:4] or b"0", 16):
            found.append(body[4:size].split(b"\0")[0].decode(errors="replace").strip())
            body = body[size:]
        return found


def read(request: Request) -> GitRequest | None:
    """Return a request of git's, or None where it is none."""
    match = _PLACE.fullmatch(request.path)
    if match is None:
        return None
    packed = request.headers.get("Content-Encoding") == "gzip"
    body = gzip.decompress(request.raw) if packed else request.raw
    return GitRequest(
        request.method, match["name"], match["rest"], request.query, request.headers, body
    )


def refuse(
    request: GitRequest, token: Token | None, repository: RepositoryState | None
) -> Answer | None:
    """Say no as GitHub does; `token` is None where none was shown, or a wrong one."""
    if token is None and "Authorization" in request.headers:
        return Answer(401, b"remote: Invalid username or token.\n", _CHALLENGE)
    if token is None:
        if repository is None or repository.private or request.writes:
            said = b"remote: No anonymous access.\n"
            return Answer(401, said, _CHALLENGE)
        return None
    elsewhere = (
        token.app and repository and token.repository.lower() != repository.full_name.lower()
    )
    if repository and elsewhere and not (repository.private or request.writes):
        return None  # what is public may be read with a token of another repository
    need = "contents:write" if request.writes else "contents:read"
    if repository is None or not allows(token, repository, "metadata:read"):
        return Answer(404, b"Repository not found.\n")
    if not allows(token, repository, need):
        return Answer(403, b"Write access to repository not granted.\n")
    return None


def serve(
    request: GitRequest, token: Token | None, repository: RepositoryState, fault: Fault | None
) -> Answer:
    """Let git answer."""
    writes = token is not None and allows(token, repository, "contents:write")
    settings = {"http.receivepack": "true" if writes else "false"}
    environment = git_environment() | {
        "GIT_PROJECT_ROOT": str(repository.git.path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.git.path.name}{request.rest}",
        "QUERY_STRING": request.query,
        "REQUEST_METHOD": request.method,
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_USER": token.user.login if token else "",
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(request.body)),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    if fault is Fault.PUSH_REJECTED:
        environment["FAKE_GITHUB_REFUSE"] = REJECTED
    if token and token.app and not allows(token, repository, "workflows:write"):
        environment["FAKE_GITHUB_NO_WORKFLOWS"] = "1"
    if environment.keys() & {"FAKE_GITHUB_REFUSE", "FAKE_GITHUB_NO_WORKFLOWS"}:
        settings["receive.procReceiveRefs"] = "refs"
    for index, (name, value) in enumerate(settings.items()):
        environment |= {f"GIT_CONFIG_KEY_{index}": name, f"GIT_CONFIG_VALUE_{index}": value}
    environment["GIT_CONFIG_COUNT"] = str(len(settings))
    done = subprocess.run(
        ("git", "http-backend"),
        input=request.body,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
    status = int(headers.pop("Status", "200").split()[0])
    return Answer(status, body, headers)
