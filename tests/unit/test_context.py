"""What an agent is given to read: the most important first, never over budget, nothing unsaid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.context import LeftOut, Source, manifest, pack, plain
from bot.core.context_sources import gather, shared_context, wanted_files
from bot.core.handoff import Upstream
from bot.core.plan import Plan, Workstream

SOURCES = st.lists(
    st.builds(
        Source,
        path=st.text(min_size=1, max_size=12),
        text=st.text(alphabet="ab\n", max_size=80).map(lambda t: t * 40),
        why=st.just("because"),
        rank=st.integers(0, 5),
    ),
    max_size=12,
)


@given(SOURCES, st.integers(0, 4000))
def test_the_budget_is_kept_and_every_source_is_given_or_listed(sources, budget):
    packed = pack(sources, budget)
    assert sum(given.tokens for given in packed.given) <= budget
    accounted = [found.path for found in (*packed.given, *packed.left_out)]
    assert sorted(accounted) == sorted(source.path for source in sources)
    assert packed == pack(tuple(reversed(sources)), budget)
    texts = {(source.path, source.text) for source in sources}
    for found in packed.given:
        assert found.cut == ((found.path, found.text) not in texts)


@given(SOURCES)
def test_with_room_for_all_everything_is_given_whole_by_rank(sources):
    packed = pack(sources, 1_000_000)
    assert packed.left_out == ()
    ranks = sorted((source.rank, source.path, source.text) for source in sources)
    assert [(g.path, g.text) for g in packed.given] == [(path, text) for _, path, text in ranks]


def test_a_long_text_is_cut_at_a_line_and_says_how_much_is_missing():
    text = "".join(f"line {n}\n" for n in range(10_000))
    (cut,) = pack([Source("a.md", text, "x", 0)], 2_000).given
    *lines, note = cut.text.split("\n")
    assert cut.cut
    assert lines == text.split("\n")[: len(lines)]
    missing = len(text) - len("\n".join(lines)) - 1
    assert note == (
        f"[cut here: {10_000 - len(lines):,} lines, {missing:,} characters more are in the file]"
    )


def test_a_long_file_leaves_room_for_the_short_ones_after_it():
    packed = pack(
        [Source("data.md", "x\n" * 5_000_000, "a", 0), Source("AGENTS.md", "be kind", "b", 9)],
        1_000,
    )
    assert [(g.path, g.cut) for g in packed.given] == [("data.md", True), ("AGENTS.md", False)]


def test_one_line_that_is_too_long_is_left_out_with_its_size():
    packed = pack([Source("app.min.js", "x" * 40_000, "a", 0)], 1_000)
    assert packed.given == ()
    assert packed.left_out[0].tokens > 10_000


def test_the_manifest_says_what_was_given_and_why_even_of_odd_names():
    packed = pack([Source("caf\udce9.md", "hello\n", "near", 0)], 100)
    found = manifest(packed)
    assert found.given[0].path == "caf\ufffd.md"
    assert found.given[0].sha256 == "5891b5b522d5df08"
    assert found.tokens == packed.given[0].tokens
    assert found.model_validate_json(found.model_dump_json()) == found


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param(
            "\x1b[31mred\x1b[0m\r\nnext\rlast", "red\nnext\nlast", id="colours and returns"
        ),
        pytest.param("\x1b]0;title\x07text", "text", id="a window's title"),
        pytest.param("a\x00b\x08c", "a\ufffdb\ufffdc", id="controls"),
        pytest.param("x\u202egnp.exe", "x\ufffdgnp.exe", id="a change of direction"),
        pytest.param("hi\U000e0049\U000e0067", "hi\ufffd\ufffd", id="letters hidden in tags"),
        pytest.param("\udcff", "\ufffd", id="a lone surrogate"),
        pytest.param("naïve 日本 👩‍🚀\tx", "naïve 日本 👩‍🚀\tx", id="what people write"),
    ],
)
def test_text_is_shown_as_a_reader_sees_it(text, seen):
    assert plain(text) == seen


def workstream(**fields) -> Workstream:
    return Workstream.model_validate({"id": "mine", "goal": "Do it", **fields})


PATHS = (
    "README.md",
    "AGENTS.md",
    "README.zh.md",
    "src/AGENTS.md",
    "src/users/README.rst",
    "src/users/api.py",
    "src/other/AGENTS.md",
    "src/other/x.py",
    "docs/api.md",
    "docs/how/a.md",
)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param(
            {"files": ["src/users/**"]},
            ["src/users/README.rst", "src/AGENTS.md", "AGENTS.md", "README.md"],
            id="guides from the file's folder up, nearest first, AGENTS before README",
        ),
        pytest.param(
            {"files": ["src/users/new/deep/*.py"]},
            ["src/users/README.rst", "src/AGENTS.md", "AGENTS.md", "README.md"],
            id="a file still to be made has guides too",
        ),
        pytest.param(
            {"files": ["src/users/api.py"], "shares": ["src/other/x.py"]},
            [
                "src/other/AGENTS.md",
                "src/users/README.rst",
                "src/AGENTS.md",
                "AGENTS.md",
                "README.md",
            ],
            id="shared files count",
        ),
        pytest.param(
            {"kind": "review"}, ["AGENTS.md", "README.md"], id="who owns nothing: the top"
        ),
        pytest.param(
            {"artifacts": ["./docs/api.md", "docs/how/", "README.md"]},
            ["docs/api.md", "docs/how/a.md", "README.md", "AGENTS.md"],
            id="artifacts come first, folders with what is below, and nothing twice",
        ),
    ],
)
def test_which_files_are_wanted(fields, expected):
    assert [wanted.path for wanted in wanted_files(workstream(**fields), PATHS)] == expected


def test_an_artifact_that_is_not_there_is_listed():
    (missing, *_) = wanted_files(workstream(artifacts=["docs/gone.md"]), PATHS)
    assert missing == LeftOut("docs/gone.md", 0, "to be read first, but not in the base commit")


def test_of_very_many_guides_the_nearest_are_wanted_and_the_rest_listed():
    paths = [f"src/p{n}/README.md" for n in range(100)]
    found = wanted_files(workstream(files=["src/**"]), paths)
    assert len(found) == 100
    assert sum(isinstance(wanted, LeftOut) for wanted in found) == 60


RULE = b"---\nfiles: ['*.py']\n---\nUse types.\n"


@pytest.mark.parametrize(
    ("fields", "data", "given", "why_not"),
    [
        pytest.param({"files": ["src/**"]}, RULE, True, "", id="its files match"),
        pytest.param({"files": ["new/b.py"]}, RULE, True, "", id="a file to be made matches"),
        pytest.param({"files": ["docs/**"]}, RULE, False, "", id="no file of its matches"),
        pytest.param(
            {"files": ["src/**"]},
            b"---\nfiles: ['*.py']\nkinds: [docs]\n---\n",
            False,
            "",
            id="it is for another kind",
        ),
        pytest.param(
            {"kind": "review"},
            b"---\nfiles: ['*.py']\nkinds: [review]\n---\n",
            True,
            "",
            id="a review gets the rules that name it",
        ),
        pytest.param({"kind": "review"}, RULE, False, "", id="a review gets no others"),
        pytest.param(
            {"files": ["src/**"]},
            b"---\nfils: ['*.py']\n---\n",
            False,
            "line 2: unknown key 'fils'. Did you mean 'files'?",
            id="an unknown key",
        ),
        pytest.param({"files": ["src/**"]}, b"Use types.", False, "front matter", id="no head"),
        pytest.param({"files": ["src/**"]}, b"---\n- [\n---\n", False, "not YAML", id="no YAML"),
        pytest.param({"files": ["src/**"]}, b"---\n~\n---\n", False, "error", id="an empty head"),
        pytest.param(
            {"files": ["src/**"]},
            b"---\nfiles: [&a x, *a]\n---\n",
            False,
            "alias",
            id="an alias, as in a bomb",
        ),
        pytest.param(
            {"files": ["src/**"]},
            b"---\nfiles: ['../x']\n---\n",
            False,
            "leaves the repository",
            id="a path outside",
        ),
        pytest.param({"files": ["src/**"]}, b"\x00\x01", False, "not text", id="binary"),
        pytest.param({"files": ["src/**"]}, None, False, "not a file", id="a submodule"),
    ],
)
def test_rules_are_given_for_the_files_that_they_name(fields, data, given, why_not):
    paths = ("src/a.py", "docs/a.md", "agents/rules/style.md", "agents/rules/deep/no.md")
    gathered = gather(workstream(**fields), paths, {"agents/rules/style.md": data}.get)
    assert [source.path for source in gathered.sources] == ["agents/rules/style.md"] * given
    reasons = [left.why for left in gathered.left_out if left.path == "agents/rules/style.md"]
    assert bool(reasons) == bool(why_not)
    assert all(why_not in reason for reason in reasons)


def test_files_are_read_whatever_bytes_they_hold():
    files = {"AGENTS.md": b"\xef\xbb\xbfcaf\xe9\r\n", "README.md": b"\x89PNG\x00"}
    gathered = gather(workstream(files=["a.py"]), tuple(files), files.get)
    assert [source.text for source in gathered.sources] == ["caf\ufffd\n"]
    assert gathered.left_out == (LeftOut("README.md", 0, "not text"),)


def plan(*workstreams: dict) -> Plan:
    return Plan.model_validate({"task": "Add pages", "workstreams": workstreams})


def test_an_agent_is_told_who_else_works_on_what_and_what_has_landed():
    whole = plan(
        {"id": "mine", "goal": "Do it", "files": ["src/**"], "needs": ["scout"]},
        {
            "id": "docs",
            "goal": "Tell it",
            "kind": "docs",
            "files": ["docs/**"],
            "shares": ["src/**"],
        },
        {"id": "scout", "goal": "Look", "kind": "research"},
    )
    told = shared_context(
        whole,
        whole["mine"],
        [Upstream(workstream="scout", outputs=("pages.py pages",), next_steps="Reuse it")],
    )
    assert told == (
        "Task of the run: Add pages\n\n"
        "Others work on this run, each on files of its own:\n"
        "- docs (docs): Tell it; do not touch: docs/**\n"
        "- scout (research): Look\n\n"
        "Has landed before this, in its own words:\n"
        "- scout: pages.py pages\n"
        "  Next steps: Reuse it"
    )


def test_what_others_say_at_length_is_shortened_and_says_so():
    whole = plan(*({"id": f"w{n}", "goal": "g" * 900} for n in range(200)))
    wordy = Upstream(workstream="w1", outputs=("o" * 20_000,) * 50, next_steps="n" * 20_000)
    told = shared_context(whole, whole["w0"], [wordy] * 100)
    assert "… and 139 more" in told
    assert "characters more" in told
    assert len(told) < 40_000
