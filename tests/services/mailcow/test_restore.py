"""mailcow-backup and mailcow-restore on folders of a test: tar and zstd are real, docker and systemctl only take notes.

The backups are made by the script of the fake Mailcow, which writes what Mailcow's own writes.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import backup, backups, restore, restoring
from mailnix.services.mailcow.guest.backups import BackupError
from mailnix.services.mailcow.guest.machine import SetupError, values
from mailnix.services.mailcow.guest.restoring import KEPT, Journal, Swap
from mailnix.services.mailcow.guest.tree import Record, read_record, write_record

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


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for tool in ("tar", "zstd"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    made = Machine(tmp_path)
    for name, text in (("docker", DOCKER), ("systemctl", SYSTEMCTL)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.format(log=made.log, volumes=made.volumes))
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(signal, "signal", lambda *_words: None)  # this process keeps its own
    return made


def test_a_backup_has_every_volume_the_certificates_and_checksums(machine: Machine) -> None:
    assert machine.back_up() == 0
    (made,) = machine.made
    names = {path.name for path in made.iterdir()}
    assert names == {
        *(f"backup_{name}.tar.zst" for name in ("vmail", "mariadb", "redis", "rspamd", "postfix")),
        "certificates.tar.gz", "pages.tar.gz", "mailcow.conf", "SHA256SUMS", ".x86_64",
    }  # fmt: skip
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=made, check=True)


def test_strangers_see_no_backup_and_keep_what_else_is_in_the_folder(machine: Machine) -> None:
    machine.backups.mkdir(mode=0o755)
    machine.backups.chmod(0o755)
    machine.back_up()
    assert machine.backups.stat().st_mode & 0o777 == 0o755
    assert machine.made[0].parent.stat().st_mode & 0o777 == 0o700


def test_what_a_power_cut_left_unfinished_is_removed(machine: Machine) -> None:
    left = machine.backups / "mailcow/unfinished/mailcow-2026-11-22-03-30-00"
    left.mkdir(parents=True)
    assert machine.back_up() == 0
    assert [path.name for path in (machine.backups / "mailcow").iterdir()] == [machine.made[0].name]


def test_a_backup_that_lacks_an_archive_is_none(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.script(PACKED.replace("pack redis redis redis", "echo docker: no space left; true"))
    assert machine.back_up() == 1
    said = capsys.readouterr().out
    assert "has no backup_redis: it is not a whole backup" in said
    assert "no space left" in said
    assert machine.made == ()


def test_a_script_that_does_nothing_is_reported_with_its_words(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    (machine.root / backup.SCRIPT).write_text("echo 'Image not found locally or remotely'; exit 0\n")
    assert machine.back_up() == 1
    assert "made no backup: Image not found locally or remotely" in capsys.readouterr().out


def test_old_backups_are_removed_once_a_new_one_is_whole(machine: Machine) -> None:
    machine.back_up()
    (old,) = machine.made
    os.utime(old, (0, 0))
    machine.script("exit 0")
    assert machine.back_up() == 1
    assert old.exists()
    machine.script(PACKED)
    assert machine.back_up() == 0
    assert len(machine.made) == 1
    assert not old.exists()


def test_no_backup_fills_the_disk(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.back_up()
    usage = shutil.disk_usage(machine.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=100))
    assert machine.back_up() == 1
    assert len(machine.made) == 1


def test_a_restore_brings_back_exactly_what_was_backed_up(machine: Machine) -> None:
    before = machine.holds()
    machine.back_up()
    machine.ruin()
    machine.asked()
    assert machine.restore("latest", "--yes") == 0
    assert machine.holds() == before
    asked = machine.asked()
    stops, starts = asked.index("systemctl stop mailcow.service"), asked.index("systemctl start mailcow.service")
    assert stops < starts < asked.index("systemctl start mailcow-provision.service")


def test_lists_and_filters_made_in_mailcows_pages_come_back(machine: Machine) -> None:
    """Mailcow keeps those that are for everybody as files of its tree, which its own backups leave out."""
    blocked = machine.root / "data/conf/rspamd/custom/global_smtp_from_blacklist.map"
    sieve = machine.root / "data/conf/dovecot/global_sieve_before"
    for path in (blocked, sieve):
        path.parent.mkdir(parents=True)
        path.write_text("as it was")
    before = machine.holds()
    machine.back_up()
    machine.ruin()
    blocked.write_text("")
    sieve.unlink()
    assert machine.restore("latest", "--yes") == 0
    assert machine.holds() == before


def test_a_backup_of_before_there_were_pages_in_it_is_still_restored(machine: Machine) -> None:
    blocked = machine.root / "data/conf/rspamd/custom/bad_words.map"
    blocked.parent.mkdir(parents=True)
    blocked.write_text("a word")
    machine.back_up()
    (made,) = machine.made
    (made / "pages.tar.gz").unlink()
    backups.write_sums(made)
    assert machine.restore("latest", "--yes") == 0
    assert blocked.read_text() == "a word"


def test_an_archive_of_pages_puts_nothing_else_into_the_tree(machine: Machine) -> None:
    machine.back_up()
    (made,) = machine.made
    evil = machine.folder / "evil"
    (evil / "pages/data/web").mkdir(parents=True)
    (evil / "pages/data/web/index.php").write_text("<?php evil();")
    subprocess.run(["tar", "-czf", made / "pages.tar.gz", "-C", evil, "pages"], check=True)
    backups.write_sums(made)
    assert machine.restore("latest", "--yes") == 0
    assert not (machine.root / "data/web").exists()


def test_the_image_that_reads_all_mail_is_the_databases_by_its_digest(machine: Machine) -> None:
    """Mailcow's script pulls `mailcow/backup:latest`, whatever that is on the day."""
    image = 'DEBIAN_DOCKER_IMAGE="ghcr.io/mailcow/backup:latest"\nprefetch_image() { docker pull "$1"; }\n'
    machine.script(image + f'prefetch_image\necho "$DEBIAN_DOCKER_IMAGE" > {machine.log}.image\n{PACKED}')
    assert machine.back_up() == 0
    assert machine.log.with_name("log.image").read_text() == "sha256:4711\n"
    assert not [line for line in machine.asked() if "pull" in line]
    assert [path.name for path in (machine.root / "helper-scripts").iterdir()] == ["backup_and_restore.sh"]


def test_a_script_that_would_run_an_unpinned_image_is_not_run(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.script(f"IMAGE=ghcr.io/mailcow/backup:latest\n{PACKED}")
    assert machine.back_up() == 1
    assert "would run ghcr.io/mailcow/backup:latest" in capsys.readouterr().out
    assert machine.made == ()


def test_owners_modes_and_links_come_back(machine: Machine) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    box = machine.data("vmail")
    os.chown(box, 5000, 5000)
    box.chmod(0o2770)
    os.chown(box / "file", 5000, 5001)
    os.link(box / "file", box / "hard")
    (box / "soft").symlink_to("/elsewhere")
    machine.back_up()
    machine.ruin()
    machine.restore("latest", "--yes")
    assert (box.stat().st_uid, box.stat().st_gid, box.stat().st_mode & 0o7777) == (5000, 5000, 0o2770)
    assert (box / "file").stat().st_gid == 5001
    assert (box / "file").stat().st_ino == (box / "hard").stat().st_ino
    assert (box / "soft").readlink() == Path("/elsewhere")


def test_dovecots_index_is_emptied(machine: Machine) -> None:
    machine.back_up()
    machine.put("vmail-index", "dovecot.index", "of mails that are gone")
    machine.list_volumes()
    assert machine.restore("latest", "--yes") == 0
    assert list(machine.data("vmail-index").iterdir()) == []


def test_nothing_is_touched_without_confirmation(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.back_up()
    machine.ruin()
    ruined = machine.holds()
    machine.asked()
    assert machine.restore("latest") == 2
    assert machine.holds() == ruined
    assert all("docker volume inspect" in line for line in machine.asked())
    assert f"mailcow-restore {machine.made[0]} --yes" in capsys.readouterr().out


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def foreign(path: Path) -> None:
    subprocess.run(["tar", "-c", "--zstd", "-f", path, "-C", "/etc", "hostname"], check=True)


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "no checksums": (lambda made: (made / "SHA256SUMS").unlink(), "it was not finished"),
    "a missing file": (lambda made: (made / "backup_vmail.tar.zst").unlink(), "backup_vmail.tar.zst is missing"),
    "a changed file": (lambda made: (made / "mailcow.conf").write_text("x"), "its checksum is another"),
    "a file of another backup": (lambda made: (made / "backup_crypt.tar.zst").write_text("x"), "without a checksum"),
}


@pytest.mark.parametrize("case", SPOILED.values(), ids=SPOILED.keys())
def test_a_backup_that_is_not_whole_is_refused(
    machine: Machine, capsys: pytest.CaptureFixture[str], case: tuple[Callable[[Path], object], str]
) -> None:
    spoil, words = case
    machine.back_up()
    spoil(machine.made[0])
    before = machine.holds()
    machine.asked()
    assert machine.restore(machine.made[0], "--yes") == 1
    said = capsys.readouterr().out
    assert "nothing was touched" in said
    assert words in said
    assert machine.holds() == before
    assert not any("stop" in line for line in machine.asked())


DAMAGED: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut off": (cut, "is damaged"),
    "empty": (lambda path: path.write_bytes(b""), "is damaged"),
    "of something else": (foreign, "which is no part of vmail"),
    "gone": (lambda path: path.unlink(), "has no backup_vmail"),
}


@pytest.mark.parametrize("case", DAMAGED.values(), ids=DAMAGED.keys())
def test_right_checksums_of_a_damaged_archive_do_not_help(
    machine: Machine, case: tuple[Callable[[Path], object], str]
) -> None:
    spoil, words = case
    machine.back_up()
    spoil(machine.made[0] / "backup_vmail.tar.zst")
    backups.write_sums(machine.made[0])
    with pytest.raises(BackupError, match=words):
        restore.plan(machine.made[0], machine.root)


def test_a_backup_of_another_host_is_refused(machine: Machine) -> None:
    machine.back_up()
    machine.say_where(password="here", hostname="mail.example.net")
    with pytest.raises(BackupError, match=r"of mail\.example\.org, this machine is mail\.example\.net"):
        restore.plan(machine.made[0], machine.root)


def test_a_machine_where_mailcow_never_ran_says_so(machine: Machine) -> None:
    machine.back_up()
    (machine.volumes / "inspect").write_text("[]")
    with pytest.raises(SetupError, match="start it once"):
        restore.plan(machine.made[0], machine.root)


def test_a_volume_on_another_disk_is_left_to_mailcows_own_script(machine: Machine) -> None:
    machine.back_up()
    machine.list_volumes(options={"device": "/mnt/mail", "o": "bind", "type": "none"})
    with pytest.raises(SetupError, match="backup_and_restore"):
        restore.plan(machine.made[0], machine.root)


def test_too_little_room_is_found_before(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.back_up()
    usage = shutil.disk_usage(machine.folder)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=restore.RESERVE))
    with pytest.raises(SetupError, match="are needed"):
        restore.plan(machine.made[0], machine.root)


def test_a_machine_with_other_passwords_learns_those_of_the_database(machine: Machine) -> None:
    machine.back_up()
    machine.say_where(password="elsewhere")
    assert machine.restore("latest", "--yes") == 0
    conf = values(machine.root / "mailcow.conf")
    assert (conf["DBPASS"], conf["DBROOT"], conf["API_KEY"]) == ("here", "root-here", "here")
    record = read_record(machine.root)
    assert record is not None
    assert record.settings == ""  # so the next start writes this machine's passwords, after changing the database's


def test_containers_of_a_unit_that_failed_are_stopped_too(machine: Machine) -> None:
    machine.back_up()
    (machine.root / "docker-compose.yml").write_text("services: {}\n")
    (machine.folder / "log.ps").write_text("0123456789ab\n")
    machine.asked()
    machine.restore("latest", "--yes")
    assert "docker compose down" in machine.asked()


def test_mailcow_that_does_not_start_keeps_what_was_there(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.back_up()
    machine.ruin()
    (machine.folder / "log.fails").write_text("start mailcow.service")
    assert machine.restore("latest", "--yes") == 1
    said = capsys.readouterr().out
    kept = machine.data("vmail").with_name("_data.before")
    assert "does not start with it: journalctl" in said
    assert str(kept) in said
    assert (kept / "example.org/alice/Maildir/new/2").read_text() == "a late mail"
    restoring.resume(machine.root, stop, print)
    assert kept.exists()
    (machine.folder / "log.fails").unlink()
    assert machine.restore("latest", "--yes") == 0
    assert not kept.exists()


def test_a_backup_and_a_restore_never_run_at_once(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.back_up()
    with restoring.locked(machine.root):
        assert machine.back_up() == 1
        assert machine.restore("latest", "--yes") == 1
    assert capsys.readouterr().out.count("a backup or a restore is under way") == 2


def test_an_unpacking_that_fails_leaves_nothing_behind(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.back_up()
    before = machine.holds()

    def fails(archive: Path, top: str, target: Path) -> None:
        (target / "half").write_text("half")
        raise SetupError("tar: no space left")

    monkeypatch.setattr(restore, "_unpack", fails)
    assert machine.restore("latest", "--yes") == 1
    assert machine.holds() == before
    assert not restoring.work_folder(machine.root).exists()


class Cut(BaseException):
    """The power is cut."""


@pytest.mark.parametrize("renames", range(14))
def test_wherever_power_is_cut_the_next_start_finishes(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    before = machine.holds()
    machine.back_up()
    machine.ruin()
    left = iter(range(renames))
    rename = Path.rename

    def cut_off(path: Path, target: Path) -> Path:
        if ("_data" in path.name or "ssl" in path.name) and next(left, None) is None:
            cut_power()
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", cut_off)
    try:
        machine.restore("latest", "--yes")
    except Cut:
        monkeypatch.undo()
        stopped: list[Path] = []
        restoring.resume(machine.root, stopped.append, print)
        assert stopped == [machine.root]
    assert machine.holds() == before
    restoring.resume(machine.root, stop, print)


def cut_power() -> None:
    raise Cut


def stop(_root: Path) -> None:
    raise AssertionError("there is nothing to stop for")


def test_a_start_waits_for_a_restore_at_work(machine: Machine) -> None:
    swap = Swap(machine.data("vmail"), machine.folder / "new", machine.folder / "old")
    restoring.work_folder(machine.root).mkdir()
    restoring.write_journal(machine.root, Journal("backup", (swap,), {}))
    with restoring.locked(machine.root), pytest.raises(restoring.Busy):
        restoring.resume(machine.root, stop, print)


def test_the_journal_is_for_root_alone(machine: Machine) -> None:
    restoring.work_folder(machine.root).mkdir()
    journal = Journal("backup", (), {"DBPASS": "secret"}, KEPT)
    restoring.write_journal(machine.root, journal)
    path = restoring.work_folder(machine.root) / restoring.JOURNAL
    assert path.stat().st_mode & 0o777 == 0o600
    assert restoring.read_journal(machine.root) == journal


@pytest.mark.parametrize("program", [backup.main, restore.main])
def test_unknown_words_get_the_usage(
    machine: Machine, program: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert program("--config", str(machine.config), "--all") == 2
    assert "usage: mailcow-" in capsys.readouterr().out


def test_without_words_backups_are_listed(machine: Machine, capsys: pytest.CaptureFixture[str]) -> None:
    machine.back_up()
    capsys.readouterr()
    assert machine.restore() == 2
    assert capsys.readouterr().out == f"{machine.made[0]}\n"
