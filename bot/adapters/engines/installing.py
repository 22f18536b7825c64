"""Installing an agent program: one version, whole or not at all, in a folder of its own."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

from bot.adapters.engines.finding import ask_version, program_in
from bot.adapters.processes import LocalProcesses
from bot.core.engine_programs import EngineProgram
from bot.errors import Unavailable, UserError
from bot.ports import Command, Finished

_INSTALLS_WITHIN = 1800.0  # seconds
_PREPARES_WITHIN = 300.0
_PARTIAL = ".partial-"
_NPM_SAYS = re.compile(r"^npm (?:error|ERR!) (?!code |A complete log|    )(.+)$", re.MULTILINE)
# npm runs nothing of anybody's here, but there is no reason to show it keys either.
_FOR_NPM = re.compile(
    r"(PATH|HOME|LANG|TMPDIR|SSL_CERT_FILE|NODE_EXTRA_CA_CERTS|(https?|no)_proxy"
    r"|(npm_config|pip)_.*)",
    re.IGNORECASE,
)


def install(program: EngineProgram, folder: Path, environment: Mapping[str, str]) -> Path:
    """Install a program below `folder`, and return where it is; one that is there is kept.

    Raises UserError where npm is missing or the package is not the one that was tried, and
    Unavailable where it could not be had this time. Nothing half done is ever found.
    """
    wanted = folder / program.name / program.version
    with only_one(wanted.parent):
        if not program_in(wanted, program.name).exists():
            partial = Path(tempfile.mkdtemp(prefix=_PARTIAL, dir=wanted.parent))
            partial.chmod(0o755)  # the agents' user starts what is in there
            try:
                _fill(partial, program, environment)
                partial.rename(wanted)
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    return program_in(wanted, program.name)


@contextlib.contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Wait for whoever installs the same program, and remove what one who was killed left."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written: {error.strerror}.",
            fix="Set ORCHESTRATE_ENGINES to a folder that can.",
        ) from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in folder.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left, ignore_errors=True)
        yield


def _fill(folder: Path, program: EngineProgram, environment: Mapping[str, str]) -> None:
    _require_node(program, environment)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    finished = run_apart(folder, _npm(program), environment)
    if finished.exit_code != 0:
        raise _not_installed(program, finished)
    _require_integrity(folder, program)
    bare = {"PATH": environment.get("PATH", os.defpath), "HOME": str(folder)}
    if program.prepare:
        script = folder / "node_modules" / program.package / program.prepare
        _put_in_place(program, ("node", str(script)), script.parent, bare)
    if program.unpacks:
        once = {program.unpacks.only: "1", program.unpacks.into: str(folder)}
        _put_in_place(program, (str(program_in(folder, program.name)),), folder, bare | once)
    said = ask_version(program_in(folder, program.name), environment.get("PATH", os.defpath))
    if said != program.version:
        raise Unavailable(
            f"{program.name} was installed, but does not start: its version is {said}.",
            fix=f"See whether {program.package} has a build for this machine.",
        )


def _put_in_place(
    program: EngineProgram, argv: tuple[str, ...], folder: Path, environment: Mapping[str, str]
) -> None:
    """Let a package do what its own program needs, and nothing of ours be seen by it."""
    command = Command(argv, str(folder), environment, timeout_seconds=_PREPARES_WITHIN)
    finished = LocalProcesses().run(command)
    if finished.exit_code != 0:
        raise _not_installed(program, finished)


def _npm(program: EngineProgram) -> tuple[str, ...]:
    """Take dependencies as they were on the day of the trial, and run nobody's scripts."""
    until = program.checked_on + timedelta(days=1)
    return (
        *("npm", "install", "--location=project", "--prefix=.", "--no-save", "--ignore-scripts"),
        *("--include=optional", "--no-audit", "--no-fund", "--no-update-notifier"),
        *(f"--before={until}", f"{program.package}@{program.version}"),
    )


def run_apart(
    folder: Path,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
) -> Finished:
    """Run what fetches packages, with nothing of the environment that it does not need."""
    passed = {name: value for name, value in environment.items() if _FOR_NPM.fullmatch(name)}
    return LocalProcesses().run(
        Command(argv, str(folder), passed, timeout_seconds=_INSTALLS_WITHIN)
    )


def _require_node(program: EngineProgram, environment: Mapping[str, str]) -> None:
    path = environment.get("PATH", os.defpath)
    node, npm = shutil.which("node", path=path), shutil.which("npm", path=path)
    version = ask_version(Path(node), path) if node else "missing"
    major = version.partition(".")[0]
    if npm and major.isdecimal() and int(major) >= program.node:
        return
    what = "npm is missing" if node and not npm else f"Node is {version}"
    raise UserError(
        f"{what}: {program.name} cannot be installed.",
        fix=f"Install Node {program.node} or newer with npm, then run the same command again.",
    )


def _require_integrity(folder: Path, program: EngineProgram) -> None:
    """Compare with what npm checked the package's bytes against, before anything of it runs."""
    try:
        lock = json.loads((folder / "node_modules" / ".package-lock.json").read_bytes())
        found = lock["packages"][f"node_modules/{program.package}"]["integrity"]
    except (OSError, ValueError, KeyError, TypeError):
        found = "unknown"
    if found != program.integrity:
        raise UserError(
            f"The registry's {program.package} {program.version} is not the one that was tried: "
            f"its integrity is {found}. Nothing was installed.",
            fix="See what registry npm asks (npm config get registry), and report this.",
        )


def _not_installed(program: EngineProgram, finished: Finished) -> Unavailable:
    said = _NPM_SAYS.search(finished.output)
    words = finished.output.strip().splitlines() or [f"exit {finished.exit_code}"]
    why = finished.stopped_because or (said.group(1) if said else words[-1])
    full = "ENOSPC" in finished.output
    return Unavailable(
        f"{program.package} {program.version} could not be installed: {why[:300]}",
        fix="Make room on the disk, then run the same command again."
        if full
        else "See whether the registry answers (npm ping), then run the same command again.",
    )
