"""A copy of the example package as a repository of its own."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from bot.adapters.git import RefUpdate, Repository, run_git
from bot.adapters.package_data import data_file
from bot.core.names import SETTINGS_FILE

_NO_PORT = "127.0.0.1:0"  # where the example's settings expect the model
_NOT_COPIED = shutil.ignore_patterns("__pycache__", ".*_cache", ".coverage*")


def copy_example(folder: Path, base_url: str, at: datetime) -> Repository:
    """Copy examples/tinylog to a new folder, and commit it on `main` with the model's address."""
    shutil.copytree(data_file("examples", "tinylog"), folder, ignore=_NOT_COPIED)
    settings = folder / SETTINGS_FILE
    address = base_url.removeprefix("http://").removesuffix("/v1")
    settings.write_text(settings.read_text().replace(_NO_PORT, address))
    run_git(["init", "-q", "--template=", "--initial-branch=main"], cwd=str(folder))
    run_git(["add", "--all", "--force"], cwd=str(folder))  # whatever its user ignores everywhere
    repository = Repository.open(str(folder))
    tree = repository.text("write-tree")
    commit = repository.commit_tree(tree, [], "Start tinylog\n", at)
    repository.update_refs([RefUpdate("refs/heads/main", commit, None)])
    return repository
