"""What patterns mean, and that two which can mean one path are never let through."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.patterns import is_readable, may_meet, owned, owns

CASES = {
    "a folder's pattern means everything below it": (["src/**"], "src/a/b.py", True),
    "a name without a slash is found at any depth": (["*.md"], "docs/deep/x.md", True),
    "a leading ./ means the top alone": (["./README.md"], "docs/README.md", False),
    "a leading ./ means the file at the top": (["./README.md"], "README.md", True),
    "a negation takes away": (["src/**", "!src/gen/**"], "src/gen/x.py", False),
    "a negation at the top takes away": (["**", "!./README.md"], "README.md", False),
    "a negated folder takes away all below it": (["*", "!tests/"], "a/tests/b/c.py", False),
    "a later pattern gives back": (["**", "!docs/**", "docs/a.md"], "docs/a.md", True),
    "spaces and newlines in names are plain letters": (["my docs/**"], "my docs/a\nb.md", True),
}


@pytest.mark.parametrize(("patterns", "path", "expected"), CASES.values(), ids=CASES.keys())
def test_owns(patterns, path, expected):
    assert owns(patterns, path) is expected


def test_owned_is_sorted():
    assert owned(["*.py"], ["b.py", "a.txt", "a.py"]) == ("a.py", "b.py")


MEETINGS = {
    "files of different folders do not meet": (["src/a.py"], ["src/b.py"], False),
    "a glob meets a file that is not there yet": (["src/*.py"], ["src/new.py"], True),
    "any depth meets a folder": (["*.md"], ["docs/**"], True),
    "the top's README is not that of docs": (["./README.md"], ["docs/**"], False),
    "a folder without its tests leaves them alone": (
        ["pkg/**", "!*_test.go"],
        ["*_test.go"],
        False,
    ),
    "everything but tests leaves a part of the tests alone": (
        ["**", "!tests/**"],
        ["tests/unit/test_x.py"],
        False,
    ),
    "a negation before a pattern takes nothing from it": (["!tests/**", "**"], ["tests/**"], True),
    "a narrow negation does not excuse a wide pattern": (["**", "!tests/a/**"], ["tests/**"], True),
    "a file by its name is no folder for another pattern": (["*.md"], ["src/a.py"], False),
    "a folder with a dot in its name is one": (["pkg/socket.io"], ["pkg/socket.io/lib/**"], True),
    "nothing owned meets nothing": ([], ["**"], False),
    "classes count as any letter": (["src/[ab].py"], ["src/c.py"], True),
}


@pytest.mark.parametrize(("ours", "theirs", "expected"), MEETINGS.values(), ids=MEETINGS.keys())
def test_may_meet(ours, theirs, expected):
    assert bool(may_meet(ours, theirs)) is expected
    assert bool(may_meet(theirs, ours)) is expected


names = st.text(alphabet="ab.", min_size=1, max_size=3).filter(lambda n: set(n) != {"."})
paths = st.lists(names, min_size=1, max_size=4).map("/".join)
globs = st.one_of(
    names, st.sampled_from(["*", "**", "a*", "?", "*.b", "[ab]", "[!a]", "**a", "\\a"])
)


@st.composite
def written(draw):
    """A pattern as people write them, negated now and then."""
    body = "/".join(draw(st.lists(globs, min_size=1, max_size=4)))
    start = draw(st.sampled_from(["", "", "", "./", "!", "!./"]))
    return start + body + draw(st.sampled_from(["", "", "/", "/**"]))


sides = st.lists(written(), min_size=1, max_size=4)


@given(sides, sides, st.lists(paths, min_size=1, max_size=8))
@example(["**", "!*.b"], ["*.b"], ["a.b/a"])
@example(["*", "!a/"], ["a/**"], ["a/b/a"])
def test_sides_that_cannot_meet_have_no_path_in_common(ours, theirs, some):
    for path in some:
        if owns(ours, path) and owns(theirs, path):
            assert may_meet(ours, theirs), path


@given(written().filter(lambda p: not p.startswith("!")), paths)
def test_everything_but_a_pattern_never_means_what_the_pattern_means(pattern, path):
    assert may_meet(["**", f"!{pattern}"], [pattern]) is None
    assert not (owns(["**", f"!{pattern}"], path) and owns([pattern], path))


@example("?/ ")
@given(st.text(alphabet="a[]!-*?\\/ #^.", min_size=1, max_size=7))
def test_every_pattern_is_either_refused_or_can_be_used(pattern):
    if is_readable(pattern) and owns([pattern], "a/a"):
        assert may_meet([pattern], ["a/a"])
