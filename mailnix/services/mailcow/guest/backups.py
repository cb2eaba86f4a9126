"""What a backup is: a folder as Mailcow's own backup_and_restore.sh writes it, with certificates and checksums added.

mailcow-2026-11-23-03-30-00/
  mailcow.conf                   with the passwords that the database in it has
  backup_vmail.tar.zst …         one archive of each volume, its files below /vmail and so on
  certificates.tar.gz            data/assets/ssl, which Mailcow's script leaves out
  pages.tar.gz                   files that people change in Mailcow's pages, likewise; older backups have none
  SHA256SUMS                     written last: a backup that has it is whole

One that Mailcow's own script made, without us, has the first two. There is nothing to compare it with, but every
archive has checksums of its own (zstd's, gzip's), and is read to its end like ours.
"""

from __future__ import annotations

import hashlib
import subprocess
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .tree import CONF

PREFIX = "mailcow-"
SUMS = "SHA256SUMS"
CERTIFICATES = "certificates.tar.gz"
UNPACK = {".tar.zst": "zstd", ".tar.gz": "gzip"}  # Mailcow wrote the second until 2025
CHUNK = 2**20


class BackupError(RuntimeError):
    """One clear sentence about a backup that is of no use."""


@dataclass(frozen=True)
class Dataset:
    """One archive: its name without ending, the volume that it is of, and the folder that its files are below."""

    archive: str
    volume: str
    top: str


MAIL = Dataset("backup_vmail", "vmail-vol-1", "vmail")
KEYS = Dataset("backup_crypt", "crypt-vol-1", "crypt")
DATABASE = Dataset("backup_mariadb", "mysql-vol-1", "backup_mariadb")
REDIS = Dataset("backup_redis", "redis-vol-1", "redis")
SSL = Dataset("certificates", "", "ssl")
PAGES = Dataset("pages", "", "pages")
DATASETS = (
    MAIL,
    DATABASE,
    KEYS,
    REDIS,
    Dataset("backup_rspamd", "rspamd-vol-1", "rspamd"),
    Dataset("backup_postfix", "postfix-vol-1", "postfix"),
)
ESSENTIAL = (MAIL, DATABASE)


@dataclass(frozen=True)
class Archive:
    """A readable archive: how many bytes its files take, and whose its top folder is (user, group, mode)."""

    path: Path
    size: int
    owner: tuple[int, int, int]


def whole(folders: Path) -> tuple[Path, ...]:
    """The finished backups in a folder, oldest first."""
    return tuple(sorted(path for path in folders.glob(f"{PREFIX}*") if (path / SUMS).is_file()))


def archive_of(folder: Path, dataset: Dataset) -> Path | None:
    """The file of a dataset in a backup."""
    return next((path for end in UNPACK if (path := folder / f"{dataset.archive}{end}").is_file()), None)


def look_into(path: Path, top: str) -> Archive:
    """Read an archive to its end; raises BackupError for one that is damaged or that holds something else."""
    program = next(program for end, program in UNPACK.items() if path.name.endswith(end))
    try:
        with subprocess.Popen([program, "-dc", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as unpacked:
            assert unpacked.stdout is not None
            size, owner = 0, None
            with tarfile.open(fileobj=unpacked.stdout, mode="r|") as tar:
                while (member := tar.next()) is not None:
                    tar.members = []  # type: ignore[attr-defined]  # or it remembers all of a million mails
                    name = member.name.strip("/")
                    if name != top and not name.startswith(f"{top}/"):
                        raise BackupError(f"{path} holds {member.name[:60]}, which is no part of {top}")
                    size += member.size
                    owner = (member.uid, member.gid, member.mode) if name == top else owner
            while unpacked.stdout.read(CHUNK):
                pass
    except (tarfile.TarError, EOFError) as error:
        raise BackupError(f"{path} is damaged: {error}") from None
    if unpacked.returncode != 0 or owner is None:
        raise BackupError(f"{path} is damaged")
    return Archive(path, size, owner)


def is_mailcows(folder: Path) -> bool:
    """Whether Mailcow's own script made a backup, and nobody added to it. One of ours that is unfinished has more."""
    added = (SUMS, CERTIFICATES, f"{PAGES.archive}.tar.gz")
    archives = any(archive_of(folder, dataset) for dataset in DATASETS)
    return archives and not any((folder / name).exists() for name in added)


def check(folder: Path, volumes: Iterable[str]) -> Mapping[Dataset, Archive]:
    """Every archive of a backup, read to its end; raises BackupError unless it has all that `volumes` need."""
    theirs = is_mailcows(folder)
    if not theirs:
        check_sums(folder)
    if not (folder / CONF).is_file():
        raise BackupError(f"{folder} has no {CONF}, so nobody knows the passwords of the database in it")
    there = set(volumes)
    needed = (*ESSENTIAL, KEYS if theirs else SSL)
    found = {}
    for dataset in (*DATASETS, SSL, PAGES):
        path = archive_of(folder, dataset)
        if path is not None:
            found[dataset] = look_into(path, dataset.top)
        elif dataset.volume in there or dataset in needed:
            how = ", make it by: backup_and_restore.sh backup all" if theirs else ""
            raise BackupError(f"{folder} has no {dataset.archive}: it is not a whole backup{how}")
    return found


def check_sums(folder: Path) -> None:
    """Compare every file with the checksums; raises BackupError."""
    if not folder.is_dir():
        raise BackupError(f"there is no folder {folder}")
    if not (folder / SUMS).is_file():
        inside = next(folder.glob(f"{PREFIX}*/"), None)
        where = f"; there is one in {inside}" if inside is not None else ""
        raise BackupError(f"{folder} has no {SUMS}: it is no backup, or it was not finished{where}")
    listed = _listed((folder / SUMS).read_text("utf-8"))
    for name, digest in listed.items():
        path = folder / name
        if not path.is_file():
            raise BackupError(f"{path} is missing")
        if _digest(path) != digest:
            raise BackupError(f"{path} is not what was backed up: its checksum is another")
    unlisted = {path.name for path in _files(folder)} - set(listed)
    if unlisted:
        raise BackupError(f"{folder} has files without a checksum: {', '.join(sorted(unlisted))}")


def write_sums(folder: Path) -> None:
    """Declare a backup whole, in the form that `sha256sum --check` reads."""
    lines = [f"{_digest(path)}  {path.name}\n" for path in _files(folder)]
    new = folder / f".{SUMS}.new"
    new.write_text("".join(lines), "utf-8")
    new.replace(folder / SUMS)


def pack_certificates(ssl: Path, folder: Path) -> None:
    """Put the folder of certificates into a backup."""
    with tarfile.open(folder / CERTIFICATES, "w:gz") as tar:
        tar.add(ssl, SSL.top)


def _listed(text: str) -> dict[str, str]:
    pairs = [line.split(maxsplit=1) for line in text.splitlines() if line.strip()]
    return {name.removeprefix("*"): digest for digest, name in pairs}


def _files(folder: Path) -> Iterator[Path]:
    """What a backup holds: not the sums, and not the hidden file that tells the processor it was made on."""
    yield from sorted(p for p in folder.iterdir() if p.is_file() and p.name != SUMS and not p.name.startswith("."))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
