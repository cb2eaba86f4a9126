"""mailcow-backup makes whole backups or none, by Mailcow's own script."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from mailnix.services.mailcow.guest import backup
from tests.services.mailcow.backups.machine import PACKED, Machine


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
