"""A fresh machine without its seed disk: it says what it lacks, waits, and goes on when it is handed it over SSH.

On UEFI firmware and with the memory that a proxy must be able to live with; the lab's machines start by BIOS. What is
run is the command that a user types, with OpenSSH's client, to the machine's own sshd.
"""

from __future__ import annotations

import socket
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from mailnix import pipeline
from mailnix.image import Format, build_image
from mailnix.image.hosts import host_builds
from mailnix.lab.disks import overlay
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.prepare import PROXY_MEMORY
from mailnix.lab.spec import DiskFormat, Firmware, Inlet, MachineSpec
from mailnix.model import ports
from mailnix.plan import Plan
from mailnix.run import Completed, run
from mailnix.services.credentials.names import HOST_KEY, READY

GIB = 2**30
DISK = 4 * GIB
MAILNIX = Path(sysconfig.get_path("scripts")) / "mailnix"
ADMIN = "admin"
PATIENCE = 900.0  # seconds for a command; a login takes several in emulation, more on a busy host
STARTED = "systemctl show -P ActiveEnterTimestampMonotonic"


CONFIG = """\
import attrs
from pathlib import Path
from mailnix import config

topology = attrs.evolve(config.load(Path({described!r})), admin_keys=[{key!r}])
"""

SSH_CONFIG = """\
Host *
    HostName 127.0.0.1
    Port {port}
    User root
    IdentityFile {folder}/%n.key
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {folder}/%n.known
    GlobalKnownHostsFile /dev/null
"""


@frozen
class Fresh:
    """A machine that was just switched on, what it is, and the folder of the one who administers it.

    The name that SSH is given decides the key and the known hosts that it uses: `NAME.key`, `NAME.known`.
    """

    plan: Plan
    machine: Machine
    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "mail.py"

    def mailnix(self, *words: object) -> Completed:
        return run([MAILNIX, *map(str, words)], check=False, timeout=PATIENCE)

    def push(self, name: str, *words: object, host: str = "") -> Completed:
        to = ("--to", name, "--ssh-config", self.folder / "ssh_config")
        return self.mailnix("secrets", "push", self.config, host or self.machine.name, *to, *words)

    def make_key(self, name: str) -> str:
        file = self.folder / f"{name}.key"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file])
        return file.with_suffix(".key.pub").read_text().strip()

    def trust(self, name: str, key: str) -> None:
        """What logging in once by hand leaves behind."""
        (self.folder / f"{name}.known").write_text(f"[127.0.0.1]:{self.machine.inlet_port()} {key}\n")

    def credential(self, name: str) -> str:
        return self.machine.succeed(f"cat /etc/credstore/{name}")


@pytest.fixture(scope="module")
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fresh]:
    folder = tmp_path_factory.mktemp("fresh")
    described = Path(request.config.getoption("--mailnix-config")).resolve()
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", ADMIN, "-f", folder / f"{ADMIN}.key"])
    key = (folder / f"{ADMIN}.key.pub").read_text().strip()
    (folder / "mail.py").write_text(CONFIG.format(described=str(described), key=key))
    plan = pipeline.plan(folder / "mail.py")
    build = host_builds(plan)[0]
    image = folder / build_image(build, folder, Format.RAW, progress=print).file
    disk = overlay(image, folder / "disk.qcow2", base_format=DiskFormat.RAW, size=str(DISK))
    spec = MachineSpec(build.name, disk, memory=PROXY_MEMORY, firmware=Firmware.UEFI, inlet=Inlet(ports.SSH))
    with Machine(spec, paths_for(build.name, folder, tmp_path_factory.mktemp("s"))) as machine:
        (folder / "ssh_config").write_text(SSH_CONFIG.format(port=machine.inlet_port(), folder=folder))
        machine.wait_for_guest()
        yield Fresh(plan, machine, folder)


def test_it_says_on_its_console_that_it_waits_for_credentials(fresh: Fresh) -> None:
    count = len(fresh.plan.proxies[0].credentials)
    fresh.machine.wait_for_console(f"waits for {count} of its credentials")


def test_what_needs_credentials_does_not_start_without_them(fresh: Fresh) -> None:
    assert fresh.machine.execute("systemctl is-active haraka-in.service").stdout.strip() in ("inactive", "activating")
    assert fresh.machine.succeed("ls -A /etc/credstore 2>/dev/null || true").strip() == ""


def test_its_file_system_has_grown_to_its_disk(fresh: Fresh) -> None:
    size = int(fresh.machine.succeed("df --output=size -B1 / | tail -n 1"))
    assert size > DISK * 0.85


def test_it_has_host_keys_and_a_machine_id_of_its_own(fresh: Fresh) -> None:
    fresh.machine.wait_for_unit("ssh.service")
    assert "ssh-ed25519" in fresh.machine.succeed("cat /etc/ssh/ssh_host_ed25519_key.pub")
    assert len(fresh.machine.succeed("cat /etc/machine-id").strip()) == 32
    fresh.machine.wait_for_console("its SSH host key is ")


@pytest.fixture(scope="module")
def known(fresh: Fresh) -> Fresh:
    """A machine whose host key the administrator has compared."""
    fresh.machine.wait_for_open_port(ports.SSH)
    fresh.trust(ADMIN, " ".join(fresh.machine.succeed(f"cat {HOST_KEY}").split()[:2]))
    assert fresh.mailnix("secrets", "init", fresh.config).status == 0
    return fresh


def test_a_machine_whose_host_key_is_not_known_is_sent_nothing(known: Fresh) -> None:
    known.make_key("somebody")
    said = known.push("somebody")
    assert said.status == 1
    assert "the host key of somebody is not known yet, so nothing was sent" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_machine_that_shows_another_host_key_is_sent_nothing(known: Fresh) -> None:
    known.make_key("wary")
    known.trust("wary", " ".join(known.make_key("impostor").split()[:2]))
    said = known.push("wary")
    assert said.status == 1
    assert "shows another host key than the one you know, so nothing was sent" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_stranger_may_not_push(known: Fresh) -> None:
    known.make_key("stranger")
    (known.folder / "stranger.known").write_text((known.folder / f"{ADMIN}.known").read_text())
    said = known.push("stranger")
    assert said.status == 1
    assert "stranger takes none of your SSH keys" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_machine_that_is_not_reached_is_said_to_be(known: Fresh) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and never listens
        said = known.push(f"ssh://root@{ADMIN}:{nobody.getsockname()[1]}")
    assert said.status == 1
    assert "is not reached: connection refused" in said.stderr
    assert one_line_and_a_next_step(said)


def test_a_machine_does_not_take_the_credentials_of_another(known: Fresh) -> None:
    said = known.push(ADMIN, host=known.plan.internal.name)
    assert said.status == 1
    assert f"is not a credential of {known.machine.name}" in said.stderr
    assert one_line_and_a_next_step(said)
    assert known.machine.succeed("ls -A /etc/credstore").strip() == ""


def test_credentials_that_are_pushed_start_what_waited(known: Fresh) -> None:
    said = known.push(ADMIN)
    count = len(known.plan.proxies[0].credentials)
    assert (said.status, said.stdout) == (
        0,
        f"{known.machine.name} has its {count} credentials; what uses a changed one starts again\n",
    )
    machine = known.machine
    machine.wait_for_unit(READY)
    machine.wait_for_unit("haraka-in.service")
    interface = known.plan.proxies[0].tunnel.proxy.interface
    machine.wait_until_succeeds(f"wg show {interface} private-key | grep -qv none", subject="the tunnel's key")


def test_a_push_of_what_the_machine_has_restarts_nothing(known: Fresh) -> None:
    started = known.machine.succeed(f"{STARTED} {READY}")
    assert known.push(ADMIN).status == 0
    assert known.machine.succeed(f"{STARTED} {READY}") == started
    assert known.machine.succeed(f"systemctl list-jobs --no-legend {READY}").strip() == ""


def test_a_credential_that_was_rotated_reaches_the_service_that_uses_it(known: Fresh) -> None:
    name = "haraka.internalcmd"
    machine, before = known.machine, known.credential(name)
    started = machine.succeed(f"{STARTED} haraka-in.service")
    assert known.mailnix("secrets", "rotate", known.config, name).status == 0
    assert known.push(ADMIN, "--json").status == 0
    assert known.credential(name) != before
    machine.wait_until_succeeds(
        f'test "$({STARTED} haraka-in.service)" != {started.strip()}', subject="haraka-in's restart"
    )


def one_line_and_a_next_step(said: Completed) -> bool:
    """What a user sees: where it goes, what is wrong, what to do."""
    talk, wrong, hint = said.stderr.splitlines()
    return talk.startswith("handing credentials to ") and wrong.startswith("mailnix: ") and hint.startswith("  ")
