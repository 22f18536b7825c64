"""What others wrote is posted so that it acts on nobody, and can still be read."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.core.github.defuse import BREAK, defuse, inline, mermaid_label, title

PIECES = st.sampled_from(
    [
        *("@everyone", "@org/team", "_@bob_", "&#64;bob", "&commat;bob", "a@b.c", "@"),
        *("closes #1", "Fixes: o/r#2", "resolve **#3**", "fixed https://github.com/o/r/issues/4"),
        *("closes", "fix", " #", "GH-7", "[#1](x)", "&#35;1", "_#1_", ":", "o/r#2"),
        *("/retry", "/approve-paid openai 9 because", "/", "::set-output name=a::b", "##[error]x"),
        *("<!-- orchestrate:42:status -->", "<!--", "-->", "<img src=x>", "</details>", "<", "<?p"),
        *("![a](http://x/y)", "!", "[", "](x)", "|", "\\", "`", "``", "&", "&lt;", ";", "#"),
        *("```", "````", "~~~", "```yaml", "``` a ``` b", "- ```", "1. ```", "2. ```", "  ```"),
        *("   ```", "    ```", "\t```", "> ```", "* - ~~~", " ", "  ", "\t", "\n", "\n\n", "\r\n"),
        *(
            "\r",
            "\u2028",
            "\x0b",
            "\x85",
            "\u202e",
            "\u200f",
            "\u200b",
            "\ufeff",
            "\x1b[31m",
            "\x00",
        ),
        *("\ud800", "\U000e0041", "a", "word", "1", "日本", "ש", "- ", "2. ", "> ", "---", "…"),
    ]
)
TEXTS = st.lists(PIECES, max_size=25).map("".join) | st.text(max_size=60)

ACTS = {
    "a mention": r"(?:^|[^A-Za-z0-9])@[A-Za-z0-9]",
    "a closing keyword": r"(?im)\b(?:close[sd]?|fix(?:es|ed)?|resolve[sd]?)\b:?[\s*_(\[]+"
    r"(?:#\d|GH-\d|https?:|[\w.-]+/[\w.-]+#\d)",
    "a command": r"(?m)^\s*/[A-Za-z]",
    "a workflow command": r"(?m)^\s*::|##\[",
    "HTML": r"<[A-Za-z/!?]",
    "an entity": r"&#?[A-Za-z0-9]+;",
    "an image": r"!\[",
    "an unseen character": "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069"
    "\ufeff\u2028\u2029\ud800-\udfff\U000e0041]",
}


def acts(text: str) -> list[str]:
    return [what for what, pattern in ACTS.items() if re.search(pattern, text)]


@given(TEXTS, st.integers(100, 400))
@settings(max_examples=500, deadline=None)
def test_nothing_that_acts_survives_and_what_follows_is_no_code(text, limit):
    safe = defuse(text, limit)
    assert acts(safe) == []
    assert len(safe) <= limit
    assert defuse(safe, limit) == safe
    last = MarkdownIt("commonmark").enable("table").parse(f"{safe}\n\nour own words")[-3:]
    assert [token.type for token in last] == ["paragraph_open", "inline", "paragraph_close"]
    assert (last[1].content, last[0].level) == ("our own words", 0)


@given(TEXTS, st.integers(5, 80))
@settings(max_examples=300, deadline=None)
def test_a_line_stays_one_line_and_one_cell(text, limit):
    safe = inline(text, limit)
    assert acts(safe) == []
    assert not set("\n\r|`") & set(safe)
    assert len(safe) <= limit
    assert inline(safe, limit) == safe
    rows = MarkdownIt("commonmark").enable("table").parse(f"|a|b|\n|-|-|\n|{safe}|our own|")
    assert [token.content for token in rows if token.type == "inline"][-1] == "our own"


@given(TEXTS)
def test_a_title_is_one_line_that_acts_on_nobody(text):
    safe = title(text)
    assert acts(safe) == []
    assert 0 < len(safe) <= 256
    assert "\n" not in safe
    assert title(safe) == safe


@given(TEXTS)
def test_a_label_cannot_leave_its_quotes(text):
    safe = mermaid_label(text)
    assert not set('"[]{}()<>|`#;&@%\\\n') & set(safe)
    assert 0 < len(safe) <= 60
    assert mermaid_label(safe) == safe


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        pytest.param("Thanks @bob!", f"Thanks @{BREAK}bob!", id="a mention stays readable"),
        pytest.param("mail a@b.c", "mail a@b.c", id="an address is no mention"),
        pytest.param("see #12", "see #12", id="a reference alone still links"),
        pytest.param("closes #1", f"c{BREAK}loses #1", id="a keyword before a reference"),
        pytest.param("This fixes 1 bug", "This fixes 1 bug", id="a keyword before a number"),
        pytest.param("x\r\n/retry", f"x\n{BREAK}/retry", id="a command"),
        pytest.param("see /etc", "see /etc", id="a path inside a line"),
        pytest.param("List<str>", f"List<{BREAK}str>", id="a type, as if it were HTML"),
        pytest.param("a < b && c", "a < b && c", id="operators"),
        pytest.param("![x](u)", f"!{BREAK}[x](u)", id="an image becomes a link"),
        pytest.param("```py\nx = 1\n```\nend", "```py\nx = 1\n```\nend", id="code stays code"),
        pytest.param(
            "- a:\n  ```\n  x\n  ```\nend", "- a:\n  ```\n  x\n  ```\nend", id="in a list"
        ),
        pytest.param("```\nx", "```\nx\n```", id="an open fence is closed"),
        pytest.param("- ```\n  x\ny", f"- {BREAK}```\n  x\ny", id="a fence that its list ends"),
        pytest.param("wow\u202egnp.exe", "wowgnp.exe", id="a turned direction"),
    ],
)
def test_text_changes_where_it_would_act_and_nowhere_else(text, safe):
    assert defuse(text, 200) == safe


def test_a_long_text_is_cut_and_its_code_ends():
    safe = defuse("```\n" + "x\n" * 500, 100)
    assert safe.endswith("x…\n```")
    assert len(safe) <= 100


@pytest.mark.parametrize(
    "piece",
    [
        "@",
        "closes ",
        "closes a/",
        "<!--",
        " ```a\n",
        "```\n",
        "&a",
        "`",
        "\n ",
        "- ",
        "1. ",
        "_",
        "\\",
    ],
)
def test_a_long_text_of_one_piece_is_read_once(piece):
    """Quadratic work on a megabyte would outlast every time limit of the suite."""
    text = piece * (1_000_000 // len(piece))
    assert len(defuse(text, 60_000)) <= 60_000
    assert len(inline(text, 300)) <= 300
