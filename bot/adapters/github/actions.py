"""Workflow runs and artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.adapters.github.place import Place
from bot.adapters.github.values import Artifact, Dispatched, WorkflowRun


@dataclass(frozen=True)
class Actions:
    """The workflows of one repository, and what they made."""

    place: Place

    def dispatch(self, workflow_file: str, ref: str, inputs: Mapping[str, str]) -> int | None:
        """Start a workflow on a branch or tag; return the run's id where GitHub says it.

        A dispatch whose answer is lost is sent again: work that is handed out twice does no harm
        by design, as the first result to land wins, and work that nobody was handed does.
        """
        path = self.place.at("actions", "workflows", workflow_file, "dispatches")
        sent = {"ref": ref, "inputs": dict(inputs), "return_run_details": True}
        return self.place.api.send("POST", path, Dispatched, sent).workflow_run_id

    def run(self, run_id: int) -> WorkflowRun:
        """Read one run."""
        return self.place.api.get(self.place.at("actions", "runs", run_id), WorkflowRun)

    def artifacts(self, run_id: int) -> tuple[Artifact, ...]:
        """List what a run made; names prove nothing, any job of it can choose them."""
        path = self.place.at("actions", "runs", run_id, "artifacts")
        return self.place.api.pages(path, Artifact, key="artifacts")

    def download_artifact(self, artifact_id: int, max_bytes: int) -> bytes:
        """Fetch an artifact's zip. Raises TooLarge past the cap, Gone where it has expired."""
        path = self.place.at("actions", "artifacts", artifact_id, "zip")
        return self.place.api.download(path, max_bytes)
