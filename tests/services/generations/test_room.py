"""A full disk: a change is not begun, or is taken back; nothing is half written, and one line says why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix.run import run
from mailnix.services.generations.guest import room, state, verbs
from mailnix.services.generations.guest.receiving import receive
from mailnix.services.generations.guest.world import Busy, Done, Refused, home, replace
from tests.services.generations.scratch import SECRET, Scratch, generation, packed

SMALL = 24 * room.MIB


@pytest.fixture
def disk(running: Scratch, tmp_path: Path) -> Iterator[Scratch]:
    """The same machine on a file system of its own, which a test can fill."""
    place = tmp_path / "disk"
    place.mkdir()
    if run(["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", place], check=False).status != 0:
        pytest.skip("nothing can be mounted here")
    try:
        yield running.copied(place / "root")
    finally:
        run(["umount", "--lazy", place])


def fill(machine: Scratch) -> Path:
    """Somebody writes until nothing more fits."""
    path = machine.root / "var/full"
    with path.open("wb", buffering=0) as handle:
        size = room.MIB
        while size:
            try:
                handle.write(b"x" * size)
            except OSError:
                size //= 2
    return path


def left(machine: Scratch) -> list[Path]:
    """What nobody should find."""
    return [path for path in home(machine).rglob("*") if path.name.endswith(".new") or path.name == room.RESERVE]


def test_what_has_no_room_is_not_received_and_nothing_of_it_is_left(disk: Scratch, tmp_path: Path) -> None:
    fill(disk)
    debs = generation(tmp_path, 3, haraka="3")
    with pytest.raises(Refused, match="no room left on the disk: nothing of generation 3 was kept"):
        receive(disk, 3, packed(3, debs, {SECRET: "3"}))
    assert state.numbers(disk) == [1, 2]
    assert not list(home(disk).glob(".incoming*"))
    assert disk.whole()


def test_what_could_not_be_unpacked_is_known_before_the_switch(running: Scratch) -> None:
    for space, why in (((room.SLACK - 1, 10**6), "MiB are free; nothing was changed"), ((10**9, 3), "3 can be made")):
        running.space = space
        with pytest.raises(Refused, match=f"there is no room for it in .*{why}"):
            verbs.switch(running, 2, 60, "a")
    assert running.state.pending is None
    assert not left(running)
    with pytest.raises(Refused, match="there is no room for it in"):
        running.have(3)
    assert state.numbers(running) == [1, 2]


def test_a_package_says_itself_how_much_it_takes_or_is_counted(running: Scratch, tmp_path: Path) -> None:
    path = generation(tmp_path, 3)[0]
    counted = room.unpacked(running, path)
    assert counted >= 10240  # a tar of it
    asked = running.run

    def run(argv: list[str], *, within: float = 0, offline: bool = False) -> Done:
        return Done(0, "7\n") if "Installed-Size" in argv else asked(argv, within=within, offline=offline)

    running.run = run  # type: ignore[assignment]
    assert room.unpacked(running, path) == 7 * 1024


def test_the_way_back_has_room_on_a_disk_that_filled_meanwhile(disk: Scratch) -> None:
    verbs.switch(disk, 2, 60, "a")
    assert (home(disk) / room.RESERVE).stat().st_size >= room.SLACK
    fill(disk)
    disk.later(90)
    assert disk.state.pending is None
    assert disk.state.current == 1
    assert disk.whole()
    assert not left(disk)


def test_so_it_has_when_somebody_asks_for_it_and_at_boot(disk: Scratch, tmp_path: Path) -> None:
    verbs.switch(disk, 2, 60, "a")
    full = fill(disk)
    assert verbs.back(disk, "a") == {"current": 1}
    assert disk.whole()
    full.unlink()
    disk.have(3)
    verbs.switch(disk, 3, 60, "b")
    fill(disk)
    disk.power_cut()
    assert verbs.boot(disk) == {"current": 1}
    assert disk.whole()


def test_the_room_is_given_back_once_the_change_is_confirmed(running: Scratch) -> None:
    running.run_it(2)
    assert not left(running)


def test_what_was_kept_of_a_change_that_never_began_is_gone_after_the_next_boot(running: Scratch) -> None:
    room.keep(running, 1000)
    running.power_cut()
    verbs.boot(running)
    assert not left(running)


def test_where_dpkg_finds_no_room_the_change_is_taken_back_and_says_so(running: Scratch) -> None:
    asked = running.run

    def run(argv: list[str], *, within: float = 0, offline: bool = False) -> Done:
        if argv[0] == "apt-get" and "install" in argv and "--simulate" not in argv and "--print-uris" not in argv:
            return Done(100, "dpkg: error processing archive x (--unpack): cannot copy: No space left on device\n")
        return asked(argv, within=within, offline=offline)

    running.run = run  # type: ignore[assignment]
    with pytest.raises(Refused, match=r"taken back: it could not be installed: .*No space left on device"):
        verbs.switch(running, 2, 60, "a")
    assert running.whole()


def test_what_cannot_go_back_says_why_to_whoever_asks_and_goes_on_once_it_can(running: Scratch) -> None:
    for number in (3, 4):
        running.have(number)
    verbs.switch(running, 4, 60, "a")
    running.locked, running.space = 1000, (0, 10**6)
    running.later(80)
    shown = verbs.status(running)["pending"]
    assert shown["step"] == "back"
    assert "lock was locked by another process" in shown["problem"]
    with pytest.raises(Busy, match="generation 4 cannot be taken back yet: dpkg: error: dpkg frontend lock"):
        verbs.switch(running, 1, 60, "b")
    assert state.numbers(running) == [1, 4]  # the others come again with a deploy
    running.locked = 0
    running.later()
    assert running.whole()


def test_a_file_that_could_not_be_written_is_as_it_was(disk: Scratch) -> None:
    path = home(disk) / "state.json"
    before = path.read_bytes()
    fill(disk)
    with pytest.raises(OSError, match="No space"):
        replace(path, b"new" * 10000)
    assert path.read_bytes() == before
    assert not left(disk)
