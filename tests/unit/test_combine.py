"""Which branches can be laid over each other path by path, and which git must merge."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.combine import Entry, Joined, MustMerge, Overlay, PathChange, join, lay


def blob(name: str | None) -> Entry | None:
    return Entry("100644", name) if name else None


def change(path: str, before: str | None, after: str | None) -> PathChange:
    return PathChange(path, blob(before), blob(after))


def landed(*changes: PathChange, by: str = "a") -> Overlay:
    return lay(Overlay(), changes, by)


EDIT = change("src/a.py", "1", "2")


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param([EDIT], [change("src/b.py", "1", "2")], id="different files"),
        pytest.param([EDIT], [change("src/new.py", None, "1")], id="an edit and a new file"),
        pytest.param([EDIT], [change("src/b.py", "1", None)], id="an edit and a file that went"),
        pytest.param(
            [change("x", None, "1")], [change("y", None, "1")], id="the same text in two new files"
        ),
        pytest.param([change("x", "1", None)], [change("y", "1", None)], id="two files that went"),
        pytest.param([EDIT], [change("src/a.py", "2", "3")], id="an edit on top of what landed"),
        pytest.param(
            [EDIT], [change("b", "1", None), change("c", None, "1")], id="a rename beside an edit"
        ),
    ],
)
def test_branches_that_do_not_touch_are_joined(
    first: list[PathChange], second: list[PathChange]
) -> None:
    found = join(landed(*first), second, "b")
    assert isinstance(found, Joined)
    for one in second:
        assert found.overlay.entries[one.path] == one.after
        assert found.overlay.owners_of([one.path]) == ("b",)


@pytest.mark.parametrize(
    ("first", "second", "because"),
    [
        pytest.param(
            [EDIT], [EDIT], "src/a.py was changed on both sides", id="the same edit, even"
        ),
        pytest.param(
            [EDIT],
            [change("src/a.py", "1", "3")],
            "src/a.py was changed on both sides",
            id="two edits",
        ),
        pytest.param(
            [PathChange("x", Entry("100644", "1"), Entry("100755", "1"))],
            [change("x", "1", "2")],
            "x was changed on both sides",
            id="a mode and a text",
        ),
        pytest.param(
            [change("a", "1", None), change("b", None, "1")],
            [change("c", None, "1")],
            "a file may have been renamed",
            id="a new file beside a rename",
        ),
        pytest.param(
            [change("old/a", "1", None)],
            [change("old/new", None, "1")],
            "a file may have been renamed",
            id="one went and one came",
        ),
        pytest.param(
            [change("new/b", None, "1")],
            [change("old/a", "1", None)],
            "a file may have been renamed",
            id="one came and one went",
        ),
        pytest.param(
            [change("x", None, "1")],
            [change("x/y", None, "1")],
            "x/y is a file here and a folder there",
            id="a folder where a file landed",
        ),
        pytest.param(
            [change("x/y/z", None, "1")],
            [change("x", None, "1")],
            "x is a file here and a folder there",
            id="a file where a folder landed",
        ),
    ],
)
def test_what_only_a_merge_can_tell_is_merged(
    first: list[PathChange], second: list[PathChange], because: str
) -> None:
    assert join(landed(*first), second, "b") == MustMerge(because)


names = st.sampled_from(["a", "b", "c/d", "c/e", "f/g/h"])
edits = st.dictionaries(names, st.sampled_from("23")).map(
    lambda found: [change(path, "1", after) for path, after in found.items()]
)


@settings(max_examples=60)
@given(edits, edits)
def test_joining_is_the_same_in_any_order(one: list[PathChange], other: list[PathChange]) -> None:
    forth, back = join(landed(*one), other, "b"), join(landed(*other, by="b"), one, "a")
    assert type(forth) is type(back)
    if isinstance(forth, Joined) and isinstance(back, Joined):
        assert forth.overlay == back.overlay


def test_owners_are_who_last_changed_a_path() -> None:
    overlay = lay(landed(EDIT, change("b", "1", "2")), [change("src/a.py", "2", "3")], "later")
    assert overlay.owners_of(["src/a.py", "b", "unknown"]) == ("a", "later")
