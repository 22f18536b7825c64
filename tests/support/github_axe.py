"""Kills a job with SIGKILL at a request to the fake GitHub, before or after its effect."""

from __future__ import annotations

import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.github import FakeGithub, git_http
from tests.support.github.server import Reply, Request


@dataclass
class Axe:
    """Falls at the nth request of the job that counts: all of the API, pushes, or else fetches."""

    answer: Callable[[Request], Reply]
    at: int
    after: bool
    kind: str = "push"  # beside the API
    job: int = 0  # process group
    seen: int = 0

    def __call__(self, request: Request) -> Reply:
        """Answer a request, unless nobody is left who asked."""
        git = git_http.read(request)
        self.seen += git is None or git.kind == self.kind
        if not self.job or self.seen != self.at or (git and git.kind != self.kind):
            return self.answer(request)
        if self.after:
            self.answer(request)
        os.killpg(self.job, signal.SIGKILL)
        self.job = 0
        return Reply(None)

    def run(self, _: str, step: Callable[[], object]) -> None:
        """Run a job in a process of its own, and see it die."""
        go, hold = os.pipe()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the fake's threads stay here
            child = os.fork()
        if child == 0:
            os.close(hold)
            os.setpgid(0, 0)
            os.read(go, 1)  # until the axe hangs
            _work(step)
        os.close(go)
        os.setpgid(child, child)
        self.job = child
        os.close(hold)
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status), f"the job ended by itself: {status}"


def _work(step: Callable[[], object]) -> None:
    try:
        step()
    finally:
        os._exit(1)


@contextmanager
def axe(github: FakeGithub, at: int, *, after: bool, kind: str = "push") -> Iterator[Axe]:
    """Let an axe hang above the fake's door."""
    server = github._server
    usual = server.answering
    server.answering = hung = Axe(usual, at, after, kind)
    try:
        yield hung
    finally:
        server.answering = usual
