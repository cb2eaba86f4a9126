"""The only writer of trees: what is emitted appears whole, and nothing that is not ours is touched.

A folder that mailnix writes has a list of its files, `.mailnix-tree.json`. Only what that list names is ever replaced
or removed, so a user's own files (.git, flake.lock, notes) may stand beside it.
"""

from __future__ import annotations

import contextlib
import difflib
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path

from attrs import frozen

from mailnix.errors import BuildError
from mailnix.tree import Entry, File, Link, Tree

LIST = ".mailnix-tree.json"
VERSION = 1


class Kind(StrEnum):
    """What writing a tree would do to a path."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@contextlib.contextmanager
def writing(place: Path) -> Iterator[None]:
    """Say which place cannot be written, whole, and not which name below or above it the system tripped over."""
    try:
        yield
    except OSError as error:
        hint = "choose a place that you may write to, on a disk with room"
        raise BuildError(f"{place} cannot be written: {error.strerror or error}", hint) from error


def _silent() -> None:
    pass


@contextlib.contextmanager
def locked(path: Path, waits: Callable[[], None] = _silent) -> Iterator[None]:
    """Hold the lock file `path` for the length of the block; where another process has it, call `waits`, and wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waits()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@frozen
class Difference:
    """One path that a folder and a tree disagree about; `diff` is a unified diff of text, or empty."""

    path: str
    kind: Kind
    diff: str = ""


def write_file(path: Path, data: bytes, mode: int = 0o644, *, sync: bool = True) -> None:
    """Write a file so that a reader sees the old content or the new, never a part: after power loss too, if `sync`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            if sync:
                os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_tree(tree: Tree, dest: Path, *, force: bool = False) -> tuple[Difference, ...]:
    """Make the folder `dest` hold `tree`; gives back what was different before.

    A new folder appears whole. In one that mailnix wrote before, files are replaced one by one, each atomically, and
    those that the tree no longer has are removed. Raises BuildError, before anything is written, where `dest` is
    somebody else's, or where a file was edited since (unless `force`).
    """
    with writing(dest):
        return _write_tree(tree, dest, force=force)


def _write_tree(tree: Tree, dest: Path, *, force: bool) -> tuple[Difference, ...]:
    if not dest.exists() or not any(dest.iterdir()):
        _write_new(tree, dest)
        return tuple(Difference(entry.path, Kind.ADDED) for entry in tree)
    listed = _listed(dest)
    _refuse_foreign(tree, dest, listed, force=force)
    differences = diff_tree(tree, dest)
    for difference in differences:
        if difference.kind is Kind.REMOVED:
            _remove(dest, difference.path)
    wanted = {difference.path for difference in differences}
    for entry in tree:
        if entry.path in wanted:
            _put(entry, dest)
    _write_list(tree, dest)
    return differences


def diff_tree(tree: Tree, dest: Path) -> tuple[Difference, ...]:
    """What `write_tree` would change in `dest`, by path; writes nothing."""
    differences = []
    for entry in tree:
        old, new = _state(_below(dest, entry.path)), _wanted(entry)
        if old != new:
            kind = Kind.ADDED if old is None else Kind.CHANGED
            differences.append(Difference(entry.path, kind, _unified(entry.path, old, new)))
    kept = {entry.path for entry in tree}
    gone = [path for path in (_listed(dest) or {}) if path not in kept and _state(_below(dest, path)) is not None]
    differences += [Difference(path, Kind.REMOVED) for path in gone]
    return tuple(sorted(differences, key=lambda difference: difference.path))


_State = tuple[str, bytes, int]
"""What is at a path: "file" or "link" or "other", content or target, permission bits."""


def _wanted(entry: Entry) -> _State:
    match entry:
        case File():
            return ("file", entry.data, entry.mode)
        case Link():
            return ("link", entry.target.encode(), 0)


def written(dest: Path) -> frozenset[str]:
    """The paths that mailnix wrote into `dest` last time; empty where it never did."""
    with writing(dest):
        return frozenset(_listed(dest) or ())


def _state(path: Path) -> _State | None:
    if path.is_symlink():
        return ("link", os.fsencode(path.readlink()), 0)
    if path.is_file():
        return ("file", path.read_bytes(), path.stat().st_mode & 0o777)
    return ("other", b"", 0) if path.exists() else None


def _digest(state: _State) -> str:
    return hashlib.sha256(state[0].encode() + b"\0" + state[1]).hexdigest()


def _below(dest: Path, path: str) -> Path:
    return dest / path.lstrip("/")


def _listed(dest: Path) -> Mapping[str, str] | None:
    """Path → digest of what mailnix wrote into `dest` last time; None where it never did."""
    try:
        listed = json.loads((dest / LIST).read_text())
        if listed["version"] > VERSION:
            raise BuildError(f"{dest} was written by a newer mailnix", "upgrade mailnix, or write into another folder")
        return {str(path): str(digest) for path, digest in listed["paths"].items()}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, AttributeError, TypeError):
        raise BuildError(f"{dest / LIST} cannot be read", "write into another folder, or remove this one") from None


def _refuse_foreign(tree: Tree, dest: Path, listed: Mapping[str, str] | None, *, force: bool) -> None:
    if listed is None:
        raise BuildError(f"{dest} is not empty and was not written by mailnix", "choose an empty or new folder")
    for entry in tree:
        place = _below(dest, entry.path)
        state = _state(place)
        for parent in place.parents:
            if parent == dest:
                break
            if parent.is_symlink() or parent.is_file():
                raise BuildError(f"{parent} is in the way of {entry.path}", "move it elsewhere")
        if state is None or state == _wanted(entry):
            continue
        if state[0] == "other":
            raise BuildError(f"{place} is a folder, and mailnix has a file of that name", "move it elsewhere")
        if not force and listed.get(entry.path) != _digest(state):
            edited = "was edited since mailnix wrote it" if entry.path in listed else "is not mailnix's"
            raise BuildError(f"{place} {edited}", "move it elsewhere; put your own settings into files of your own")


def _write_new(tree: Tree, dest: Path) -> None:
    dest.parent.mkdir(parents=True, exist_ok=True)
    with _sibling(dest) as folder:
        for entry in tree:
            _put(entry, folder)
        _write_list(tree, folder)
        folder.replace(dest)  # rename(2) takes the place of an empty folder, and only of an empty one


@contextlib.contextmanager
def _sibling(dest: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(dir=dest.parent, prefix=f".{dest.name}."))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _put(entry: Entry, dest: Path) -> None:
    place = _below(dest, entry.path)
    match entry:
        case File():
            write_file(place, entry.data, entry.mode, sync=False)
        case Link():
            place.parent.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=f".{place.name}."))
            try:
                (temporary / "link").symlink_to(entry.target)
                (temporary / "link").replace(place)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)


def _remove(dest: Path, path: str) -> None:
    place = _below(dest, path)
    if place.is_dir() and not place.is_symlink():
        return
    place.unlink(missing_ok=True)
    for parent in place.parents:
        if parent == dest:
            return
        try:
            parent.rmdir()
        except OSError:  # not empty: something else lives there
            return


def _write_list(tree: Tree, dest: Path) -> None:
    paths = {entry.path: _digest(_wanted(entry)) for entry in tree}
    write_file(dest / LIST, (json.dumps({"version": VERSION, "paths": paths}, indent=1) + "\n").encode(), sync=False)


def _unified(path: str, old: _State | None, new: _State) -> str:
    try:
        before = old[1].decode().splitlines(keepends=True) if old else []
        after = new[1].decode().splitlines(keepends=True)
    except UnicodeDecodeError:
        return ""
    return "".join(difflib.unified_diff(before, after, f"a{path}", f"b{path}"))
