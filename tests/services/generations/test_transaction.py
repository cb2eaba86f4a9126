"""A change is installed, waits, and is confirmed or taken back."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace

import pytest

from mailnix.services.generations import names
from mailnix.services.generations.guest import packages, state, verbs
from mailnix.services.generations.guest.keeper import Keeper
from mailnix.services.generations.guest.packages import known
from mailnix.services.generations.guest.plan import plan
from mailnix.services.generations.guest.world import Busy, Done, Refused, home
from tests.services.generations.scratch import HOST, Scratch, deb


def test_a_plain_server_has_nothing_and_says_what_it_is(plain: Scratch) -> None:
    answer = verbs.status(plain)
    assert (answer["current"], answer["pending"], answer["generations"], answer["newest"]) == (None, None, [], 0)
    assert (answer["os"], answer["program"]) == ({"id": "debian", "version": "13"}, plain.names.version)


def test_what_is_confirmed_stays(running: Scratch) -> None:
    assert verbs.switch(running, 2, 60, "a") == {"step": "installed", "within": 60}
    assert verbs.confirm(running, 2, "a") == {"current": 2}
    running.later()
    assert running.laid() == "2 2"
    assert running.whole()
    assert (running.state.current, running.state.previous) == (2, 1)
    assert not running.keeper


def test_what_is_not_confirmed_in_time_is_taken_back(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    running.later(55)
    assert running.laid() == "2 2"
    running.later(15)
    assert running.laid() == "1 1"
    assert running.whole()
    with pytest.raises(Refused, match="taken back: it was not confirmed within 60 seconds; generation 1 runs"):
        verbs.confirm(running, 2, "a")


def test_packages_of_ours_go_back_to_their_old_versions(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    assert known(running)["mailnix-haraka"].version == "2"
    verbs.back(running, "a")
    assert known(running)["mailnix-haraka"].version == "1"


def test_the_first_generation_goes_back_to_the_machine_as_it_was(received: Scratch) -> None:
    verbs.switch(received, 1, 60, "a")
    assert {"caddy", "mailnix-haraka", f"mailnix-{HOST}"} == set(known(received))
    received.later()
    assert not known(received)
    assert received.laid() == "0 0"
    assert received.whole()
    assert not (received.root / "usr/bin/caddy").exists()


def test_it_is_taken_back_when_asked(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    assert verbs.back(running, None) == {"current": 1}
    assert running.whole()
    assert verbs.back(running, None) == {"current": 1}


def test_who_takes_back_names_the_change_he_means(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    with pytest.raises(Refused, match="another change is pending"):
        verbs.back(running, "b")
    assert running.laid() == "2 2"


def test_a_second_change_waits_for_the_first(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    with pytest.raises(Busy, match="generation 2 waits for its confirmation, for 60 seconds at most"):
        verbs.switch(running, 1, 60, "b")
    with pytest.raises(Busy):
        verbs.switch(running, 2, 60, "b")
    with pytest.raises(Busy):
        running.have(3)
    assert (Busy.status, Refused.status) == (4, 1)


def test_what_nobody_began_in_time_is_not_begun_any_more(running: Scratch) -> None:
    asked = replace(pending(running, "b"), until=running.clock - 1)
    state.save(running, replace(running.state, pending=asked))
    Keeper(running).keep()
    assert running.whole()
    assert (running.state.last or {})["why"] == "it was not begun in time"


def pending(machine: Scratch, token: str) -> state.Pending:
    """A change that was asked for."""
    return state.Pending(token, 1, 2, 60, state.ASKED, machine.clock + 60, machine.boot())


@pytest.mark.parametrize(("number", "token"), [(2, "b"), (1, "a"), (3, "a")])
def test_only_what_is_pending_can_be_confirmed_and_by_its_id(running: Scratch, number: int, token: str) -> None:
    verbs.switch(running, 2, 60, "a")
    with pytest.raises(Refused):
        verbs.confirm(running, number, token)
    running.later()
    assert running.laid() == "1 1"


def test_who_lost_the_connection_asks_again(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    assert verbs.switch(running, 2, 60, "a") == {"step": "installed", "within": 60}
    assert verbs.confirm(running, 2, "a") == verbs.confirm(running, 2, "a") == {"current": 2}
    assert verbs.switch(running, 2, 60, "a") == {"step": "confirmed", "current": 2}


def test_more_time_can_be_had(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    running.later(50)
    assert verbs.extend(running, 2, 100, "a") == {"left": 100}
    running.later(90)
    assert running.laid() == "2 2"
    running.later(20)
    assert running.laid() == "1 1"


def test_what_cannot_be_installed_is_taken_back_at_once(running: Scratch) -> None:
    running.have(3, script="echo 'mailnix: failed: x'; exit 1\n")
    with pytest.raises(Refused, match=r"could not be installed: .*mailnix: failed: x.*; generation 1 runs"):
        verbs.switch(running, 3, 60, "a")
    assert running.whole()


def test_what_dpkg_said_of_its_errors_comes_before_what_apt_says_of_dpkg() -> None:
    said = "dpkg-divert: error: x: Operation not permitted\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n"
    assert Done(100, said).last == "dpkg-divert: error: x: Operation not permitted"
    assert Done(100, said.splitlines()[1]).last.startswith("E: Sub-process")


def test_a_unit_that_fails_takes_the_change_back(running: Scratch) -> None:
    running.failed = lambda: ["of-2.service"] if running.laid() == "2 2" else []
    with pytest.raises(Refused, match=r"failed: of-2.service .*; generation 1 runs"):
        verbs.switch(running, 2, 60, "a")
    assert running.whole()


def test_a_unit_that_was_told_to_end_with_another_takes_nothing_back(running: Scratch) -> None:
    """As Mailcow's provisioner, a oneshot service, when Mailcow restarts."""
    running.failed = lambda: ["of-2.service"] if running.laid() == "2 2" else []
    running.stopped = ["of-2.service"]
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"


def test_a_unit_that_is_just_being_restarted_takes_nothing_back(running: Scratch) -> None:
    looks = itertools.count()
    running.failed = lambda: ["of-2.service"] if running.laid() == "2 2" and next(looks) % 2 else []
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"
    assert next(looks) > 2


def test_a_unit_that_was_stopped_while_it_started_has_its_next_start_to_show(running: Scratch) -> None:
    """As haraka-in, whose first start a restart ended while it waited for another unit: failed for six seconds."""
    looks = itertools.count()
    running.failed = lambda: ["of-2.service"] if running.laid() == "2 2" and next(looks) < 6 else []
    running.queued = running.failed
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"
    assert next(looks) > 6


@pytest.mark.parametrize("starts", [6, 10_000])
def test_one_whose_next_start_fails_or_never_comes_takes_the_change_back(running: Scratch, starts: int) -> None:
    looks = itertools.count()
    running.failed = lambda: ["of-2.service"] if running.laid() == "2 2" else []
    running.queued = lambda: ["of-2.service"] if next(looks) < starts else []
    with pytest.raises(Refused, match=r"failed: of-2.service .*; generation 1 runs"):
        verbs.switch(running, 2, 600, "a")
    assert running.whole()


def anew(machine: Scratch, *looks: tuple[int, str]) -> None:
    """What systemd tells of generation 2's service at each look, the last one for ever."""
    every = itertools.chain(looks, itertools.repeat(looks[-1]))
    machine.anew = lambda: {"of-2.service": next(every)} if machine.laid() == "2 2" else {}


def test_a_unit_that_is_started_again_and_again_takes_the_change_back(running: Scratch) -> None:
    """As Haraka, Caddy and unbound, which systemd starts without a limit, and never calls failed."""
    anew(running, *((n // 5, "auto-restart" if n % 5 else "running") for n in range(90)))
    with pytest.raises(Refused, match=r"failed: of-2.service .*; generation 1 runs"):
        verbs.switch(running, 2, 60, "a")
    assert running.whole()


def test_a_unit_whose_second_start_succeeds_takes_nothing_back(running: Scratch) -> None:
    anew(running, *[(0, "auto-restart")] * 6, (1, "running"))
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"


def test_a_unit_that_waits_long_before_each_start_takes_nothing_back(running: Scratch) -> None:
    """Mailcow's wait for what they need."""
    anew(running, *((n // 30, "auto-restart") for n in range(90)))
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"


def test_a_unit_that_was_started_again_and_again_before_takes_nothing_back(running: Scratch) -> None:
    looks = itertools.count()
    running.anew = lambda: {"of-2.service": (next(looks), "auto-restart")}
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"


@pytest.mark.parametrize("unit", ["other.service", "of-2@x.service"])
def test_units_of_others_may_fail(running: Scratch, unit: str) -> None:
    running.failed = lambda: [unit] if running.laid() == "2 2" else []
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"


def test_what_had_failed_before_takes_nothing_back(running: Scratch) -> None:
    running.failed = lambda: ["of-2.service"]
    assert verbs.switch(running, 2, 60, "a")["step"] == "installed"


def test_an_older_generation_is_changed_to_like_a_newer_one(running: Scratch) -> None:
    running.run_it(2)
    running.later()
    running.run_it(1)
    assert running.whole(secret=2)
    assert (running.state.current, running.state.previous) == (1, 2)


def test_installing_again_repairs_what_was_changed_by_hand(running: Scratch) -> None:
    (running.root / "etc/generation").write_text("by hand")
    assert verbs.status(running)["drift"] == ["/etc/generation"]
    running.run_it(1)
    assert verbs.status(running)["drift"] == []
    assert running.whole()


def test_what_reads_a_file_that_was_changed_by_hand_is_told_to_read_it_again(running: Scratch) -> None:
    active = running.root / running.names.active[1:]
    same = {"/etc/other": "o", "of": "others"}
    active.write_text(json.dumps({"files": {"/etc/generation": "d", **same}, "wanted": []}))
    verbs.switch(running, 2, 60, "a")
    assert json.loads(active.read_text())["files"]["/etc/generation"] == "d"
    verbs.back(running, "a")
    running.have(3)
    (running.root / "etc/generation").write_text("by hand")
    verbs.switch(running, 3, 60, "b")
    assert json.loads(active.read_text()) == {"files": {"/etc/generation": "", **same}, "wanted": []}


def test_what_was_purged_by_hand_is_drift_and_comes_back(running: Scratch) -> None:
    running.run(["dpkg", "--purge", f"mailnix-{HOST}"])
    assert verbs.status(running)["drift"] == ["mailnix-proxy 1 is not what is installed"]
    running.run_it(1)
    assert running.whole()
    assert verbs.status(running)["drift"] == []


def test_whoever_waits_may_ask_often_so_files_are_not_compared_meanwhile(running: Scratch) -> None:
    verbs.switch(running, 2, 60, "a")
    (running.root / "etc/generation").write_text("by hand")
    running.ran.clear()
    answer = verbs.status(running)
    assert (answer["drift"], answer["pending"]["left"], answer["pending"]["by"]) == ([], 60, None)
    assert not any("--verify" in words for words in running.ran)


def test_five_generations_are_kept(running: Scratch) -> None:
    running.run_it(2)
    for number in range(3, 9):
        running.have(number)
        running.run_it(number)
        running.later()
    assert state.numbers(running) == [4, 5, 6, 7, 8]
    running.run_it(4)
    running.later()
    running.have(9)
    running.run_it(9)
    assert state.numbers(running) == [4, 6, 7, 8, 9]  # 4 is the one before


def test_what_was_installed_by_other_means_is_not_taken_over(received: Scratch) -> None:
    for package in sorted((received.root / "var/lib/mailnix/generations/1").glob("*.deb")):
        received.run(["dpkg", "--force-depends", "--install", str(package)])
    with pytest.raises(Refused, match="mailnix-proxy 1 was installed by other means"):
        verbs.switch(received, 1, 60, "a")


def test_a_package_that_others_left_half_done_is_to_be_finished_first(running: Scratch) -> None:
    other = deb(running.root, "other", "1", {"x": "x"})
    running.run(["dpkg", "--unpack", str(other)])
    with pytest.raises(Refused, match=r"dpkg was interrupted before .*other"):
        verbs.switch(running, 2, 60, "a")
    assert running.state.pending is None


def test_what_came_and_may_not_go_is_finished_so_that_the_next_change_can_come(running: Scratch) -> None:
    """Debian 13's `login` is such a package: dpkg(1), --force-remove-protected."""
    other = deb(running.root, "login", "1", {"bin/login": "x"}, more="Protected: yes\n")
    running.run(["dpkg", "--unpack", str(other)])
    generation = state.generation(running, 1)
    assert packages.undo(running, generation, generation, ("login",), offline=False) == ""
    assert packages.unsettled(running) == ""
    assert packages.known(running)["login"].whole


def test_a_damaged_generation_is_not_changed_to(running: Scratch) -> None:
    path = running.root / f"var/lib/mailnix/generations/2/mailnix-{HOST}_2_all.deb"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(Refused, match=r"generation 2 is damaged .mailnix-proxy_2_all.deb"):
        verbs.switch(running, 2, 60, "a")


def test_a_generation_that_is_not_there_is_named_with_those_that_are(running: Scratch) -> None:
    with pytest.raises(Refused, match="no generation 7 on this machine; there are: 1, 2"):
        verbs.switch(running, 7, 60, "a")


def test_nothing_is_changed_where_the_keeper_does_not_start(running: Scratch) -> None:
    running.keeps = False
    with pytest.raises(Refused, match=f"{names.KEEPER} did not start .*; nothing was changed"):
        verbs.switch(running, 2, 60, "a")
    assert running.whole()


def test_damaged_state_is_said_and_not_guessed(running: Scratch) -> None:
    (running.root / "var/lib/mailnix/generations/state.json").write_text("{")
    with pytest.raises(Refused, match=r"state.json is damaged"):
        verbs.status(running)


def test_a_plan_names_files_and_packages(running: Scratch) -> None:
    shown = plan(running, 2)
    assert shown["files"] == {
        "added": ["/etc/systemd/system/of-2.service"],
        "changed": ["/etc/generation"],
        "removed": ["/etc/systemd/system/of-1.service"],
    }
    assert shown["packages"]["upgrade"] == [["mailnix-haraka", "1", "2"], ["mailnix-proxy", "1", "2"]]
    assert running.whole()


def test_a_plan_names_what_the_package_would_do_with_units(running: Scratch) -> None:
    words = "systemctl stop a.service\nsystemctl --no-block try-restart b.service\nnetworkctl reload\nip link delete x"
    program = (
        f"import sys\nassert sys.argv[1] == '--dry-run' and open(sys.argv[2]).read() == 'told'\nprint({words!r})\n"
    )
    running.have(3)
    folder = running.root / "var/lib/mailnix/generations/3"
    brings = {running.names.activate[1:]: program, running.names.activates[1:]: "told"}
    deb(folder, f"mailnix-{HOST}", "3", brings)
    expected = [["a.service", "stop"], ["b.service", "restart"], ["systemd-networkd.service", "reload"]]
    assert plan(running, 3)["units"] == expected


def test_the_program_may_go_while_nothing_is_pending(running: Scratch) -> None:
    assert verbs.idle(running) == {"current": 1}
    verbs.switch(running, 2, 60, "a")
    with pytest.raises(Busy, match=r"generation 2 waits .* only this program can take it back"):
        verbs.idle(running)


def test_what_never_ran_is_let_go_and_pushes_out_nothing_that_did(running: Scratch) -> None:
    running.run_it(2)
    for number in (3, 4, 5, 6):
        running.later()
        running.have(number)
    assert state.numbers(running) == [1, 2, 6]  # what comes takes the place of what nobody switched to
    assert verbs.forget(running, 6) == {"current": 2}
    assert state.numbers(running) == [1, 2]
    assert verbs.status(running)["ran"] == [1, 2]
    running.have(7)
    running.run_it(7)
    assert state.numbers(running) == [1, 2, 7]
    assert verbs.status(running)["ran"] == [1, 2, 7]


def test_the_newest_with_another_mailcow_stays_whatever_came_since(running: Scratch) -> None:
    for number in range(1, 9):
        if number > 2:
            running.later()
            running.have(number)
        path = home(running) / str(number) / running.names.made
        path.write_text(json.dumps({**json.loads(path.read_text()), "mailcow": "new" if number > 2 else "old"}))
        if number > 1:
            running.run_it(number)
    assert state.numbers(running) == [2, 5, 6, 7, 8]
