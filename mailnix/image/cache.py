"""Where bases are kept between builds, and how one that is damaged is told from one that is whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from mailnix import write
from mailnix.errors import BuildError
from mailnix.image.values import MIB, Progress

PART = 4 * MIB
UNUSED_DAYS = 30
Kinds = Mapping[str, str]
"""Path on the machine → kind: f file, d directory, l link (the letters of `find -printf %y`)."""


@frozen
class Base:
    """A base image in the cache."""

    key: str
    disk: Path
    kinds: Kinds
    packages: Mapping[str, str]
    boot_img: bytes
    root_bytes: int
    size: int
    slack: int
    age_days: float


def cache_dir() -> Path:
    """`$MAILNIX_CACHE`, or `mailnix` in the user's cache folder."""
    own = os.environ.get("MAILNIX_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mailnix"


@contextlib.contextmanager
def locked(path: Path, progress: Progress) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block, waiting for another mailnix that holds it."""
    with write.locked(path, lambda: progress("waiting for another mailnix that makes the same base image")):
        yield


def data_ranges(descriptor: int) -> Iterator[tuple[int, int]]:
    """The (offset, length) of what a sparse file really holds."""
    size, offset = os.fstat(descriptor).st_size, 0
    while offset < size:
        try:
            start = os.lseek(descriptor, offset, os.SEEK_DATA)
        except OSError:  # ENXIO: only a hole is left
            return
        offset = os.lseek(descriptor, start, os.SEEK_HOLE)
        yield start, offset - start


def data_digest(path: Path) -> str:
    """A SHA-256 over a sparse file's size and its data, blocks of zeros left out however they are stored."""
    digest = hashlib.sha256(str(path.stat().st_size).encode())
    zeros = bytes(PART)
    todo = 0
    with path.open("rb", buffering=0) as file:
        for start, length in data_ranges(file.fileno()):
            for offset in range(max(todo, start // PART * PART), start + length, PART):
                part = os.pread(file.fileno(), PART, offset)
                if part != zeros[: len(part)]:
                    digest.update(offset.to_bytes(8, "big") + part)
                todo = offset + PART
    return digest.hexdigest()


def copy_sparse(source: Path, target: Path) -> None:
    """Copy a file without filling its holes, sharing blocks with it where the file system can."""
    with source.open("rb", buffering=0) as old, target.open("wb", buffering=0) as new:
        os.truncate(new.fileno(), os.fstat(old.fileno()).st_size)
        for start, length in data_ranges(old.fileno()):
            done = 0
            while done < length:
                done += os.copy_file_range(old.fileno(), new.fileno(), length - done, start + done, start + done)


def file_digest(path: Path) -> str:
    """The SHA-256 of a whole file, as sha256sum prints it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def need_space(where: Path, needed: int) -> None:
    """Raise BuildError where the file system of `where` has less than `needed` bytes free."""
    free = shutil.disk_usage(where).free
    if free < needed:
        raise BuildError(
            f"{where} has {free // MIB} MiB free, the image needs about {needed // MIB} MiB",
            "free some space, or point MAILNIX_CACHE or --out at a larger disk",
        )


@contextlib.contextmanager
def plainly(where: Path) -> Iterator[None]:
    """Say what the system refused, and where, instead of a traceback: OSError becomes BuildError."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        hint = "free some space, or choose a larger disk" if full else "choose a folder that you may write to"
        # A folder above `where` that could not be entered says little to who named `where`.
        named = Path(os.fsdecode(error.filename)) if isinstance(error.filename, str | bytes) else where
        raise BuildError(
            f"{where if where.is_relative_to(named) else named}: {error.strerror or error}", hint
        ) from error


@contextlib.contextmanager
def scratch(parent: Path, name: str) -> Iterator[Path]:
    """A temporary folder in `parent`, so that renames out of it are atomic; gone at the end of the block.

    What a killed run of the same name left is removed first; the caller holds the lock for that name.
    """
    parent.mkdir(parents=True, exist_ok=True)
    for stale in parent.glob(f".{name}.*"):
        shutil.rmtree(stale, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def prune(store: Path, kept: str, progress: Progress) -> None:
    """Remove bases that no build has used for `UNUSED_DAYS`: each change of the packages leaves one behind."""
    for facts in store.glob("*/base.json"):
        folder = facts.parent
        if folder.name == kept or folder.name.startswith(".") or _days_since(facts) < UNUSED_DAYS:
            continue
        with (store / f"{folder.name}.lock").open("a") as lock, contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
            progress(f"base image {folder.name}: removed, not used for {UNUSED_DAYS} days")


def _days_since(path: Path) -> float:
    return max(0.0, time.time() - path.stat().st_mtime) / 86400


def save(folder: Path, key: str, root_bytes: int, slack: int) -> None:
    """Write the base's own description beside its disk, with the checksum that `load` compares."""
    disk = folder / "disk.raw"
    facts = {"key": key, "size": disk.stat().st_size, "root_bytes": root_bytes, "slack": slack}
    (folder / "base.json").write_text(json.dumps({**facts, "data_sha256": data_digest(disk)}))


def load(folder: Path, *, verify: bool = True) -> Base | None:
    """The base in `folder`; None where there is none. Raises BuildError where it is damaged.

    `verify` reads all of its disk; who has just made it need not.
    """
    if not folder.exists():
        return None
    try:
        facts = json.loads((folder / "base.json").read_text())
        disk = folder / "disk.raw"
        if verify and data_digest(disk) != facts["data_sha256"]:
            raise ValueError("checksum of disk.raw")
        (folder / "base.json").touch()  # `prune` reads when it was last used
        rows = (folder / "listing").read_text().rstrip("\0").split("\0")
        versions = (line.split(maxsplit=1) for line in (folder / "packages").read_text().splitlines())
        return Base(
            key=facts["key"],
            disk=disk,
            kinds={row[2:]: row[0] for row in rows},
            packages=dict(versions),
            boot_img=(folder / "boot.img").read_bytes(),
            root_bytes=facts["root_bytes"],
            size=facts["size"],
            slack=facts["slack"],
            age_days=_days_since(disk),
        )
    except (OSError, ValueError, KeyError) as error:
        raise BuildError(f"the cached base image {folder} is damaged ({error})") from error
