"""Mailcow's tree on disk: laid from a source, replaced by another one with everything kept that was not in the first.

/var/lib/mailcow             what runs; `.mailnix.json` in it says which revision it is and which files came with it
/var/lib/mailcow.new         the next one while it is made
/var/lib/mailcow.previous    the one before, whole: the source for going back without a network
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from .merging import merge

CONF = "mailcow.conf"
RECORD = ".mailnix.json"
ORIGINALS = ".mailnix.originals"
"""The folder with the files that settings took the place of, Mailcow's own and others, by their paths."""
EDITED_IN_PAGES = (
    "data/conf/rspamd/custom/",  # allow and deny lists (Mailcow's inc/functions.rspamd.inc.php)
    "data/conf/dovecot/global_sieve_",  # filters for everybody (its inc/functions.mailbox.inc.php)
    "data/conf/sogo/custom-",  # a theme and a logo of one's own
)
"""Beginnings of paths that come with Mailcow and are for its administrators to change, most of them in its pages."""
CONFIGURATION = "data/conf/"
"""What people edit there is merged with what a new Mailcow brings, but for `REWRITTEN`."""
REWRITTEN = ("data/conf/postfix/main.cf", "data/conf/postfix/master.cf", "data/assets/ssl-example/")
"""Beginnings of paths that come with Mailcow and are written to by its containers, at each start, or by us."""
BASES = ".mailnix.bases"
"""The folder with those as they came, so that edits can be told, and merged with what a new Mailcow brings."""
YOURS = ".yours"
"""Ends the name of an edited file beside one in whose place Mailcow's stands."""


@dataclass(frozen=True)
class Record:
    """What was laid: revision, the paths that came with it, and a digest of the settings put on top ("" for none).

    `digests` are of the files as they came; `applied` are the paths of the settings; `named` is which Mailcow it was
    described as, with its images.
    """

    rev: str
    paths: tuple[str, ...]
    settings: str = ""
    digests: Mapping[str, str] = field(default_factory=dict)
    applied: tuple[str, ...] = ()
    named: str = ""

    @property
    def release(self) -> str:
        """Which Mailcow it is: as it was described when it was set up last, or its revision."""
        return self.named or self.rev


@dataclass(frozen=True)
class Carried:
    """What went from one tree to the next: how many files of our own, and what became of those that were edited.

    Edits were `merged`; or Mailcow changed the same lines, and the edited file lies `beside` its own; or Mailcow's file
    was `replaced` by the new one, and what was edited is in the tree before.
    """

    own: int = 0
    merged: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


def read_record(root: Path) -> Record | None:
    """The record of the tree at `root`, or None where there is no whole tree."""
    try:
        data = json.loads((root / RECORD).read_text("utf-8"))
        applied = tuple(data.get("applied", ()))
        return Record(
            data["rev"], tuple(data["paths"]), data["settings"], data["digests"], applied, data.get("named", "")
        )
    except (OSError, ValueError, KeyError):
        return None


def is_whole(root: Path, record: Record | None) -> bool:
    """Whether every file that came with the tree is still there."""
    return record is not None and all(os.path.lexists(root / path) for path in record.paths)


def write_record(root: Path, record: Record) -> None:
    """Write the record last: a tree that has one is whole."""
    write(root / RECORD, json.dumps(asdict(record)).encode(), 0o600)


def name_release(root: Path, release: str) -> None:
    """Have it known as which Mailcow a tree was set up."""
    record = read_record(root)
    if record is not None and record.release != release:
        write_record(root, replace(record, named=release))


def write(path: Path, data: bytes, mode: int) -> None:
    """Write a file atomically, durable before its name points to it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        os.fchmod(file.fileno(), mode)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def paths_in(root: Path) -> tuple[str, ...]:
    """Every file and link below `root`, sorted; what we keep there for ourselves left out."""
    found = []
    for folder, folders, files in os.walk(root):
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        found += [str((Path(folder) / name).relative_to(root)) for name in files + links]
    own = (f"{ORIGINALS}/", f"{BASES}/")
    return tuple(sorted(path for path in found if path != RECORD and not path.startswith(own)))


def lay(source: Path, target: Path, rev: str, paths: Iterable[str] | None = None) -> None:
    """Copy `paths` (default: all) of `source` to a new `target`, with the modes a checkout has, owned by root."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(mode=0o700, parents=True)
    wanted = tuple(paths) if paths is not None else paths_in(source)
    for path in wanted:
        copies = (source / BASES / path, source / ORIGINALS / path)
        copy(next(filter(os.path.lexists, copies), source / path), target / path, keep=False)
        if is_for_hands(path):
            copy(target / path, target / BASES / path, keep=False)
    if paths is None:
        for folder in (p for p in source.rglob("*") if p.is_dir() and not p.is_symlink()):
            (target / folder.relative_to(source)).mkdir(mode=0o755, parents=True, exist_ok=True)
    write_record(target, Record(rev, wanted, digests=_digests(target, wanted)))


def is_for_hands(path: str) -> bool:
    """Whether a file that comes with Mailcow is for people to edit, where they can reach it alone."""
    return path.startswith(CONFIGURATION) and not path.startswith((*EDITED_IN_PAGES, *REWRITTEN))


def _digests(root: Path, paths: Iterable[str]) -> dict[str, str]:
    """Digests of files; a link, or one that is gone, has none."""
    return {path: _digest(root / path) for path in paths if _is_file(root / path)}


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def copy(source: Path, target: Path, *, keep: bool) -> None:
    """Copy a file or link; with `keep` its owner and mode too, else the mode of a checkout (0755 or 0644)."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = source.lstat()
    if stat.S_ISLNK(status.st_mode):
        target.unlink(missing_ok=True)
        target.symlink_to(source.readlink())
    elif stat.S_ISREG(status.st_mode):
        shutil.copyfile(source, target)
        target.chmod(stat.S_IMODE(status.st_mode) if keep else 0o755 if status.st_mode & stat.S_IXUSR else 0o644)
    else:
        return  # sockets and the like are made anew by whoever needs them
    if keep and os.geteuid() == 0:
        os.chown(target, status.st_uid, status.st_gid, follow_symlinks=False)


def carry_over(old: Path, new: Path) -> Carried:
    """Copy what is in `old` and did not come with it (certificates, generated files) to `new`; settings are laid anew.

    Of what came with the old revision, what administrators changed in Mailcow's pages is carried over, and what they
    edited is merged with the new file. Mailcow's containers change others (main.cf, master.cf) at each start, and do so
    again.
    """
    record = read_record(old) or Record("", ())
    came_with, present = set(record.paths), set(paths_in(new))
    beneath = _without_settings(old, record)
    own = [path for path in beneath if path not in came_with and path not in present]
    changed = [path for path in sorted(came_with & beneath.keys()) if _changed(old, record, path, beneath[path])]
    own += [path for path in changed if path.startswith(EDITED_IN_PAGES)]
    for path in own:
        copy(beneath[path], new / path, keep=True)
    edited = [path for path in changed if (old / BASES / path).is_file()]
    lost = [path for path in edited if not _merge(old / BASES / path, beneath[path], new / path)]
    met = [path for path in sorted(beneath.keys() - came_with) if came_with and _differ(beneath[path], new / path)]
    beside = (*lost, *(path for path in met if path.startswith(CONFIGURATION)))
    for path in beside:
        copy(beneath[path], new / (path + YOURS), keep=True)
    replaced = {*changed, *met} - {*own, *edited, *beside}
    said = tuple(path for path in sorted(replaced) if not path.startswith(REWRITTEN))
    return Carried(len(own), tuple(path for path in edited if path not in lost), beside, said)


def _changed(old: Path, record: Record, path: str, file: Path) -> bool:
    """Whether a file that came with a tree is another by now; where that is not known, it is not."""
    base = old / BASES / path
    if base.is_file():
        return _differ(file, base)
    known = record.digests.get(path, "" if path.startswith(EDITED_IN_PAGES) else None)
    return known is not None and _is_file(file) and _digest(file) != known


def _differ(one: Path, other: Path) -> bool:
    """Whether both are files, and not the same."""
    return _is_file(one) and _is_file(other) and one.read_bytes() != other.read_bytes()


def _merge(base: Path, edited: Path, new: Path) -> bool:
    """Merge edits into Mailcow's new file; whether all of them are in it."""
    if not new.is_file():
        return False
    merged, lost = merge(base.read_bytes(), edited.read_bytes(), new.read_bytes())
    copy(edited, new, keep=True)
    new.write_bytes(merged)
    return not lost


def _without_settings(root: Path, record: Record) -> dict[str, Path]:
    """Path to file of a tree as it would be without settings: the files that they took the place of, not theirs."""
    kept = {path: root / ORIGINALS / path for path in paths_in(root / ORIGINALS)}
    applied = set(record.applied)
    return {path: root / path for path in paths_in(root) if path not in applied} | kept


def swap(current: Path, new: Path, previous: Path, stop: Callable[[], None]) -> None:
    """Put `new` in the place of `current`, which becomes `previous`; `stop` ends what still runs from `current`."""
    if current.exists():
        stop()
        shutil.rmtree(previous, ignore_errors=True)
        current.rename(previous)
    new.rename(current)


def finish_swap(current: Path, new: Path) -> None:
    """Complete a swap that power loss cut short between its two renames."""
    if not current.exists() and read_record(new) is not None:
        new.rename(current)
