"""Files go into a real ext4 file system by the real debugfs, and every failure of it is noticed."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailnix.errors import BuildError
from mailnix.image import debugfs
from mailnix.image.values import MIB, ExtraTree
from mailnix.run import Completed, require, run
from mailnix.tree import Entry, File, Link, Tree

DATE = 1735689600
KINDS = {"/etc": "d", "/etc/issue": "f", "/usr": "d", "/usr/lib": "d", "/lib": "l"}


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A small file system with the paths of KINDS."""
    root = tmp_path / "root"
    for folder in ("etc", "usr/lib"):
        (root / folder).mkdir(parents=True)
    (root / "etc/issue").write_text("old\n")
    (root / "lib").symlink_to("usr/lib")
    image = tmp_path / "disk"
    run([require("mkfs.ext4", "e2fsprogs"), "-q", "-d", root, image, "16M"])
    return image


def apply(change: debugfs.Change, disk: Path, kinds: Mapping[str, str] = KINDS) -> Completed:
    script = disk.with_suffix(".script")
    script.write_text(debugfs.script(change, kinds, DATE))
    return run([require("debugfs", "e2fsprogs"), "-w", "-f", script, disk])


def look(change: debugfs.Change, disk: Path) -> list[str]:
    script = disk.with_suffix(".look")
    script.write_text(debugfs.stat_script(change))
    return debugfs.mismatches(change, run([require("debugfs", "e2fsprogs"), "-f", script, disk]).stdout)


def content(disk: Path, path: str) -> str:
    return run([require("debugfs", "e2fsprogs"), "-R", f"cat {debugfs.quoted(path)}", disk]).stdout


def staged(tmp_path: Path, *entries: Entry) -> debugfs.Change:
    folder = tmp_path / "stage"
    folder.mkdir(exist_ok=True)
    return debugfs.stage(Tree.of(entries), folder)


def test_files_links_and_their_folders_are_written_with_their_modes(tmp_path: Path, disk: Path) -> None:
    change = staged(
        tmp_path,
        File("/etc/issue", "new\n"),
        File("/etc/a/b/secret", b"\0\xff", 0o600),
        File("/usr/lib/mailnix/tool", "#!/bin/sh\n", 0o755),
        Link("/etc/off.service", "/dev/null"),
        File('/etc/with "quotes" and spaces', "x"),
    )
    done = apply(change, disk)
    assert debugfs.complaints(done.stdout, done.stderr) == []
    assert look(change, disk) == []
    assert content(disk, "/etc/issue") == "new\n"
    assert content(disk, '/etc/with "quotes" and spaces') == "x"
    assert run([require("e2fsck", "e2fsprogs"), "-fn", disk]).status == 0


def test_the_same_files_give_the_same_image(tmp_path: Path, disk: Path) -> None:
    change = staged(tmp_path, File("/etc/issue", "new\n"), File("/etc/x/y", "z"))
    before = disk.read_bytes()
    apply(change, disk)
    first = disk.read_bytes()
    disk.write_bytes(before)
    apply(change, disk)
    assert disk.read_bytes() == first != before


def test_a_full_file_system_is_noticed(tmp_path: Path, disk: Path) -> None:
    change = staged(tmp_path, File("/etc/big", bytes(range(256)) * (64 * 1024)))
    done = apply(change, disk)
    assert any("allocate" in line for line in debugfs.complaints(done.stdout, done.stderr))


def test_a_path_that_is_there_although_the_listing_has_it_not_is_noticed(tmp_path: Path, disk: Path) -> None:
    change = staged(tmp_path, File("/etc/issue", "new\n"))
    done = apply(change, disk, kinds={"/etc": "d"})
    assert any("already exists" in line for line in debugfs.complaints(done.stdout, done.stderr))


def test_a_wrong_mode_size_or_kind_is_a_mismatch(tmp_path: Path, disk: Path) -> None:
    apply(staged(tmp_path, File("/etc/a", "12"), File("/etc/b", "12"), File("/etc/c", "12")), disk)
    wanted = staged(tmp_path, File("/etc/a", "12", 0o600), File("/etc/b", "123"), Link("/etc/c", "12"))
    assert look(wanted, disk) == ["/etc/a", "/etc/b", "/etc/c"]


def test_a_tree_of_files_is_copied_with_executable_bits_links_and_empty_folders(tmp_path: Path, disk: Path) -> None:
    source = tmp_path / "source"
    (source / "sub" / "empty").mkdir(parents=True)
    (source / ".git").mkdir()
    (source / ".git" / "config").write_text("not this")
    (source / "sub" / "run.sh").write_text("#!/bin/sh\n")
    (source / "sub" / "run.sh").chmod(0o700)
    (source / "plain").write_text("plain\n")
    (source / "plain").chmod(0o600)
    (source / "link").symlink_to("sub/run.sh")
    change = debugfs.walk(ExtraTree(source, "/usr/share/copy"))
    assert [(s.path, s.mode) for s in change.files] == [
        ("/usr/share/copy/plain", 0o644),
        ("/usr/share/copy/sub/run.sh", 0o755),
    ]
    done = apply(change, disk)
    assert debugfs.complaints(done.stdout, done.stderr) == []
    assert look(change, disk) == []
    out = tmp_path / "out"
    out.mkdir()
    run([require("debugfs", "e2fsprogs"), "-R", f"rdump /usr/share/copy {out}", disk])
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*")) == [
        "copy", "copy/link", "copy/plain", "copy/sub", "copy/sub/empty", "copy/sub/run.sh",
    ]  # fmt: skip
    assert stat.S_IMODE((out / "copy/plain").stat().st_mode) == 0o644
    assert (out / "copy/link").readlink() == Path("sub/run.sh")


def test_a_folder_that_is_not_there_cannot_be_copied(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is not a folder"):
        debugfs.walk(ExtraTree(tmp_path / "none", "/usr/share/copy"))


@pytest.mark.parametrize(
    ("path", "words"),
    [("/lib/x", "/lib is no folder"), ("/etc/issue/x", "/etc/issue is no folder"), ("/usr", "is a folder")],
)
def test_a_path_that_the_base_has_otherwise_is_refused(tmp_path: Path, path: str, words: str) -> None:
    with pytest.raises(BuildError, match=words):
        debugfs.script(staged(tmp_path, File(path, "")), KINDS, DATE)


def test_of_two_changes_to_one_path_the_first_wins(tmp_path: Path) -> None:
    tree = staged(tmp_path, File("/a", "tree"), Link("/b", "tree"))
    source = tmp_path / "source"
    source.mkdir()
    for name in ("a", "b", "c"):
        (source / name).write_text("extra")
    merged = debugfs.merge((tree, debugfs.walk(ExtraTree(source, "/"))))
    assert merged.paths == ["/a", "/c", "/b"]
    assert merged.files[0] == tree.files[0]
    assert merged.size >= len("tree") + len("extra")
    assert merged.size < MIB


@settings(max_examples=20, deadline=None)  # it runs programs, which take longer on a busy machine
@given(
    st.text(st.characters(min_codepoint=32, exclude_characters="/", exclude_categories=["Cs"]), min_size=1, max_size=40)
)
def test_any_file_name_survives(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    if name in {".", ".."}:
        return
    folder = tmp_path_factory.mktemp("names")
    image = folder / "disk"
    run([require("mkfs.ext4", "e2fsprogs"), "-q", "-O", "^has_journal", image, "1M"])
    change = staged(folder, File(f"/new/{name}", "x"))
    done = apply(change, image, kinds={})
    assert debugfs.complaints(done.stdout, done.stderr) == []
    assert look(change, image) == []


def test_a_line_break_in_a_name_is_refused() -> None:
    with pytest.raises(BuildError, match="line break"):
        debugfs.quoted("a\nrm /etc/passwd")


def test_what_debugfs_says_when_all_is_well_is_no_complaint() -> None:
    good = 'debugfs: cd "/"\ndebugfs: write "1" "x"\nAllocated inode: 12\nSetting current time to Wed\n'
    assert debugfs.complaints(good, "debugfs 1.47.0 (5-Feb-2023)\n") == []
    assert debugfs.complaints(good + "x: File not found by ext2_lookup \n", "") != []
    assert debugfs.complaints("", "write: No space left on device\n") == ["write: No space left on device"]


def test_a_path_is_found_below_every_folder() -> None:
    change = debugfs.Change((), (Link("/a/b/c", "x"),), ("/a/d",))
    assert debugfs.missing_folders(change, {}) == ["/a", "/a/b", "/a/d"]
    assert debugfs.missing_folders(change, {"/a": "d"}) == ["/a/b", "/a/d"]
