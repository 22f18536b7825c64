"""Reading coverage reports: small ones by hand, and real ones from the tools on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.adapters.coverage_reports import find_reports, read_report
from bot.core.coverage import CoverageReport, Share, UnreadableReport
from bot.core.suites import Runner, Suite
from tests.support.toolchains import run, write

ROOT = "/w/tree"
FILES = frozenset({"src/app/a.py", "src/app/b.py", "lib/src/main/java/com/x/A.java", "q/q.go"})

Lines = dict[str, tuple[set[int], set[int]]]  # path -> executable, covered
A_OF_TWO: Lines = {"src/app/a.py": ({1, 2, 4}, {1, 4})}


def read(data: str | bytes, files: frozenset[str] = FILES) -> CoverageReport:
    found = read_report(data.encode() if isinstance(data, str) else data, root=ROOT, files=files)
    assert isinstance(found, CoverageReport), found
    return found


def lines_of(report: CoverageReport) -> Lines:
    return {p: (set(file.executable), set(file.covered)) for p, file in report.files.items()}


def cobertura(filename: str, source: str = "", doctype: str = "") -> str:
    return (
        f'<?xml version="1.0"?>{doctype}<coverage lines-valid="3" lines-covered="2">'
        f"<sources><source>\n {source} </source></sources><packages><package><classes>"
        f'<class filename="{filename}"><methods><method><lines><line number="1" hits="0"/></lines>'
        '</method></methods><lines><line number="1" hits="7"/><line number="2" hits="0"/></lines>'
        f'</class><class filename="{filename}"><lines><line number="2" hits="0"/>'
        '<line number="4" hits="1" branch="true"/></lines></class></classes></package></packages>'
        "</coverage>"
    )


JACOCO = (
    '<?xml version="1.0"?><!DOCTYPE report PUBLIC "-//JACOCO//DTD Report 1.1//EN" "report.dtd">'
    '<report name="x"><sessioninfo id="a"/><group name="lib"><package name="com/x">'
    '<class name="com/x/A" sourcefilename="A.java"><counter type="LINE" missed="1" covered="1"/>'
    '</class><sourcefile name="A.java"><line nr="3" mi="0" ci="2" mb="0" cb="0"/>'
    '<line nr="4" mi="1" ci="0" mb="0" cb="0"/><line nr="5" mi="1" ci="1" mb="0" cb="0"/>'
    '<line nr="6" mi="0" ci="0" mb="0" cb="0"/></sourcefile></package></group>'
    '<counter type="LINE" missed="1" covered="2"/></report>'
)
PYTHON_JSON = json.dumps(
    {
        "meta": {"version": "7.0"},
        "files": {
            "src/app/a.py": {
                "executed_lines": [1, 4],
                "missing_lines": [2],
                "summary": {"num_statements": 3},
            }
        },
        "totals": {"percent_covered": 66.7},
    }
)
READ: dict[str, tuple[str, Lines]] = {
    "Cobertura from the top": (cobertura("src/app/a.py"), A_OF_TWO),
    "Cobertura from a source below the root": (cobertura("a.py", f"{ROOT}/src/app"), A_OF_TWO),
    "Cobertura from another machine's source": (cobertura("app/a.py", "/ci/x/src"), A_OF_TWO),
    "Cobertura from a relative source": (cobertura("a.py", "src/app"), A_OF_TWO),
    "Cobertura of Windows": (cobertura("app\\a.py", "C:\\ci\\x\\src"), A_OF_TWO),
    "Cobertura of an absolute path": (cobertura(f"{ROOT}/src/app/a.py", "/x"), A_OF_TWO),
    "Cobertura with a DTD somewhere": (
        cobertura("src/app/a.py", doctype='<!DOCTYPE coverage SYSTEM "https://localhost/c.dtd">'),
        A_OF_TWO,
    ),
    "LCOV, a file twice": (
        "TN:\nSF:src/app/a.py\nFN:1,f\nDA:1,0\nDA:2,0\nLF:2\nLH:0\nend_of_record\n"
        "TN:x\r\nSF:/w/tree/src/app/a.py\r\nDA:1,3,checksum\r\nDA:4,1\r\nend_of_record\r\n",
        A_OF_TWO,
    ),
    "coverage.py JSON": (PYTHON_JSON, A_OF_TWO),
    "JaCoCo": (JACOCO, {"lib/src/main/java/com/x/A.java": ({3, 4, 5}, {3, 5})}),
    "a Go profile, blocks twice and side by side": (
        "mode: count\nexample.com/m/q/q.go:2.24,4.2 1 0\nexample.com/m/q/q.go:4.3,5.9 2 12\n"
        "mode: count\nexample.com/m/q/q.go:2.24,3.2 1 1\nexample.com/m/q/q.go:9.1,9.2 0 0\n",
        {"q/q.go": ({2, 3, 4, 5}, {2, 3, 4, 5})},
    ),
}


@pytest.mark.parametrize(("data", "expected"), READ.values(), ids=READ)
def test_every_format_is_read_into_the_same_lines(data: str, expected: Lines) -> None:
    report = read(data)

    assert lines_of(report) == expected
    assert report.left_out == 0


def test_a_byte_order_mark_is_no_obstacle() -> None:
    assert lines_of(read(b"\xef\xbb\xbf" + cobertura("src/app/a.py").encode())) == A_OF_TWO


def test_code_outside_the_repository_is_left_out_and_counted() -> None:
    record = "SF:{}\nDA:1,1\nend_of_record\n"
    paths = ("src/app/a.py", "/v/site-packages/x/a.py", "../a.py", "/etc/passwd")

    report = read("".join(record.format(path) for path in paths))

    assert lines_of(report) == {"src/app/a.py": ({1}, {1})}
    assert report.left_out == 3


def test_an_installed_copy_is_the_repositorys_file() -> None:
    report = read(cobertura("a.py", "/venv/lib/python3.12/site-packages/app"))

    assert lines_of(report) == A_OF_TWO


TOTALS = {
    "Cobertura": '<coverage lines-valid="10" lines-covered="8"><packages/></coverage>',
    "LCOV": "TN:\nSF:src/app/a.py\nLF:6\nLH:5\nend_of_record\n"
    "SF:src/app/b.py\nLF:4\nLH:3\nend_of_record\n",
    "JaCoCo": '<report name="x"><counter type="LINE" missed="2" covered="8"/></report>',
}


@pytest.mark.parametrize("data", TOTALS.values(), ids=TOTALS)
def test_totals_stand_in_where_no_line_is_named(data: str) -> None:
    assert read(data).total == Share(8, 10)


def test_a_report_of_nothing_has_no_total() -> None:
    assert read("mode: set\n").total is None
    assert read('<coverage lines-valid="0" lines-covered="0"/>').total is None


BOMB = '<!DOCTYPE c [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><coverage>&b;</coverage>'
UNREADABLE = {
    "empty": ("  \n", "is empty"),
    "not a report": ("hello\n", "no format that is known"),
    "bytes": (b"\x00\xff\x00", "no format that is known"),
    "a web page": ("<html><body/></html>", "<html>"),
    "an entity bomb": (BOMB, "defines XML entities"),
    "an entity of a file": (
        '<!DOCTYPE c [<!ENTITY a SYSTEM "file:///etc/passwd">]><coverage>&a;</coverage>',
        "defines XML entities",
    ),
    "XML that breaks off": ('<coverage><class filename="a.py">', "no element found"),
    "an unknown encoding": ('<?xml version="1.0" encoding="x-no"?><coverage/>', "unknown encoding"),
    "hits that are no number": (cobertura("a.py").replace('"7"', '"many"'), "hits='many'"),
    "a line below zero": (cobertura("a.py").replace('"4"', '"-4"'), "line -4 of 'a.py'"),
    "totals that cannot be": ('<coverage lines-valid="1" lines-covered="2"/>', "2 of 1"),
    "JSON of something else": ('{"a.js": {"path": "a.js"}}', "files: Field required"),
    "JSON that breaks off": ('{"files": {', "Invalid JSON"),
    "JSON nested without end": ('{"files":' + "[" * 100_000, "Invalid JSON"),
    "LCOV that breaks off": ("SF:src/app/a.py\nDA:1,1\n", "in the middle of the record"),
    "LCOV with words for numbers": ("SF:a\nDA:one,1\nend_of_record\n", "line 2 has 'one'"),
    "a Go profile with a broken line": ("mode: set\nq.go:1,2 1 1\n", "line 2 is no block"),
    "a Go block without end": ("mode: set\nq/q.go:1.1,9999999.1 1 1\n", "names line 1000001"),
    "a Go profile of more lines than there are": (
        "mode: set\n" + "q/q.go:1.1,999999.1 1 1\n" * 6,
        "more than 5,000,000 lines",
    ),
    "another repository's report": (
        "TN:\nSF:/other/x.py\nDA:1,1\nend_of_record\n",
        "'/other/x.py', is in the repository",
    ),
    "too large": (b"mode: set\n".ljust(100_000_001), "at most 100,000,000"),
}


@pytest.mark.parametrize(("data", "because"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_report_that_says_nothing_says_why(data: str | bytes, because: str) -> None:
    raw = data.encode() if isinstance(data, str) else data

    found = read_report(raw, root=ROOT, files=FILES)

    assert isinstance(found, UnreadableReport)
    assert because in found.because
    assert found.fix


def test_reports_in_well_known_places_are_found_the_top_first() -> None:
    listing = [
        "packages/b/coverage/lcov.info",
        "packages/a/coverage/lcov.info",
        "node_modules/x/coverage/lcov.info",
        "docs/my-coverage.xml",
        "core/target/site/jacoco/jacoco.xml",
        "coverage/lcov.info",
        "cover.out",
        "coverage.xml",
    ]

    assert find_reports(listing) == (
        "coverage.xml",
        "coverage/lcov.info",
        "cover.out",
        "packages/a/coverage/lcov.info",
        "packages/b/coverage/lcov.info",
        "core/target/site/jacoco/jacoco.xml",
    )


# Real reports.


PYTHON = {
    "pkg/__init__.py": "",
    "pkg/a.py": "def half(n):\n    if n % 2:\n        raise ValueError\n    return n // 2\n",
    "pkg/never.py": "x = 1\n",
    "tests/test_a.py": "import unittest\nfrom pkg.a import half\n\n\n"
    "class T(unittest.TestCase):\n    def test_half(self):\n        assert half(4) == 2\n",
    # Settings that would fail the run, or leave no report, if the command obeyed them.
    ".coveragerc": "[run]\nparallel = true\n[report]\nfail_under = 100\n",
}
PYTHON_LINES: Lines = {
    "pkg/__init__.py": (set(), set()),
    "pkg/a.py": ({1, 2, 3, 4}, {1, 2, 4}),
    "pkg/never.py": ({1}, set()),
    "tests/test_a.py": ({1, 2, 5, 6, 7}, {1, 2, 5, 6, 7}),
}
PYTHON_SUITES = {
    "pytest-cov": Suite("python -m pytest -p no:cacheprovider", Runner.PYTEST, ""),
    "coverage": Suite("python -m unittest discover -s tests", Runner.UNITTEST, ""),
}


@pytest.mark.parametrize(("tool", "suite"), PYTHON_SUITES.items(), ids=PYTHON_SUITES)
def test_a_real_report_of_python(tool: str, suite: Suite, tmp_path: Path) -> None:
    tree = tmp_path / "a tree"
    files = write(tree, PYTHON)
    report = tmp_path / "out" / "coverage.xml"
    report.parent.mkdir()
    command = suite.coverage_command(frozenset({tool}), str(report))
    assert command is not None

    assert run(command, tree).exit_code == 0

    found = read_report(report.read_bytes(), root=str(tree), files=files)
    assert isinstance(found, CoverageReport)
    assert lines_of(found) == PYTHON_LINES
    assert {p.name for p in tree.iterdir()} <= {"pkg", "tests", ".coveragerc"}


def test_a_real_report_of_coverage_json(tmp_path: Path) -> None:
    files = write(tmp_path, PYTHON | {".coveragerc": "[run]\nsource = pkg\n"})

    run(
        "python -m coverage run -m unittest discover -s tests; python -m coverage json -q", tmp_path
    )

    data = (tmp_path / "coverage.json").read_bytes()
    found = read_report(data, root=str(tmp_path), files=files)
    assert isinstance(found, CoverageReport)
    assert lines_of(found) == {p: n for p, n in PYTHON_LINES.items() if p.startswith("pkg")}


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_a_real_report_of_go(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        {
            "go.mod": "module example.com/half\n\ngo 1.20\n",
            "half.go": "package half\n\nfunc Half(n int) int {\n\tif n < 0 {\n\t\treturn 0\n\t}\n"
            "\treturn n / 2\n}\n",
            "half_test.go": 'package half\n\nimport "testing"\n\n'
            "func TestHalf(t *testing.T) { Half(4) }\n",
        },
    )
    report = tmp_path / "cover.out"
    command = Suite("go test ./...", Runner.GO, "").coverage_command(frozenset(), str(report))
    assert command is not None

    assert run(command, tmp_path).exit_code == 0

    found = read_report(report.read_bytes(), root=str(tmp_path), files=files)
    assert isinstance(found, CoverageReport)
    assert lines_of(found) == {"half.go": ({3, 4, 5, 6, 7}, {3, 4, 7})}


def _node_measures() -> bool:
    node = shutil.which("node")
    if node is None:
        return False
    version = subprocess.run((node, "--version"), capture_output=True, text=True).stdout
    return int(version.lstrip("v").partition(".")[0]) >= 20


@pytest.mark.skipif(not _node_measures(), reason="node 20 or newer is not installed")
def test_a_real_report_of_node(tmp_path: Path) -> None:
    files = write(
        tmp_path,
        {
            "src/half.js": "exports.half = (n) => {\n  if (n < 0) {\n    return 0;\n  }\n"
            "  return n / 2;\n};\n",
            "test/half.test.js": "const { test } = require('node:test');\n"
            "const { half } = require('../src/half.js');\n\ntest('half', () => half(4));\n",
        },
    )

    report = run("node --test --experimental-test-coverage --test-reporter=lcov test/*", tmp_path)

    found = read_report(report.output.encode(), root=str(tmp_path), files=files)
    assert isinstance(found, CoverageReport)
    assert found.files["src/half.js"].executable == {1, 2, 3, 4, 5, 6}
    assert found.files["src/half.js"].covered.isdisjoint({3})
