"""What comes is taken whole, checked, and of this machine; or not at all."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.services.generations.guest import state, verbs
from mailnix.services.generations.guest.main import answered, words
from mailnix.services.generations.guest.receiving import receive
from mailnix.services.generations.guest.world import Busy, Refused, home, locked
from tests.services.generations.scratch import HOST, Scratch, deb, generation, packed, sums


@pytest.fixture
def debs(tmp_path: Path) -> list[Path]:
    (tmp_path / "debs").mkdir()
    return generation(tmp_path / "debs", 3)


def nothing_came(machine: Scratch) -> bool:
    return state.numbers(machine) == [1, 2] and not list(home(machine).glob(".incoming*"))


def test_what_apt_would_change_is_the_answer(received: Scratch, tmp_path: Path) -> None:
    debs = generation(tmp_path, 2, haraka="2", depends="caddy")
    changes = receive(received, 2, packed(2, debs))["packages"]
    assert sorted(changes["new"]) == [["caddy", "9:2.6-1"], ["mailnix-haraka", "2"], [f"mailnix-{HOST}", "2"]]
    assert [path.name for path in home(received).glob("2/archives/*.deb")] == ["caddy_2.6-1_all.deb"]


WRONG: dict[str, tuple[Callable[[list[Path]], io.BytesIO], str]] = {
    "cut short": (lambda debs: io.BytesIO(packed(3, debs).read()[:3000]), "no whole tar|missing"),
    "no tar": (lambda _: io.BytesIO(b"hello"), "no whole tar"),
    "nothing": (lambda _: io.BytesIO(), "no whole tar|missing"),
    "another number": (lambda debs: packed(4, debs), "is of generation 4"),
    "another host's": (lambda debs: packed(3, debs, host="east", package="mailnix-east"), "this machine is proxy"),
    "another host's package": (lambda debs: packed(3, debs, package="mailnix-east"), "is of generation 3 of proxy"),
    "no host": (lambda debs: packed(3, debs, host=None), "lacks host"),
    "a package that is not named": (lambda debs: packed(3, debs, debs={}), "not in made.json"),
    "a package that is not there": (lambda debs: packed(3, debs[:1], debs={"x_1_all.deb": "0"}), "x_1_all.deb"),
    "a path as a package": (lambda debs: packed(3, debs, debs={"../../etc/x_1_all.deb": "0"}), "etc/x_1_all.deb"),
    "a credential with a path": (lambda debs: packed(3, debs, {"../x": "x"}), "belongs to no generation"),
    "a hidden credential": (lambda debs: packed(3, debs, {".x": "x"}), "belongs to no generation"),
    "a wrong sum": (lambda debs: packed(3, debs, debs={p.name: "0" * 64 for p in debs}), "is damaged"),
}


@pytest.mark.parametrize(("made", "why"), WRONG.values(), ids=WRONG.keys())
def test_nothing_is_taken_of_what_is_wrong(
    running: Scratch, debs: list[Path], made: Callable[[list[Path]], io.BytesIO], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        receive(running, 3, made(debs))
    assert nothing_came(running)


@pytest.mark.parametrize(
    ("name", "version"), [("mailnix-east", "3"), ("mailnix-generations", "1"), ("bash", "1"), (f"mailnix-{HOST}", "4")]
)
def test_packages_that_belong_to_no_generation_of_this_machine_are_refused(
    running: Scratch, debs: list[Path], tmp_path: Path, name: str, version: str
) -> None:
    other = deb(tmp_path, name, version, {"x": "x"})
    with pytest.raises(Refused, match=f"{name}_{version}_all.deb (belongs to no|is not of) generation"):
        receive(running, 3, packed(3, [*debs, other]))
    assert nothing_came(running)


def test_a_package_is_what_its_file_is_called(running: Scratch, debs: list[Path]) -> None:
    debs[1] = debs[1].rename(debs[1].with_name("mailnix-haraka_9_all.deb"))
    with pytest.raises(Refused, match="no package of that name"):
        receive(running, 3, packed(3, debs))


def test_what_the_machine_has_need_not_come_again(running: Scratch, debs: list[Path]) -> None:
    whole = packed(3, debs)
    receive(running, 3, packed(3, debs[:1], debs=sums(debs)))  # without Haraka's, which is generation 1's, too
    assert [path.name for path in state.generation(running, 3).debs] == sorted(path.name for path in debs)
    receive(running, 3, whole)  # the same again


def test_a_number_is_given_once(running: Scratch, debs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(Refused, match="generation 2 is on this machine already, and another one"):
        receive(running, 2, packed(2, generation(tmp_path, 2, haraka="7")))
    running.have(5)
    with pytest.raises(Refused, match="generation 3 is not newer"):
        receive(running, 3, packed(3, debs))


def test_two_do_not_send_at_once(running: Scratch, debs: list[Path]) -> None:
    with locked(running, "receiving", 0, ""), pytest.raises(Busy, match="another deploy is sending"):
        receive(running, 3, packed(3, debs))


def test_what_was_interrupted_before_is_cleared_away(running: Scratch, debs: list[Path]) -> None:
    left = home(running) / ".incoming"
    left.mkdir()
    (left / "half.deb").touch()
    receive(running, 3, packed(3, debs))
    assert not (home(running) / "3/half.deb").exists()


def test_a_machine_that_starts_clears_it_away_too(running: Scratch) -> None:
    left = home(running) / ".incoming"
    left.mkdir()
    verbs.boot(running)
    assert not left.exists()


def test_what_somebody_sent_and_never_switched_to_goes_when_the_next_comes(running: Scratch, debs: list[Path]) -> None:
    running.later()
    receive(running, 3, packed(3, debs))
    assert state.numbers(running) == [1, 3]


def test_nor_does_it_outlive_a_power_cut_by_much(running: Scratch, debs: list[Path]) -> None:
    running.power_cut()
    receive(running, 3, packed(3, debs))
    assert state.numbers(running) == [1, 3]


def test_what_is_on_the_wall_is_of_no_weight(running: Scratch, debs: list[Path]) -> None:
    for path in home(running).glob("2/**/*"):
        os.utime(path, (0, 0))
    receive(running, 3, packed(3, debs))
    assert state.numbers(running) == [1, 2, 3]


def test_what_somebody_has_just_sent_stays(running: Scratch, debs: list[Path]) -> None:
    receive(running, 3, packed(3, debs))
    assert state.numbers(running) == [1, 2, 3]


def test_what_was_sent_by_somebody_who_is_gone_is_not_kept(running: Scratch) -> None:
    """As where a connection broke, or Ctrl-C ended a dry run, while Debian's archive was asked."""
    reading, writing = os.pipe()
    os.close(reading)
    told = words().parse_args(["receive", "2"])
    stream = os.fdopen(writing, "w")
    with pytest.raises(BrokenPipeError):
        answered(running, told, {"packages": {}}, stream)
    assert state.numbers(running) == [1]
    with contextlib.suppress(BrokenPipeError):
        stream.close()


def test_a_dependency_that_cannot_be_had_is_known_before_anything_changes(running: Scratch) -> None:
    for path in (running.root / "archive").glob("*.deb"):
        path.unlink()
    running.run(["dpkg", "--purge", "--force-depends", "caddy"])
    running.online = False
    running.updating = 2  # as on a server's first day
    why = "E: Unable to locate package caddy; apt-get update: E: Failed to fetch x"
    with pytest.raises(Refused, match=why):
        running.have(3, depends="caddy")
    assert nothing_came(running)
    assert sum("update" in words for words in running.ran) == 3
