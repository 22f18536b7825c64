"""Which lines of a comment are commands, what they say, and what is answered to the others."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.core.gates import GateName
from bot.core.github.commands import (
    COMMANDS,
    MAX_COMMANDS,
    Approve,
    ApprovePaid,
    Cancel,
    Help,
    MakePlan,
    Misread,
    Orchestrate,
    Override,
    Replan,
    Retry,
    Status,
    mentions_command,
    read_commands,
)


def only(body):
    (command,) = read_commands(body)
    return command


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/retry", Retry("/retry")),
        ("/retry a b-2", Retry("/retry a b-2", ("a", "b-2"))),
        ("/retry a, b,c a", Retry("/retry a, b,c a", ("a", "b", "c"))),
        ("/Retry Tests", Retry("/Retry Tests", ("tests",))),
        ("/retry `a`", Retry("/retry `a`", ("a",))),
        ("/retry a because x", Retry("/retry a because x", ("a",), "x")),
        ("/approve", Approve("/approve")),
        ("/approve migrate  ", Approve("/approve migrate", "migrate")),
        ("/cancel", Cancel("/cancel")),
        ("/cancel because: wrong", Cancel("/cancel because: wrong", "wrong")),
        ("/status", Status("/status")),
        ("/orchestrate", Orchestrate("/orchestrate")),
        ("/plan\t", MakePlan("/plan")),
        ("/help", Help("/help")),
        ("/replan because a", Replan("/replan because a", "a")),
        (
            "/override orchestrate/Tests because x",
            Override("/override orchestrate/Tests because x", GateName.TESTS, "x"),
        ),
    ],
)
def test_a_line_is_read_as_the_command_it_is(line, command):
    assert only(line) == command


@pytest.mark.parametrize(
    ("arguments", "provider", "usd"),
    [
        ("", None, None),
        ("openai", "openai", None),
        ("2", None, Decimal(2)),
        ("OpenAI 2.00", "openai", Decimal("2.00")),
        ("z-ai $0.000001", "z-ai", Decimal("0.000001")),
        ("openai 10000", "openai", Decimal(10_000)),
        ("302ai 2", "302ai", Decimal(2)),
    ],
)
def test_money_is_read_with_and_without_provider_and_amount(arguments, provider, usd):
    found = only(f"/approve-paid {arguments} because it is hard")
    assert isinstance(found, ApprovePaid)
    assert (found.provider, found.usd, found.because) == (provider, usd, "it is hard")


@pytest.mark.parametrize(
    "amount",
    ["2,00", "0", "-1", "10000.01", "10001", "0.0000001", "1_0", "٢", "2.", ".5", "€2", "$"],
)
def test_an_amount_that_is_not_certain_is_not_guessed(amount):
    found = only(f"/approve-paid openai {amount} because x")
    assert isinstance(found, Misread)
    assert amount in found.because
    assert "2.00" in found.fix or "/approve-paid" in found.fix


@pytest.mark.parametrize("word", ["NaN", "Infinity", "1e3", "2usd"])
def test_a_word_is_never_an_amount(word):
    found = only(f"/approve-paid openai {word} because x")
    assert isinstance(found, Misread)


@pytest.mark.parametrize(
    ("line", "because"),
    [
        ("/approve-paid openai 2", "a reason is missing"),
        ("/approve-paid openai 2 because", "nothing follows"),
        ("/approve-paid openai 2 because …", "nothing follows"),
        ("/approve-paid openai 2 for the tests", "for is too much"),
        ("/approve-paid open/ai 2 because x", "open/ai is not the name of a provider"),
        ("/retry tests because …", "nothing follows"),
        ("/retry ../x", "../x is not the id"),
        ("/retry " + "a " * 300, "300 workstreams, of at most 256"),
        ("/approve a b", "more than one workstream"),
        ("/cancel implement", "the whole run"),
        ("/status now", "takes nothing"),
        ("/plan because x", "takes nothing"),
        ("/replan", "a reason is missing"),
        ("/replan it all", "follows the word because"),
        ("/override because x", "one gate: tests, coverage, review, docs"),
        ("/override lint because x", "one gate"),
        ("/override tests", "a reason is missing"),
    ],
)
def test_a_command_with_something_wrong_says_what_and_how_it_is_written(line, because):
    found = only(line)
    assert isinstance(found, Misread)
    assert because in found.because
    assert found.fix.startswith(f"Write {line.split()[0]}")


def test_an_unknown_word_is_answered_with_the_nearest_and_the_list():
    found = only("/retyr tests")
    assert isinstance(found, Misread)
    assert found.fix.startswith("Did you mean '/retry'?")
    assert all(f"/{spec.name}" in found.fix for spec in COMMANDS)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("please /retry", id="inside a line"),
        pytest.param(" /retry", id="indented"),
        pytest.param("    /retry", id="indented code"),
        pytest.param("/usr/bin/foo", id="a path"),
        pytest.param("/ retry", id="a slash alone"),
        pytest.param("//retry", id="two slashes"),
        pytest.param("/retry_all", id="another word"),
        pytest.param("/" + "a" * 65_000, id="a word without end"),
        pytest.param("> /retry", id="quoted"),
        pytest.param("- /retry", id="in a list"),
        pytest.param("```\n/retry\n```", id="in a fence"),
        pytest.param("~~~ sh\n/retry\n```\n/retry", id="in a fence that does not end"),
        pytest.param("````\n```\n/retry\n````", id="in a longer fence"),
        pytest.param("```\r\n/retry\r\n```", id="in a fence from Windows"),
        pytest.param("so `a\n/retry\nb` it", id="in a code span over lines"),
        pytest.param("<!--\n/retry\n-->", id="in a comment"),
        pytest.param("a <!-- b\n/retry\n--> c", id="in a comment inside a line"),
        pytest.param("<!-- never ends\n/retry", id="in a comment that does not end"),
        pytest.param("<pre>\n/retry\n</pre>", id="in preformatted text"),
        pytest.param("a\r/retry", id="after a line end that starts no workflow"),
        pytest.param("a\u2028/retry", id="after a line end of some programs"),
    ],
)
def test_what_is_not_the_beginning_of_a_line_of_prose_is_no_command(body):
    assert read_commands(body) == ()


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("Thanks.\r\n/retry\r\n", id="from Windows"),
        pytest.param("> why?\n/retry", id="right below a quote"),
        pytest.param("> ```\n/retry\n> ```", id="between quoted fences"),
        pytest.param("```\nx\n```\n/retry", id="after a fence"),
        pytest.param("``` a ``` b\n/retry", id="after code that looks like a fence"),
        pytest.param("`\n\n/retry\n\n`", id="between lonely backticks"),
        pytest.param("- a `\n/retry\n- b `", id="between the backticks of two items"),
        pytest.param("`<!--`\n/retry", id="after a comment's mark in code"),
        pytest.param("a <!-- b\n/retry", id="after a comment's mark inside a line"),
        pytest.param("<!-- a --> b\n/retry", id="after a comment"),
        pytest.param("a <!-- b\n\n/retry\n\n--> c", id="between the marks of two paragraphs"),
    ],
)
def test_a_command_is_found_after_what_only_looks_like_code(body):
    assert [type(command) for command in read_commands(body)] == [Retry]


def test_commands_are_read_in_order_and_only_so_many():
    found = read_commands("/help\n" + "/status\ntext\n" * MAX_COMMANDS)
    assert [type(command) for command in found] == [Help] + [Status] * (MAX_COMMANDS - 1) + [
        Misread
    ]
    assert f"more than {MAX_COMMANDS} commands" in found[-1].because


def test_a_line_is_shown_cut():
    assert len(only("/replan because " + "x" * 60_000).line) == 200


@pytest.mark.parametrize("spec", COMMANDS, ids=lambda spec: spec.name)
def test_every_example_of_the_table_is_read_as_its_command(spec):
    found = [only(example) for example in spec.examples]
    assert {type(command) for command in found} == {type(only(spec.examples[0]))} != {Misread}
    assert spec.usage.split()[0] == f"/{spec.name}"


PIECES = st.sampled_from(
    [
        *("/retry", "/x", "`", "``", "```", "~~~", "\n", "\n", "\n\n", "\r\n", "\r", " ", "    "),
        *("<!--", "-->", "<pre>", "</pre>", "- ", "1. ", "# ", "> ", "\\", "a", "\t", "\u2028"),
    ]
)
BODIES = st.lists(PIECES, max_size=30).map("".join) | st.text(alphabet="/ \n\r`~a>", max_size=40)


@given(BODIES)
def test_whatever_is_read_also_started_the_workflow(body):
    assert mentions_command(body) == (body.startswith("/") or "\n/" in body)
    assert mentions_command(body) or not read_commands(body)


@given(BODIES)
@settings(max_examples=1000, deadline=None)
def test_no_command_stands_in_what_is_shown_as_code(body):
    """The judge is a parser of Markdown that is not ours."""
    code = []
    for token in MarkdownIt("commonmark").parse(body):
        inner = token.children or []
        code += [t.content for t in inner if t.type == "code_inline"]
        hidden = token.type == "html_block" and token.content.lstrip().startswith(("<pre", "<!--"))
        code += [token.content] if hidden or token.type in {"fence", "code_block"} else []
    shown = sum(text.count("/retry") for text in code)
    written = sum(isinstance(c, Retry) for c in read_commands(body))
    assert written <= body.count("/retry") - shown


@pytest.mark.parametrize(
    "piece", ["/retry\n", "`", "` ", "```\n", "a <!-- ", "<pre", "> ", "\n", "\\", "/a" * 20 + "\n"]
)
def test_the_longest_comment_is_read_once(piece):
    """Quadratic work on twenty of the longest comments would outlast the suite's time limit."""
    body = "/status\n" + piece * (20 * 65_536 // len(piece))
    assert read_commands(body)[0] == Status("/status")
