"""What was in use is replaced as a whole, whatever fails on the way: programs, Mailcow, or the power."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import restore, restoring
from mailnix.services.mailcow.guest.machine import SetupError
from mailnix.services.mailcow.guest.restoring import KEPT, Journal, Swap
from tests.services.mailcow.backups.machine import Machine


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
