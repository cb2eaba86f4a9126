"""mailcow-restore touches nothing where a backup is not whole, or is not for this machine."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import backups, restore
from mailnix.services.mailcow.guest.backups import BackupError
from mailnix.services.mailcow.guest.machine import SetupError
from tests.services.mailcow.backups.machine import Machine, cut, foreign

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
