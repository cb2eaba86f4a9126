"""Credentials come with a generation, and go back with it."""

from __future__ import annotations

import io
import stat
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailnix.services.generations.guest import state, verbs
from mailnix.services.generations.guest.credentials import compare, forget
from mailnix.services.generations.guest.receiving import receive
from mailnix.services.generations.guest.world import Busy, Done, Refused
from tests.services.generations.scratch import SECRET, Scratch, generation, packed


def of(**given: str) -> io.BytesIO:
    """A tar of credentials alone."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for name, text in given.items():
            entry = tarfile.TarInfo(f"credentials/{name}")
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    stream.seek(0)
    return stream


def test_what_the_machine_lacks_or_has_others_of_is_named(running: Scratch) -> None:
    (running.root / "etc/credstore/same").write_text("1")
    assert sorted(compare(running, of(**{SECRET: "other", "same": "1", "new": ""}))) == sorted([SECRET, "new"])
    assert running.secret() == "1"


@pytest.mark.parametrize("stream", [io.BytesIO(b"x"), of(**{"../x": "y"}), of(**{"a/b": "y"})])
def test_what_is_no_credential_is_refused(plain: Scratch, stream: io.BytesIO) -> None:
    stream.seek(0)
    with pytest.raises(Refused):
        compare(plain, stream)


def test_who_sends_hears_which_will_change(running: Scratch, tmp_path: Path) -> None:
    (running.root / "etc/credstore/same").write_text("same")
    given = {SECRET: "3", "same": "same"}
    assert receive(running, 3, packed(3, generation(tmp_path, 3), given))["credentials"] == [SECRET]
    assert running.secret() == "1"


def test_they_are_roots_alone_and_stay_in_no_generation(running: Scratch) -> None:
    assert running.left_behind()
    assert {stat.S_IMODE(path.stat().st_mode) for path in running.left_behind()} == {0o600}
    verbs.switch(running, 2, 60, "a")
    assert running.secret() == "2"
    assert {stat.S_IMODE(path.stat().st_mode) for path in running.left_behind()} == {0o600}
    verbs.confirm(running, 2, "a")
    store = running.root / "etc/credstore"
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.iterdir()} == {SECRET: 0o600}
    assert stat.S_IMODE(store.stat().st_mode) == 0o700
    assert not running.left_behind()


def test_those_of_before_come_back(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    verbs.back(running, "a")
    assert running.secret() == "1"
    assert not running.left_behind()


def test_where_there_was_none_none_is_left(received: Scratch) -> None:
    (received.root / "etc/credstore").mkdir()
    (received.root / "etc/credstore/of-others").write_text("x")
    verbs.switch(received, 1, 60, "a")
    verbs.back(received, "a")
    assert [path.name for path in (received.root / "etc/credstore").iterdir()] == ["of-others"]


def test_the_tunnel_is_made_anew_and_only_units_that_read_a_changed_one_restart(running: Scratch) -> None:
    running.ran.clear()
    verbs.switch(running, 2, 60, "a")
    expected = [
        ["ip", "link", "delete", "home"],
        ["systemctl", "try-restart", "systemd-networkd.service"],
        ["systemctl", "try-restart", "--no-block", "of-2.service"],
    ]
    assert [words for words in running.ran if words[0] == "ip" or "try-restart" in words] == expected
    running.ran.clear()
    verbs.back(running, "a")
    expected[-1][-1] = "of-1.service"
    assert [words for words in running.ran if words[0] == "ip" or "try-restart" in words] == expected


def test_nothing_restarts_where_none_changed(running: Scratch, tmp_path: Path) -> None:
    receive(running, 3, packed(3, generation(tmp_path, 3), {SECRET: "1"}))
    running.ran.clear()
    verbs.switch(running, 3, 60, "a")
    assert not [words for words in running.ran if words[0] == "ip" or "try-restart" in words]


def test_what_nobody_switched_to_keeps_none_once_another_comes(running: Scratch) -> None:
    running.have(3)
    assert {path.parent.parent.name for path in running.left_behind()} == {"3"}


def test_a_generation_whose_credentials_are_gone_is_not_switched_to(running: Scratch) -> None:
    """Somebody else's deploy came in between, or it was taken back before."""
    running.have(3)
    with pytest.raises(Refused, match="generation 2 came with credentials that are gone by now: deploy anew"):
        verbs.switch(running, 2, 60, "a")
    verbs.switch(running, 3, 60, "b")
    verbs.back(running, None)
    with pytest.raises(Refused, match="deploy anew"):
        verbs.switch(running, 3, 60, "c")
    assert running.whole()


def test_nor_where_they_go_while_debians_packages_are_fetched(running: Scratch) -> None:
    """Whoever sends another one has them forgotten; that takes another lock."""
    asked = running.run

    def run(argv: Sequence[str], *, within: float = 0, offline: bool = False) -> Done:
        if "--simulate" in argv:
            forget(running, state.generation(running, 2))
        return asked(argv, within=within, offline=offline)

    running.run = run  # type: ignore[method-assign]
    with pytest.raises(Refused, match="credentials that are gone by now"):
        verbs.switch(running, 2, 60, "a")
    assert running.state.pending is None


def test_going_to_an_older_one_leaves_credentials_as_they_are(running: Scratch) -> None:
    running.run_it(2)
    running.later()
    running.run_it(1)
    assert running.secret() == "2"


def test_what_nobody_switches_to_keeps_none(running: Scratch) -> None:
    assert verbs.forget(running, 2) == {"current": 1}
    assert running.left_behind() == []
    with pytest.raises(Refused, match="there is no generation 2"):
        verbs.switch(running, 2, 60, "a")


def test_nor_after_the_next_boot(running: Scratch, received: Scratch) -> None:
    for machine in (running, received):
        assert machine.left_behind()
        machine.power_cut()
        verbs.boot(machine)
        assert machine.left_behind() == []


def test_what_is_pending_keeps_them_whoever_lets_go_of_them(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    verbs.forget(running, 2)
    verbs.back(running, "a")
    assert running.whole()


def test_whoever_sends_first_may_switch_before_somebody_else_sends_theirs(received: Scratch, tmp_path: Path) -> None:
    received.run_it(1)
    folder = tmp_path / "debs"
    folder.mkdir()
    receive(received, 2, packed(2, generation(folder, 2), {SECRET: "a"}, by="alice"))
    with pytest.raises(Busy, match=r"alice sent generation 2 .* seconds ago"):
        receive(received, 3, packed(3, generation(folder, 3), {SECRET: "b"}, by="bob"))
    receive(received, 3, packed(3, generation(folder, 3), by="bob"))  # a dry run
    assert len(received.left_behind()) == 1
    received.later()
    receive(received, 4, packed(4, generation(folder, 4), {SECRET: "b"}, by="bob"))
    assert [path.parent.parent.name for path in received.left_behind()] == ["4"]
    receive(received, 5, packed(5, generation(folder, 5), {SECRET: "b"}, by="bob"))
    assert [path.parent.parent.name for path in received.left_behind()] == ["5"]
