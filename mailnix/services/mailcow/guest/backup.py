"""mailcow-backup [FOLDER]: Mailcow's own backup, certificates and pages beside it, read back, then old ones removed.

Mailcow's script says that all is well whatever happened; so every archive is read to its end before the backup counts,
and before an older one is removed. FOLDER and how long backups are kept come from the description.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import backups, pages
from .backups import BackupError
from .machine import SetupError, command, paths_of, say
from .restoring import SWAP, Busy, locked, read_journal
from .tree import write
from .volumes import volumes

CONFIG = "/etc/mailnix/mailcow.json"
INSIDE = "mailcow"  # below the folder of the description, which may be shared with others; this one is not
UNFINISHED = "unfinished"  # Mailcow's script wants a folder that others may read: one inside of ours
SCRIPT = "helper-scripts/backup_and_restore.sh"
OURS = "helper-scripts/.mailnix_backup.sh"  # it looks for the tree above the folder that it is in
IMAGE = re.compile(r"^DEBIAN_DOCKER_IMAGE=.*$", re.MULTILINE)
# It gives up over an image that was loaded from a disk, for such a one has no digest of a registry's.
FETCH = re.compile(r"^prefetch_image$", re.MULTILINE)
DATABASE = "mysql-mailcow"
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
    pages.pack(root, made[0])
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
    script = root / OURS
    write(script, _pinned((root / SCRIPT).read_text("utf-8")).encode(), 0o700)
    try:
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
            subprocess.run(
                ["bash", str(script), "backup", "all"],
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
    finally:
        script.unlink(missing_ok=True)


def _pinned(script: str) -> str:
    """Mailcow's script with the running database's image, by its digest, in the place of `mailcow/backup:latest`.

    All it wants of that image is tar and zstd, which it finds in the database's, too, when it packs the database. So
    what reads all of the mail is an image that the pinned tree named and this machine runs; no registry is asked.
    Raises BackupError where the database does not run, or where a script of another shape would pull what is unpinned.
    """
    if IMAGE.search(script):
        container = command(["docker", "ps", "--quiet", "--filter", f"name={DATABASE}"]).split()
        if not container:
            raise BackupError(f"{DATABASE} does not run: systemctl start mailcow")
        image = command(["docker", "inspect", "--format", "{{.Image}}", container[0]]).strip()
        script = FETCH.sub(":", IMAGE.sub(f'DEBIAN_DOCKER_IMAGE="{image}"', script))
    unpinned = re.search(r"[\w./-]+:latest\b", script)
    if unpinned:
        raise BackupError(f"{SCRIPT} of this Mailcow would run {unpinned[0]}, which nobody has pinned")
    return script


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
