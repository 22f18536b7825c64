"""What is read of a real repository: any file name, any state, and nothing of it changed."""

from __future__ import annotations

import os
import subprocess

import pytest

from bot.adapters.git import Repository
from bot.adapters.survey import survey_repository
from bot.errors import UserError
from tests.support.repos import make_repo

USERS, API, NOTE = "src/shop/users.py", "src/shop/api.py", "src/shop/note.py"
FILES = {
    USERS: "def load_user():\n    pass\n",
    API: "from shop.users import load_user\n\nload_user()\n",
    NOTE: "print('load_users is something else')\n",
    "README.md": "A shop.\n",
}


@pytest.fixture
def repo(tmp_path):
    return make_repo(tmp_path / "repo", FILES)


def survey(repo, task, base="HEAD"):
    return survey_repository(Repository.open(str(repo.path)), task, base)


def test_an_identifier_leads_to_the_files_that_hold_it_as_a_word(repo):
    seen = survey(repo, "Rename `load_user`")
    assert set(seen.matched) == {USERS, API}
    assert seen.imports == {(API, USERS)}
    assert not seen.guessed


def test_files_that_are_named_and_files_that_words_lead_to(repo):
    seen = survey(repo, "Show prices in src/shop/note.py to users")
    assert seen.named == (NOTE,)
    assert set(seen.matched) == {USERS, NOTE}
    assert seen.guessed


def test_what_changed_together_in_small_commits_is_close(repo):
    for at in range(2):
        repo.write(USERS, f"load_user = {at}\n")
        repo.write(NOTE, f"load_user = {at}\n")
        repo.commit("both")
    for n in range(30):
        repo.write(f"many/{n}.py", "load_user\n")
    repo.write(API, "load_user\n")
    repo.commit("a large one")
    together = survey(repo, "Rename `load_user`").together
    assert together[NOTE, USERS] > 0
    assert together[API, USERS] < together[NOTE, USERS]
    assert not any("many" in path for pair in together for path in pair)


ODD = [b"src/with space.py", b"src/new\nline.py", b"src/lat\xe9in.py", b"src/\x01123.py", b"-x.py"]


def test_any_file_name_works(repo):
    for name in ODD:
        repo.write(os.fsdecode(name), "import os\nfind_me()\n")
    repo.commit("odd names")
    seen = survey(repo, "Rename `find_me`")
    expected = {name.decode("utf-8", "surrogateescape") for name in ODD}
    assert set(seen.matched) == expected
    assert {path for pair in seen.together for path in pair} == expected


def test_what_is_not_committed_is_not_seen_and_nothing_is_touched(repo):
    repo.write("src/shop/new.py", "load_user()\n")
    repo.write(USERS, "changed = load_user\n")
    before = repo.snapshot()
    seen = survey(repo, "Rename `load_user`")
    assert "src/shop/new.py" not in seen.files
    assert repo.snapshot() == before


def test_a_repository_without_commits_shows_nothing(tmp_path):
    assert survey(make_repo(tmp_path / "empty", {}), "Add a thing").files == ()


def test_a_base_that_is_not_there_is_named(repo):
    with pytest.raises(UserError, match="'nope'"):
        survey(repo, "Add a thing", base="nope")


def test_bare_shallow_and_submodules(repo, tmp_path):
    sha = repo.git("rev-parse", "HEAD")
    repo.git("update-index", "--add", "--cacheinfo", f"160000,{sha},vendor")
    repo.git("commit", "--quiet", "-m", "a submodule")
    for name, options in {"bare": ["--bare"], "shallow": ["--depth=1"]}.items():
        clone = tmp_path / name
        address = f"file://{repo.path}"
        subprocess.run(["git", "clone", "-q", *options, address, clone], check=True)
        seen = survey_repository(Repository.open(str(clone)), "Rename `load_user`")
        assert set(seen.matched) == {USERS, API}
        assert "vendor" not in seen.files


def test_a_source_of_odd_bytes_is_read_for_imports_and_one_too_large_is_not(repo):
    repo.write("src/big.py", "import tiny\nbig_thing\n" + "#" * 300_000)
    repo.write("src/odd.py", b"# big_thing \xff\xfe\nimport tiny\n")
    repo.write("src/tiny.py", "big_thing\n")
    repo.commit("large")
    assert survey(repo, "Rename `big_thing`").imports == {("src/odd.py", "src/tiny.py")}


def test_a_task_that_looks_like_an_option_is_no_option(repo):
    assert survey(repo, "`--help` and `-e` and `--open_files_in_pager()`").matched == ()
