"""What `orchestrate setup` will do, what came of it, and what an administrator does by hand."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence

from bot.core.config import GithubSettings
from bot.render.words import defused

OPEN_PULLS = '"Allow GitHub Actions to create and approve pull requests"'


def ruleset_command(repository: str, ruleset_id: int | None, body: Mapping[str, object]) -> str:
    """Write the command with which an administrator makes or mends the ruleset."""
    path = f"repos/{repository}/rulesets"
    method, path = ("POST", path) if ruleset_id is None else ("PUT", f"{path}/{ruleset_id}")
    return f"gh api --method {method} {path} --input - <<'END'\n{json.dumps(body, indent=2)}\nEND"


def label_command(repository: str, label: str) -> str:
    """Write the command with which somebody who may makes the label."""
    return f"gh label create {shlex.quote(label)} --repo {repository}"


def intentions(repository: str, label: str, lacking: Sequence[str]) -> list[str]:
    """Say what is about to be done."""
    lines = [f"In {repository}:", f"  make the label {defused(label)}, if it is not there"]
    if lacking:
        lines.append("  require the four checks on the default branch, since")
        lines += [f"    {defused(each)}" for each in lacking]
    else:
        lines.append("  nothing else: the ruleset requires all four checks already")
    return lines


def label_variable(repository: str, label: str) -> list[str]:
    """Say what a label of another name needs: workflows cannot read the settings."""
    if label == GithubSettings().label:
        return []
    command = f"gh variable set ORCHESTRATE_LABEL --body {shlex.quote(label)} --repo {repository}"
    return ["The workflows learn the label from a variable:", f"  {command}"]


def boxes(
    repository: str, keys: Sequence[str], *, private: bool, may_open_pulls: bool | None
) -> list[str]:
    """Say what only a person can do in the settings."""
    state = {True: "is ticked", False: "is NOT ticked: tick it", None: "tick it, if it is not"}
    lines = [
        "What only a person can do:",
        f"  Settings → Actions → General → Workflow permissions: {OPEN_PULLS}"
        f" ({state[may_open_pulls]}).",
        f"  A model's key as a secret, such as gh secret set {keys[0]} --repo {repository}",
        f"    The workflows know {', '.join(keys)}.",
    ]
    if private:
        lines.append(
            "  The repository is private: required checks and draft pull requests need a paid plan"
            " of GitHub. Without drafts, pull requests come as ready."
        )
    return lines
