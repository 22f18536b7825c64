"""Judging whether a repository and this machine are ready for a run."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core import names
from bot.core.base import RESERVED_RUN_IDS
from bot.core.health import Check, Facts, Health, RepositoryFacts, Trouble
from bot.core.ledger import Billing
from bot.core.routing import SHELL, Ladder

ENOUGH_BYTES = 500_000_000
LOCAL_MODEL = (
    "With Ollama: ORCHESTRATE_BASE_URL=http://127.0.0.1:11434/v1 ORCHESTRATE_MODEL=qwen2.5-coder"
)


def diagnose(facts: Facts, ladder: Ladder | Trouble) -> tuple[Check, ...]:
    """Check everything, in the order in which a run would stumble over it."""
    checks = [_git(facts.git_version, facts.oldest_git)]
    if isinstance(facts.repository, Trouble):
        return (*checks, _failure("repository", facts.repository))
    checks += _repository(facts.repository)
    checks.append(_sandbox(facts.sandbox))
    if isinstance(ladder, Trouble):
        checks.append(_failure("models", ladder))
    else:
        checks += _models(ladder, facts.variables)
    return tuple(checks)


def failures(checks: tuple[Check, ...]) -> int:
    """Count what keeps a run from working."""
    return sum(check.health is Health.FAILURE for check in checks)


def _failure(name: str, trouble: Trouble) -> Check:
    return Check(name, Health.FAILURE, trouble.what, trouble.fix)


def _git(version: tuple[int, ...], oldest: tuple[int, ...]) -> Check:
    found = ".".join(map(str, version))
    wanted = ".".join(map(str, oldest))
    if not version:
        return Check("git", Health.FAILURE, "git is not installed.", f"Install git {wanted}.")
    if version < oldest:
        fix = f"Install git {wanted} or later."
        return Check("git", Health.FAILURE, f"git {found} is too old.", fix)
    return Check("git", Health.OK, found)


def _repository(found: RepositoryFacts) -> Iterator[Check]:
    if not found.has_commit:
        what = f"{found.path} has no commit yet."
        yield Check("repository", Health.FAILURE, what, "Commit something: git commit")
    elif found.shallow:
        what = f"{found.path} is shallow: what lies before its history cannot be compared."
        yield Check("repository", Health.WARNING, what, "git fetch --unshallow")
    else:
        yield Check("repository", Health.OK, found.path)
    yield from _files(found)
    yield from _branches(found)
    yield from _record(found)
    yield _room(found)


def _files(found: RepositoryFacts) -> Iterator[Check]:
    if names.SETTINGS_FILE not in found.files:
        yield Check("settings", Health.OK, f"no {names.SETTINGS_FILE}: the defaults hold")
    well = 0
    for path, problems in found.files.items():
        name = "settings" if path == names.SETTINGS_FILE else "agents"
        for problem in problems:
            yield Check(name, Health.FAILURE, f"{path}: {problem}", problem.fix)
        if not problems and name == "settings":
            yield Check(name, Health.OK, path)
        well += not problems and name == "agents"
    if well:
        yield Check("agents", Health.OK, f"{well} files below agents/ are valid")


def _branches(found: RepositoryFacts) -> Iterator[Check]:
    top = names.BRANCHES.removeprefix("refs/heads/").rstrip("/")
    reserved = {f"{top}/{name}" for name in RESERVED_RUN_IDS}
    in_the_way = [
        branch
        for branch in found.branches
        if branch == top or (branch.count("/") == 1 and branch not in reserved)
    ]
    for branch in in_the_way:
        health = Health.FAILURE if branch == top else Health.WARNING
        what = f"The branch {branch} is in the way of {branch}/{_below(branch, top)}."
        yield Check("branches", health, what, f"git branch -m {branch} another-name")
    if not in_the_way:
        yield Check("branches", Health.OK, f"nothing is in the way of {top}/<run>/<workstream>")


def _readable(many: int, noun: str) -> str:
    return f"1 {noun} is readable" if many == 1 else f"{many:,} {noun}s are readable"


def _below(branch: str, top: str) -> str:
    return "<run>/<workstream>" if branch == top else "<workstream>"


def _record(found: RepositoryFacts) -> Iterator[Check]:
    damaged = {run: trouble for run, trouble in found.records.items() if trouble}
    for trouble in damaged.values():
        yield _failure("records", trouble)
    if not damaged:
        yield Check("records", Health.OK, _readable(len(found.records), "run"))
    if isinstance(found.ledger, Trouble):
        yield _failure("ledger", found.ledger)
    else:
        yield Check("ledger", Health.OK, _readable(found.ledger, "line"))
    if found.leftovers:
        many = f"Dead runs left {len(found.leftovers)} worktrees: {', '.join(found.leftovers[:5])}"
        yield Check("leftovers", Health.WARNING, many, "orchestrate clean")


def _room(found: RepositoryFacts) -> Check:
    if not found.folder_is_writable:
        what = f"{found.folder} cannot be written."
        return Check("room", Health.FAILURE, what, "Set XDG_STATE_HOME to a folder that can.")
    free = f"{found.free_bytes / 1e9:,.1f} GB free in {found.folder}"
    if found.free_bytes < ENOUGH_BYTES:
        fix = f"Make room for at least {ENOUGH_BYTES / 1e6:,.0f} MB."
        return Check("room", Health.FAILURE, free, fix)
    return Check("room", Health.OK, free)


def _sandbox(trouble: Trouble | None) -> Check:
    if trouble is None:
        return Check("sandbox", Health.OK, "agents have one")
    return Check("sandbox", Health.WARNING, f"Agents run as you: {trouble.what}.", trouble.fix)


def _models(ladder: Ladder, variables: frozenset[str]) -> Iterator[Check]:
    rungs = [rung for rung in ladder.rungs if rung.tier.engine != SHELL.engine]
    usable = [
        f"{rung.tier.name}{' (paid)' if rung.tier.billing is Billing.PAID else ''}"
        for rung in rungs
        if not rung.why_not
    ]
    if usable:
        detail = f"{len(usable)} of {len(rungs)} tiers can serve: {', '.join(usable)}"
        yield Check("models", Health.OK, detail)
    else:
        what = "No tier can serve here; only plans with run: commands work."
        fix = f"orchestrate models says what each lacks. {LOCAL_MODEL}"
        yield Check("models", Health.WARNING, what, fix)
    keys = sorted({rung.tier.key_env for rung in rungs if rung.tier.key_env})
    if keys:
        here, absent = ([k for k in keys if (k in variables) is there] for there in (True, False))
        told = (("set", here), ("not set", absent))
        states = (f"{how}: {', '.join(which)}" for how, which in told if which)
        yield Check("keys", Health.OK, "; ".join(states))
