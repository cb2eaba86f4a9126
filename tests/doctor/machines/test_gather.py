"""A machine is asked in one session, by SSH or by a lab's own door; the program is the real one."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from mailnix.doctor.doctoring import findings
from mailnix.doctor.machines import internal, program, proxy, reading
from mailnix.doctor.machines.asked import asked
from mailnix.doctor.machines.gather import Ways
from mailnix.doctor.machines.guest.main import PATIENCE as PATIENCE_THERE
from mailnix.doctor.machines.reach import GuestDoor, NotReached, SshDoor, door
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Answer
from mailnix.errors import CommandFailed, LabError
from mailnix.run import Completed, run
from mailnix.ssh import Way
from tests.doctor.machines import well

SCENE = Scene(well.PLAN)


@define
class Guest:
    """A lab's way: the program is run on this machine, with nothing in its PATH but what runs it."""

    name: str = "guest"
    asked: list[dict[str, Any]] = field(factory=list)
    said: str | None = None

    def ask(self, words: Sequence[str], stdin: bytes) -> str:
        self.asked.append(json.loads(stdin)["told"])
        return run(words, stdin=stdin, timeout=60).stdout if self.said is None else self.said


def test_a_lab_plugs_in_its_own_door_and_its_machine_is_asked_once_for_what_is_wanted() -> None:
    guest = Guest()
    group = proxy.proxies(Ways(doors={"proxy": guest}))
    (machine,) = group.gather(SCENE, {"proxy.disk", "proxy.inodes", "proxy.memory"})
    assert [[*told] for told in guest.asked] == [["disks", "memory"]]
    assert machine.facts is not None
    assert machine.facts.disks
    assert machine.facts.clock is None


class Machine:
    """A lab's: commands go to a shell of its own."""

    name = "proxy"

    def succeed(self, command: str, *, stdin: bytes = b"", timeout: float = 0.0) -> str:
        assert timeout > PATIENCE_THERE
        return run(("sh", "-c", command), stdin=stdin, timeout=60).stdout


def test_a_labs_machine_is_asked_by_its_guest_channel() -> None:
    group = proxy.proxies(Ways(doors={"proxy": GuestDoor(Machine())}))
    (found,) = findings(SCENE, [group], {"proxy.inodes"})
    assert found.answer is not Answer.UNASKED, found


def test_a_labs_machine_that_is_off_is_not_reached() -> None:
    class Off(Machine):
        def succeed(self, command: str, *, stdin: bytes = b"", timeout: float = 0.0) -> str:
            raise LabError("proxy: QEMU has ended")

    group = proxy.proxies(Ways(doors={"proxy": GuestDoor(Off())}))
    (found,) = findings(SCENE, [group], {"proxy.disk"})
    assert (found.answer, found.evidence) == (Answer.UNASKED, "proxy: QEMU has ended")


def test_a_check_asks_also_what_keeps_it_from_blaming_others() -> None:
    guest = Guest(said="{}")
    internal.at_home(Ways(doors={"internal": guest})).gather(SCENE, {"internal.certificate.served"})
    assert {*guest.asked[0]} == {"served", "files", "units", "containers", "tunnels"}


@pytest.mark.parametrize("said", ["", "Welcome!\n", "Last login: today\n[1, 2]\n", '{"answers": 5}', "{", "[" * 99999])
def test_a_machine_that_gives_no_answer_is_asked_nothing(said: str) -> None:
    group = proxy.proxies(Ways(doors={"proxy": Guest(said=said)}))
    (found,) = findings(SCENE, [group], {"proxy.disk"})
    assert (found.answer, found.evidence) == (Answer.UNASKED, "guest gave no answer")


def test_a_shells_greeting_before_the_answer_is_no_harm() -> None:
    answer = {"os": "debian", "answers": {"reboot": {"ok": "a package asks for it"}}}
    group = proxy.proxies(Ways(doors={"proxy": Guest(said=f"Welcome to proxy!\n{json.dumps(answer)}\n")}))
    (found,) = findings(SCENE, [group], {"proxy.reboot"})
    assert (found.answer, found.evidence) == (Answer.WRONG, "it wants to be started anew: a package asks for it")


class Ssh:
    """ssh(1), as far as it is called: which ways fail, and how."""

    def __init__(self, **fails: tuple[int | None, str]) -> None:
        self.fails = fails
        self.calls: list[tuple[str, ...]] = []

    def __call__(self, argv: Sequence[Any], **_more: Any) -> Completed:
        words = tuple(map(str, argv))
        self.calls.append(words)
        target = words[words.index("--") + 1]
        if failure := self.fails.get(target.partition("@")[2].replace(".", "_")):
            raise CommandFailed(words, failure[0], failure[1])
        return Completed(words, 0, "answer", "")


def test_the_second_way_is_taken_where_the_first_leads_nowhere() -> None:
    ssh = Ssh(a=(255, "ssh: connect to host a port 22: Connection timed out"))
    found = SshDoor("proxy", (Way("root@a"), Way("root@b")), ssh)
    assert found.ask(("sh", "-c", "true"), b"") == "answer"
    assert [call[-1] for call in ssh.calls] == ["sh -c true", "sh -c true"]


@pytest.mark.parametrize(
    ("status", "said", "message"),
    [
        (255, "ssh: connect to host a port 22: Connection timed out", "root@a is not reached: connection timed out"),
        (255, "root@a: Permission denied (publickey).", "root@a takes none of your SSH keys"),
        (None, "", "root@a did not finish in time"),
        (1, 'Please login as the user "debian" rather than the user "root".', "runs another command there"),
    ],
)
def test_a_machine_that_is_not_reached_says_why(status: int | None, said: str, message: str) -> None:
    found = SshDoor("proxy", (Way("root@a"),), Ssh(a=(status, said)))
    with pytest.raises(NotReached) as caught:
        found.ask(("true",), b"")
    assert message in caught.value.message
    assert caught.value.hint


def test_a_machine_whose_address_nobody_knows_asks_for_it() -> None:
    with pytest.raises(NotReached) as caught:
        SshDoor("internal", ()).ask(("true",), b"")
    assert caught.value.hint == "say so: --to internal=root@ADDRESS"


def test_machines_are_reached_where_somebody_said_or_as_the_plan_says() -> None:
    said = door(well.PLAN, "internal", {"internal": "root@192.168.1.20"}, Path("config"))
    assert said.ways == (Way("root@192.168.1.20", config=Path("config")),)
    assert str(door(well.PLAN, "proxy", {}, None).ways[0]) == "root@5.9.100.1"


def test_the_program_runs_whole_from_memory_and_leaves_nothing(tmp_path: Path) -> None:
    """As on a machine: with its modules on standard input alone; what it cannot find out here is a reason."""
    told = asked(well.PLAN, well.PROXY, ["disks", "tunnels", "credentials", "generation", "drift", "reboot"])
    before = sorted(Path("/tmp").glob("doctor*"))
    done = run(program.words(), stdin=program.sent(told), cwd=tmp_path, timeout=60)
    said = reading.read(json.loads(done.stdout))
    assert done.stderr == ""
    assert {*said.unasked} <= {"drift"}
    assert said.disks
    assert said.tunnels is not None
    assert not said.tunnels[0].there
    assert [*tmp_path.iterdir()] == []
    assert sorted(Path("/tmp").glob("doctor*")) == before


def fakes(folder: Path, **programs: str) -> str:
    for name, text in programs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_who_is_not_root_becomes_root_by_sudo(tmp_path: Path) -> None:
    """A provider's user: the words go through sudo once, and come out the same."""
    path = fakes(
        tmp_path,
        id=f"[ -e {tmp_path}/root ] && echo 0 || echo 1000",
        sudo=f'[ "$1" = -n ] && shift; touch {tmp_path}/root; exec "$@"',
    )
    told = {"disks": ["/"]}
    done = run(program.words(), stdin=program.sent(told), env={"PATH": path}, timeout=60)
    assert (tmp_path / "root").exists()
    assert reading.read(json.loads(done.stdout)).disks


def test_it_is_small_enough_to_be_sent_over_a_slow_line() -> None:
    for host in well.PLAN.hosts:
        assert len(program.sent(asked(well.PLAN, host, ["firewall", "units"]))) < 100_000
