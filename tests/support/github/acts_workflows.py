"""Acts on workflows: runs, dispatches, artifacts; see acts.py."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import yaml

from tests.support.github.acts import Acts
from tests.support.github.bare import WORKFLOWS
from tests.support.github.refused import Refused
from tests.support.github.state import Artifact, Dispatch, Pull, RepositoryState, Run, Token, User

LONGEST_INPUTS = 65_535


class WorkflowActs(Acts):
    """Acts that Actions has a part in; nothing runs by itself."""

    def triggers(self, repository: RepositoryState, name: str) -> Mapping[str, Any] | None:
        """Return what starts a workflow of the default branch, by event; None: no such file."""
        text = repository.git.read(f"refs/heads/{repository.default_branch}", f"{WORKFLOWS}/{name}")
        if text is None or "/" in name:
            return None
        said = yaml.safe_load(text)[True]  # YAML 1.1 reads `on` as a boolean
        if isinstance(said, str):
            return {said: None}
        return said if isinstance(said, dict) else dict.fromkeys(said)

    def start_run(
        self,
        repository: RepositoryState,
        workflow: str,
        event: str,
        by: User,
        *,
        head_sha: str,
        head_branch: str | None,
        fork: str | None = None,
    ) -> Run:
        """Make a workflow run."""
        run = Run(
            id=self.world.new_id(),
            workflow=workflow,
            event=event,
            head_branch=head_branch,
            head_sha=head_sha,
            actor=by,
            triggering_actor=by,
            run_number=len(repository.runs) + 1,
            created_at=self.world.clock.now(),
            fork=fork,
        )
        repository.runs[run.id] = run
        return run

    def hold_back_runs(self, repository: RepositoryState, pull: Pull, by: Token) -> None:
        """List the runs that wait for a person's approval after a job's token did this."""
        if not by.is_job:
            return
        for path in repository.git.files(f"refs/heads/{repository.default_branch}"):
            folder, _, name = path.rpartition("/")
            if folder == WORKFLOWS and "pull_request" in (self.triggers(repository, name) or ()):
                run = self.start_run(
                    repository, name, "pull_request", by.user,
                    head_sha=pull.head_sha, head_branch=pull.head,
                )  # fmt: skip
                run.status, run.conclusion = "completed", "action_required"

    def dispatch(
        self,
        repository: RepositoryState,
        by: Token,
        workflow: str,
        *,
        ref: str,
        inputs: Mapping[str, object],
    ) -> Run:
        """Start a workflow by hand; refuses as GitHub does."""
        triggers = self.triggers(repository, workflow)
        if triggers is None:
            raise Refused(404, "Not Found")
        if "workflow_dispatch" not in triggers:
            raise Refused(422, "Workflow does not have 'workflow_dispatch' trigger")
        names = [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
        found = next((name for name in names if name in repository.refs), None)
        if found is None:
            raise Refused(422, f"No ref found for: {ref}")
        filled = _inputs((triggers["workflow_dispatch"] or {}).get("inputs") or {}, inputs)
        sha = repository.git.sha(found)
        assert sha
        run = self.start_run(
            repository, workflow, "workflow_dispatch", by.user,
            head_sha=sha, head_branch=found.split("/", 2)[2],
        )  # fmt: skip
        payload = self.emit(
            "workflow_dispatch", repository, by,
            lambda: {"inputs": filled, "ref": found, "workflow": f"{WORKFLOWS}/{workflow}"},
        )  # fmt: skip
        repository.dispatches.append(
            Dispatch(workflow, ref, filled, run.id, by.user.login, payload)
        )
        return run

    def upload(
        self,
        repository: RepositoryState,
        run_id: int,
        name: str,
        files: Mapping[str, bytes] | bytes,
    ) -> Artifact:
        """Upload an artifact; a name is free once in a run, however often the run is tried."""
        taken = (each for each in repository.artifacts if each.run_id == run_id)
        if any(each.name == name for each in taken):
            raise Refused(409, "Conflict: an artifact with this name already exists on the run")
        data = files if isinstance(files, bytes) else _zipped(files)
        made = Artifact(self.world.new_id(), run_id, name, data, self.world.clock.now())
        repository.artifacts.append(made)
        return made


def _inputs(declared: Mapping[str, Any], given: Mapping[str, object]) -> dict[str, str]:
    unknown = [name for name in given if name not in declared]
    if unknown:
        listed = ", ".join(f'"{name}"' for name in unknown)
        raise Refused(422, f"Unexpected inputs provided: [{listed}]")
    filled = {}
    for name, said in declared.items():
        said = said or {}
        if name not in given and said.get("required") and "default" not in said:
            raise Refused(422, f"Required input '{name}' not provided")
        filled[name] = str(given.get(name, said.get("default", "")))
    if sum(len(name) + len(value) for name, value in filled.items()) > LONGEST_INPUTS:
        raise Refused(422, "inputs are too large.")
    return filled


def _zipped(files: Mapping[str, bytes]) -> bytes:
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    return made.getvalue()
