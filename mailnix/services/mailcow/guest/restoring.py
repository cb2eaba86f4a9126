"""Put restored folders in the place of those in use: a power cut leaves either all of the old or all of the new.

Everything is unpacked beside its place first, while Mailcow runs. Then a journal is written; from there on there is
only one way, forward: whoever finds the journal, `mailcow-restore` or the next start of Mailcow, finishes.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from .tree import CONF, read_record, write, write_record

JOURNAL = "restore.json"
SWAP, CLEAN, KEPT = "swap", "clean", "kept"

Say = Callable[[str], None]


class Busy(RuntimeError):
    """Another program holds the lock."""


@dataclass(frozen=True)
class Swap:
    """A folder in use, the one that takes its place, and where the first goes; all on one file system."""

    target: Path
    new: Path
    old: Path

    def do(self) -> None:
        """Both renames, or the one that is left to do."""
        if not self.new.exists():
            return
        if self.target.exists():
            self.target.rename(self.old)
        self.new.rename(self.target)


@dataclass(frozen=True)
class Journal:
    """A restore under way: from which backup, the folders to swap, and lines of mailcow.conf that go with them."""

    folder: str
    swaps: tuple[Swap, ...]
    conf: Mapping[str, str]
    phase: str = SWAP


def work_folder(root: Path) -> Path:
    """Where a restore keeps its journal and what belongs into the tree."""
    return root.with_name(f"{root.name}.restore")


def read_journal(root: Path) -> Journal | None:
    """The restore that was begun, or None."""
    try:
        data = json.loads((work_folder(root) / JOURNAL).read_text("utf-8"))
    except FileNotFoundError:
        return None
    swaps = tuple(Swap(*map(Path, paths)) for paths in data["swaps"])
    return Journal(data["folder"], swaps, data["conf"], data["phase"])


def write_journal(root: Path, journal: Journal) -> None:
    """Write it down; it holds passwords of the database."""
    swaps = [[str(path) for path in (swap.target, swap.new, swap.old)] for swap in journal.swaps]
    data = {"folder": journal.folder, "swaps": swaps, "conf": dict(journal.conf), "phase": journal.phase}
    write(work_folder(root) / JOURNAL, json.dumps(data).encode(), 0o600)


@contextmanager
def locked(root: Path) -> Iterator[None]:
    """Be the only one that backs up or restores; raises Busy. The lock ends with its process."""
    with root.with_name(f"{root.name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("a backup or a restore is under way") from None
        yield


def finish(root: Path, journal: Journal) -> None:
    """Swap what is not swapped yet; nothing may run from these folders."""
    for swap in journal.swaps:
        swap.do()
    use_database(root, journal.conf)
    write_journal(root, replace(journal, phase=CLEAN))


def use_database(root: Path, conf: Mapping[str, str]) -> None:
    """Tell mailcow.conf which passwords the restored database has; setup gives it this machine's own."""
    path = root / CONF
    lines = path.read_text("utf-8").splitlines()
    new = [f"{name}={conf[name]}" if (name := line.partition("=")[0]) in conf else line for line in lines]
    record = read_record(root)
    if new == lines or record is None:
        return
    write(path, "\n".join([*new, ""]).encode(), 0o600)
    write_record(root, replace(record, settings=""))  # so that setup writes its settings again


def clean(root: Path, journal: Journal) -> None:
    """Remove what the restore has replaced, and its traces."""
    for swap in journal.swaps:
        shutil.rmtree(swap.new, ignore_errors=True)
        shutil.rmtree(swap.old, ignore_errors=True)
    shutil.rmtree(work_folder(root), ignore_errors=True)


def keep(root: Path, journal: Journal) -> None:
    """Leave what was replaced where it is, for people to look at; the next restore removes it."""
    write_journal(root, replace(journal, phase=KEPT))


def resume(root: Path, stop: Callable[[Path], None], say: Say) -> None:
    """Finish a restore whose program ended too early; raises Busy while that program is at work."""
    journal = read_journal(root)
    if journal is None or journal.phase == KEPT:
        return
    try:
        with locked(root):
            if journal.phase == SWAP:
                say(f"finishing the restore of {journal.folder}, which was interrupted")
                stop(root)
                finish(root, journal)
            clean(root, journal)
    except Busy:
        if journal.phase == SWAP:
            raise
