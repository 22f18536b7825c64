"""Judging whether a repository on GitHub is ready for runs."""

from __future__ import annotations

from collections.abc import Iterator

from bot.core.base import few
from bot.core.documents import Problem
from bot.core.github.health import GithubFacts, Hosted, HostedFiles
from bot.core.github.installation import WORKFLOWS, retired
from bot.core.github.requirements import ACTIONS_APP, CHECKS
from bot.core.health import Check, Health, Trouble
from bot.core.names import SETTINGS_FILE

MAY_OPEN_PULLS = (
    'Tick "Allow GitHub Actions to create and approve pull requests" under'
    " Settings → Actions → General → Workflow permissions."
)
_FEW_REQUESTS = 200  # a run of twenty workstreams makes about as many


def diagnose_github(facts: GithubFacts | Trouble) -> tuple[Check, ...]:
    """Check everything, in the order in which a run would stumble over it."""
    if isinstance(facts, Trouble):
        return (Check("github", Health.FAILURE, facts.what, facts.fix),)
    return (
        *_repository(facts.repository),
        *_actions(facts),
        *_files(facts),
        *_settings(facts.files),
        _label(facts),
        _required(facts),
        _pulls(facts),
        *_branch(facts),
        _secrets(facts),
        _requests(facts),
    )


def _ok(name: str, detail: str) -> Check:
    return Check(name, Health.OK, detail)


def _repository(found: Hosted) -> Iterator[Check]:
    if found.archived:
        fix = "Unarchive it under Settings → General."
        yield Check("github", Health.FAILURE, f"{found.name} is archived: nobody can write.", fix)
    if not found.has_issues:
        fix = "Tick Issues under Settings → General → Features."
        yield Check("github", Health.FAILURE, f"{found.name} has no issues to label.", fix)
    if found.fork:
        what = f"{found.name} is a fork: its workflows are off until somebody switches them on."
        yield Check("github", Health.WARNING, what, "Press the button on its Actions page once.")
    kind = "private" if found.private else "public"
    right = found.right or "not told"
    detail = f"{found.name}, {kind}, default branch {found.default_branch}; the token's right:"
    yield _ok("github", f"{detail} {right}")
    if found.private:
        detail = "private: where your plan has no draft pull requests, ours come as ready"
        yield _ok("drafts", detail)


def _actions(facts: GithubFacts) -> Iterator[Check]:
    general = "Settings → Actions → General"
    if facts.actions_enabled is None:
        what = "This token may not see whether Actions are on."
        yield Check("actions", Health.WARNING, what, f"An administrator sees it: {general}")
    elif not facts.actions_enabled:
        fix = f"Allow them under {general}."
        yield Check("actions", Health.FAILURE, "Actions are switched off.", fix)
    else:
        yield _ok("actions", "switched on")
    if facts.switched_off is None:
        what = "This token may not see which workflows are switched off."
        yield Check("actions", Health.WARNING, what, "gh workflow list --all")
    for path, state in (facts.switched_off or {}).items():
        if path in facts.shipped:
            name = path.removeprefix(WORKFLOWS)
            fix = f"gh workflow enable {name}"
            yield Check("actions", Health.FAILURE, f"{name} is {state}.", fix)


def _files(facts: GithubFacts) -> Iterator[Check]:
    branch, blobs, record = (
        facts.repository.default_branch,
        facts.files.blobs,
        facts.files.installed,
    )
    if isinstance(record, Problem):
        yield Check("workflows", Health.FAILURE, f"{record.message} on {branch}.", record.fix)
        return
    missing = [path for path in facts.shipped if path not in blobs]
    if missing:
        what = f"{branch} lacks {few(missing, 3)}"
        fix = "orchestrate init, then commit and push to the default branch."
        yield Check("workflows", Health.FAILURE, what, fix)
    wrote = record.files if record else facts.shipped
    expected = {path: wrote[path] for path in retired(wrote) & blobs.keys()}
    changed = [path for path, blob in expected.items() if blobs[path] != blob]
    outdated = [
        path
        for path, blob in facts.shipped.items()
        if path in blobs and path not in changed and blobs[path] != blob
    ]
    if changed:
        what = f"Not as init wrote them: {few(sorted(changed), 3)}. They are not updated any more."
        fix = "Take ours back with git rm and orchestrate init, or keep yours current by hand."
        yield Check("workflows", Health.WARNING, what, fix)
    if outdated:
        what = f"Older than this version: {few(outdated, 3)}"
        yield Check("workflows", Health.WARNING, what, "orchestrate init --upgrade")
    if not (missing or changed or outdated):
        of = f", of {record.pin.repository} at {record.pin.commit[:12]}" if record else ""
        yield _ok("workflows", f"all {len(facts.shipped)} files are there and current{of}")


def _settings(files: HostedFiles) -> Iterator[Check]:
    problems = files.settings if isinstance(files.settings, tuple) else ()
    for problem in problems:
        yield Check("settings", Health.FAILURE, f"{SETTINGS_FILE}: {problem}", problem.fix)


def _label(facts: GithubFacts) -> Check:
    if facts.label_exists:
        return _ok("label", facts.label)
    what = f"There is no label {facts.label!r} to put on an issue."
    return Check("label", Health.FAILURE, what, "orchestrate setup")


def _required(facts: GithubFacts) -> Check:
    branch = facts.repository.default_branch
    missing = [name for name in CHECKS if name not in facts.required]
    unbound = [n for n in CHECKS if n in facts.required and facts.required[n] != ACTIONS_APP]
    if missing:
        what = f"{branch} can be merged into without {', '.join(missing)}."
        return Check("rules", Health.WARNING, what, "orchestrate setup")
    if unbound:
        what = f"Whoever may write can post {', '.join(unbound)}: not bound to GitHub Actions."
        return Check("rules", Health.WARNING, what, "orchestrate setup")
    return _ok("rules", f"{branch} requires all four checks, from GitHub Actions")


def _pulls(facts: GithubFacts) -> Check:
    if facts.may_open_pulls is None:
        what = "This token may not see whether Actions may open pull requests."
        return Check("pull requests", Health.WARNING, what, MAY_OPEN_PULLS)
    if not facts.may_open_pulls:
        what = "Actions may not open pull requests."
        return Check("pull requests", Health.FAILURE, what, MAY_OPEN_PULLS)
    return _ok("pull requests", "Actions may open them")


def _branch(facts: GithubFacts) -> Iterator[Check]:
    if facts.in_the_way:
        what = "The branch orchestrate is in the way of orchestrate/<run>/<workstream>."
        yield Check("branches", Health.FAILURE, what, "Rename it on GitHub's page of branches.")


def _secrets(facts: GithubFacts) -> Check:
    return _ok("secrets", f"cannot be read; the workflows look for {', '.join(facts.secrets)}")


def _requests(facts: GithubFacts) -> Check:
    left, limit = facts.requests_left
    detail = f"{left:,} of {limit:,} requests are left this hour"
    if left < _FEW_REQUESTS:
        return Check("requests", Health.WARNING, detail, "Wait for the next hour.")
    return _ok("requests", detail)
