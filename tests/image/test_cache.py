"""What the cache promises: whole or not there, one maker at a time, checksums that see every byte."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.image import cache
from mailnix.image.values import MIB


def sparse(path: Path, *places: tuple[int, bytes], size: int = 64 * MIB) -> Path:
    with path.open("wb") as file:
        os.truncate(file.fileno(), size)
        for offset, data in places:
            file.seek(offset)
            file.write(data)
    return path


def test_the_checksum_does_not_depend_on_how_zeros_are_stored(tmp_path: Path) -> None:
    thin = sparse(tmp_path / "thin", (5 * MIB + 3, b"x" * 100))
    full = tmp_path / "full"
    full.write_bytes(thin.read_bytes())
    assert cache.data_digest(thin) == cache.data_digest(full)


@pytest.mark.parametrize("offset", [0, 5 * MIB + 3, 63 * MIB, 64 * MIB - 1])
def test_the_checksum_sees_a_byte_anywhere(tmp_path: Path, offset: int) -> None:
    plain = sparse(tmp_path / "plain", (5 * MIB + 3, b"x" * 100))
    other = sparse(tmp_path / "other", (5 * MIB + 3, b"x" * 100), (offset, b"y"))
    assert cache.data_digest(plain) != cache.data_digest(other)


def test_the_checksum_sees_the_size_and_the_place(tmp_path: Path) -> None:
    here = sparse(tmp_path / "here", (0, b"x"))
    assert cache.data_digest(here) != cache.data_digest(sparse(tmp_path / "there", (4 * MIB, b"x")))
    assert cache.data_digest(here) != cache.data_digest(sparse(tmp_path / "longer", (0, b"x"), size=65 * MIB))


def test_a_copy_is_equal_and_stays_sparse(tmp_path: Path) -> None:
    old = sparse(tmp_path / "old", (0, b"head"), (40 * MIB, os.urandom(MIB)), (64 * MIB - 4, b"tail"))
    new = tmp_path / "new"
    cache.copy_sparse(old, new)
    assert new.read_bytes() == old.read_bytes()
    assert new.stat().st_blocks * 512 < 4 * MIB


def test_the_cache_is_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILNIX_CACHE", str(tmp_path / "here"))
    assert cache.cache_dir() == tmp_path / "here"
    monkeypatch.delenv("MAILNIX_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.cache_dir() == tmp_path / "xdg" / "mailnix"


def test_a_second_maker_says_that_it_waits(tmp_path: Path) -> None:
    import fcntl
    import threading

    lock, entered = tmp_path / "lock", threading.Event()
    told: list[str] = []

    def second() -> None:
        with cache.locked(lock, told.append):
            entered.set()

    with lock.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        thread = threading.Thread(target=second)
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(5)
    thread.join()
    assert told == ["waiting for another mailnix that makes the same base image"]


def test_a_scratch_folder_is_gone_after_its_block_and_after_errors(tmp_path: Path) -> None:
    def fail() -> None:
        with cache.scratch(tmp_path, "x") as folder:
            (folder / "file").touch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_too_little_space_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    cache.need_space(tmp_path, 1)
    with pytest.raises(BuildError, match="MiB free"):
        cache.need_space(tmp_path, 1 << 60)


def test_no_folder_is_no_base_and_an_empty_one_is_a_damaged_base(tmp_path: Path) -> None:
    assert cache.load(tmp_path / "none") is None
    with pytest.raises(BuildError, match="damaged"):
        cache.load(tmp_path)


def test_bases_that_nobody_uses_are_removed_and_those_in_use_kept(tmp_path: Path) -> None:
    import fcntl

    told: list[str] = []
    for name, days in [("old", 40), ("kept", 40), ("busy", 40), ("new", 1)]:
        (tmp_path / name).mkdir()
        facts = tmp_path / name / "base.json"
        facts.touch()
        os.utime(facts, (facts.stat().st_mtime - days * 86400,) * 2)
    with (tmp_path / "busy.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cache.prune(tmp_path, "kept", told.append)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["busy", "kept", "new"]
    assert told == ["base image old: removed, not used for 30 days"]


def test_a_full_disk_is_one_clear_line(tmp_path: Path) -> None:
    import errno

    with pytest.raises(BuildError, match="disk: No space left on device") as caught, cache.plainly(tmp_path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "disk"))
    assert "free some space" in caught.value.hint
