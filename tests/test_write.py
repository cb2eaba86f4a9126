"""Trees appear whole, are updated in place, and never cost a user a file."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.tree import File, Link, Tree
from mailnix.write import LIST, Difference, Kind, diff_tree, write_file, write_tree

TREE = Tree.of((File("/etc/a", "one\n"), File("/bin/tool", "#!\n", 0o755), Link("/etc/off", "/dev/null")))


def content(folder: Path) -> dict[str, str]:
    """Every file and link below a folder, but our own list."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_symlink():
            found["/" + path.relative_to(folder).as_posix()] = f"-> {path.readlink()}"
        elif path.is_file() and path.name != LIST:
            found["/" + path.relative_to(folder).as_posix()] = path.read_text()
    return found


def test_a_new_folder_holds_the_tree_with_its_modes(tmp_path: Path) -> None:
    dest = tmp_path / "deep" / "out"
    changes = write_tree(TREE, dest)
    assert content(dest) == {"/etc/a": "one\n", "/bin/tool": "#!\n", "/etc/off": "-> /dev/null"}
    assert stat.S_IMODE((dest / "bin/tool").stat().st_mode) == 0o755
    assert [change.kind for change in changes] == [Kind.ADDED] * 3
    assert [path.name for path in dest.parent.iterdir()] == ["out"]


def test_an_empty_folder_is_as_good_as_a_new_one(tmp_path: Path) -> None:
    write_tree(TREE, tmp_path)
    assert (tmp_path / "etc/a").read_text() == "one\n"


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    write_tree(TREE, tmp_path / "out")
    before = (tmp_path / "out/etc/a").stat()
    assert write_tree(TREE, tmp_path / "out") == ()
    assert (tmp_path / "out/etc/a").stat().st_ino == before.st_ino


def test_an_update_replaces_adds_and_removes_only_what_is_ours(tmp_path: Path) -> None:
    dest = tmp_path / "out"
    write_tree(TREE, dest)
    (dest / "etc/notes").write_text("mine\n")
    (dest / "flake.lock").write_text("{}\n")
    new = Tree.of((File("/etc/a", "two\n"), File("/etc/b", "b\n"), Link("/etc/off", "elsewhere")))
    changes = write_tree(new, dest)
    assert content(dest) == {
        "/etc/a": "two\n", "/etc/b": "b\n", "/etc/off": "-> elsewhere", "/etc/notes": "mine\n", "/flake.lock": "{}\n",
    }  # fmt: skip
    assert {change.path: change.kind for change in changes} == {
        "/bin/tool": Kind.REMOVED,
        "/etc/a": Kind.CHANGED,
        "/etc/b": Kind.ADDED,
        "/etc/off": Kind.CHANGED,
    }
    assert not (dest / "bin").exists()


def test_a_changed_mode_is_a_change(tmp_path: Path) -> None:
    write_tree(Tree.of((File("/f", "x"),)), tmp_path / "out")
    (change,) = write_tree(Tree.of((File("/f", "x", 0o755),)), tmp_path / "out")
    assert change.kind is Kind.CHANGED
    assert stat.S_IMODE((tmp_path / "out/f").stat().st_mode) == 0o755


def test_the_difference_is_shown_and_nothing_is_written(tmp_path: Path) -> None:
    dest = tmp_path / "out"
    write_tree(TREE, dest)
    (change,) = diff_tree(Tree.of((*TREE.entries[:-2], File("/etc/a", "two\n"), TREE.entries[-1])), dest)
    assert change.diff == "--- a/etc/a\n+++ b/etc/a\n@@ -1 +1 @@\n-one\n+two\n"
    assert (dest / "etc/a").read_text() == "one\n"


def test_the_difference_to_no_folder_is_everything(tmp_path: Path) -> None:
    assert [d.kind for d in diff_tree(TREE, tmp_path / "none")] == [Kind.ADDED] * 3
    assert not (tmp_path / "none").exists()


def test_bytes_that_are_no_text_have_no_diff(tmp_path: Path) -> None:
    assert diff_tree(Tree.of((File("/f", b"\xff\0"),)), tmp_path / "none") == (Difference("/f", Kind.ADDED),)


def test_a_folder_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "homework.txt").write_text("mine\n")
    with pytest.raises(BuildError, match="was not written by mailnix") as caught:
        write_tree(TREE, tmp_path)
    assert "empty or new folder" in caught.value.hint
    assert content(tmp_path) == {"/homework.txt": "mine\n"}


def test_a_file_edited_by_hand_is_not_lost(tmp_path: Path) -> None:
    dest = tmp_path / "out"
    write_tree(TREE, dest)
    (dest / "etc/a").write_text("mine\n")
    new = Tree.of((File("/etc/a", "two\n"), File("/etc/b", "b\n")))
    with pytest.raises(BuildError, match="was edited since"):
        write_tree(new, dest)
    assert (dest / "etc/a").read_text() == "mine\n"
    assert not (dest / "etc/b").exists()
    write_tree(new, dest, force=True)
    assert (dest / "etc/a").read_text() == "two\n"


def test_a_users_file_where_ours_would_go_is_not_lost(tmp_path: Path) -> None:
    dest = tmp_path / "out"
    write_tree(TREE, dest)
    (dest / "etc/new").write_text("mine\n")
    with pytest.raises(BuildError, match="is not mailnix's"):
        write_tree(Tree.of((*TREE, File("/etc/new", "ours\n"))), dest)
    assert (dest / "etc/new").read_text() == "mine\n"


@pytest.mark.parametrize("obstacle", ["folder", "link"])
def test_what_is_in_the_way_is_named(tmp_path: Path, obstacle: str) -> None:
    dest = tmp_path / "out"
    write_tree(TREE, dest)
    if obstacle == "folder":
        (dest / "new").mkdir()
        tree = Tree.of((*TREE, File("/new", "x")))
    else:
        (dest / "new").symlink_to(tmp_path)
        tree = Tree.of((*TREE, File("/new/escaped", "x")))
    with pytest.raises(BuildError):
        write_tree(tree, dest)
    assert not (tmp_path / "escaped").exists()


@pytest.mark.parametrize("text", ["", "[]", '{"version": 1}', '{"version": 99, "paths": {}}'])
def test_a_list_that_cannot_be_understood_stops_the_writing(tmp_path: Path, text: str) -> None:
    dest = tmp_path / "out"
    write_tree(TREE, dest)
    (dest / LIST).write_text(text)
    with pytest.raises(BuildError):
        write_tree(Tree.of((File("/etc/a", "two\n"),)), dest)
    assert (dest / "etc/a").read_text() == "one\n"


def test_a_failure_while_a_new_folder_is_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="out cannot be written: File name too long"):
        write_tree(Tree.of((File("/a", "x"), File("/" + "b" * 300, "x"))), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_in_one_step_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret"
    write_file(path, b"one", 0o600)
    write_file(path, b"two", 0o600)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_cannot_be_put_in_place_leaves_no_temporary_one(tmp_path: Path) -> None:
    (tmp_path / "taken" / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_file(tmp_path / "taken", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
