"""The gates of a whole run, on reports and findings as the repository's own tools leave them."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.adapters.run_folder import RunFolder
from tests.support.scripted_model import ScriptedModel, call, finish
from tests.support.world import GATES_OFF, World, make_world, plan, work

FILES = {
    "shop.py": '"""A shop."""\n\n\ndef price(n):\n    """Return a price."""\n    return n * 2\n',
    "test_shop.py": "import unittest\n\nimport shop\n\n\nclass T(unittest.TestCase):\n"
    "    def test_it(self):\n        self.assertEqual(shop.price(2), 4)\n",
}
LCOV = "SF:shop.py\nDA:4,1\nDA:6,1\nDA:9,0\nDA:10,1\nend_of_record\n"
JACOCO = """\
<report name="shop"><package name=""><sourcefile name="shop.py">
<line nr="4" mi="0" ci="1"/><line nr="6" mi="0" ci="1"/>
<line nr="9" mi="1" ci="0"/><line nr="10" mi="0" ci="1"/>
</sourcefile></package></report>
"""
SARIF = """\
{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "own"}}, "results": [
 {"ruleId": "old", "level": "error", "message": {"text": "was there"}, "locations":
  [{"physicalLocation": {"artifactLocation": {"uri": "shop.py"}, "region": {"startLine": 4}}}]},
 {"ruleId": "new", "level": "error", "message": {"text": "came with it"}, "locations":
  [{"physicalLocation": {"artifactLocation": {"uri": "shop.py"}, "region": {"startLine": 9}}}]}
]}]}
"""
ADDS = r"printf '\n\ndef tax(n):\n    return n\n' >> shop.py"
OTHERS_OFF = "docs: {enabled: false}\n"
NO_REVIEW, NO_COVERAGE = "review: {enabled: false}\n", "coverage: {enabled: false}\n"


def ran(tmp_path: Path, tests: str, more: str, files: dict[str, str | bytes]) -> World:
    settings = f"tests: {{command: '{tests}'}}\n{OTHERS_OFF}{more}"
    return make_world(tmp_path, {**FILES, **files}, settings=settings)


@pytest.mark.parametrize(
    ("name", "report"),
    [("out/found.info", LCOV), ("out/found.xml", JACOCO)],
    ids=["lcov", "jacoco"],
)
def test_a_report_that_the_settings_name_is_judged(tmp_path: Path, name: str, report: str):
    tests = f"python -m unittest && mkdir out && cp kept {name}"
    world = ran(tmp_path, tests, f"coverage: {{report: {name}}}\n{NO_REVIEW}", {"kept": report})
    done = world.run(plan(work("a", ADDS, files=["shop.py"])))
    gate = done.gate("coverage")
    assert (gate["status"], gate["value"], done.exit_code) == ("failed", 75.0, 1)
    assert ("shop.py", 9) in {(one["path"], one["line"]) for one in gate["findings"]}


def test_a_report_that_was_committed_proves_nothing(tmp_path: Path):
    world = ran(tmp_path, "python -m unittest", NO_REVIEW, {"lcov.info": LCOV.replace(",0", ",1")})
    done = world.run(plan(work("a", ADDS, files=["shop.py"])))
    assert done.gate("tests")["status"] == "passed"
    assert (done.gate("coverage")["status"], done.exit_code) == ("not_run", 1)


def test_what_gates_wrote_before_they_were_killed_is_gone(tmp_path: Path):
    folder = RunFolder(tmp_path)
    (folder.attempt("gates-1") / "tmp" / "coverage-report").touch()
    assert list((folder.attempt("gates-1") / "tmp").iterdir()) == []


def test_an_analyzer_that_the_settings_name_is_heard_on_changed_lines(tmp_path: Path):
    own = "review: {analyzers: [{name: own, run: cat kept}]}\n"
    world = ran(tmp_path, "python -m unittest", own + NO_COVERAGE, {"kept": SARIF})
    done = world.run(plan(work("a", ADDS, files=["shop.py"])))
    gate = done.gate("review")
    assert gate["status"] == "failed"
    assert [(f["rule"], f["line"]) for f in gate["findings"] if "own" in f["rule"]] == [
        ("own/new", 9)
    ]


def test_tests_that_became_unreadable_are_a_finding(tmp_path: Path):
    own = "review: {analyzers: [{name: own, run: cat kept}]}\n"
    clean = '{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "own"}}, "results": []}]}'
    world = ran(tmp_path, "true", own + NO_COVERAGE, {"kept": clean})
    spoils = r"printf '\377\000' >> test_shop.py"
    done = world.run(plan(work("a", spoils, files=["test_shop.py"])))
    rules = [finding["rule"] for finding in done.gate("review")["findings"]]
    assert "weakened-test/unreadable" in rules


FINDING = {"path": "shop.py", "line": 9, "severity": "critical", "rule": "tax", "message": "free"}
ONLY_REVIEW = "tests: {enabled: false}\ndocs: {enabled: false}\n" + NO_COVERAGE


def test_what_a_reviewer_found_is_mended_and_the_review_then_passes(tmp_path: Path):
    world = make_world(tmp_path, FILES, settings=ONLY_REVIEW)
    looks = [call("todo", done=[1]), finish(score=4, findings=[FINDING])]
    mends = [call("edit_file", path="shop.py", old="def tax(n)", new="def tax(n=1)")]
    mends += [call("todo", done=[1]), finish()]
    review = work("r", kind="review", files=[], needs=["a"])
    with ScriptedModel([*looks, *mends]) as model:
        world.env |= {"ORCHESTRATE_BASE_URL": model.base_url, "ORCHESTRATE_MODEL": "scripted-1"}
        done = world.run(plan(work("a", ADDS, files=["shop.py"]), review))
    assert (done.exit_code, done.report["iterations"]) == (0, 2), done
    assert done.gate("review")["value"] == 10.0


LOOKS_AT_NOTHING = {
    "who made it gives itself a score": {"files": ["a.txt"]},
    "a reviewer that began before there was anything to see": {"kind": "review", "files": []},
}


@pytest.mark.parametrize("who", LOOKS_AT_NOTHING.values(), ids=LOOKS_AT_NOTHING)
def test_a_score_of_nobody_who_looked_passes_nothing(tmp_path: Path, who: dict[str, object]):
    world = make_world(tmp_path, settings=ONLY_REVIEW)  # nothing that an analyzer reads
    writes = [call("write_file", path="a.txt", content="a\n")] if "kind" not in who else []
    with ScriptedModel([*writes, call("todo", done=[1]), finish(score=10)]) as model:
        world.env |= {"ORCHESTRATE_BASE_URL": model.base_url, "ORCHESTRATE_MODEL": "scripted-1"}
        agent = work("r", engine="builtin", **who)
        done = world.run(plan(agent, work("z", "echo z > z.txt")))
    assert (done.gate("review")["status"], done.exit_code) == ("not_run", 1), done


def test_what_the_tests_are_is_not_for_the_change_to_say(tmp_path: Path):
    """A second language and a Makefile would make `make test` the command: here it lies."""
    files = {
        "shop.py": '"""A shop."""\n\nPRICE = 2\n',
        "test_shop.py": "import unittest\n\nimport shop\n\n\nclass T(unittest.TestCase):\n"
        "    def test_it(self):\n        self.assertEqual(shop.PRICE, 2)\n",
    }
    only_tests = GATES_OFF.replace("tests: {enabled: false}", "tests: {enabled: true}")
    world = make_world(tmp_path, files, settings=only_tests)
    lie = r"printf 'test:\n\t@echo 1 passed, 0 failed\n' > Makefile"
    second = """echo '{"scripts": {"test": "true"}}' > package.json"""
    broken = "sed -i s/2/3/ shop.py"
    done = world.run(plan(work("a", lie, second, broken, files=["**"])))
    assert done.exit_code == 1
    assert done.gate("tests")["status"] == "failed"
