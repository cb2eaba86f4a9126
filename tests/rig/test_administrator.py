"""What pages tell people to type reaches a machine of tests by OpenSSH's programs, which judge its host key."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from mailnix.lab.waiting import attempts
from mailnix.run import run
from rig import ssh_server
from rig.administrator import Administrator
from rig.terminal import Terminal, opened

if os.geteuid() != 0:
    pytest.skip("an SSH server lets in whom it likes as root only", allow_module_level=True)
if why := ssh_server.missing():
    pytest.skip(why, allow_module_level=True)

NAME, STRANGER = "203.0.113.10", "203.0.113.99"
LONG = 60.0  # seconds
YES = {"(yes/no/[fingerprint])? ": "yes"}


@frozen
class Machine:
    """Its port, and what it says of its host key."""

    port: int
    fingerprint: str


@pytest.fixture
def admin(tmp_path: Path) -> Administrator:
    made = Administrator(tmp_path / "admin")
    made.folder.mkdir()
    made.make_key(NAME)
    made.as_pages_say(NAME)
    return made


@pytest.fixture
def machine(admin: Administrator, tmp_path: Path) -> Iterator[Machine]:
    """One that lets the administrator in."""
    with ssh_server.started(tmp_path, admin.folder / f"{NAME}.key.pub", "Subsystem sftp internal-sftp") as port:
        size, fingerprint, *_ = run(["ssh-keygen", "-l", "-f", tmp_path / "host.pub"]).stdout.split()
        yield Machine(port, f"{size} {fingerprint}")


@pytest.fixture
def terminal(admin: Administrator) -> Iterator[Terminal]:
    with opened(admin.folder, admin.env) as found:
        yield found


def test_a_machine_is_reached_by_the_name_on_the_page_and_its_key_is_asked_about_once(
    admin: Administrator, machine: Machine, terminal: Terminal
) -> None:
    admin.lead_to(machine.port, NAME)
    said = terminal.type(f"ssh root@{NAME} echo here", attempts(LONG), YES)
    assert f"authenticity of host '{NAME} " in said
    assert said.splitlines()[-1] == "here"
    assert admin.fingerprint(NAME) == machine.fingerprint
    assert terminal.type(f"ssh root@{NAME} echo again", attempts(LONG)).splitlines()[1:] == ["again"]


def test_a_changed_host_key_is_complained_of_until_it_is_forgotten(
    admin: Administrator, machine: Machine, terminal: Terminal, tmp_path: Path
) -> None:
    admin.lead_to(machine.port, NAME)
    admin.known_hosts(NAME).write_text(f"{NAME} {admin.public_key(NAME)}\n")
    copy = f"scp ssh_config root@{NAME}:{tmp_path / 'copied'}"
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in terminal.type(copy, attempts(LONG), status=255)
    terminal.type(f"ssh-keygen -R {NAME}", attempts(LONG))
    terminal.type(copy, attempts(LONG), YES)
    assert (tmp_path / "copied").read_text() == admin.ssh_config.read_text()


def test_the_name_decides_with_whose_key_one_comes(admin: Administrator, machine: Machine, tmp_path: Path) -> None:
    admin.make_key(STRANGER)
    admin.lead_to(machine.port)
    key = " ".join((tmp_path / "host.pub").read_text().split()[:2])
    said = {}
    for name in (NAME, STRANGER):
        admin.trust(name, machine.port, key)
        said[name] = run(["ssh", "-F", admin.ssh_config, "-o", "BatchMode=yes", f"root@{name}", "true"], check=False)
    assert said[NAME].status == 0, said[NAME].stderr
    assert said[STRANGER].status == 255
    assert "Permission denied" in said[STRANGER].stderr
