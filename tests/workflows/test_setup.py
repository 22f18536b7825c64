"""The set-up of a job: what is installed where, and the user that agents and tests run as."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.peers import ROOT

USER = "orchestrate-agent"
# Stand in for the machine's: sudo writes down what it is asked, and knows what the user may write.
SUDO = """\
#!/bin/bash
echo "$*" >>"$ASKED"
[[ $* != *" test -w "* ]] || { [[ $WRITABLE && $* == *" $WRITABLE" ]]; exit; }
[[ ! $REFUSED || $* != *"$REFUSED"* ]] || exit 1
[[ $* != *useradd* ]] || touch "$ASKED.user"
"""
ID = "#!/bin/bash\n[[ -e $ASKED.user ]]\n"


@dataclass
class Machine:
    """A machine with the set-up's checkout, and a sudo and an id of its own."""

    folder: Path

    def run(self, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a step of the set-up."""
        checkout = self.folder / "checkout"
        return subprocess.run(
            ("bash", checkout / ".github/actions/orchestrate/setup.sh", *args),
            env=self.environment | environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def environment(self) -> Mapping[str, str]:
        return {
            "ASKED": str(self.folder / "asked"),
            "GITHUB_ENV": str(self.folder / "env"),
            "GITHUB_PATH": str(self.folder / "path"),
            "HOME": str(self.folder),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
            "REFUSED": "",
            "RUNNER_TEMP": str(self.folder / "temp"),
            "RUNNER_TOOL_CACHE": str(self.folder / "tools"),
            "WRITABLE": "",
        }

    def said(self, name: str) -> str:
        """What a file of the runner, or of the stand-ins, has in it."""
        path = self.folder / name
        return path.read_text() if path.exists() else ""

    def installation(self) -> str:
        """Where the bot is installed."""
        done = self.run("folder")
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    for name, text in {"sudo": SUDO, "id": ID}.items():
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(text)
        program.chmod(0o755)
    checkout = tmp_path / "checkout"
    for path in (".github/actions/orchestrate", ".github/orchestrate"):
        shutil.copytree(ROOT / path, checkout / path)
    for name in ("bot/core/plan.py", "agents/catalog.yaml", "examples/x", "pyproject.toml"):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        (checkout / name).write_text(name)
    return Machine(tmp_path)


def test_another_bot_or_lock_is_installed_in_another_folder(machine: Machine) -> None:
    first = machine.installation()
    assert first == machine.installation()
    assert first.startswith(f"{machine.folder}/tools/orchestrate/")
    seen = {first}
    for path in ("bot/core/plan.py", ".github/orchestrate/requirements.lock", "pyproject.toml"):
        with (machine.folder / "checkout" / path).open("a") as file:
            file.write("# another\n")
        seen.add(machine.installation())
    assert len(seen) == 4


def test_a_job_finds_the_program_and_nothing_else_of_its_environment(machine: Machine) -> None:
    installed = machine.folder / "venv"
    (installed / "bin").mkdir(parents=True)
    for name in ("orchestrate", "python", "pytest"):
        (installed / "bin" / name).touch()
    assert machine.run("path", str(installed)).returncode == 0
    assert [each.name for each in Path(machine.said("path").strip()).iterdir()] == ["orchestrate"]


def test_on_a_machine_of_githubs_the_user_can_change_no_program(machine: Machine) -> None:
    done = machine.run("agent-user", "/venv", RUNNER_ENVIRONMENT="github-hosted")
    assert (done.returncode, done.stdout) == (0, "")
    assert machine.said("env") == f"ORCHESTRATE_AGENT_USER={USER}\n"
    asked = machine.said("asked")
    for folder in ("/opt", "/usr/local", "/usr/share"):
        assert f"-n mount -o remount,bind,ro {folder}\n" in asked
    assert f"-n chmod o+x {machine.folder}/temp\n" in asked
    assert f"-n -u {USER} test -w /venv\n" in asked
    assert f"-n -u {USER} test -w {machine.folder}/bin\n" in asked


def test_on_a_machine_of_githubs_bubblewrap_is_installed_and_may_make_sandboxes(
    machine: Machine,
) -> None:
    programs = machine.folder / "bin"
    for name in ("bash", "dirname", "touch"):
        (programs / name).symlink_to(str(shutil.which(name)))
    alone = {"RUNNER_ENVIRONMENT": "github-hosted", "PATH": str(programs)}
    assert machine.run("agent-user", "/venv", **alone).returncode == 0
    asked = machine.said("asked")
    assert "install -y --no-install-recommends bubblewrap\n" in asked
    assert machine.said("env") == f"ORCHESTRATE_AGENT_USER={USER}\n"
    done = machine.run("agent-user", "/venv", **alone, REFUSED="apt-get")
    assert "::warning::Agents and tests run without a sandbox" in done.stdout
    assert (done.returncode, machine.said("env")) == (0, f"ORCHESTRATE_AGENT_USER={USER}\n" * 2)


@pytest.mark.parametrize("refused", ["useradd", "mount", "chmod"])
def test_a_machine_that_cannot_be_prepared_names_no_user_and_goes_on(
    machine: Machine, refused: str
) -> None:
    done = machine.run("agent-user", "/venv", RUNNER_ENVIRONMENT="github-hosted", REFUSED=refused)
    assert done.returncode == 0
    assert "::warning::" in done.stdout
    assert machine.said("env") == ""


def test_a_user_that_cannot_be_tried_is_not_named(machine: Machine) -> None:
    (machine.folder / "asked.user").touch()
    done = machine.run("agent-user", "/venv", REFUSED=f"-u {USER} true")
    assert f"sudo does not start anything as {USER}" in done.stdout
    assert machine.said("env") == ""


def test_a_user_who_may_change_a_program_is_not_named(machine: Machine) -> None:
    done = machine.run(
        "agent-user", "/venv", RUNNER_ENVIRONMENT="github-hosted", WRITABLE="/usr/bin"
    )
    assert f"{USER} may write to /usr/bin" in done.stdout
    assert machine.said("env") == ""


def test_a_machine_of_somebodys_own_is_left_as_it_is(machine: Machine) -> None:
    done = machine.run("agent-user", "/venv", RUNNER_ENVIRONMENT="self-hosted")
    assert done.returncode == 0
    assert f"there is no {USER}" in done.stdout
    assert machine.said("asked") == machine.said("env") == ""
    (machine.folder / "asked.user").touch()
    machine.run("agent-user", "/venv", RUNNER_ENVIRONMENT="self-hosted")
    assert machine.said("env") == f"ORCHESTRATE_AGENT_USER={USER}\n"
    assert set(machine.said("asked").split()) >= {"test", "-w", "/venv"}
    assert "mount" not in machine.said("asked")
