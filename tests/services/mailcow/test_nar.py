"""Hashes here were printed by `nix hash path` (2.26) or follow from its documented format."""

import base64
import hashlib
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest.nar import nar_hash
from mailnix.services.mailcow.pin import PIN


def sri(archive: bytes) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(archive).digest()).decode()}"


def string(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text + b"\0" * (-len(text) % 8)


def strings(*texts: bytes) -> bytes:
    return b"".join(string(text) for text in texts)


def test_a_file_hashes_its_content(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"hello")
    expected = strings(b"nix-archive-1", b"(", b"type", b"regular", b"contents", b"hello", b")")
    assert nar_hash(file) == sri(expected)


def test_the_executable_bit_counts_and_no_other(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"")
    file.chmod(0o644)
    plain = nar_hash(file)
    file.chmod(0o600)
    assert nar_hash(file) == plain
    file.chmod(0o755)
    assert nar_hash(file) != plain


def test_a_folder_lists_its_entries_by_bytes(tmp_path: Path) -> None:
    (tmp_path / "b").symlink_to("B")
    (tmp_path / "B").write_bytes(b"12345678")
    link = strings(b"(", b"type", b"symlink", b"target", b"B", b")")
    file = strings(b"(", b"type", b"regular", b"contents", b"12345678", b")")
    entries = [(b"B", file), (b"b", link)]
    listed = b"".join(strings(b"entry", b"(", b"name", n, b"node") + node + string(b")") for n, node in entries)
    expected = strings(b"nix-archive-1", b"(", b"type", b"directory") + listed + string(b")")
    assert nar_hash(tmp_path) == sri(expected)


def test_an_empty_folder_hashes_as_nix_says(tmp_path: Path) -> None:
    assert nar_hash(tmp_path) == "sha256-pQpattmS9VmO3ZIQUFn66az8GSmB4IvYhTTCFn6SUmo="


def test_anything_else_than_files_links_and_folders_is_refused(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe is neither"):
        nar_hash(tmp_path)


def test_the_pin_names_a_whole_revision_and_a_sha256() -> None:
    assert len(PIN.rev) == 40
    assert len(base64.b64decode(PIN.nar_hash.removeprefix("sha256-"))) == 32
