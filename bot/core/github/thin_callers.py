"""Workflows of a few lines that call ours in another repository at one commit."""

from __future__ import annotations

import re

from pydantic import BaseModel, ConfigDict, Field

from bot.core.documents import Document, read_yaml
from bot.core.github.installation import WORKFLOWS, Pin


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Call(_Part):
    inputs: dict[str, object] = Field(default_factory=dict)
    secrets: dict[str, object] = Field(default_factory=dict)


class _Dispatch(_Part):
    inputs: dict[str, object] = Field(default_factory=dict)


class _Triggers(_Part):
    workflow_call: _Call
    workflow_dispatch: _Dispatch | None = None


class _Job(_Part):
    permissions: dict[str, str] = Field(default_factory=dict)


class Workflow(_Part):
    """What a caller has to know of a workflow that can be called."""

    on: _Triggers
    jobs: dict[str, _Job]

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return the secrets that it takes."""
        return tuple(self.on.workflow_call.secrets)

    @property
    def permissions(self) -> dict[str, str]:
        """Return what its jobs need together."""
        needed: dict[str, str] = {}
        for job in self.jobs.values():
            for name, level in job.permissions.items():
                needed[name] = "write" if "write" in {level, needed.get(name)} else level
        return dict(sorted(needed.items()))


def read_workflow(text: str) -> Workflow:
    """Read a workflow of ours. YAML 1.1 takes the key `on` for a truth value."""
    document = read_yaml(text)
    assert isinstance(document, Document), document
    return Workflow.model_validate(
        {"on" if key is True else key: value for key, value in document.value.items()}
    )


def thin_caller(name: str, text: str, pin: Pin) -> str:
    """Return the caller of workflow `name` (without .yml): the same triggers, one job."""
    workflow = read_workflow(text)
    passed = {
        "bot_repository": pin.repository,
        "bot_commit": f'"{pin.commit}"',
    }  # digits alone are a number
    dispatch = workflow.on.workflow_dispatch
    own = dispatch.inputs if dispatch else {}
    passed |= {each: f"${{{{ inputs.{each} }}}}" for each in own}
    lines = [
        _head(text),
        "permissions: {}\n",
        "jobs:",
        f"  {name}:",
        "    permissions: # what the called jobs need together; each has only its own",
        *(f"      {right}: {level}" for right, level in workflow.permissions.items()),
        f"    uses: {pin.repository}/{WORKFLOWS}{name}.yml@{pin.commit}",
        "    with:",
        *(
            f"      {each}: {passed[each]}"
            for each in workflow.on.workflow_call.inputs
            if each in passed
        ),
    ]
    if workflow.secrets:
        lines.append("    secrets:")
        lines += [f"      {each}: ${{{{ secrets.{each} }}}}" for each in workflow.secrets]
    return "\n".join(lines) + "\n"


def _head(text: str) -> str:
    """Return name, run-name and triggers as they are written, without those of a called one."""
    head = text[: text.index("\npermissions:") + 1]
    return re.sub(r"^  workflow_call:\n(?:(?:    .*)?\n)*?(?=^ {0,3}\S|\Z)", "", head, flags=re.M)
