"""How much a task needs: by files named or matched, how they hang together, and words of risk."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.patterns import may_meet, owned, owns
from bot.core.plan import Complexity, Workstream
from bot.core.planning.assess import Survey, assess, risks_in
from bot.core.planning.imports import imports_among
from bot.core.planning.layout import layout_of, part_patterns, pattern_of
from bot.core.planning.partition import closeness, coupling, partition
from bot.core.planning.words import identifiers_in, matched_by_words, named_in

MANY = tuple(f"src/p{n % 4}/m{n}.py" for n in range(24))


def survey(**more):
    return Survey(files=(*MANY, "README.md", "docs/a.md"), **more)


CLASSES = {
    "one named file is done directly": (survey(named=MANY[:1]), Complexity.SIMPLE),
    "two named files still are": (survey(named=MANY[:2]), Complexity.SIMPLE),
    "three files get a builder and quality": (survey(named=MANY[:3]), Complexity.STANDARD),
    "ten files still do": (survey(matched=MANY[:10]), Complexity.STANDARD),
    "eleven files get several builders": (survey(matched=MANY[:11]), Complexity.COMPLEX),
    "two files that are a guess are not trusted to be all": (
        survey(matched=MANY[:2], guessed=True),
        Complexity.STANDARD,
    ),
    "nothing found is no proof of little": (survey(), Complexity.STANDARD),
    "an empty repository has everything before it": (Survey(), Complexity.STANDARD),
}


@pytest.mark.parametrize(("seen", "expected"), CLASSES.values(), ids=CLASSES.keys())
def test_class(seen, expected):
    found = assess("Change it", seen)
    assert found.complexity is expected
    assert found.because


def test_files_that_hang_together_stay_with_one_builder_however_many():
    together = {(a, b): 1.0 for a in MANY for b in MANY if a < b}
    tight = assess("Change it", survey(matched=MANY, together=together))
    loose = assess("Change it", survey(matched=MANY))
    assert (tight.complexity, tight.one_builder) == (Complexity.COMPLEX, True)
    assert (loose.complexity, loose.one_builder) == (Complexity.COMPLEX, False)
    assert "one builder keeps them" in tight.because


def test_a_document_that_is_one_thing_more_is_not_all():
    seen = survey(named=("README.md",), matched=MANY[:12])
    assert not assess("Add a dark mode and describe it in the README", seen).sure
    assert assess("Fix the README, it names no license", seen).sure


RISKY = {
    "Add OAuth login": ("auth",),
    "Store the password encrypted": ("auth", "crypto"),
    "Delete all user data after a year": ("data loss",),
    "Add a migration for orders": ("migration",),
    "Take payments": ("payment",),
    "Show the author of a post": (),
    "Count tokens": (),
    "Add an authority file": (),
    "Delete the temporary folder": (),
}


@pytest.mark.parametrize(("task", "expected"), RISKY.items())
def test_words_of_risk(task, expected):
    assert risks_in(task) == expected


def test_risk_makes_a_small_change_critical_but_not_a_document():
    critical = assess("Fix the login in src/p0/m0.py", survey(named=MANY[:1]))
    assert critical.complexity is Complexity.CRITICAL
    assert "auth" in critical.because
    typo = assess("Fix typo on login in README.md", survey(named=("README.md",)))
    assert typo.complexity is Complexity.SIMPLE


FILES = ("README.md", "src/app/users.py", "src/app/api.py", "lib/api.py", "docs/api.md", "Makefile")
NAMED = {
    "Change src/app/users.py.": ("src/app/users.py",),
    "Change `app/api.py`, please": ("src/app/api.py",),
    "Change api.py": (),  # two of them: neither is named
    "Change users.py:12": ("src/app/users.py",),
    "Mend the README": ("README.md",),
    "Move src/app to src/core": ("src/app/api.py", "src/app/users.py"),
    "Read https://example.org/src/app/users.py": (),
    "Look at ../../etc/passwd and /etc/passwd": (),
    "Add a target to the Makefile": ("Makefile",),
}


@pytest.mark.parametrize(("task", "expected"), NAMED.items())
def test_files_that_a_task_names(task, expected):
    assert named_in(task, FILES) == expected


def test_identifiers_are_what_looks_like_code():
    task = "Rename `load` and UserStore.get_user() to find_user, not `rm -rf /`, in every page"
    assert identifiers_in("Rename Strict to Frozen everywhere") == ("Strict",)
    assert identifiers_in("Rename price to amount") == ("price",)
    assert identifiers_in("Remove duplicates from the list") == ()
    assert identifiers_in(task) == ("load", "UserStore", "get_user", "find_user")


def test_words_lead_to_paths_that_have_most_of_the_rare_ones():
    files = ("src/users/api.py", "src/users/model.py", "src/orders/api.py", "docs/users.md")
    assert matched_by_words("Paginate the users API", files) == ("src/users/api.py",)


@given(st.text(max_size=300))
def test_any_text_can_be_read(task):
    named_in(task, FILES)
    identifiers_in(task)
    matched_by_words(task, FILES)
    assert assess(task, survey()).because


TEXTS = {
    "a/x.py": "from a.y import f\nfrom . import z\nimport os\n",
    "a/y.py": "from .sub.q import g\n",
    "a/z.py": "",
    "a/sub/q.py": "import a.x\n",
    "web/app.ts": "import {b} from './lib/b'\nconst c = require('./c.js')\nimport r from 'react'\n",
    "web/lib/b.tsx": "",
    "web/c.ts": "",
    "cmd/main.go": 'import (\n\t"fmt"\n\tq "example.com/m/pkg/queue"\n)\n',
    "pkg/queue/queue.go": "",
    "src/main.rs": "mod config;\nuse crate::net::client;\n",
    "src/config.rs": "",
    "src/net/client.rs": "",
}


def test_imports_of_five_languages():
    assert imports_among(TEXTS) == {
        ("a/x.py", "a/y.py"),
        ("a/x.py", "a/z.py"),
        ("a/y.py", "a/sub/q.py"),
        ("a/sub/q.py", "a/x.py"),
        ("web/app.ts", "web/lib/b.tsx"),
        ("web/app.ts", "web/c.ts"),
        ("cmd/main.go", "pkg/queue/queue.go"),
        ("src/main.rs", "src/config.rs"),
        ("src/main.rs", "src/net/client.rs"),
    }


def test_groups_that_change_together_are_not_cut():
    groups = [[f"d{n % 3}/{g}{n}.py" for n in range(6)] for g in "abc"]
    files = [path for group in groups for path in group]
    together = {
        (min(x, y), max(x, y)): 1.0 for group in groups for x in group for y in group if x < y
    }
    found = partition(files, closeness(files, (), together), 3)
    assert sorted(found.parts) == sorted(tuple(sorted(group)) for group in groups)
    assert found.cut == 0


def test_what_everybody_touches_is_apart():
    files = [f"src/m{n}.py" for n in range(12)] + ["src/__init__.py"]
    found = partition(files, {}, 2)
    assert found.hot == ("src/__init__.py",)
    assert all("src/__init__.py" not in part for part in found.parts)


some_paths = st.lists(st.sampled_from(MANY), min_size=1, max_size=24, unique=True)


@given(some_paths, st.data())
def test_parts_hold_each_file_once_and_none_is_too_large(files, data):
    pairs = st.tuples(st.sampled_from(files), st.sampled_from(files)).filter(lambda p: p[0] < p[1])
    drawn = data.draw(st.dictionaries(pairs, st.floats(0.1, 5), max_size=20)) if files[1:] else {}
    k = data.draw(st.integers(1, 6))
    found = partition(files, drawn, k)
    assert sorted((*found.hot, *(p for part in found.parts for p in part))) == sorted(files)
    assert len(found.parts) <= k
    assert partition(list(reversed(files)), drawn, k) == found
    assert 0 <= coupling(files, drawn, k) <= 1


odd_names = st.text(alphabet="ab.[]*?!#\\ ~-\n\udcff", min_size=1, max_size=6).filter(
    lambda n: n.strip(".") and "/" not in n
)
odd_paths = st.lists(odd_names, min_size=1, max_size=3).map("/".join)


@given(odd_paths)
def test_the_pattern_of_any_path_can_stand_in_a_plan_and_means_it(path):
    pattern = pattern_of(path)
    Workstream.model_validate({"id": "a", "goal": "g", "files": [pattern]})
    assert owns([pattern], path)


def test_a_path_that_is_too_long_is_owned_through_its_folder():
    path = "/".join(["a", *(letter * 250 for letter in "b[cde")]) + ".py"
    Workstream.model_validate({"id": "a", "goal": "g", "files": [pattern_of(path)]})
    assert owns([pattern_of(path)], path)


@given(st.lists(st.one_of(odd_paths, st.sampled_from(FILES)), max_size=12, unique=True))
def test_no_two_areas_of_a_repository_meet(files):
    layout = layout_of(files)
    areas = (layout.code, layout.tests, layout.docs, layout.changelog)
    for at, one in enumerate(areas):
        for other in areas[at + 1 :]:
            assert not may_meet(one, other)


def test_code_is_all_but_tests_documents_and_changelog():
    files = (
        "pkg/a.go",
        "pkg/a_test.go",
        "docs/x.md",
        "changes/1.added.md",
        "README.md",
        "new/b.go",
    )
    layout = layout_of(files)
    assert owned(layout.code, files) == ("new/b.go", "pkg/a.go")
    assert owned(layout.tests, files) == ("pkg/a_test.go",)
    assert owned(layout.docs, files) == ("README.md", "docs/x.md")
    assert owned(layout.changelog, files) == ("changes/1.added.md",)


def test_parts_own_their_folders_but_not_those_of_another_part():
    one, other = ("src/a/x.py", "src/b/y.py"), ("src/b/z.py", "top.py")
    assert part_patterns(one, one + other) == ("src/a/**", "src/b/y.py")
    assert part_patterns(other, one + other) == ("src/b/z.py", "./top.py")
