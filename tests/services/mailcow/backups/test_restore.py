"""mailcow-restore brings back what was backed up, and nothing else."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import backup, backups, restore
from mailnix.services.mailcow.guest.machine import values
from mailnix.services.mailcow.guest.tree import read_record
from tests.services.mailcow.backups.machine import Machine


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
