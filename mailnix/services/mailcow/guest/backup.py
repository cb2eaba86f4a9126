"""mailcow-backup [FOLDER]: Mailcow's own backup, the certificates beside it, read back, then old ones removed.

Mailcow's script says that all is well whatever happened; so every archive is read to its end before the backup counts,
and before an older one is removed. FOLDER and how long backups are kept come from the description.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import backups
from .backups import BackupError
from .restoring import SWAP, Busy, locked, read_journal
from .setup import SetupError, paths_of, say
from .volumes import volumes

CONFIG = "/etc/mailnix/mailcow.json"
INSIDE = "mailcow"  # below the folder of the description, which may be shared with others; this one is not
UNFINISHED = "unfinished"  # Mailcow's script wants a folder that others may read: one inside of ours
SCRIPT = "helper-scripts/backup_and_restore.sh"
CONTAINER = "mailcow-backup"
DAY = 86400.0
SHOWN = 5  # lines of a script that failed


@dataclass(frozen=True)
class Wanted:
    """Where backups go, and for how many days they stay."""

    folder: Path
    keep_days: int


def back_up(root: Path, wanted: Wanted) -> Path:
    """Make a backup, whole or not at all; gives its folder. Raises BackupError, SetupError."""
    journal = read_journal(root)
    if journal is not None and journal.phase == SWAP:
        raise BackupError("a restore was not finished: systemctl restart mailcow")
    inside = wanted.folder / INSIDE
    inside.mkdir(parents=True, exist_ok=True)
    inside.chmod(0o700)
    work = inside / UNFINISHED
    shutil.rmtree(work, ignore_errors=True)
    _need_room(inside)
    work.mkdir()
    work.chmod(0o755)
    try:
        made = _make(root, work)
        whole = made.rename(inside / made.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _remove_old(inside, wanted.keep_days, whole)
    return whole


def _make(root: Path, work: Path) -> Path:
    """Everything that a backup has, in a folder below `work`; raises BackupError unless it is whole."""
    told = _run_script(root, work)
    made = list(work.glob(f"{backups.PREFIX}*"))
    if len(made) != 1:
        raise BackupError(f"{SCRIPT} made no backup: {told}")
    backups.pack_certificates(root / "data/assets/ssl", made[0])
    backups.write_sums(made[0])
    try:
        backups.check(made[0], volumes(root))
    except BackupError as error:
        raise BackupError(f"{error}; {SCRIPT} said: {told}") from None
    return made[0]


def _need_room(inside: Path) -> None:
    """Refuse to fill the disk: the mail may be on it too. As much is needed as the last backup took."""
    last = backups.whole(inside)[-1:]
    needed = sum(path.stat().st_size for folder in last for path in folder.iterdir())
    free = shutil.disk_usage(inside).free
    if free < needed * 1.1:
        raise BackupError(f"{inside} has {free >> 20} MiB left, and the last backup took {needed >> 20}")


def _run_script(root: Path, work: Path) -> str:
    """Run Mailcow's script; gives its last words, since its status means nothing."""
    subprocess.run(["docker", "rm", "--force", CONTAINER], capture_output=True, check=False)  # of a run that was cut
    environment = {**os.environ, "MAILCOW_BACKUP_LOCATION": str(work)}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        subprocess.run(
            ["bash", str(root / SCRIPT), "backup", "all"],
            cwd=root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
        size = output.tell()
        output.seek(max(0, size - 2000))
        return " / ".join(line.strip() for line in output.read().splitlines()[-SHOWN:] if line.strip())


def _remove_old(inside: Path, days: int, newest: Path) -> None:
    for folder in inside.glob(f"{backups.PREFIX}*"):
        if folder != newest and folder.stat().st_mtime < time.time() - days * DAY:
            shutil.rmtree(folder)
            say(f"{folder.name} removed: older than {days} days")


def main(*words: str) -> int:
    """Back Mailcow up."""
    os.umask(0o022)
    config, words = configured(words)
    if len(words) > 1 or any(word.startswith("-") for word in words):
        say("usage: mailcow-backup [FOLDER]")
        return 2
    try:
        data = json.loads(config.read_text("utf-8"))
        wanted = Wanted(Path(words[0] if words else data["backup"]["folder"]), int(data["backup"]["keep_days"]))
        root = paths_of(data).root
        with locked(root):
            made = back_up(root, wanted)
    except (BackupError, Busy, SetupError, OSError, ValueError, KeyError) as error:
        say(f"no backup was made: {error}")
        return 1
    size = sum(path.stat().st_size for path in made.iterdir())
    say(f"{made}: whole, {size / 2**20:.1f} MiB")
    return 0


def configured(words: Sequence[str]) -> tuple[Path, tuple[str, ...]]:
    """--config PATH, for systems that keep it elsewhere; and the other words."""
    if words[:1] == ("--config",) and len(words) > 1:
        return Path(words[1]), tuple(words[2:])
    return Path(CONFIG), tuple(words)
