"""mailcow-restore FOLDER|latest [--yes]: put a backup in the place of everything that Mailcow holds.

The backup is read to its end and unpacked beside what is in use before anything is touched; only then is Mailcow
stopped, for as long as renaming some folders and starting takes. What has come since the backup is gone afterwards.
Mailcow's own script does not do: it unpacks over what is there, so that a mail read since the backup is there twice,
asks questions, and goes on after an error.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from . import backups, pages, restoring
from .backup import INSIDE, configured
from .backups import PAGES, SSL, Archive, BackupError, Dataset
from .databases import VARIABLES as DATABASE
from .machine import SetupError, command, paths_of, say, stop, values
from .restoring import Busy, Journal, Swap
from .tree import CONF
from .volumes import INDEX, Volume, volumes

USAGE = "usage: mailcow-restore FOLDER|latest [--yes]"
SERVICE, PROVISION = "mailcow.service", "mailcow-provision.service"
PROJECT = "COMPOSE_PROJECT_NAME"
NAMES = ("DBNAME", "DBUSER")  # those that no start changes
RESERVE = 64 * 2**20  # bytes that stay free


@dataclass(frozen=True)
class Plan:
    """A backup that was found whole, and the folder in use that each of its archives replaces."""

    folder: Path
    archives: Mapping[Dataset, Archive]
    targets: Mapping[Dataset, Path]
    index: Path | None
    conf: Mapping[str, str]


def plan(folder: Path, root: Path) -> Plan:
    """Look at everything, touch nothing; raises BackupError or SetupError where it would not work out."""
    there = volumes(root)
    archives = backups.check(folder, there)
    conf = values(folder / CONF)
    here = values(root / CONF)
    if conf.get("MAILCOW_HOSTNAME") != here.get("MAILCOW_HOSTNAME"):
        names = f"{conf.get('MAILCOW_HOSTNAME')}, this machine is {here.get('MAILCOW_HOSTNAME')}"
        raise BackupError(f"the backup is of {names}: describe it under that name first")
    missing = [name for name in DATABASE if not conf.get(name)]
    if missing:
        raise BackupError(f"{folder / CONF} has no {', '.join(missing)}")
    others = [name for name in NAMES if conf[name] != here.get(name)]
    if others:
        named = ", ".join(f"{name}={conf[name]}" for name in others)
        raise BackupError(f"the database in it is made with {named}, which is another here: rename that there first")
    targets = {dataset: _target(dataset, there, root) for dataset in archives}
    _need_room(archives, targets)
    return Plan(folder, archives, targets, _folder(INDEX, there), {name: conf[name] for name in DATABASE})


def _target(dataset: Dataset, there: Mapping[str, Volume], root: Path) -> Path:
    if dataset == SSL:
        return root / "data/assets/ssl"
    if dataset == PAGES:
        return root  # file by file
    folder = _folder(dataset.volume, there)
    if folder is None:
        raise SetupError(f"Docker has no volume {dataset.volume} yet: start Mailcow once, systemctl start mailcow")
    return folder


def _folder(name: str, there: Mapping[str, Volume]) -> Path | None:
    volume = there.get(name)
    if volume is not None and not volume.plain:
        raise SetupError(f"{name} is not in a folder of Docker's: helper-scripts/backup_and_restore.sh can restore it")
    return None if volume is None else volume.folder


def _need_room(archives: Mapping[Dataset, Archive], targets: Mapping[Dataset, Path]) -> None:
    needed: dict[int, int] = {}
    for dataset, archive in archives.items():
        disk = targets[dataset].parent.stat().st_dev
        needed[disk] = needed.get(disk, RESERVE) + archive.size
        free = shutil.disk_usage(targets[dataset].parent).free
        if free < needed[disk]:
            raise SetupError(f"{targets[dataset].parent} has {free >> 20} MiB left, {needed[disk] >> 20} are needed")


def unpack(work: Plan, root: Path) -> Journal:
    """Unpack everything beside what is in use; gives what is left to do. Cleans up after itself when interrupted."""
    folder = restoring.work_folder(root)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    whole = {dataset: archive for dataset, archive in work.archives.items() if dataset != PAGES}
    swaps = [_swap(work.targets[dataset], folder if dataset == SSL else None) for dataset in whole]
    owners = [archive.owner for archive in whole.values()]
    if work.index is not None:
        swaps.append(_swap(work.index, None))
        status = work.index.stat()
        owners.append((status.st_uid, status.st_gid, status.st_mode))
    journal = Journal(str(work.folder), tuple(swaps), work.conf)
    try:
        for swap, owner in zip(swaps, owners, strict=True):
            for path in (swap.new, swap.old):  # of a restore before
                shutil.rmtree(path, ignore_errors=True)
            swap.new.mkdir()
            os.chown(swap.new, owner[0], owner[1])
            swap.new.chmod(owner[2] & 0o7777)
        for (dataset, archive), swap in zip(whole.items(), swaps, strict=False):
            say(f"unpacking {archive.path.name}")
            _unpack(archive.path, dataset.top, swap.new)
        more = _unpack_pages(work.archives[PAGES], root) if PAGES in work.archives else ()
        os.sync()
    except BaseException:
        restoring.clean(root, journal)
        raise
    return replace(journal, swaps=(*journal.swaps, *more))


def _unpack_pages(archive: Archive, root: Path) -> tuple[Swap, ...]:
    folder = restoring.work_folder(root)
    unpacked = folder / "pages.restored"
    unpacked.mkdir()
    _unpack(archive.path, PAGES.top, unpacked)
    return pages.swaps(unpacked, root, folder / "pages.before")


def _swap(target: Path, work: Path | None) -> Swap:
    place = target.parent if work is None else work
    return Swap(target, place / f"{target.name}.restored", place / f"{target.name}.before")


def _unpack(archive: Path, top: str, target: Path) -> None:
    """By GNU tar, as it was packed: owners by number, links and sparse files kept, nothing outside of the folder."""
    # fmt: off
    command([
        "tar", "--extract", "--file", str(archive), "--directory", str(target),
        "--numeric-owner", "--same-owner", "--same-permissions", f"--strip-components={top.count('/') + 1}",
    ])
    # fmt: on


def replace_all(journal: Journal, root: Path) -> None:
    """Stop Mailcow, swap, start it again; the journal makes sure that a start finishes what is interrupted here."""
    say("stopping Mailcow; if this is interrupted from now on, `systemctl restart mailcow` finishes it")
    restoring.write_journal(root, journal)
    command(["systemctl", "stop", SERVICE])
    _stop_the_rest(root)
    restoring.finish(root, journal)
    say("starting Mailcow")
    command(["systemctl", "start", SERVICE])
    if command(["systemctl", "show", "--property=LoadState", "--value", PROVISION]).strip() == "loaded":
        say("waiting until it answers and has what is described")
        command(["systemctl", "start", PROVISION])
    restoring.clean(root, journal)


def _stop_the_rest(root: Path) -> None:
    """Containers that do not belong to a running unit: after a failed start they run all the same."""
    project = f"label=com.docker.compose.project={values(root / CONF).get(PROJECT, '')}"
    if command(["docker", "ps", "--quiet", "--filter", project]).strip():
        stop(root)


def restore(folder: Path, root: Path, *, sure: bool) -> int:
    """All of it; raises BackupError, SetupError, Busy while nothing has been touched."""
    say(f"reading {folder}")
    work = plan(folder, root)
    size = sum(archive.size for archive in work.archives.values())
    say(f"{folder} is whole: {len(work.archives)} archives, {size / 2**20:.1f} MiB of files")
    if backups.is_mailcows(folder):
        say(
            "Mailcow's own script made it: there are no checksums of files, and certificates stay those of this machine"
        )
    if not sure:
        say("every mail, password and setting in Mailcow would become what it was then; what came since would be gone")
        say(f"nothing was touched; to do it: mailcow-restore {folder} --yes")
        return 2
    journal = unpack(work, root)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # it takes a minute, and half of it is no use to anybody
    try:
        replace_all(journal, root)
    except (SetupError, OSError) as error:
        return _say_what_now(error, root)
    say(f"restored: {folder}")
    return 0


def _say_what_now(error: Exception, root: Path) -> int:
    journal = restoring.read_journal(root)
    if journal is None or journal.phase == restoring.SWAP:
        say(f"{error}; the restore is not finished: systemctl restart mailcow")
        return 1
    restoring.keep(root, journal)
    say(f"{error}; the backup is in place, but Mailcow does not start with it: journalctl -u mailcow*")
    say("what was there before the restore is kept until the next one:")
    for swap in journal.swaps:
        say(f"  {swap.old}")
    return 1


def _ended(number: int, _frame: object) -> None:
    raise SystemExit(128 + number)  # so that what was unpacked is removed


def main(*words: str) -> int:
    """Restore a backup."""
    os.umask(0o022)
    config, rest = configured(words)
    names = [word for word in rest if word != "--yes"]
    if len(names) > 1 or any(name.startswith("-") for name in names):
        say(USAGE)
        return 2
    for number in (signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, _ended)
    try:
        data = json.loads(config.read_text("utf-8"))
        root = paths_of(data).root
        inside = Path(data["backup"]["folder"]) / INSIDE
        if not names:
            return _list(inside)
        folder = _named(names[0], inside)
        with restoring.locked(root):
            return restore(folder, root, sure="--yes" in rest)
    except (BackupError, Busy, SetupError, OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        say(f"nothing was touched: {error}")
        return 1
    except KeyboardInterrupt:
        say("nothing was touched")
        return 130


def _named(name: str, inside: Path) -> Path:
    if name != "latest":
        return Path(name).resolve()
    found = backups.whole(inside)
    if not found:
        raise BackupError(f"there is no whole backup in {inside}")
    return found[-1]


def _list(inside: Path) -> int:
    print(USAGE, file=sys.stderr)
    for folder in backups.whole(inside):
        say(str(folder))
    return 2
