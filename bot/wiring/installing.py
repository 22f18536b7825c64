"""What `orchestrate init` needs: this version's files, and the work tree they go to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bot.adapters.git import Repository
from bot.adapters.installing import (
    WORKFLOW_NAMES,
    Target,
    files_for_owners,
    own_pin,
    shipped_text,
    vendored_files,
)
from bot.adapters.package_data import data_file
from bot.core import names
from bot.core.documents import Problem
from bot.core.github.installation import (
    BOT_PIN,
    RECORD,
    WORKFLOWS,
    WRITES,
    FileStep,
    Installed,
    Keeper,
    Pin,
    Shipped,
    Step,
    plan_files,
    read_installed,
    read_pin,
    record_of,
    retired,
    write_installed,
)
from bot.core.github.thin_callers import read_workflow, thin_caller
from bot.errors import UserError
from bot.render.github.installed_files import pin_file, settings_file
from bot.wiring.store import open_repository


@dataclass(frozen=True)
class Wish:
    """What `orchestrate init` was told: which bot, and whether workflows only call it there."""

    source: str | None = None
    thin: str | None = None
    upgrade: bool = False


@dataclass(frozen=True)
class Installation:
    """What would be done to a work tree, and what would be remembered of it."""

    target: Target
    steps: tuple[FileStep, ...]
    record: Installed
    before: Installed | None

    @property
    def is_new(self) -> bool:
        """Whether anything at all is to be written."""
        return any(each.step in WRITES for each in self.steps) or self.record != self.before


def plan_installation(repo: str, wish: Wish) -> Installation:
    """Look at a work tree and decide what `init` does to each file. Writes nothing."""
    target = Target(_work_tree(open_repository(repo)))
    before = _installed(target)
    pin, thin = _which_bot(wish, before)
    shipped = shipped_files(pin, thin=thin)
    paths = {file.path for file in shipped} | retired(before.files if before else ())
    found = {path: data for path in sorted(paths) if (data := target.read(path)) is not None}
    steps = plan_files(shipped, found, before, upgrade=wish.upgrade)
    for path in (RECORD, *(each.path for each in steps if each.step in WRITES)):
        target.require_writable(path)
    return Installation(target, steps, record_of(steps, before, pin, thin=thin), before)


def install(installation: Installation) -> None:
    """Take the steps. The record comes last: killed before it, the same command goes on."""
    for each in installation.steps:
        if each.step is Step.REMOVE:
            installation.target.remove(each.path)
        elif each.step in WRITES and each.after is not None:
            installation.target.write(each.path, each.after)
    installation.target.write(RECORD, write_installed(installation.record))


def shipped_files(pin: Pin, *, thin: bool) -> tuple[Shipped, ...]:
    """Return every file that a repository gets for this bot."""
    workflows = {name: shipped_text(f"{WORKFLOWS}{name}.yml") for name in WORKFLOW_NAMES}
    if thin:
        ours = {n: thin_caller(n, text.decode(), pin).encode() for n, text in workflows.items()}
        files = {f"{WORKFLOWS}{name}.yml": text for name, text in ours.items()}
    else:
        files = {f"{WORKFLOWS}{name}.yml": text for name, text in workflows.items()}
        files |= vendored_files() | {BOT_PIN: pin_file(pin)}
    owners = files_for_owners() | {names.SETTINGS_FILE: settings_file(pin)}
    return tuple(
        [Shipped(path, content, Keeper.BOT) for path, content in sorted(files.items())]
        + [Shipped(path, content, Keeper.OWNER) for path, content in sorted(owners.items())]
    )


def secret_names() -> tuple[str, ...]:
    """Return the secrets that the workflows read."""
    return read_workflow(shipped_text(f"{WORKFLOWS}orchestrate.yml").decode()).secrets


def model_keys() -> tuple[str, ...]:
    """Return those of them that are keys of models."""
    return tuple(name for name in secret_names() if name.endswith("_API_KEY"))


def _work_tree(repository: Repository) -> Path:
    if repository.bare:
        raise UserError(
            f"{repository.path} has no work tree to write files to.", fix="Name a clone of it."
        )
    root = Path(repository.path)
    if data_file("agents").parent.resolve() == root.resolve():
        raise UserError(
            "This is the bot's own repository, and has all of it.", fix="Name another with --repo."
        )
    return root


def _installed(target: Target) -> Installed | None:
    data = target.read(RECORD)
    found = None if data is None else read_installed(data)
    if isinstance(found, Problem):
        raise UserError(f"{found.message}.", fix=found.fix)
    return found


def _which_bot(wish: Wish, before: Installed | None) -> tuple[Pin, bool]:
    """Choose the bot: what was said, else what is there, else the one that is running."""
    if wish.thin is not None and wish.source is not None:
        raise UserError("Give --thin or --from, not both.", fix="--thin names the bot already.")
    if wish.thin is not None:
        return read_pin(wish.thin), True
    if wish.source is not None:
        return read_pin(wish.source), False
    if before is not None and not wish.upgrade:
        return before.pin, before.thin
    pin = own_pin()
    if pin is None:
        raise UserError(
            "This installation does not know which commit of the bot it is.",
            fix="Name it with --from OWNER/REPO@COMMIT, or --thin for workflows that only call it.",
        )
    return pin, before is not None and before.thin
