"""A machine over SSH: the calls, word for word, and what their failures mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.deploy.doors import ALIVE, ALONE
from mailnix.deploy.machine import Busy, Refused, Unreached
from mailnix.deploy.remote import NEIGHBOUR, Remote
from mailnix.errors import CommandFailed, DeployError
from mailnix.run import Completed
from mailnix.secrets import Secret
from mailnix.services.generations.names import PROGRAM
from mailnix.ssh import Way
from tests.deploy.test_probe import SAID

STATUS = json.dumps({"host": "proxy", "current": None, "generations": []})


class Ssh:
    """Takes the place of the ssh program; `failing` are targets that lead nowhere."""

    def __init__(self, said: str = STATUS, status: int = 0, failing: Sequence[str] = ()) -> None:
        self.said, self.status, self.failing = said, status, set(failing)
        self.calls: list[tuple[str, ...]] = []
        self.sent: list[bytes | None] = []

    def __call__(self, argv: Any, *, stdin: bytes | None = None, **_: Any) -> Completed:
        words = tuple(argv)
        self.calls.append(words)
        self.sent.append(stdin)
        if words[-2] in self.failing:
            raise CommandFailed(words, 255, "ssh: connect to host x port 22: Connection timed out\n")
        if self.status:
            raise CommandFailed(words, self.status, self.said)
        return Completed(words, 0, self.said, "")

    @property
    def targets(self) -> list[str]:
        return [call[-2] for call in self.calls]


def remote(ssh: Ssh, *targets: str, later: Sequence[str] = ()) -> Remote:
    return Remote.by("proxy", [Way(each) for each in targets], [Way(each) for each in later], runner=ssh)


def test_a_call_is_this() -> None:
    ssh = Ssh()
    remote(ssh, "root@a").status()
    (call,) = ssh.calls
    assert call[: 2 + len((*ALIVE, *ALONE))] == ("ssh", "-T", *ALIVE, *ALONE)
    assert call[-3:] == ("--", "root@a", f"{PROGRAM} status")


def test_what_somebody_waits_for_there_is_said_once() -> None:
    said: list[str] = []
    waits = "waiting for unattended-upgr (process 812), which uses dpkg"

    def ssh(argv: Any, *, on_line: Callable[[str], None] | None = None, **_: Any) -> Completed:
        assert on_line is not None
        for line in ("Reading package lists...", waits, waits, "Waiting for cache lock: 7"):
            on_line(line)
        return Completed(tuple(argv), 0, STATUS, "")

    Remote.by("proxy", [Way("root@a")], runner=ssh, say=said.append).status()
    assert said == [f"proxy: {waits}", "proxy: Waiting for cache lock: 7"]


def test_calls_share_a_connection_until_the_machine_is_switched_then_each_is_a_new_one(tmp_path: Path) -> None:
    ssh = Ssh()
    machine = Remote.by("proxy", [Way("root@a", "root@jump")], sockets=tmp_path, runner=ssh)
    machine.status()
    machine.switch(1, 180, "token")
    machine.status()
    shared = f"ControlPath={tmp_path}/%C"
    assert [call.index(shared) < call.index("ControlPath=none") for call in ssh.calls if shared in call] == [True]
    assert shared not in ssh.calls[1]
    assert shared not in ssh.calls[2]
    assert all("%C" not in word for call in ssh.calls for word in call if word.startswith("ProxyCommand"))


def test_who_is_not_root_asks_for_it_each_time() -> None:
    ssh = Ssh(SAID)
    machine = remote(ssh, "debian@a")
    assert machine.probe().sudo
    ssh.said = STATUS
    machine.status()
    assert ssh.calls[-1][-1] == f"sudo -n {PROGRAM} status"


def test_a_forced_command_in_the_place_of_our_program_is_no_way_in() -> None:
    """Cloud images send root's visitors to another user so: sshd(8), command=."""

    class Forced(Ssh):
        def __call__(self, argv: Any, *, stdin: bytes | None = None, **more: Any) -> Completed:
            if tuple(argv)[-2] == "root@a":
                self.calls.append(tuple(argv))
                raise CommandFailed(tuple(argv), 142, "Please login as the user debian rather than the user root.\n")
            return super().__call__(argv, stdin=stdin, **more)

    ssh = Forced()
    machine = remote(ssh, "root@a", "debian@a")
    machine.status()
    assert ssh.targets == ["root@a", "debian@a"]
    with pytest.raises(Unreached):
        remote(Forced(), "root@a").status()


@pytest.mark.parametrize("status", [142, 1, 0])
def test_a_server_whose_image_sends_root_away_says_whom_to_log_in_as(status: int) -> None:
    ssh = Ssh('Please login as the user "debian" rather than the user "root".\n', status)
    with pytest.raises(Unreached) as caught:
        remote(ssh, "root@203.0.113.10").probe()
    said = 'Please login as the user "debian" rather than the user "root".'
    assert caught.value.message == f"root@203.0.113.10: your key runs another command there: {said}"
    assert str(caught.value.hint).endswith("--to proxy=debian@203.0.113.10")


def test_what_is_run_in_our_place_without_a_name_is_named_too() -> None:
    with pytest.raises(Unreached) as caught:
        remote(Ssh("This account is currently not available.\n", 1), "root@a").probe()
    assert str(caught.value.hint).endswith("--to proxy=USER@a")


def test_after_a_change_root_may_come_too_where_the_user_may_not_any_more() -> None:
    ssh = Ssh(SAID)
    machine = remote(ssh, "debian@a")
    machine.probe()
    ssh.said = "{}"
    machine.switch(1, 180, "token")
    assert ssh.calls[-1][-1] == f"sudo -n {PROGRAM} switch 1 --within 180 --id token"
    ssh.failing, ssh.said = {"debian@a"}, STATUS
    with pytest.raises(Unreached):
        machine.status()
    assert ssh.calls[-1][-5:] == ("-l", "root", "--", "debian@a", f"{PROGRAM} status")


def test_a_users_sudo_is_no_login_that_counts_after_a_change() -> None:
    class Shut(Ssh):
        def __call__(self, argv: Any, *, stdin: bytes | None = None, **more: Any) -> Completed:
            if "-l" in argv or "root@b" in argv:
                raise CommandFailed(tuple(argv), 255, "root@a: Permission denied (publickey).\n")
            return super().__call__(argv, stdin=stdin, **more)

    machine = remote(ssh := Shut(SAID), "debian@a", later=["root@b"])
    machine.probe()
    ssh.said = STATUS
    machine.switch(1, 180, "token")
    assert machine.status().host == "proxy"
    with pytest.raises(Unreached):
        machine.login()
    assert remote(Ssh(), "root@c").login().host == "proxy"


def test_the_plans_own_ways_are_for_after_a_change_where_somebody_said_another() -> None:
    ssh = Ssh(failing=["root@staging"])
    machine = remote(ssh, "root@staging", later=["root@a"])
    with pytest.raises(Unreached):
        machine.status()
    assert ssh.targets == ["root@staging"]
    machine.also([Way("root@b")])
    with pytest.raises(Unreached):
        machine.status()
    ssh.failing, ssh.said = set(), "{}"
    machine.switch(1, 180, "token")
    ssh.failing, ssh.said = {"root@staging"}, STATUS
    machine.status()
    assert ssh.targets[-2:] == ["root@staging", "root@a"]
    assert machine.way == Way("root@a")


def test_a_way_that_led_there_is_taken_first_the_next_time() -> None:
    ssh = Ssh(failing=["root@a"])
    machine = remote(ssh, "root@a", "root@b", later=["root@a", "root@b"])
    machine.status()
    machine.status()
    assert ssh.targets == ["root@a", "root@b", "root@b"]


def test_nobody_reached_is_said_with_the_next_step() -> None:
    with pytest.raises(Unreached, match="not reached: connection timed out") as caught:
        remote(Ssh(failing=["root@a"]), "root@a").status()
    assert "ssh root@a true" in caught.value.hint


def test_what_the_program_refuses_is_said_in_its_words() -> None:
    with pytest.raises(Refused, match="proxy: generation 3 is damaged: send it again"):
        remote(Ssh("generations: generation 3 is damaged: send it again\n", 1), "root@a").plan(3)


def test_a_machine_that_is_busy_says_so() -> None:
    with pytest.raises(Busy, match="generation 4 waits"):
        remote(Ssh("generations: generation 4 waits for its confirmation\n", 4), "root@a").switch(5, 180, "x")


def test_what_apt_says_is_heard(tmp_path: Path) -> None:
    program = tmp_path / "mailnix-generations_0.1_all.deb"
    program.write_bytes(b"deb")
    ssh = Ssh("E: Could not get lock /var/lib/dpkg/lock-frontend\n", 100)
    with pytest.raises(Refused, match="Could not get lock"):
        remote(ssh, "root@a").install(program)
    assert ssh.sent == [b"deb"]


def test_an_archive_goes_by_standard_input() -> None:
    ssh = Ssh(json.dumps({"packages": {"new": [["caddy", "2.6.2"]]}, "credentials": ["mailcow.dkim"]}))
    received = remote(ssh, "root@a").receive(3, Secret(b"tar"))
    assert (received.changes.new, received.credentials) == ((("caddy", "2.6.2"),), ("mailcow.dkim",))
    assert ssh.sent == [b"tar"]


def test_who_has_an_address_is_asked_by_a_program_that_comes_along() -> None:
    ssh = Ssh('Welcome!\n[[false, "the machine with the card 02:00:00:00:00:07 has it"]]')
    assert not remote(ssh, "root@a").free("192.168.1.20")[0]
    assert ssh.calls[0][-1] == "python3 -I - '[\"192.168.1.20\"]'"
    assert ssh.sent == [NEIGHBOUR.read_bytes()]


def test_what_was_brought_is_claimed_by_whoever_brought_it() -> None:
    """NixOS has no number for it before it runs, so that two may bring the same one."""
    ssh = Ssh(json.dumps({"packages": {}, "credentials": [], "claim": "c0ffee"}))
    machine = remote(ssh, "root@a")
    machine.receive(3, Secret(b"tar"))
    machine.switch(3, 180, "token")
    machine.forget(3)
    machine.forget(2)
    assert [call[-1].removeprefix(f"{PROGRAM} ") for call in ssh.calls[1:]] == [
        "switch 3 --within 180 --id token --claim c0ffee",
        "forget 3 --claim c0ffee",
        "forget 2",
    ]


def test_what_an_image_laid_is_kept_by_what_the_client_knows_of_it() -> None:
    ssh = Ssh('{"current": 1}')
    remote(ssh, "root@a").adopt({"host": "proxy"})
    assert ssh.calls[0][-1] == f"{PROGRAM} adopt"
    assert ssh.sent == [b'{"host": "proxy"}']


def test_a_target_that_is_an_option_is_refused() -> None:
    with pytest.raises(DeployError, match="is no SSH target"):
        remote(Ssh(), "-oProxyCommand=true")


@pytest.mark.parametrize("greeting", ["Welcome to my server\n", "{}\n[ not JSON\n"])
def test_what_a_shell_prints_before_is_passed_over(greeting: str) -> None:
    for said in (STATUS, json.dumps(json.loads(STATUS), indent=1)):
        assert remote(Ssh(greeting + said), "root@a").status().host == "proxy"
    assert remote(Ssh(greeting + '[[true, "220"]]'), "root@a").look([("greeting", "x", 25)]) == [(True, "220")]
    assert remote(Ssh(greeting + SAID), "root@a").probe().version == "13"


@pytest.mark.parametrize("said", ["Welcome to my server\n", ""])
def test_and_named_where_nothing_else_comes(said: str) -> None:
    machine = remote(Ssh(said), "root@a")
    for call in (machine.status, lambda: machine.look([("greeting", "x", 25)])):
        with pytest.raises(Refused, match="your shell prints") as caught:
            call()
        assert "bashrc" in caught.value.hint
