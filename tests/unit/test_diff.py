"""Changed files and lines, read from git's own words."""

from __future__ import annotations

from bot.core.diff import changed_lines, read_diff

QUOTED = r"""diff --git "a/new\nline.py" "b/new\nline.py"
deleted file mode 100644
index 7898192..0000000
--- "a/new\nline.py"
+++ /dev/null
@@ -1 +0,0 @@
-a
diff --git "a/we\"ird\\.py" "b/we\"ird\\.py"
index 7898192..422c2b7 100644
--- "a/we\"ird\\.py"
+++ "b/we\"ird\\.py"
@@ -1 +1,2 @@
 a
+b
"""

RENAMED = """diff --git a/old.py b/new.py
similarity index 66%
rename from old.py
rename to new.py
index 1..2 100644
--- a/old.py
+++ b/new.py
@@ -1,3 +1,3 @@
 a
-b
+c
 d
diff --git a/fresh.py b/fresh.py
new file mode 100644
index 0000000..3
--- /dev/null
+++ b/fresh.py
@@ -0,0 +1,2 @@
+x
+y
"""


def test_quoted_names_are_read_as_they_are_on_disk():
    gone, weird = read_diff(QUOTED)

    assert (gone.path, gone.old_path, gone.deleted) == ("new\nline.py", "new\nline.py", True)
    assert (weird.path, weird.added_lines) == ('we"ird\\.py', {2: "b\n"})


def test_a_renamed_file_knows_its_old_name_and_a_new_one_has_none():
    renamed, fresh = read_diff(RENAMED)

    assert (renamed.path, renamed.old_path, renamed.is_new) == ("new.py", "old.py", False)
    assert renamed.removed_lines == {2: "b\n"}
    assert (fresh.old_path, fresh.is_new) == (None, True)


def test_changed_lines_are_those_of_files_that_are_still_there():
    changes = (*read_diff(QUOTED), *read_diff(RENAMED))

    assert changed_lines(changes) == {
        'we"ird\\.py': frozenset({2}),
        "new.py": frozenset({2}),
        "fresh.py": frozenset({1, 2}),
    }


def test_a_binary_file_changed_without_lines():
    header = "diff --git a/a b.png b/a b.png\nindex 1..2 100644\n"
    text = f"{header}Binary files a/a b.png and b/a b.png differ\n"
    [change] = read_diff(text)
    assert (change.path, change.old_path, change.added_lines) == ("a b.png", "a b.png", {})
