"""A machine in folders of a test: tar and zstd are real, docker and systemctl only take notes.

The backups are made by the script of the fake Mailcow, which writes what Mailcow's own writes.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from mailnix.services.mailcow.guest import backup, restore
from mailnix.services.mailcow.guest.tree import Record, write_record

VOLUMES = ("vmail", "mysql", "redis", "rspamd", "postfix")
CONF = """\
MAILCOW_HOSTNAME=mail.example.org
COMPOSE_PROJECT_NAME=mailcowdockerized
DBNAME=mailcow
DBUSER=mailcow
DBPASS={password}
DBROOT=root-{password}
API_KEY=here
"""
# Mailcow's script as it is seen from outside; {packed} are the archives that it gets done.
SCRIPT = """\
target=$MAILCOW_BACKUP_LOCATION/mailcow-2026-11-23-03-30-0$(ls $MAILCOW_BACKUP_LOCATION/.. | wc -l)
mkdir $target; cp {root}/mailcow.conf $target; touch $target/.x86_64
pack() {{ tar -c --zstd -P --transform="s,^{volumes}/mailcowdockerized_$1-vol-1/_data,/$2,S" \
  -f $target/backup_$3.tar.zst {volumes}/mailcowdockerized_$1-vol-1/_data; }}
{packed}
"""
PACKED = "pack vmail vmail vmail; pack mysql backup_mariadb mariadb; " + "; ".join(
    f"pack {n} {n} {n}" for n in VOLUMES[2:]
)
DOCKER = """\
#!/bin/sh
echo "docker $*" >> {log}
case $* in
"volume inspect"*)
    cat {volumes}/inspect; shift 2
    for name; do grep -q "\"$name\"" {volumes}/inspect || echo "get $name: no such volume" >&2; done
    exit 1 ;;
"ps --quiet --filter name="*) echo 0123abcd ;;
"ps "*) cat {log}.ps 2>/dev/null ;;
"inspect --format "*) echo sha256:4711 ;;
esac
exit 0
"""
SYSTEMCTL = """\
#!/bin/sh
echo "systemctl $*" >> {log}
case $* in
show*) echo loaded ;;
esac
if [ -e {log}.fails ] && [ "$*" = "$(cat {log}.fails)" ]; then echo "Job for it failed" >&2; exit 1; fi
exit 0
"""


class Machine:
    """The folders of a machine where Mailcow runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "lib/mailcow"
        self.volumes = folder / "docker"
        self.backups = folder / "backups"
        self.log = folder / "log"
        self.config = folder / "mailcow.json"
        self.root.mkdir(parents=True)
        self.say_where(password="here")
        for name in VOLUMES:
            self.put(name, "file", f"{name} as it was")
        self.put("vmail", "example.org/alice/Maildir/cur/1:2,S", "an old mail")
        (self.root / "data/assets/ssl").mkdir(parents=True)
        (self.root / "data/assets/ssl/key.pem").write_text("a key")
        self.list_volumes()
        self.script(PACKED)
        write_record(self.root, Record("rev", (), "digest"))
        wanted = {"folder": str(self.backups), "keep_days": 7}
        self.config.write_text(json.dumps({"backup": wanted, "paths": {"root": str(self.root)}}))

    def say_where(self, *, password: str, hostname: str = "mail.example.org") -> None:
        (self.root / "mailcow.conf").write_text(CONF.format(password=password).replace("mail.example.org", hostname))

    def data(self, name: str) -> Path:
        return self.volumes / f"mailcowdockerized_{name}-vol-1/_data"

    def put(self, name: str, path: str, text: str) -> None:
        file = self.data(name) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def list_volumes(self, *, options: object = None) -> None:
        found = [
            {"Name": path.name, "Mountpoint": str(path / "_data"), "Driver": "local", "Options": options}
            for path in self.volumes.iterdir()
            if path.is_dir()
        ]
        (self.volumes / "inspect").write_text(json.dumps(found))

    def script(self, packed: str) -> None:
        path = self.root / backup.SCRIPT
        path.parent.mkdir(exist_ok=True)
        path.write_text(SCRIPT.format(root=self.root, volumes=self.volumes, packed=packed))

    def back_up(self) -> int:
        return backup.main("--config", str(self.config))

    def restore(self, *words: object) -> int:
        return restore.main("--config", str(self.config), *map(str, words))

    @property
    def made(self) -> tuple[Path, ...]:
        return tuple(sorted((self.backups / "mailcow").glob("mailcow-*")))

    def asked(self) -> list[str]:
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines

    def holds(self) -> dict[str, bytes]:
        """Everything in volumes and tree, but what programs left behind for good."""
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for top in (self.volumes, self.root.parent)
            for path in top.rglob("*")
            if path.is_file() and path.name != "mailcow.lock"
        }

    def ruin(self) -> None:
        """What happened since the backup."""
        for name in VOLUMES:
            (self.data(name) / "file").write_text("ruined")
        (self.data("vmail") / "example.org/alice/Maildir/cur/1:2,S").unlink()
        self.put("vmail", "example.org/alice/Maildir/new/2", "a late mail")
        (self.root / "data/assets/ssl/key.pem").write_text("another key")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def foreign(path: Path) -> None:
    subprocess.run(["tar", "-c", "--zstd", "-f", path, "-C", "/etc", "hostname"], check=True)
