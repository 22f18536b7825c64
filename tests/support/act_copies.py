"""Copies of workflows for act, in which every job has the token that GitHub would give it.

act knows no `permissions` and one token for all. So each job of a copy names its own, minted with
the job's rights as far as its callers and the event leave them. A workflow that is called from two
places becomes two copies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

FOLDER = ".github/workflows"
_LEVELS = ("none", "read", "write")
_CALLED = re.compile(
    rf"(?:\./|(?P<repository>[^/]+/[^/]+)/){FOLDER}/(?P<file>[^@]+)(?:@(?P<at>.+))?"
)

Mint = Callable[[Mapping[str, str]], str]
ReadFile = Callable[[str, str, str], str]  # repository, commit or branch, path


@dataclass
class Copies:
    """Makes copies below `root`; `read` reads a file of a repository, `mint` makes a token."""

    root: Path
    mint: Mint
    read: ReadFile
    most: Mapping[str, str] | None = None  # what the event leaves; None: everything
    tokens: dict[str, str] = field(default_factory=dict)  # "file/job" → token
    made: int = 0

    def copy(self, repository: str, at: str, file: str) -> str:
        """Copy a workflow and all that it calls; return the copy's path below the root."""
        return self._copy(repository, at, file, self.most, "")

    def _copy(
        self, repository: str, at: str, file: str, most: Mapping[str, str] | None, caller: str
    ) -> str:
        workflow = yaml.safe_load(self.read(repository, at, f"{FOLDER}/{file}"))
        workflow["on"] = workflow.pop(True)  # YAML 1.1 reads `on` as a boolean
        for name, job in workflow["jobs"].items():
            _guard_matrix(job)
            asked = job.get("permissions", workflow.get("permissions", {}))
            granted = lowest(asked, most)
            place = f"{caller}{file}/{name}"
            if "uses" in job:
                called = _CALLED.fullmatch(job["uses"])
                assert called, job["uses"]
                job["uses"] = "./" + self._copy(
                    called["repository"] or repository, called["at"] or at, called["file"],
                    granted, f"{place}/",
                )  # fmt: skip
            else:
                self.tokens[place] = token = self.mint(granted)
                workflow["jobs"][name] = with_token(job, token)
        self.made += 1
        path = f"{FOLDER}/{self.made}-{file}"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(yaml.safe_dump(workflow, sort_keys=False, width=1_000_000))
        return path


def _guard_matrix(job: dict[str, Any]) -> None:
    """Keep a matrix readable where the job is skipped.

    act reads it before the job's `if`, and finds outputs of a skipped job as they are written.
    """
    matrix = job.get("strategy", {}).get("matrix", {})
    for name, said in matrix.items():
        if found := re.fullmatch(r"\$\{\{ fromJSON\((.*)\) \}\}", str(said)):
            text = found[1]
            matrix[name] = f"${{{{ fromJSON(startsWith({text}, '[') && ({text}) || '[]') }}}}"


def lowest(asked: Mapping[str, str], most: Mapping[str, str] | None) -> dict[str, str]:
    """Return the rights that are asked for as far as they may be given."""
    if most is None:
        return dict(asked)
    levels = {
        right: min(level, most.get(right, "none"), key=_LEVELS.index)
        for right, level in asked.items()
    }
    return {right: level for right, level in levels.items() if level != "none"}


def with_token(job: Any, token: str) -> Any:
    """Put the token where the job's expressions, and the real checkout, would have it."""
    if isinstance(job, str):
        return job.replace("github.token", f"'{token}'")
    if isinstance(job, list):
        return [with_token(each, token) for each in job]
    if isinstance(job, dict):
        done = {name: with_token(each, token) for name, each in job.items()}
        if str(job.get("uses", "")).startswith("actions/checkout@"):
            done["with"] = {"token": token} | done.get("with", {})
        return done
    return job
