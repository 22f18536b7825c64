"""Files of a commit that an agent is not shown."""

from __future__ import annotations

from pathlib import Path

from bot.adapters.git import Repository
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core.base import Sha
from bot.ports import Snapshot
from tests.support.repos import make_repo


def test_what_is_hidden_is_gone_everywhere_and_no_change_of_the_agents(tmp_path: Path) -> None:
    repo = make_repo(tmp_path / "repo", {"GEMINI.md": "a", "sub/é/GEMINI.md": "b", "kept.md": "c"})
    (Path(repo.path) / "sub" / "GEMINI.md").symlink_to("../kept.md")
    base = Sha(repo.commit("Link"))
    limits = ChangeLimits(100, 1_000_000)
    worktrees = GitWorktrees(Repository.open(str(repo.path)), tmp_path / "run", limits)
    worktree = worktrees.create("review.1", base)

    worktrees.hide(worktree, "GEMINI.md")
    worktrees.hide(worktree, "nothing-has-this-name")

    path = Path(worktree.path)
    assert list(path.rglob("GEMINI.md")) == []
    assert (path / "kept.md").read_text() == "c"
    found = worktrees.snapshot(worktree)
    assert isinstance(found, Snapshot)
    assert found.changed == ()
    (path / "kept.md").write_text("changed")
    found = worktrees.snapshot(worktree)
    assert isinstance(found, Snapshot)
    assert found.changed == ("kept.md",)
