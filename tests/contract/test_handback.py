"""What an agent job hands back: honest results come through, and nothing else does."""

from __future__ import annotations

import hashlib
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from bot.adapters.bundle import pack_between, write_bundle
from bot.adapters.git import Repository, run_git
from bot.adapters.github.handback_files import (
    HandedBack,
    Unusable,
    read_handback,
    write_handback,
)
from bot.adapters.github.quarantine import Awaited, Received, Rules, receive
from bot.adapters.worktree import ChangeLimits, GitWorktrees
from bot.core.base import Sha
from bot.core.github.handback import Envelope
from bot.core.outcomes import OutcomeClass
from bot.core.redact import Redactor
from bot.ports import Refused, Snapshot
from tests.support.builders import BASE, RUN, at, completion, workstream
from tests.support.repos import make_repo

FILES = {
    "src/app.py": "x = 1\n",
    "src/old/a.txt": "a\n",
    "src/old/b.txt": "b\n",
    "kept.txt": "kept\n",
    ".gitattributes": "*.lock -diff\n",
}
FILE, LINK, MODULE, FOLDER = "100644", "120000", "160000", "40000"
SHAPE = "ghp_" + "q8ZtR2vLx0KmW4nYb7Jc" + "D1sFh6Gp3TaE9uVo"  # apart: no scanner is to find it here
RULES = Rules(ChangeLimits(files=100, total_bytes=1_000_000), ("locked/",), Redactor())
OWNER = workstream("build", files=("src/**",))

Raw = tuple[str, str | bytes, str]  # mode, name, id


@dataclass(frozen=True)
class Agent:
    """A repository in which anything can be made, however wrong."""

    repository: Repository
    base: Sha

    def blob(self, content: str | bytes) -> str:
        raw = content.encode() if isinstance(content, str) else content
        args = ("hash-object", "-w", "-t", "blob", "--stdin")
        return self.repository.git(*args, stdin=raw).decode().strip()

    def tree(self, *entries: Raw) -> str:
        raw = b"".join(
            b"%b %b\0%b"
            % (mode.encode(), name.encode() if isinstance(name, str) else name, bytes.fromhex(sha))
            for mode, name, sha in entries
        )
        args = ("hash-object", "-w", "-t", "tree", "--literally", "--stdin")
        return self.repository.git(*args, stdin=raw).decode().strip()

    def entries(self, tree: str) -> list[Raw]:
        lines = self.repository.text("ls-tree", tree).splitlines()
        found = (re.split(r"[ \t]", line, maxsplit=3) for line in lines)
        return [(mode.lstrip("0"), name, sha) for mode, _, sha, name in found]

    def top(self, *new: Raw) -> str:
        return self._with(self.entries(self.base), new)

    def src(self, *new: Raw) -> str:
        return self.top((FOLDER, "src", self._with(self.entries(f"{self.base}:src"), new)))

    def _with(self, old: list[Raw], new: tuple[Raw, ...]) -> str:
        names = {name for _, name, _ in new}
        kept = [entry for entry in old if entry[1] not in names]

        def place(entry: Raw) -> bytes:
            name = entry[1].encode() if isinstance(entry[1], str) else entry[1]
            return name + b"/" * (entry[0] == FOLDER)

        return self.tree(*sorted([*kept, *new], key=place))

    def commit(self, tree: str, *parents: Sha) -> Sha:
        return self.repository.commit_tree(tree, parents or (self.base,), "mine\n", at(1))


@pytest.fixture
def agent(tmp_path: Path) -> Agent:
    repo = make_repo(tmp_path / "agent", FILES)
    return Agent(Repository.open(str(repo.path)), Sha(repo.git("rev-parse", "HEAD")))


@pytest.fixture
def ours(tmp_path: Path) -> Repository:
    return Repository.open(str(make_repo(tmp_path / "ours", FILES).path))


def awaited(agent: Agent, head: Sha, **changes: object) -> Awaited:
    usual = Awaited(OWNER, agent.base, head, "Ours\n", at(2))
    return replace(usual, **changes)  # type: ignore[arg-type]


def sent(agent: Agent, tree: str, ours: Repository, rules: Rules = RULES) -> Received | Refused:
    """Send one commit with this tree as an honest job would."""
    head = agent.commit(tree)
    bundle = write_bundle(agent.repository, agent.base, head)
    return receive(bundle, awaited(agent, head), rules, ours)


def test_an_honest_change_arrives_as_the_same_tree_in_a_commit_of_ours(agent, ours) -> None:
    gone_and_new = agent.top(
        (FOLDER, "src", agent.tree((FILE, "app.py", agent.blob("x = 2\n")),
                                   ("100755", "run", agent.blob("#!/bin/sh\n")))),
    )  # fmt: skip
    before = ours.refs("refs/")
    found = sent(agent, gone_and_new, ours)
    assert isinstance(found, Received), found
    assert ours.text("rev-parse", f"{found.head_sha}^{{tree}}") == gone_and_new
    assert ours.text("log", "-1", "--format=%an|%cn|%P|%B", found.head_sha).strip() == (
        f"Orchestrate|Orchestrate|{agent.base}|Ours"
    )
    assert found.changed == ("src/app.py", "src/old/a.txt", "src/old/b.txt", "src/run")
    assert (found.insertions, found.deletions) == (2, 3)
    assert ours.refs("refs/") == before
    assert ours.text("fsck", "--strict", "--no-dangling", found.head_sha) == ""


def test_a_shallow_clone_of_the_base_is_enough_to_receive_into(agent, tmp_path) -> None:
    """As a publish job checks out: one commit deep, on top of a history that it never sees."""
    above = agent.commit(agent.top((FILE, "above", agent.blob("above\n"))))
    agent.repository.git("update-ref", "refs/heads/main", above)
    place = str(tmp_path / "shallow")
    run_git(["clone", "-q", "--depth=1", f"file://{agent.repository.path}", place])
    later = Agent(agent.repository, above)
    found = sent(later, later.src((FILE, "n", later.blob("n\n"))), Repository.open(place))
    assert isinstance(found, Received), found


def test_a_file_may_become_a_folder_and_a_folder_a_file(agent, ours) -> None:
    made = agent.tree((FILE, "inside", agent.blob("new\n")))
    turned = agent.src((FOLDER, "app.py", made), (FILE, "old", agent.blob("a file\n")))
    found = sent(agent, turned, ours)
    assert isinstance(found, Received), found
    assert ours.text("rev-parse", f"{found.head_sha}^{{tree}}") == turned


def test_what_a_worktree_made_arrives_as_the_very_same_commit(agent, ours, tmp_path) -> None:
    worktrees = GitWorktrees(agent.repository, tmp_path / "run", RULES.limits)
    worktree = worktrees.create("build.1", agent.base)
    Path(worktree.path, "src/app.py").write_text("x = 3\n")
    snapshot = worktrees.snapshot(worktree)
    assert isinstance(snapshot, Snapshot)
    head = worktrees.commit(worktree, snapshot, "Ours\n", at(2))
    bundle = write_bundle(agent.repository, agent.base, head)
    found = receive(bundle, awaited(agent, head), RULES, ours)
    assert isinstance(found, Received), found
    assert found.head_sha == head


def test_a_person_can_look_into_the_bundle_with_git(agent, ours, tmp_path) -> None:
    head = agent.commit(agent.src((FILE, "new", agent.blob("new\n"))))
    (tmp_path / "work.bundle").write_bytes(write_bundle(agent.repository, agent.base, head))
    assert head in ours.text("bundle", "list-heads", str(tmp_path / "work.bundle"))
    ours.git("bundle", "verify", str(tmp_path / "work.bundle"))


def link(target: str, name: str = "link") -> Callable[[Agent], str]:
    return lambda agent: agent.src((LINK, name, agent.blob(target)))


def climbing_past_a_link(agent: Agent) -> str:
    """Each of both stays inside when read word by word; together they lead out."""
    deep = agent.tree((LINK, "up", agent.blob("../..")))
    new = ((FOLDER, "deep", deep), (LINK, "out", agent.blob("deep/up/../../etc/passwd")))
    return agent.src(*new)


def tree_bomb(agent: Agent) -> str:
    tree = agent.tree(*((FILE, f"f{n}", agent.blob("boom")) for n in range(10)))
    for _ in range(12):
        tree = agent.tree(*((FOLDER, f"d{n}", tree) for n in range(10)))
    return agent.src((FOLDER, "bomb", tree))


def many_files(agent: Agent) -> str:
    blob = agent.blob("tiny")
    return agent.src((FOLDER, "d", agent.tree(*((FILE, f"{n:06}", blob) for n in range(100_000)))))


def in_src(name: str | bytes, mode: str = FILE) -> Callable[[Agent], str]:
    def make(agent: Agent) -> str:
        blob = agent.blob("evil")
        return agent.src((mode, name, agent.tree((FILE, "x", blob)) if mode == FOLDER else blob))

    return make


def at_top(*path: str, text: str = "evil") -> Callable[[Agent], str]:
    def make(agent: Agent) -> str:
        entry: Raw = (FILE, path[-1], agent.blob(text))
        for folder in reversed(path[:-1]):
            entry = (FOLDER, folder, agent.tree(entry))
        return agent.top(entry)

    return make


def renamed_out(agent: Agent) -> str:
    return agent.top((FILE, "moved.py", agent.blob("x = 1\n")), (FOLDER, "src", agent.tree()))


GIT = "git does not accept"
FOREIGN = "files that it does not own"
GUARDED = "changed protected files"
REFUSED: dict[str, tuple[Callable[[Agent], str], str]] = {
    "a folder called ..": (in_src("..", FOLDER), GIT),
    "a file called ..": (in_src(".."), GIT),
    "a name with a slash": (in_src("a/../../x"), GIT),
    "a hook": (in_src(".git", FOLDER), GIT),
    "a repository in capitals": (in_src(".GIT", FOLDER), GIT),
    "a repository as Windows spells it": (in_src("git~1", FOLDER), GIT),
    "a repository with letters that a Mac does not see": (in_src(".g‌it", FOLDER), GIT),
    "a repository after a backslash": (in_src("a\\.git\\x"), GIT),
    "a control character in a name": (in_src("a\x1b[2Jb"), "a name that cannot be used"),
    "a line end in a name": (in_src("a\nb"), "a name that cannot be used"),
    "a very long name": (in_src("n" * 5_000), "a name that cannot be used"),
    "a link to the system": (link("/etc/passwd"), "leaves the repository: src/link"),
    "a link that climbs out": (link("../../x"), "leaves the repository: src/link"),
    "a link into .git": (link("../.git/config"), "leaves the repository: src/link"),
    "a link into .GIT": (link("../.GIT/config"), "leaves the repository: src/link"),
    "a link past another link": (climbing_past_a_link, "leaves the repository: src/out"),
    "a link as long as a book": (link("a/" * 40_000), "leaves the repository: src/link"),
    "a link over a folder": (link("app.py", "old"), "a link where a folder was: src/old"),
    "a submodule": (lambda a: a.src((MODULE, "sub", a.base)), "a submodule was added"),
    "a workflow": (at_top(".github", "workflows", "x.yml"), GUARDED),
    "an owner of code": (at_top("CODEOWNERS"), GUARDED),
    "what its settings protect": (at_top("locked", "x"), GUARDED),
    "a file that it does not own": (at_top("kept.txt"), FOREIGN),
    "a file moved to where it owns nothing": (renamed_out, FOREIGN),
    "100,000 tiny files": (many_files, "more than 100 files changed"),
    "billions of paths in a few folders": (tree_bomb, "more than 100 files changed"),
    "200 MB of nothing": (lambda a: a.src((FILE, "z", a.blob(bytes(200_000_000)))), "larger than"),
    "2 MB": (lambda a: a.src((FILE, "z", a.blob(b"z" * 2_000_000))), "2 MB changed, of at most 1"),
    "no change": (lambda a: a.top(), "it changes nothing"),
    "a mode that git does not know": (in_src("odd", "100666"), ""),
    "names out of order": (
        lambda a: a.tree((FILE, "z", a.blob("z")), *a.entries(a.base)), GIT,
    ),
    "the same name twice": (
        lambda a: a.src((FILE, "twin", a.blob("1")), (FILE, "twin", a.blob("2"))), GIT,
    ),
    "a secret": (lambda a: a.src((FILE, "k", a.blob(f"key = {SHAPE}\n"))), "a secret in the"),
    "a secret in UTF-16": (
        lambda a: a.src((FILE, "k", a.blob(f"key = {SHAPE}\n".encode("utf-16")))), "a secret in",
    ),
    "a secret where .gitattributes hides differences": (
        lambda a: a.src((FILE, "k.lock", a.blob(f"key = {SHAPE}\n"))), "a secret in the",
    ),
    "a secret as a name": (lambda a: a.src((FILE, SHAPE, a.blob("x"))), "a secret in the"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED.keys())
def test_a_change_is_refused_and_leaves_nothing_behind(case, agent, ours) -> None:
    make, because = case
    before = ours.text("count-objects", "-v"), ours.refs("refs/")
    found = sent(agent, make(agent), ours)
    if isinstance(found, Received):  # an odd mode is nothing that git would show as a change
        assert not because, found
        assert ours.text("ls-tree", found.head_sha, "src/odd").startswith("100644")
        return
    assert because in found.because
    assert (ours.text("count-objects", "-v"), ours.refs("refs/")) == before


def test_a_link_within_the_repository_is_let_in(agent, ours) -> None:
    assert isinstance(sent(agent, link("../kept.txt")(agent), ours), Received)


def headed(base: str, head: str, pack: bytes, *more: str) -> bytes:
    refs = "".join(f"{line}\n" for line in (f"-{base}", f"{head} refs/heads/work", *more))
    return f"# v2 git bundle\n{refs}\n".encode() + pack


def test_a_bundle_with_another_ref_is_refused(agent, ours) -> None:
    head = agent.commit(agent.src((FILE, "new", agent.blob("new\n"))))
    pack = pack_between(agent.repository, agent.base, head)
    bundle = headed(agent.base, head, pack, f"{head} refs/heads/main")
    assert "one branch" in refused(receive(bundle, awaited(agent, head), RULES, ours))


def test_a_bundle_of_another_commit_than_the_completion_names_is_refused(agent, ours) -> None:
    head = agent.commit(agent.src((FILE, "new", agent.blob("new\n"))))
    bundle = write_bundle(agent.repository, agent.base, head)
    other = awaited(agent, Sha("1" * 40))
    assert "other commits" in refused(receive(bundle, other, RULES, ours))


@pytest.mark.parametrize("parents", [(), ("two",), ("base", "two")], ids=["root", "other", "merge"])
def test_a_head_that_is_not_one_commit_on_the_base_is_refused(parents, agent, ours) -> None:
    tree = agent.src((FILE, "new", agent.blob("new\n")))
    known = {"base": agent.base, "two": agent.commit(agent.top())}
    args = [part for name in parents for part in ("-p", known[name])]
    head = Sha(
        agent.repository.git(
            "-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", tree, *args, "-m", "x"
        ).decode().strip()
    )  # fmt: skip
    bundle = headed(agent.base, head, pack_between(agent.repository, agent.base, head))
    because = refused(receive(bundle, awaited(agent, head), RULES, ours))
    assert "not one commit on the base" in because or GIT in because


def test_objects_that_are_missing_are_noticed(agent, ours) -> None:
    blob = agent.blob("never sent\n")
    tree = agent.src((FILE, "new", blob))
    head = agent.commit(tree)
    names = "\n".join([head, tree, agent.repository.text("rev-parse", f"{tree}:src")]).encode()
    pack = agent.repository.git("pack-objects", "--stdout", "--quiet", stdin=names + b"\n")
    bundle = headed(agent.base, head, pack)
    assert GIT in refused(receive(bundle, awaited(agent, head), RULES, ours))


def test_nothing_outside_of_the_base_fills_a_gap(agent, ours) -> None:
    """A deleted secret lies in our own history: a bundle must not bring it back by its id alone."""
    secret = agent.blob("password that was deleted long ago\n")
    ours.git("hash-object", "-w", "--stdin", stdin=b"password that was deleted long ago\n")
    tree = agent.src((FILE, "new", secret))
    head = agent.commit(tree)
    names = "\n".join([head, tree, agent.repository.text("rev-parse", f"{tree}:src")]).encode()
    pack = agent.repository.git("pack-objects", "--stdout", "--quiet", stdin=names + b"\n")
    bundle = headed(agent.base, head, pack)
    assert GIT in refused(receive(bundle, awaited(agent, head), RULES, ours))


def test_a_pack_that_leans_on_an_object_we_do_not_have_is_refused(agent, ours) -> None:
    """The object lies in our repository; the quarantine has only what the base needs."""
    ours.git("hash-object", "-w", "--stdin", stdin=b"x" * 100)
    pack = one_delta(agent.blob("x" * 100), number(100) + number(50) + bytes([0x90, 50]))
    head = agent.commit(agent.top())
    bundle = headed(agent.base, head, pack)
    assert "unresolved delta" in refused(receive(bundle, awaited(agent, head), RULES, ours))


def test_more_objects_than_files_can_need_are_refused_before_git_unpacks_them(agent, ours) -> None:
    head = agent.commit(agent.src((FILE, "new", agent.blob("new\n"))))
    pack = pack_between(agent.repository, agent.base, head)
    pack = pack[:8] + struct.pack(">L", 50_000_000) + pack[12:]
    bundle = headed(agent.base, head, pack)
    assert "50,000,000 objects" in refused(receive(bundle, awaited(agent, head), RULES, ours))


def test_a_bundle_of_another_repository_is_refused(agent, ours, tmp_path) -> None:
    other = make_repo(tmp_path / "other", {"src/app.py": "other\n"})
    base = Sha(other.git("rev-parse", "HEAD"))
    other.write("src/app.py", "changed\n")
    head = Sha(other.commit("more"))
    bundle = write_bundle(Repository.open(str(other.path)), base, head)
    because = refused(receive(bundle, awaited(agent, head), RULES, ours))
    assert because == "its bundle is of other commits than its completion"


def test_a_small_delta_that_makes_a_huge_file_is_refused_before_git_unpacks_it(agent, ours) -> None:
    """Copying the same bytes again and again: 200 bytes in the pack, 1.6 GB unpacked."""
    source = agent.blob("x" * 0xFFFFFF)
    copy = bytes([0b11110000]) + (0xFFFFFF).to_bytes(3, "little")
    delta = number(0xFFFFFF) + number(100 * 0xFFFFFF) + copy * 100
    head = agent.commit(agent.top())
    bundle = headed(agent.base, head, one_delta(source, delta))
    assert "it unpacks to more than" in refused(receive(bundle, awaited(agent, head), RULES, ours))


def one_delta(source: str, delta: bytes) -> bytes:
    """Pack one object that is made from another, which the pack does not hold."""
    pack = b"PACK" + struct.pack(">LL", 2, 1) + object_header(7, len(delta))
    pack += bytes.fromhex(source) + zlib.compress(delta)
    return pack + hashlib.sha1(pack).digest()


def number(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def object_header(kind: int, size: int) -> bytes:
    first, rest = kind << 4 | size & 15, size >> 4
    return bytes([first | 0x80]) + number(rest) if rest else bytes([first])


def test_a_bundle_broken_anywhere_is_refused_or_the_same(agent, ours) -> None:
    head = agent.commit(agent.src((FILE, "new", agent.blob("new and some more\n"))))
    whole = write_bundle(agent.repository, agent.base, head)
    begin = whole.index(b"PACK")
    for place in [*range(0, begin, 9), *range(begin, len(whole), 7)]:
        broken = whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :]
        for bundle in (broken, whole[:place]):
            assert refused(receive(bundle, awaited(agent, head), RULES, ours))


def refused(found: Received | Refused) -> str:
    assert isinstance(found, Refused), found
    return found.because


def test_nothing_of_a_settings_file_of_the_base_runs(agent, ours, tmp_path) -> None:
    """Hooks and filters of our own repository are ours; the quarantine has none at all."""
    ran = tmp_path / "ran"
    hooks = Path(ours.common_dir) / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "reference-transaction", "pre-receive", "update"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {ran}\n")
        (hooks / name).chmod(0o755)
    assert isinstance(sent(agent, agent.src((FILE, "n", agent.blob("n\n"))), ours), Received)
    assert not ran.exists()


# --- the zip -------------------------------------------------------------------------------------


def envelope(**changes: object) -> Envelope:
    usual = {"run": RUN, "workstream": "build", "attempt": 1, "outcome": OutcomeClass.DONE}
    return Envelope.model_validate(usual | changes)


COMPLETION = completion("build", head_sha=None, files_changed=0).model_dump_json()
PARTS = {"completion.json": COMPLETION, "handback.json": envelope().model_dump_json()}


def zipped(path: Path, parts: dict[str, str | bytes], **changes: object) -> Path:
    """Zip as the upload does: plain files at the top."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            for key, value in changes.items():
                setattr(info, key, value)
            archive.writestr(info, content)
    return path


def unusable(path: Path) -> str:
    found = read_handback(path, max_bundle_bytes=1_000_000)
    assert isinstance(found, Unusable), found
    return found.because


def test_what_was_written_is_read(agent, tmp_path) -> None:
    head = agent.commit(agent.src((FILE, "new", agent.blob("new\n"))))
    said = completion("build", base_sha=agent.base, head_sha=head)
    sealed = envelope(evidence={"evidence/build.1/1.log": "$ true\n"})
    write_handback(tmp_path / "out", sealed, said, agent.repository)
    parts: dict[str, str | bytes] = {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()}
    found = read_handback(zipped(tmp_path / "a.zip", parts), max_bundle_bytes=1_000_000)
    assert found == HandedBack(sealed, said, write_bundle(agent.repository, agent.base, head))


def test_a_result_without_a_change_needs_no_bundle(tmp_path) -> None:
    found = read_handback(zipped(tmp_path / "a.zip", dict(PARTS)), max_bundle_bytes=1)
    assert isinstance(found, HandedBack)
    assert found.bundle is None


def test_no_artifact_is_said_to_be_none(tmp_path) -> None:
    assert unusable(tmp_path / "a.zip") == "there is no artifact"


@pytest.mark.parametrize(
    "name",
    ["../completion.json", "/etc/passwd", "C:\\x", "a\\..\\b", "folder/completion.json", "x.zip",
     "completion.json/", "COMPLETION.JSON"],
)  # fmt: skip
def test_a_file_that_is_not_handed_back_makes_it_unusable(name, tmp_path) -> None:
    assert unusable(zipped(tmp_path / "a.zip", {**PARTS, name: "evil"}))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip"]


def test_a_link_is_no_file(tmp_path) -> None:
    attributes = (stat.S_IFLNK | 0o777) << 16
    path = zipped(tmp_path / "a.zip", dict(PARTS), external_attr=attributes)
    assert "is no plain file" in unusable(path)


def test_a_missing_part_is_named(tmp_path) -> None:
    for name in PARTS:
        rest = {key: value for key, value in PARTS.items() if key != name}
        assert unusable(zipped(tmp_path / "a.zip", rest)) == f"the artifact has no {name}"


def test_a_name_that_only_begins_like_ours_is_refused(tmp_path) -> None:
    path = zipped(tmp_path / "a.zip", {**PARTS, "work.bundle_": "evil"})
    path.write_bytes(path.read_bytes().replace(b"work.bundle_", b"work.bundle\0"))
    assert "is not handed back" in unusable(path)


def test_two_files_of_one_name_are_refused(tmp_path) -> None:
    path = zipped(tmp_path / "a.zip", {**PARTS, "completion.jsom": COMPLETION})
    path.write_bytes(path.read_bytes().replace(b"completion.jsom", b"completion.json"))
    assert "two files of one name" in unusable(path)


def test_a_bomb_is_stopped_while_it_unpacks(tmp_path) -> None:
    assert "larger than" in unusable(
        zipped(tmp_path / "a.zip", {**PARTS, "completion.json": bytes(300_000_000)})
    )


def test_a_bomb_that_says_it_is_small_is_stopped_too(tmp_path) -> None:
    path = zipped(tmp_path / "a.zip", {**PARTS, "completion.json": bytes(300_000_000)})
    size, lie = struct.pack("<L", 300_000_000), struct.pack("<L", 100)
    path.write_bytes(path.read_bytes().replace(size, lie))
    assert unusable(path)


def test_a_list_of_a_hundred_thousand_files_is_not_read(tmp_path) -> None:
    path = zipped(tmp_path / "a.zip", {f"{n}": "" for n in range(60_000)})
    assert "lists more files" in unusable(path)


def test_parts_that_overlap_make_nothing_large(tmp_path) -> None:
    """Every name points at the same packed megabytes, as a "better zip bomb" does."""
    path = zipped(tmp_path / "a.zip", {"completion.json": bytes(30_000_000)})
    data = path.read_bytes()
    listing = data[data.index(b"PK\1\2") : data.index(b"PK\5\6")]
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 2, 2, len(listing) * 2,
                      data.index(b"PK\1\2"), 0)  # fmt: skip
    path.write_bytes(data[: data.index(b"PK\1\2")] + listing * 2 + end)
    assert unusable(path)


def test_an_encrypted_or_oddly_packed_file_is_refused(tmp_path) -> None:
    path = zipped(tmp_path / "a.zip", dict(PARTS))
    data = bytearray(path.read_bytes())
    at_listing = data.index(b"PK\1\2")
    data[at_listing + 8] |= 1
    path.write_bytes(data)
    assert "is encrypted" in unusable(path)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("completion.json", COMPLETION)
    assert "packed in an unknown way" in unusable(path)


def test_a_zip_broken_or_cut_anywhere_never_raises(tmp_path) -> None:
    path = zipped(tmp_path / "a.zip", dict(PARTS))
    whole = path.read_bytes()
    for place in range(0, len(whole), 5):
        path.write_bytes(whole[:place])
        assert unusable(path)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        read_handback(path, max_bundle_bytes=1_000)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "[" * 100_000, '{"version": 1, "x": "\ud800"}', COMPLETION[:-1],
     COMPLETION.replace("{", '{"more": 1, ', 1), COMPLETION.replace('"attempt":1', '"attempt":0')],
    ids=range(9),
)  # fmt: skip
def test_a_completion_that_is_none_is_told(text, tmp_path) -> None:
    content = text.encode("utf-8", "surrogatepass")
    path = zipped(tmp_path / "a.zip", {**PARTS, "completion.json": content})
    assert unusable(path).startswith("completion.json does not say what it should")


def test_a_head_needs_a_bundle_and_a_bundle_a_head(tmp_path) -> None:
    headed_completion = completion("build", base_sha=BASE).model_dump_json()
    parts: dict[str, str | bytes] = {**PARTS, "completion.json": headed_completion}
    assert "without a bundle" in unusable(zipped(tmp_path / "a.zip", parts))
    assert "unnamed bundle" in unusable(zipped(tmp_path / "a.zip", {**PARTS, "work.bundle": "x"}))
