"""Names of refs, branches and files that exist outside of this process."""

from __future__ import annotations

import re

from bot.core.base import RESERVED_RUN_IDS, RunId
from bot.errors import UserError

BRANCHES = "refs/heads/orchestrate/"
RUNS = "refs/orchestrate/runs/"
RESCUES = "refs/orchestrate/rescue/"
BASES = "refs/orchestrate/bases/"
LEDGER = "refs/heads/orchestrate/ledger"
SETTINGS_FILE = ".github/orchestrate.yml"
WORK_FOLDER = ".orchestrate"
DELEGATION_FILE = f"{WORK_FOLDER}/delegation.json"
ACKNOWLEDGEMENT_FILE = f"{WORK_FOLDER}/acknowledgement.json"
CLAIM_FILE = f"{WORK_FOLDER}/completion.json"
PLAN_FILE = f"{WORK_FOLDER}/plan.yaml"

ALWAYS_PROTECTED = (
    "./.github/",
    "CODEOWNERS",
    "./agents/",
    ".claude/",
    "CLAUDE.md",
    "AGENTS.md",
    ".mcp.json",
    ".gemini/",
    "GEMINI.md",
    ".codex/",
    ".opencode/",
    "opencode.json*",
    ".kilo/",
    ".kilocode/",
    "kilo.json*",
    ".clinerules",
    ".cursor/",
    ".githooks/",
    ".husky/",
    ".gitattributes",
    ".gitmodules",
    "./.orchestrate/",
)


def run_id(text: str) -> RunId:
    """Accept the id of a run, as a person or a ref names it."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", text) or text in RESERVED_RUN_IDS:
        raise UserError(f"{text!r} is not the id of a run.", fix="orchestrate status lists them.")
    return RunId(text)


def run_ref(run: RunId) -> str:
    """Where the record of a run is."""
    return f"{RUNS}{run}"


def workstream_branch(run: RunId, workstream: str) -> str:
    """Name the branch of a workstream, without refs/heads/."""
    return f"orchestrate/{run}/{workstream}"


def combined_branch(run: RunId) -> str:
    """Name the branch that holds the run's combined result, without refs/heads/."""
    return f"orchestrate/{run}/combined"


def base_ref(run: RunId, workstream: str, attempt: int) -> str:
    """Where the commit is kept that an attempt starts from."""
    return f"{BASES}{run}/{workstream}.{attempt}"


def rescue_ref(run: RunId, workstream: str, attempt: int) -> str:
    """Where work is kept that was nowhere else."""
    return f"{RESCUES}{run}/{workstream}.{attempt}"


GATES_FOLDERS = "combined."  # what their names begin with; no workstream is called so


def gates_folder(iteration: int) -> str:
    """Name the folder that gates work in."""
    return f"{GATES_FOLDERS}{iteration}"


def fix_workstream(iteration: int) -> str:
    """Name the workstream that mends what the gates found before `iteration`."""
    return f"fix-{iteration}"
