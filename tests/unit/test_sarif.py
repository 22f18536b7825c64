"""SARIF as tools write it becomes findings; a report that proves nothing says so."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.sarif import UnreadableSarif, read_sarif
from bot.core.gates import Finding, Severity

ROOT = "/srv/repo"


def location(uri: str | None = "src/a.py", line: Any = 3, **more: Any) -> dict[str, Any]:
    artifact = {} if uri is None else {"uri": uri}
    return {
        "physicalLocation": {"artifactLocation": artifact | more, "region": {"startLine": line}}
    }


def result(**more: Any) -> dict[str, Any]:
    return {"ruleId": "R1", "message": {"text": "wrong"}, "locations": [location()]} | more


def report(*results: Any, rules: Any = (), name: str = "Tool", **run: Any) -> str:
    driver = {"name": name, "rules": list(rules)}
    return json.dumps(
        {
            "version": "2.1.0",
            "runs": [{"tool": {"driver": driver} | run.pop("tool", {}), "results": results} | run],
        }
    )


def one(text: str | bytes, root: str = ROOT) -> Finding:
    findings = read_sarif(text, root=root)
    assert isinstance(findings, tuple), findings
    (finding,) = findings
    return finding


def why(text: str | bytes) -> str:
    read = read_sarif(text, root=ROOT)
    assert isinstance(read, UnreadableSarif), read
    return read.why


def rule(**more: Any) -> dict[str, Any]:
    return {"id": "R1"} | more


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        pytest.param(report(result(level="error")), "high", id="an error is high"),
        pytest.param(report(result(level="warning")), "medium", id="a warning is medium"),
        pytest.param(report(result(level="note")), "low", id="a note is low"),
        pytest.param(report(result()), "medium", id="no level at all is a warning"),
        pytest.param(report(result(level="@odd")), "medium", id="an unknown level is a warning"),
        pytest.param(
            report(result(), rules=[rule(defaultConfiguration={"level": "error"})]),
            "high",
            id="the rule's level stands in for the result's",
        ),
        pytest.param(
            report(
                result(ruleIndex=1),
                rules=[{"id": "R0"}, rule(defaultConfiguration={"level": "note"})],
            ),
            "low",
            id="the rule is found by its index",
        ),
        pytest.param(
            report(
                result(ruleIndex=0),
                rules=[{"id": "R0"}, rule(defaultConfiguration={"level": "note"})],
            ),
            "low",
            id="an index that points at another rule is not believed",
        ),
        pytest.param(
            report(result(ruleIndex=99), rules=[rule(defaultConfiguration={"level": "note"})]),
            "low",
            id="an index past the end is not believed",
        ),
        pytest.param(
            report(result(ruleId="R1/sub"), rules=[rule(defaultConfiguration={"level": "error"})]),
            "high",
            id="a sub-rule has its parent's level",
        ),
        pytest.param(
            report(
                result(rule={"index": 0, "toolComponent": {"index": 0}}),
                tool={
                    "extensions": [
                        {"name": "x", "rules": [rule(defaultConfiguration={"level": "error"})]}
                    ]
                },
            ),
            "high",
            id="the rule is in an extension",
        ),
        pytest.param(
            report(result(level="note", properties={"security-severity": "9.8"})),
            "critical",
            id="security severity comes before the level",
        ),
        pytest.param(
            report(result(), rules=[rule(properties={"security-severity": 7})]),
            "high",
            id="security severity stands at the rule",
        ),
        pytest.param(
            report(result(properties={"security-severity": "4.0"})), "medium", id="4.0 is medium"
        ),
        pytest.param(
            report(result(properties={"security-severity": "0.1"})), "low", id="0.1 is low"
        ),
        pytest.param(
            report(result(level="error", properties={"security-severity": "NaN"})),
            "high",
            id="a security severity that is no number is not believed",
        ),
        pytest.param(
            report(result(level="error", properties={"security-severity": "1e400"})),
            "high",
            id="nor is one that is infinite",
        ),
        pytest.param(report(result(rank=95.0)), "critical", id="rank counts where no level is"),
        pytest.param(report(result(level="note", rank=95.0)), "low", id="a level beats the rank"),
        pytest.param(report(result(rank=-1.0)), "medium", id="rank -1 means that there is none"),
        pytest.param(
            report(
                result(properties={"issue_severity": "MEDIUM"}, ruleIndex=0),
                rules=[rule(defaultConfiguration={"level": "error"})],
            ),
            "medium",
            id="bandit's own severity beats its rule's level",
        ),
        pytest.param(
            report(result(level="error", ruleId="D103"), name="ruff"),
            "low",
            id="ruff calls a missing docstring an error",
        ),
        pytest.param(
            report(result(level="error", ruleId="F841"), name="ruff"), "medium", id="an unused name"
        ),
        pytest.param(
            report(result(level="error", ruleId="S602"), name="ruff"), "high", id="a shell is high"
        ),
        pytest.param(
            report(result(level="error", ruleId="errcheck"), name="golangci-lint"),
            "medium",
            id="golangci-lint calls everything an error",
        ),
    ],
)
def test_severity(text: str, severity: str) -> None:
    assert one(text).severity == Severity(severity)


@pytest.mark.parametrize(
    ("given_location", "path"),
    [
        pytest.param(location("src/a.py"), "src/a.py", id="relative"),
        pytest.param(location("./src/a.py"), "src/a.py", id="with a dot"),
        pytest.param(location("src/../b.py"), "b.py", id="up and down inside"),
        pytest.param(location("src/a%20b%C3%A9.py"), "src/a bé.py", id="percent-encoded"),
        pytest.param(location("file:///srv/repo/src/a%20b.py"), "src/a b.py", id="file URI"),
        pytest.param(location("file://localhost/srv/repo/a.py"), "a.py", id="file URI with host"),
        pytest.param(location("file:/srv/repo/a.py"), "a.py", id="file URI with one slash"),
        pytest.param(location("/srv/repo/a.py"), "a.py", id="absolute"),
        pytest.param(location("src\\a.py"), "src/a.py", id="backslashes"),
        pytest.param(location("a.py", uriBaseId="SRC"), "src/a.py", id="base id"),
        pytest.param(location("a.py", uriBaseId="IN"), "src/in/a.py", id="base id of a base id"),
        pytest.param(location("a.py", uriBaseId="LOOP"), "x/a.py", id="base ids in a circle"),
        pytest.param(location("a.py", uriBaseId="%SRCROOT%"), "a.py", id="base id without a URI"),
        pytest.param(location(None, index=0), "listed.py", id="in the list of artifacts"),
    ],
)
def test_path(given_location: dict[str, Any], path: str) -> None:
    text = report(
        result(locations=[given_location]),
        originalUriBaseIds={
            "SRC": {"uri": "file:///srv/repo/src/"},
            "IN": {"uri": "in/", "uriBaseId": "SRC"},
            "LOOP": {"uri": "x/", "uriBaseId": "LOOP"},
        },
        artifacts=[{"location": {"uri": "listed.py"}}],
    )
    assert one(text).path == path


@pytest.mark.parametrize("uri", ["file:///C:/Work/repo/src/a.py", "c:\\Work\\repo\\src\\a.py"])
def test_windows_path(uri: str) -> None:
    assert one(report(result(locations=[location(uri)])), root="C:\\Work\\repo").path == "src/a.py"


@pytest.mark.parametrize(
    "uri",
    ["../a.py", "/etc/passwd", "file:///srv/repository/a.py", "file:///srv/repo/../x",
     "%2e%2e/a.py",
     "https://example.invalid/a.py", "file://other/srv/repo/a.py", "a%00.py", "D:\\a.py",
     "..%5Ca.py", "\\\\host\\share\\a.py"],
)  # fmt: skip
def test_a_result_outside_the_repository_is_left_out_and_counted(uri: str) -> None:
    outside = result(locations=[location(uri)])
    assert why(report(outside)) == "every result (1) is about a file outside the repository"
    findings = read_sarif(report(outside, result()), root=ROOT)
    assert isinstance(findings, tuple)
    kept, counted = findings
    assert kept.path == "src/a.py"
    assert counted.path is None
    assert counted.message.endswith(": 1 results")


def test_the_first_location_in_the_repository_counts() -> None:
    where = [location("/usr/include/x.h"), location("a.py", 7)]
    assert one(report(result(locations=where))).line == 7


@pytest.mark.parametrize(
    "locations",
    [[], None, [{}], [{"physicalLocation": {}}]],
    ids=["none", "null", "an empty one", "one without a file"],
)
def test_a_result_without_a_place_is_kept(locations: Any) -> None:
    assert one(report(result(locations=locations))).path is None


@pytest.mark.parametrize("line", [0, -1, None])
def test_a_line_that_cannot_be_is_no_line(line: Any) -> None:
    assert one(report(result(locations=[location(line=line)]))).line is None


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"suppressions": [{"kind": "inSource", "status": "accepted"}]}, 0),
        ({"suppressions": [{"kind": "inSource"}]}, 0),
        ({"suppressions": [{"kind": "external", "status": "underReview"}]}, 1),
        ({"suppressions": [{"status": "accepted"}, {"status": "rejected"}]}, 1),
        ({"suppressions": []}, 1),
        ({"level": "none"}, 0),
        ({"kind": "pass"}, 0),
    ],
)
def test_what_is_waived_or_no_problem_is_skipped(more: dict[str, Any], count: int) -> None:
    findings = read_sarif(report(result(**more)), root=ROOT)
    assert isinstance(findings, tuple)
    assert len(findings) == count


def test_the_message_is_filled_from_the_rule() -> None:
    text = report(
        result(message={"id": "m", "arguments": ["x", "{0}" * 9]}),
        rules=[rule(messageStrings={"m": {"text": "{0}\nis  not {1}"}})],
    )
    assert one(text).message == "x is not " + "{0}" * 9


def test_all_runs_are_read_and_tools_named() -> None:
    runs = [json.loads(report(result(), name=name))["runs"][0] for name in ("Bandit", "ESLint")]
    findings = read_sarif(json.dumps({"version": "2.1.0", "runs": runs}), root=ROOT)
    assert isinstance(findings, tuple)
    assert [finding.rule for finding in findings] == ["bandit/R1", "eslint/R1"]
    assert [f.rule for f in read_sarif(report(result()), root=ROOT, tool_hint="mine")] == [
        "mine/R1"
    ]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the report is empty"),
        ("ruff: command not found", "not SARIF 2.1.0"),
        ("[]", "not SARIF 2.1.0"),
        ('{"version": "2.1.0"', "not SARIF 2.1.0"),
        ('{"version": "2.1.0"}', "not SARIF 2.1.0: runs: Field required"),
        ('{"version": "1.0.0", "runs": []}', "SARIF version '1.0.0' is not 2.1.0"),
        ('{"version": "2.1.0", "runs": []}', "the report holds no run of any tool"),
        ('{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "X"}}}]}', "did not look"),
        (report(result(locations=7)), "not SARIF 2.1.0: runs.0.results.0.locations"),
        (b"\xff\xfe\x00", "not UTF-8"),
        (b'{"version": "2.1.0\xff"}', "not UTF-8"),
        ("[" * 100_000, "not SARIF 2.1.0"),
        (b" " * 50_000_001, "larger than 50 MB"),
        (
            report(invocations=[
                {"executionSuccessful": False, "exitCode": 2,
                 "toolExecutionNotifications": [{"message": {"text": "no config"}}]}
            ]),
            "tool says that it failed: no config; exit code 2",
        ),
    ],
    ids=["empty", "a shell's complaint", "a list", "cut off", "no runs", "too old", "no run",
         "no results", "a wrong type", "cut UTF-16", "no UTF-8", "deep", "too large", "failed"],
)  # fmt: skip
def test_a_report_that_proves_nothing(text: str | bytes, reason: str) -> None:
    assert reason in why(text)


def test_golangci_lint_writes_null_for_nothing_found() -> None:
    run = '{"tool": {"driver": {"name": "golangci-lint"}}, "results": null}'
    assert read_sarif(f'{{"version": "2.1.0", "runs": [{run}]}}', root=ROOT) == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_byte_order_mark_is_no_obstacle(encoding: str) -> None:
    assert one(report(result()).encode(encoding)).rule == "tool/R1"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["uri", "text", "id", "index", "level", "region", "startLine", "rank"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["ruleId", "ruleIndex", "rule", "level", "kind", "rank", "message", "locations",
             "properties", "suppressions"]
        ),
        json_values,
    ),
    st.text(max_size=30),
)  # fmt: skip
def test_no_report_brings_it_down(more: dict[str, Any], uri: str) -> None:
    read_sarif(report(result(**more)), root=ROOT)
    findings = read_sarif(report(result(locations=[location(uri)])), root=ROOT)
    if isinstance(findings, tuple):
        assert all(".." not in (finding.path or "").split("/") for finding in findings)
