"""Finding the repository's file that a tool's path means."""

from __future__ import annotations

import pytest

from bot.core.repo_paths import RepoFiles, is_test_file

FILES = (
    "setup.py",
    "main.go",
    "src/app/core/a.py",
    "src/app/__init__.py",
    "src/app/core/__init__.py",
    "backend/q/q.go",
    "one/src/main/java/com/x/A.java",
    "one/src/main/java/com/x/Both.java",
    "two/src/main/java/com/x/Both.java",
)
MEANT = {
    "a path from the top": ("src/app/core/a.py", "src/app/core/a.py"),
    "a path with dots in it": ("./src/../src/app//core/a.py", "src/app/core/a.py"),
    "a path below the root": ("/w/tree/src/app/core/a.py", "src/app/core/a.py"),
    "a URL of a file": ("file:///w/tree/setup.py", "setup.py"),
    "Windows separators": ("src\\app\\core\\a.py", "src/app/core/a.py"),
    "a Windows drive": ("D:\\a\\repo\\src\\app\\core\\a.py", "src/app/core/a.py"),
    "the same repository on another machine": ("/build/x/src/app/core/a.py", "src/app/core/a.py"),
    "the end of a path": ("com/x/A.java", "one/src/main/java/com/x/A.java"),
    "a Go module at the top": ("example.com/m/main.go", "main.go"),
    "a Go module below the top": ("example.com/m/q/q.go", "backend/q/q.go"),
    "the longest of several ends": (
        "/b/src/app/core/__init__.py",
        "src/app/core/__init__.py",
    ),
    "our package, installed": ("/v/lib/site-packages/app/core/a.py", "src/app/core/a.py"),
    "an end that two files have": ("com/x/Both.java", None),
    "a name that two files have": ("__init__.py", None),
    "somebody else's package with a file named as ours": ("/v/site-packages/pip/setup.py", None),
    "somebody else's module": ("node_modules/x/setup.py", None),
    "a file of the root that is not the repository's": ("/w/tree/build/setup.py", None),
    "outside": ("../setup.py", None),
    "outside, by the long way": ("/w/tree/../../../etc/passwd", None),
    "an unrelated path with the same name": ("lib/other/a.py", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "path"), MEANT.values(), ids=MEANT)
def test_the_file_that_is_meant(text: str, path: str | None) -> None:
    assert RepoFiles(FILES, root="/w/tree").find(text) == path


def test_a_root_on_windows() -> None:
    assert RepoFiles({"a.py"}, root="C:\\w\\").find("C:\\w\\a.py") == "a.py"


def test_tests_are_known_by_folder_or_name() -> None:
    tests = ("tests/data/x.py", "a/test_b.py", "a/b_test.go", "a/b.spec.tsx", "a/BTests.java")
    code = ("src/a.py", "src/latest.py", "src/contest.go", "src/Attest.java", "testing.py")

    assert [path for path in (*tests, *code) if is_test_file(path)] == list(tests)
