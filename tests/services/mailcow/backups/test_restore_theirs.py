"""mailcow-restore, given what Mailcow's own script made without us: archives and mailcow.conf, no checksums."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import restore
from mailnix.services.mailcow.guest.backups import BackupError
from tests.services.mailcow.backups.machine import PACKED, Machine, cut, foreign


@pytest.fixture
def theirs(machine: Machine, tmp_path: Path) -> Path:
    """Their backup, of all."""
    machine.put("crypt", "ecprivkey.pem", "a key")
    machine.list_volumes()
    machine.script(f"{PACKED}; pack crypt crypt crypt")
    assert machine.back_up() == 0
    (made,) = machine.made
    for name in ("SHA256SUMS", "certificates.tar.gz", "pages.tar.gz"):
        (made / name).unlink()
    return made.rename(tmp_path / made.name)


def test_it_is_restored_and_certificates_stay(
    machine: Machine, theirs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = machine.holds()
    machine.ruin()
    assert machine.restore(theirs) == 2
    assert machine.restore(theirs, "--yes") == 0
    after = machine.holds()
    ssl = "lib/mailcow/data/assets/ssl/key.pem"
    assert after.pop(ssl) == b"another key"
    before.pop(ssl)
    assert {path: data for path, data in after.items() if path.startswith("docker/")} == {
        path: data for path, data in before.items() if path.startswith("docker/")
    }
    assert "Mailcow's own script made it: there are no checksums" in capsys.readouterr().out


def test_the_folder_around_it_is_no_backup_and_names_it(machine: Machine, theirs: Path, tmp_path: Path) -> None:
    around = tmp_path / "usb"
    around.mkdir()
    theirs = theirs.rename(around / theirs.name)
    with pytest.raises(BackupError, match=f"has no SHA256SUMS: .*; there is one in {theirs}"):
        restore.plan(around, machine.root)


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "mail alone": (lambda made: (made / "backup_mariadb.tar.zst").unlink(), "backup_mariadb: .* backup all"),
    "no mail": (lambda made: (made / "backup_vmail.tar.zst").unlink(), "backup_vmail: .* backup all"),
    "no keys": (lambda made: (made / "backup_crypt.tar.zst").unlink(), "backup_crypt: .* backup all"),
    "no settings": (lambda made: (made / "mailcow.conf").unlink(), "nobody knows the passwords"),
    "cut off": (lambda made: cut(made / "backup_vmail.tar.zst"), "is damaged"),
    "of something else": (lambda made: foreign(made / "backup_redis.tar.zst"), "is no part of redis"),
    "ours, without its end": (lambda made: (made / "certificates.tar.gz").touch(), "was not finished"),
}


@pytest.mark.parametrize("case", SPOILED.values(), ids=SPOILED.keys())
def test_one_that_is_not_whole_is_refused(
    machine: Machine, theirs: Path, case: tuple[Callable[[Path], object], str]
) -> None:
    spoil, words = case
    spoil(theirs)
    with pytest.raises(BackupError, match=words):
        restore.plan(theirs, machine.root)


def test_keys_are_wanted_also_where_this_mailcow_has_none_yet(machine: Machine, theirs: Path) -> None:
    (theirs / "backup_crypt.tar.zst").unlink()
    machine.data("crypt").parent.rename(machine.folder / "away")
    machine.list_volumes()
    with pytest.raises(BackupError, match="backup_crypt"):
        restore.plan(theirs, machine.root)


@pytest.mark.parametrize("name", ["DBNAME", "DBUSER"])
def test_a_database_of_another_name_is_refused(machine: Machine, theirs: Path, name: str) -> None:
    conf = theirs / "mailcow.conf"
    conf.write_text(conf.read_text().replace(f"{name}=mailcow", f"{name}=cow"))
    with pytest.raises(BackupError, match=f"{name}=cow, which is another here"):
        restore.plan(theirs, machine.root)
