"""Settings on top of Mailcow's tree: laid, changed, and taken away again when they leave the configuration.

Where a setting takes the place of a file (Mailcow's own, one that its containers made, or a person's), that file is
kept in `.mailnix.originals` and comes back with the setting's end; a file that was not there before is gone then.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from .tree import CONF, ORIGINALS, copy, read_record, write, write_record

UNFINISHED = "unfinished"
"""In the place of a digest while files change: no configuration is equal to what a power cut leaves."""

Files = Mapping[str, tuple[bytes, int]]
"""Path in the tree to bytes and mode."""


def apply(files: Files, conf: str, root: Path, stop: Callable[[Path], None]) -> bool:
    """Lay `files` and mailcow.conf where they changed since the last time; whether they did. `stop` ends what runs.

    Told from a digest of what we want, not from the files: Mailcow's containers rewrite some of them. Raises
    FileNotFoundError where there is no whole tree.
    """
    record = read_record(root)
    if record is None:
        raise FileNotFoundError(f"{root} has no whole tree")
    digest = _digest(files, conf)
    if digest == record.settings:
        return False
    if record.settings:
        stop(root)
    for path in set(files) - set(record.applied):
        _keep_original(root, path)
    # Known before they are there: one that a power cut leaves behind is still found when it is no setting any more.
    record = replace(record, settings=UNFINISHED, applied=tuple(sorted({*record.applied, *files})))
    write_record(root, record)
    for path in set(record.applied) - set(files):
        _take_away(root, path)
    for path, (data, mode) in files.items():
        _make_room(root / path)
        write(root / path, data, mode)
    write(root / CONF, conf.encode(), 0o600)
    write_record(root, replace(record, settings=digest, applied=tuple(sorted(files))))
    return True


def _digest(files: Files, conf: str) -> str:
    digest = hashlib.sha256(conf.encode())
    for path, (data, mode) in sorted(files.items()):
        digest.update(f"{path}\0{mode}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()


def _keep_original(root: Path, path: str) -> None:
    """Keep the file that a setting takes the place of, whole or not at all."""
    there, kept = root / path, root / ORIGINALS / path
    if not (there.is_symlink() or there.is_file()):
        return
    new = kept.with_name(f".{kept.name}.new")
    copy(there, new, keep=True)
    new.replace(kept)


def _take_away(root: Path, path: str) -> None:
    """Remove a setting that is one no more; the file that was there before comes back."""
    original, place = root / ORIGINALS / path, root / path
    if os.path.lexists(original):
        _make_room(place)
        place.parent.mkdir(parents=True, exist_ok=True)
        original.replace(place)
        _prune(original, root)
        return
    if place.is_dir() and not place.is_symlink():
        return  # no file of ours any more
    place.unlink(missing_ok=True)
    _prune(place, root)


def _make_room(place: Path) -> None:
    """Remove an empty folder in a file's place: Docker makes one where a container mounts a file that is missing."""
    if place.is_dir() and not place.is_symlink():
        place.rmdir()


def _prune(place: Path, root: Path) -> None:
    """Remove the folders above `place` that are empty now; none of Mailcow's is, for git keeps no empty folder."""
    for folder in place.parents:
        if folder == root:
            return
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:  # not empty: something else lives there
            return
