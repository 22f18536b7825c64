"""What makes tests prove less is found; what does not is left alone."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.diff import FileChange
from bot.core.gates import Finding, Severity
from bot.core.weakened_tests import weakened

TEST = "tests/test_users.py"
BASE = """
    import pytest

    def test_page():
        assert page(1) == [1, 2]
        assert page(2) == [3]

    def test_empty():
        assert page(9) == []
"""


@dataclass(frozen=True)
class Change:
    """Files before and after; a file in `renamed` has its new path as value."""

    before: Mapping[str, str]
    after: Mapping[str, str]
    rules: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)


def judged(change: Change) -> tuple[Finding, ...]:
    before = {path: dedent(text) for path, text in change.before.items()}
    after = {path: dedent(text) for path, text in change.after.items()}
    new_paths = {new: old for old, new in change.renamed.items()}
    changes = []
    for path in sorted(after.keys() | before.keys() - change.renamed.keys()):
        old_path = new_paths.get(path, path if path in before else None)
        old, new = before.get(old_path or "", ""), after.get(path, "")
        removed, added = lines_of(old, new)
        deleted = path not in after
        if removed or added or deleted or old_path != path:
            changes.append(FileChange(path, old_path, deleted, added, removed))
    return weakened(tuple(changes), before, after)


def lines_of(old: str, new: str) -> tuple[dict[int, str], dict[int, str]]:
    a, b = old.splitlines(keepends=True), new.splitlines(keepends=True)
    removed: dict[int, str] = {}
    added: dict[int, str] = {}
    for kind, a1, a2, b1, b2 in difflib.SequenceMatcher(None, a, b, False).get_opcodes():
        if kind != "equal":
            removed |= {n + 1: a[n] for n in range(a1, a2)}
            added |= {n + 1: b[n] for n in range(b1, b2)}
    return removed, added


def swap(old: str, new: str, *rules: str, base: str = BASE, path: str = TEST) -> Change:
    assert old in base
    return Change({path: base}, {path: base.replace(old, new)}, frozenset(rules))


JS = """
    describe("users", () => {
      it("pages", () => {
        expect(page(1)).toEqual([1, 2]);
      });
      it("is empty at the end", () => {
        expect(page(9)).toEqual([]);
      });
    });
"""
GO = """
    package users

    func TestPage(t *testing.T) {
    \tif Page(1) != 2 {
    \t\tt.Fatal("no")
    \t}
    }

    func TestEmpty(t *testing.T) {
    \trequire.Empty(t, Page(9))
    }
"""
RUST = """
    pub fn page() {}

    #[cfg(test)]
    mod tests {
        #[test]
        fn pages() {
            assert_eq!(page(1), 2);
        }

        #[tokio::test]
        async fn is_empty() {
            assert!(page(9).is_empty());
        }
    }
"""
UNITTEST = """
    import unittest

    class TestPage(unittest.TestCase):
        def test_page(self):
            self.assertEqual(page(1), 2)
            self.assertEqual(page(2), 3)
"""
CASES = """
    import pytest

    INPUTS = [1, 2, 3]

    @pytest.mark.parametrize("n", INPUTS)
    def test_one(n):
        assert page(n) == n

    @pytest.mark.parametrize(("n", "m"), [(1, 2), (3, 4)])
    def test_two(n, m):
        assert page(n) == m
"""
PYPROJECT = """
    [project]
    name = "x"

    [tool.pytest.ini_options]
    addopts = "-ra --cov-fail-under=85"

    [tool.coverage.report]
    fail_under = 85
"""
MAKE = """
    lint:
    \truff check

    test: build
    \tpytest -q

    build:
    \tpython -m build
"""
PACKAGE = '{"name": "x", "scripts": {"test": "jest", "build": "tsc"}}'
SOURCE = """
    def page(n):
        if n > 9:
            return []
        return [n]
"""

WEAKER = {
    "a deleted test file": Change(
        {TEST: BASE, "a.py": ""}, {"a.py": "x = 1\n"}, frozenset({"deleted"})
    ),
    "a removed test": swap("def test_empty():\n        assert page(9) == []", "", "removed"),
    "a test renamed so that nothing runs it": swap("def test_empty", "def _test_empty", "removed"),
    "a test file renamed so that nothing runs it": Change(
        {TEST: BASE}, {"tests/users_checks.py": BASE}, frozenset({"removed"}),
        {TEST: "tests/users_checks.py"},
    ),
    "a test class renamed so that nothing runs it": swap(
        "class TestPage:", "class PageChecks:", "removed",
        base="class TestPage:\n    def test_page(self):\n        assert page(1) == 2\n",
    ),
    "a test class that pytest cannot make any more": swap(
        "class TestPage:\n", "class TestPage:\n    def __init__(self):\n        pass\n", "removed",
        base="class TestPage:\n    def test_page(self):\n        assert page(1) == 2\n",
    ),
    "a test that became a fixture": swap(
        "def test_empty", "@pytest.fixture\n    def test_empty", "removed"
    ),
    "a test that is taken away at the end": swap(
        "assert page(9) == []", "assert page(9) == []\n\n    del test_page", "removed"
    ),
    "a test replaced by a later one of its name": swap(
        "assert page(9) == []", "assert page(9) == []\n\n    def test_page():\n        pass",
        "fewer-checks",
    ),
    "a test under `if False`": swap(
        "def test_empty():\n        assert page(9) == []",
        "if False:\n        def test_empty():\n            assert page(9) == []", "removed",
    ),
    "a test under a condition": swap(
        "def test_empty():\n        assert page(9) == []",
        "if CI:\n        def test_empty():\n            assert page(9) == []", "skip",
    ),
    "a test marked skip": swap(
        "def test_empty", "@pytest.mark.skip(reason='later')\n    def test_empty", "skip"
    ),
    "a test marked xfail": swap(
        "def test_empty", "@pytest.mark.xfail\n    def test_empty", "skip"
    ),
    "a test marked skip through a name": swap(
        "def test_empty", "later = pytest.mark.skipif(True)\n\n    @later\n    def test_empty",
        "skip",
    ),
    "a unittest that is skipped": swap(
        "def test_page", "@unittest.skip('flaky')\n        def test_page", "skip", base=UNITTEST
    ),
    "a unittest that is expected to fail": swap(
        "def test_page", "@unittest.expectedFailure\n        def test_page", "skip", base=UNITTEST
    ),
    "a class whose set-up skips": swap(
        "def test_page",
        "def setUp(self):\n            self.skipTest('no')\n\n        def test_page",
        "skip", base=UNITTEST,
    ),
    "a class that is no test any more": swap(
        "def test_page", "__test__ = False\n\n        def test_page", "skip", base=UNITTEST
    ),
    "a skip in a test": swap(
        "def test_empty():\n", "def test_empty():\n        pytest.skip('later')\n",
        "skip", "fewer-checks",
    ),
    "a skip on some condition in a test": swap(
        "def test_empty():\n",
        "def test_empty():\n        if CI:\n            pytest.skip('later')\n", "skip",
    ),
    "a skip of the whole module": swap(
        "import pytest\n", "import pytest\n    pytest.skip('x', allow_module_level=True)\n", "skip"
    ),
    "a mark that skips the whole module": swap(
        "import pytest\n", "import pytest\n    pytestmark = pytest.mark.skip\n", "skip"
    ),
    "a module that needs what may be missing": swap(
        "import pytest\n", "import pytest\n    pytest.importorskip('numpy')\n", "skip"
    ),
    "an early return": swap(
        "def test_empty():\n", "def test_empty():\n        return\n", "skip", "fewer-checks"
    ),
    "an early return on a condition": swap(
        "def test_empty():\n", "def test_empty():\n        if CI:\n            return\n", "skip"
    ),
    "an assertion gone": swap("assert page(2) == [3]", "page(2)", "fewer-checks"),
    "an assertion that is always true": swap(
        "assert page(2) == [3]", "assert True", "fewer-checks"
    ),
    "an assertion that is a non-empty tuple": swap(
        "assert page(2) == [3]", "assert (page(2), 'is right')", "fewer-checks"
    ),
    "an assertion with an open way out": swap(
        "assert page(2) == [3]", "assert page(2) == [3] or True", "fewer-checks"
    ),
    "a thing compared with itself": swap(
        "assert page(2) == [3]", "assert page(2) == page(2)", "fewer-checks"
    ),
    "a length that is never negative": swap(
        "assert page(2) == [3]", "assert len(page(2)) >= 0", "fewer-checks"
    ),
    "an assertion under `if False`": swap(
        "assert page(2) == [3]", "if False:\n            assert page(2) == [3]", "fewer-checks"
    ),
    "an assertion under `if`": swap(
        "assert page(2) == [3]", "if ok:\n            assert page(2) == [3]", "fewer-checks"
    ),
    "an assertion in a loop over nothing": swap(
        "assert page(2) == [3]", "for n in []:\n            assert page(2) == [3]", "fewer-checks"
    ),
    "an assertion whose failure is swallowed": swap(
        "assert page(2) == [3]",
        "try:\n            assert page(2) == [3]\n        except Exception:\n            pass",
        "fewer-checks",
    ),
    "an assertion whose failure is suppressed": swap(
        "assert page(2) == [3]",
        "with suppress(AssertionError):\n            assert page(2) == [3]",
        "fewer-checks",
    ),
    "a unittest assertion gone": swap(
        "self.assertEqual(page(2), 3)", "page(2)", "fewer-checks", base=UNITTEST
    ),
    "a unittest assertion made idle": swap(
        "self.assertEqual(page(2), 3)", "self.assertTrue(True)", "fewer-checks", base=UNITTEST
    ),
    "a looser assertion": swap("assert page(2) == [3]", "assert page(2) is not None", "looser"),
    "any error instead of one": swap(
        "raises(ValueError)", "raises(Exception)", "looser",
        base="def test_bad():\n    with pytest.raises(ValueError):\n        page(-1)\n",
    ),
    "a helper that checks no more": swap(
        "assert got == wanted", "pass", "fewer-checks",
        base="def is_page(got, wanted):\n    assert got == wanted\n\n"
        "def test_page():\n    is_page(page(1), 2)\n",
    ),
    "a helper of another file that checks no more": swap(
        "assert got == wanted", "pass", "fewer-checks", path="tests/support/pages.py",
        base="def is_page(got, wanted):\n    assert got == wanted\n",
    ),
    "a moved test that checks less": Change(
        {TEST: BASE, "tests/test_b.py": ""},
        {"tests/test_b.py": BASE.replace("assert page(2) == [3]", "page(2)")},
        frozenset({"fewer-checks"}),
    ),
    "a list of inputs emptied": swap("[(1, 2), (3, 4)]", "[]", "inputs", base=CASES),
    "a named list of inputs shortened": swap("[1, 2, 3]", "[1]", "inputs", base=CASES),
    "an input that is skipped": swap(
        "(3, 4)]", "pytest.param(3, 4, marks=pytest.mark.skip)]", "inputs", base=CASES
    ),
    "ignored files in conftest": Change(
        {}, {"conftest.py": "collect_ignore = ['test_users.py']\n"}, frozenset({"steering"})
    ),
    "a hook that picks tests": Change(
        {"tests/conftest.py": ""},
        {"tests/conftest.py": "def pytest_collection_modifyitems(items):\n    items[:] = []\n"},
        frozenset({"steering"}),
    ),
    "a loader that returns no tests": swap(
        "import unittest\n", "import unittest\n\n    def load_tests(*_):\n        return None\n",
        "steering", base=UNITTEST,
    ),
    "an exit in conftest": Change(
        {}, {"conftest.py": "import sys\nsys.exit(0)\n"}, frozenset({"exit"})
    ),
    "a hard exit in a fixture": Change(
        {"conftest.py": "def end():\n    pass\n"},
        {"conftest.py": "import os\ndef end():\n    os._exit(0)\n"}, frozenset({"exit"}),
    ),
    "a hard exit in a new test": Change(
        {}, {TEST: "import os\n\ndef test_z():\n    os._exit(0)\n"}, frozenset({"exit"})
    ),
    "a fixture that skips what uses it": Change(
        {"conftest.py": ""},
        {"conftest.py": "@pytest.fixture(autouse=True)\ndef off():\n    pytest.skip('x')\n"},
        frozenset({"exit"}),
    ),
    "a file that takes the runner's place": Change(
        {}, {"pytest.py": "raise SystemExit(0)\n"}, frozenset({"shadow"})
    ),
    "a JavaScript test skipped": swap(
        'it("pages"', 'it.skip("pages"', "skip", base=JS, path="src/users.test.ts"
    ),
    "a JavaScript test with x before it": swap(
        'it("pages"', 'xit("pages"', "skip", base=JS, path="src/users.test.ts"
    ),
    "a JavaScript suite skipped": swap(
        "describe(", "describe.skip(", "skip", base=JS, path="src/users.spec.js"
    ),
    "one JavaScript test that runs alone": swap(
        'it("pages"', 'it.only("pages"', "skip", base=JS, path="src/users.test.ts"
    ),
    "a JavaScript test only planned": swap(
        'it("pages"', 'it.todo("pages"', "skip", base=JS, path="src/users.test.ts"
    ),
    "a JavaScript test in a comment": swap(
        'it("pages", () => {\n        expect(page(1)).toEqual([1, 2]);\n      });',
        '/* it("pages", () => {\n        expect(page(1)).toEqual([1, 2]);\n      }); */',
        "removed", base=JS, path="src/users.test.ts",
    ),
    "a JavaScript expectation gone": swap(
        "expect(page(9)).toEqual([]);", "page(9);", "fewer-checks", base=JS, path="a.test.ts"
    ),
    "a JavaScript exit": swap(
        "describe(", "process.exit(0);\n    describe(", "exit", base=JS, path="a.test.ts"
    ),
    "a Go test skipped": swap(
        "if Page(1)", "t.Skip()\n    \tif Page(1)", "skip", base=GO, path="users_test.go"
    ),
    "a Go test removed": swap(
        "func TestEmpty", "func testEmpty", "removed", base=GO, path="u_test.go"
    ),
    "a Go file left out of the build": swap(
        "package users", "//go:build never\n\n    package users", "skip", base=GO, path="u_test.go"
    ),
    "a Go main that ends well before any test": swap(
        "func TestEmpty",
        "func TestMain(m *testing.M) {\n    \tos.Exit(0)\n    }\n\n    func TestEmpty", "exit",
        base=GO, path="u_test.go",
    ),
    "a Rust test ignored": swap(
        "#[test]", "#[test]\n        #[ignore]", "skip", base=RUST, path="src/lib.rs"
    ),
    "a Rust test that is a plain function now": swap(
        "#[tokio::test]\n", "\n", "removed", base=RUST, path="src/lib.rs"
    ),
    "a line hidden from coverage": swap(
        "if n > 9:", "if n > 9:  # pragma: no cover", "hidden", base=SOURCE, path="src/page.py"
    ),
    "JavaScript hidden from coverage": Change(
        {"a.ts": "f();\n"}, {"a.ts": "/* istanbul ignore next */\nf();\n"}, frozenset({"hidden"})
    ),
    "a silenced linter": swap(
        "return [n]", "return [n]  # noqa: RET505", "muted", base=SOURCE, path="src/page.py"
    ),
    "a silenced type checker": swap(
        "return [n]", "return [n]  # type: ignore[return]", "muted", base=SOURCE, path="src/page.py"
    ),
    "a test command that may fail": Change(
        {"ci.sh": "pytest -q\n"}, {"ci.sh": "pytest -q || true\n"}, frozenset({"ignored"})
    ),
    "a coverage limit lowered": swap(
        "fail_under = 85", "fail_under = 60", "threshold", base=PYPROJECT, path="pyproject.toml"
    ),
    "a coverage limit gone": swap(
        "fail_under = 85", "", "threshold", base=PYPROJECT, path="pyproject.toml"
    ),
    "a coverage limit lowered in the options": swap(
        "under=85", "under=8", "threshold", base=PYPROJECT, path="pyproject.toml"
    ),
    "options that pick tests": swap(
        "-ra", "-ra -k nothing", "settings", base=PYPROJECT, path="pyproject.toml"
    ),
    "a new pytest.ini that takes precedence": Change(
        {}, {"pytest.ini": "[pytest]\naddopts = -k nothing\n"}, frozenset({"settings"})
    ),
    "an analyzer that is told to look at nothing": Change(
        {}, {"ruff.toml": 'exclude = ["."]\n'}, frozenset({"settings"})
    ),
    "rules of an analyzer switched off": Change(
        {"pyproject.toml": "[tool.ruff.lint]\nselect = ['S']\n"},
        {"pyproject.toml": "[tool.ruff.lint]\nselect = []\n"},
        frozenset({"settings"}),
    ),
    "coverage settings deleted": Change(
        {".coveragerc": "[run]\nbranch = true\n[report]\nfail_under = 90\n"}, {},
        frozenset({"threshold", "settings"}),
    ),
    "files left out of coverage": Change(
        {"setup.cfg": "[metadata]\nname = x\n"},
        {"setup.cfg": "[metadata]\nname = x\n[coverage:run]\nomit = src/*\n"},
        frozenset({"settings"}),
    ),
    "a test script that does nothing": swap(
        '"jest"', '"true"', "settings", base=PACKAGE, path="package.json"
    ),
    "a coverage limit of jest lowered": Change(
        {"package.json": '{"jest": {"coverageThreshold": {"global": {"lines": 90}}}}'},
        {"package.json": '{"jest": {"coverageThreshold": {"global": {"lines": 10}}}}'},
        frozenset({"threshold"}),
    ),
    "a jest configuration changed": Change(
        {"jest.config.js": "module.exports = {}\n"},
        {"jest.config.js": "module.exports = {testPathIgnorePatterns: ['.']}\n"},
        frozenset({"settings"}),
    ),
    "a test target that ignores failure": swap(
        "pytest -q", "pytest -q || true", "settings", "ignored", base=MAKE, path="Makefile"
    ),
    "a shell for all targets": swap(
        "lint:", "SHELL = /bin/true\n    lint:", "settings", base=MAKE, path="Makefile"
    ),
    "a test file that is no text any more": Change({TEST: BASE}, {}, frozenset({"unreadable"})),
}  # fmt: skip

HARMLESS = {
    "a new test file": Change({}, {TEST: BASE}),
    "a new test file with a skipped test": Change(
        {}, {TEST: "import pytest\n\n@pytest.mark.skip\ndef test_x():\n    assert x == 1\n"}
    ),
    "a new test file with a silenced linter": Change(
        {}, {TEST: "def test_x():\n    assert x == 1  # noqa: F821\n"}
    ),
    "an added test": swap(
        "def test_empty", "def test_more():\n        assert page(3) == []\n\n    def test_empty"
    ),
    "an added test that is skipped": swap(
        "def test_empty",
        "@pytest.mark.skip\n    def test_more():\n        assert page(3) == []\n\n"
        "    def test_empty",
    ),
    "an added assertion": swap(
        "assert page(2) == [3]", "assert page(2) == [3]\n        assert page(3) == []"
    ),
    "another expected value": swap("assert page(2) == [3]", "assert page(2) == [3, 4]"),
    "a moved test file": Change(
        {TEST: BASE}, {"tests/users/test_pages.py": BASE},
        renamed={TEST: "tests/users/test_pages.py"},
    ),
    "a test file split in two": Change(
        {TEST: BASE},
        {
            "tests/test_a.py": "def test_page():\n    assert page(1) == [1, 2]\n"
            "    assert page(2) == [3]\n",
            "tests/test_b.py": "def test_empty():\n    assert page(9) == []\n",
        },
    ),
    "a test renamed with its body": swap("def test_empty", "def test_last_page_is_empty"),
    "a test renamed with more assertions": swap(
        "def test_empty():\n        assert page(9) == []",
        "def test_ends():\n        assert page(9) == []\n        assert page(10) == []",
    ),
    "tests put in a class": Change(
        {TEST: "def test_a():\n    assert f(1) == 2\n"},
        {TEST: "class TestF:\n    def test_a(self):\n        assert f(1) == 2\n"},
    ),
    "two assertions as one": swap(
        "assert page(1) == [1, 2]\n        assert page(2) == [3]",
        "assert (page(1), page(2)) == ([1, 2], [3])",
    ),
    "assertions drawn into a helper": swap(
        "    def test_page():\n        assert page(1) == [1, 2]\n        assert page(2) == [3]\n",
        "    def pages(one, two):\n        assert page(1) == one\n        assert page(2) == two\n\n"
        "    def test_page():\n        pages([1, 2], [3])\n",
    ),
    "assertions in a loop": swap(
        "assert page(9) == []", "for n in (9, 10):\n            assert page(n) == []"
    ),
    "a return at the end": swap("assert page(9) == []", "assert page(9) == []\n        return"),
    "a skip taken out": swap(
        "@pytest.mark.skip\n", "",
        base="import pytest\n\n@pytest.mark.skip\ndef test_x():\n    assert x == 1\n",
    ),
    "a mark that does not skip": swap(
        "def test_empty", "@pytest.mark.usefixtures('db')\n    def test_empty"
    ),
    "more inputs": swap("[1, 2, 3]", "[1, 2, 3, 4]", base=CASES),
    "inputs that are computed": swap("[1, 2, 3]", "sorted(all_of_them())", base=CASES),
    "a mark kept for new tests": swap(
        "import pytest\n", "import pytest\n\n    slow = pytest.mark.skipif(CI, reason='slow')\n"
    ),
    "a fixture in conftest": Change(
        {}, {"tests/conftest.py": "@pytest.fixture\ndef db():\n    return open_db()\n"}
    ),
    "a browser that quits in conftest": Change(
        {}, {"tests/conftest.py": "@pytest.fixture\ndef b():\n    yield d\n    d.quit()\n"}
    ),
    "markers named in conftest": Change(
        {},
        {"conftest.py": "def pytest_configure(config):\n"
         "    config.addinivalue_line('markers', 'slow: x')\n"},
    ),
    "a test file run by itself": swap(
        "assert page(9) == []",
        "assert page(9) == []\n\n    if __name__ == '__main__':\n        sys.exit(pytest.main())",
    ),
    "an exit of the program under test": Change(
        {"src/cli.py": ""}, {"src/cli.py": "import sys\n\ndef main():\n    sys.exit(0)\n"}
    ),
    "an exit of a Rust program": Change(
        {"src/main.rs": "fn main() {}\n"},
        {"src/main.rs": "fn main() {\n    std::process::exit(0);\n}\n"},
    ),
    "a JavaScript test moved": Change(
        {"a.test.ts": JS}, {"b/a.test.ts": JS}, renamed={"a.test.ts": "b/a.test.ts"}
    ),
    "a JavaScript test added, one planned": swap(
        'it("is empty', 'it("grows", () => {\n        expect(page(2)).toBe(3);\n      });\n'
        '      it.todo("shrinks");\n      it("is empty', base=JS, path="a.test.ts",
    ),
    "a Go test added": swap(
        "func TestEmpty",
        "func TestMore(t *testing.T) {\n    \tt.Skip()\n    }\n\n    func TestEmpty",
        base=GO, path="u_test.go",
    ),
    "a Rust test added": swap(
        "#[tokio::test]", "#[test]\n        fn more() {\n            assert!(true);\n        }\n\n"
        "        #[tokio::test]", base=RUST, path="src/lib.rs",
    ),
    "a suppression on a line that had it": Change(
        {"a.py": "x = f()  # noqa: F821\n"}, {"a.py": "x = g()  # noqa: F821\n"}
    ),
    "a suppression that moved along": Change(
        {"a.py": "x = f()  # noqa: F821\n", "b.py": ""},
        {"a.py": "", "b.py": "x = f()  # noqa: F821\n"},
    ),
    "a suppression named in a string": Change(
        {"a.py": ""}, {"a.py": "PATTERN = '# pragma: no cover'\nOTHER = '# noqa'\n"}
    ),
    "a suppression named in prose": Change({"README.md": ""}, {"README.md": "Use `# noqa`.\n"}),
    "a coverage limit raised": swap(
        "fail_under = 85", "fail_under = 95", base=PYPROJECT, path="pyproject.toml"
    ),
    "a coverage limit where there was none": swap(
        'name = "x"', 'name = "x"\n\n    [tool.coverage.html]\n    show_missing = true',
        base=PYPROJECT, path="pyproject.toml",
    ),
    "another part of pyproject": swap('name = "x"', 'name = "y"', base=PYPROJECT,
                                      path="pyproject.toml"),
    "markers in the test settings": swap(
        "addopts", "markers = ['slow']\n    addopts", base=PYPROJECT, path="pyproject.toml"
    ),
    "a comment in the test settings": Change(
        {"pytest.ini": "[pytest]\naddopts = -ra\n"},
        {"pytest.ini": "[pytest]\n# all\naddopts = -ra\n"},
    ),
    "another script of package.json": swap('"tsc"', '"tsc -b"', base=PACKAGE, path="package.json"),
    "the settings of a project that tests play with": Change(
        {}, {"tests/fixtures/app/pytest.ini": "[pytest]\naddopts = -k x\n"}
    ),
    "another target of the Makefile": swap(
        "python -m build", "python -m build --wheel", base=MAKE, path="Makefile"
    ),
    "code that only looks like a test": Change(
        {"src/app.py": "def test_connection():\n    return 1\n"}, {"src/app.py": "x = 1\n"}
    ),
    "a deleted package file of the tests": Change(
        {"tests/__init__.py": "", "a.py": ""}, {"a.py": ""}
    ),
}  # fmt: skip


@pytest.mark.parametrize("change", WEAKER.values(), ids=WEAKER.keys())
def test_it_is_found(change: Change) -> None:
    if change.rules == {"unreadable"}:
        kept = FileChange(TEST, TEST, False, {1: "\x00"}, {})
        found = weakened((kept,), dict(change.before), {})
    else:
        found = judged(change)
    assert {f.rule.removeprefix("weakened-test/") for f in found} == change.rules
    mild = {"muted", "looser"}
    for finding in found:
        rule = finding.rule.removeprefix("weakened-test/")
        by_patterns = rule == "fewer-checks" and not (finding.path or "").endswith(".py")
        expected = Severity.MEDIUM if rule in mild or by_patterns else Severity.HIGH
        assert finding.severity == expected
        assert finding.path


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_it_is_left_alone(change: Change) -> None:
    assert judged(change) == ()


def test_a_finding_points_at_the_line_and_says_what_to_do() -> None:
    (finding,) = judged(WEAKER["a skip on some condition in a test"])
    assert (finding.path, finding.line) == (TEST, 10)
    assert "Take that out, or let a maintainer say why with /override review" in finding.message


def test_python_that_is_too_new_to_parse_is_read_by_patterns() -> None:
    base = (
        "type X = int\n\ndef test_a():\n    assert f() == 1\n\ndef test_b():\n    assert f() == 2\n"
    )
    head = base.replace("def test_b", "@pytest.mark.skip\ndef test_b").replace(
        "def test_a", "def a"
    )
    rules = {finding.rule for finding in judged(Change({TEST: base}, {TEST: head}))}
    assert rules >= {"weakened-test/removed", "weakened-test/skip"}


def test_helpers_that_call_each_other_end() -> None:
    chain = "".join(f"def h{n}():\n    h{n + 1}()\n    h{n + 1}()\n" for n in range(60))
    text = f"{chain}def h60():\n    h0()\n    assert x == 1\n\ndef test_a():\n    h0()\n"
    assert judged(Change({TEST: text}, {TEST: text + "\n# more\n"})) == ()


@given(st.text(max_size=300), st.text(max_size=300), st.sampled_from(
    ["test_a.py", "conftest.py", "a.test.ts", "a_test.go", "lib.rs", "pyproject.toml", "pytest.ini",
     "package.json", "Makefile", "codecov.yml", "vite.config.ts", "Cargo.toml"]))  # fmt: skip
def test_no_text_brings_it_down(old: str, new: str, path: str) -> None:
    removed, added = lines_of(old, new)
    found = weakened((FileChange(path, path, False, added, removed),), {path: old}, {path: new})
    assert all(finding.path == path for finding in found)
