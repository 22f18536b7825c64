"""Where a changelog is found, and what counts as an entry."""

from __future__ import annotations

import pytest

from bot.core.changelog import ChangelogRule, changelog_of
from bot.core.diff import FileChange


def change(path: str, *added: str, removed: tuple[str, ...] = ()) -> FileChange:
    return FileChange(
        path=path,
        old_path=path,
        deleted=False,
        added_lines=dict(enumerate(added, 1)),
        removed_lines=dict(enumerate(removed, 1)),
    )


@pytest.mark.parametrize(
    ("files", "places"),
    [
        pytest.param({"CHANGELOG.md", "src/a.py"}, ("CHANGELOG.md",), id="a file at the top"),
        pytest.param(
            {"CHANGES.rst", "docs/history.md"}, ("CHANGES.rst", "docs/history.md"), id="two"
        ),
        pytest.param({"NEWS"}, ("NEWS",), id="a file without a suffix"),
        pytest.param({"CHANGES-2.0.txt"}, ("CHANGES-2.0.txt",), id="a file for one version"),
        pytest.param({"changes/.gitkeep"}, ("changes/",), id="a folder that is kept empty"),
        pytest.param({".changeset/config.json"}, (".changeset/",), id="changesets"),
        pytest.param(
            {"changelog.d/1.md", "newsfragments/2.md"},
            ("changelog.d/", "newsfragments/"),
            id="fragments",
        ),
        pytest.param(
            {"changes/__init__.py", "changes/a.txt"}, None, id="a package is no changelog"
        ),
        pytest.param({"news.py", "history.json", "newsletter.md"}, None, id="nor are such files"),
        pytest.param({"packages/a/CHANGELOG.md"}, None, id="nor is a part's own"),
        pytest.param(set(), None, id="nothing at all"),
    ],
)
def test_a_changelog_is_found_by_its_name(files: set[str], places: tuple[str, ...] | None) -> None:
    rule = changelog_of(frozenset(files), None)
    assert (rule and rule.places) == places


@pytest.mark.parametrize(
    ("text", "places"),
    [
        pytest.param(
            '[tool.towncrier]\ndirectory = "src/pkg/news"', ("src/pkg/news/",), id="named"
        ),
        pytest.param('[tool.towncrier]\ndirectory = "./news/"', ("news/",), id="written otherwise"),
        pytest.param('[tool.towncrier]\ndirectory = "../up"', None, id="outside the repository"),
        pytest.param('[tool.towncrier]\ndirectory = ["a"]', None, id="of the wrong type"),
        pytest.param("tool = 1", None, id="no table"),
        pytest.param("[tool", None, id="no TOML"),
        pytest.param("a = " + "[" * 5000, None, id="deep TOML"),
    ],
)
def test_towncrier_names_its_folder(text: str, places: tuple[str, ...] | None) -> None:
    rule = changelog_of(frozenset(), None, text)
    assert (rule and rule.places) == places


def test_the_settings_have_the_last_word() -> None:
    files = frozenset({"CHANGELOG.md"})
    assert changelog_of(files, "none") is None
    assert changelog_of(files, "./docs/log.md") == ChangelogRule(("docs/log.md",))


@pytest.mark.parametrize(
    ("made", "met"),
    [
        pytest.param(change("CHANGELOG.md", "- Pages."), True, id="a line in the file"),
        pytest.param(change("changes/1.added.md", "Pages."), True, id="a fragment"),
        pytest.param(change("changes/sub/1.md", "Pages."), True, id="a fragment further down"),
        pytest.param(change("CHANGELOG.md", "", "  \t"), False, id="only white space"),
        pytest.param(change("CHANGELOG.md", removed=("- Old.",)), False, id="only taken away"),
        pytest.param(
            change("CHANGELOG.md", "  - Old.", removed=("- Old.",)), False, id="only moved"
        ),
        pytest.param(change("changes/README.md", "Pages."), False, id="the folder's own README"),
        pytest.param(change("changes/.gitkeep", "Pages."), False, id="a hidden file"),
        pytest.param(change("sub/CHANGELOG.md", "Pages."), False, id="another file of that name"),
        pytest.param(
            FileChange("CHANGELOG.md", "CHANGELOG.md", True, {}, {1: "a"}), False, id="deleted"
        ),
    ],
)
def test_an_entry_is_an_added_line_with_text(made: FileChange, met: bool) -> None:
    rule = ChangelogRule(("CHANGELOG.md", "changes/"))
    assert rule.met_by((change("src/a.py", "x"), made)) is met


def test_a_pattern_of_the_settings_is_a_place() -> None:
    rule = ChangelogRule(("changes/*.md",))
    assert rule.met_by((change("changes/1.md", "Pages."),))
    assert not rule.met_by((change("changes/1.txt", "Pages."),))
