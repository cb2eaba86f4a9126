"""From the description to a machine and back: OpenSSH's programs, dpkg, and the program that keeps generations."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from attrs import evolve, frozen

from mailnix.deploy.debs import Debs
from mailnix.deploy.deploying import Deploying, Failed, deploy
from mailnix.deploy.doors import end_shared
from mailnix.deploy.remote import Remote
from mailnix.deploy.rolling import rollback
from mailnix.deploy.scene import Wall
from mailnix.deploy.values import End
from mailnix.run import run
from mailnix.ssh import Way
from rig import ssh_server
from rig.waiting import until
from tests.deploy.machines import Packages, Stage
from tests.services.generations import scratch
from tests.services.generations.scratch import HOST, Scratch

SHELL = Path(__file__).parent / "shell.py"
MISSING = ssh_server.missing() or scratch.missing()

pytestmark = pytest.mark.skipif(bool(MISSING), reason=MISSING or "runs")


class Tiny(Packages):
    """Packages with one file each, made by dpkg-deb; the program is the real one."""

    def debs(self, host: str, number: int, folder: Path) -> Mapping[str, Path]:
        return {path.name: path for path in scratch.generation(folder, number)}

    def program(self, folder: Path) -> Path:
        return Debs(Stage(folder).plan, print).program(folder)


@frozen
class Server:
    """A machine in a folder, behind an SSH server of its own."""

    machine: Scratch
    way: Way
    stage: Stage
    sockets: Path

    def deploying(self) -> Deploying:
        given = self.stage.deploying(HOST)
        machines = {HOST: Remote.by(HOST, [self.way], sockets=self.sockets)}
        return evolve(given, asking=evolve(given.asking, machines=machines, clock=Wall()))


@pytest.fixture
def server(plain_machine: Scratch, tmp_path: Path) -> Iterator[Server]:
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "admin"])
    paths = os.pathsep.join(path for path in sys.path if path)
    shell = f"env PYTHONPATH={paths}:{Path.cwd()} {sys.executable} {SHELL} {plain_machine.root}"
    (tmp_path / "ssh").write_text(
        f"Host *\n  IdentityFile {tmp_path / 'admin'}\n  IdentitiesOnly yes\n"
        f"  StrictHostKeyChecking no\n  UserKnownHostsFile {tmp_path / 'known'}\n"
    )
    stage = Stage(tmp_path, packages=Tiny())
    stage.packages.program_version = Debs(stage.plan, print).program_version
    stage.secrets = {HOST: {"haraka.internalcmd": b"a secret"}}
    with (
        tempfile.TemporaryDirectory() as sockets,  # a socket's path is short
        ssh_server.started(tmp_path, tmp_path / "admin.pub", f"ForceCommand {shell}") as port,
    ):
        way = Way(f"ssh://root@127.0.0.1:{port}", config=tmp_path / "ssh")
        yield Server(plain_machine, way, stage, Path(sockets))
        end_shared(Path(sockets))


@pytest.fixture
def plain_machine(tmp_path: Path) -> Scratch:
    return Scratch.fresh(tmp_path / "root")


def runs(machine: Scratch, number: int) -> bool:
    """Whether a generation is laid, activated and known to run, and nothing waits or is half done."""
    known = machine.state
    audit = machine._dpkg("dpkg", "--audit").output
    return (machine.laid(), known.current, known.pending, audit) == (f"{number} {number}", number, None, "")


def test_a_plain_server_runs_what_is_described_and_goes_back(server: Server) -> None:
    machine, stage = server.machine, server.stage
    report = deploy(server.deploying())
    assert [(each.end, each.before, each.after) for each in report.machines] == [(End.CONFIRMED, None, 1)]
    assert runs(machine, 1)
    assert "its name, network, firewall" in stage.questions[0]

    assert deploy(server.deploying()).machines[0].end is End.AS_DESCRIBED

    stage.packages.digests[HOST] = "other"
    planned = deploy(evolve(server.deploying(), asking=evolve(server.deploying().asking, dry_run=True))).machines[0]
    assert (planned.end, planned.changes.changed) == (End.PLANNED, ("/etc/generation",))
    assert planned.changes.added == ("/etc/systemd/system/of-2.service",)
    assert planned.changes.gone == ("/etc/systemd/system/of-1.service",)
    assert runs(machine, 1)

    assert deploy(server.deploying()).machines[0].after == 2  # the dry run's is gone
    assert runs(machine, 2)

    assert rollback(server.deploying(), HOST, 1).machines[0].after == 1
    assert runs(machine, 1)


def test_the_shared_connection_ends_when_somebody_says_so(server: Server) -> None:
    deploy(evolve(server.deploying(), asking=evolve(server.deploying().asking, dry_run=True)))
    (socket,) = [path for path in server.sockets.iterdir() if path.is_socket()]
    end_shared(server.sockets)
    until(lambda: not socket.exists(), "the end of the shared connection")


def test_what_is_not_confirmed_is_taken_back(server: Server) -> None:
    deploy(server.deploying())
    machine = server.machine
    server.stage.packages.digests[HOST] = "other"
    server.stage.here = lambda _question: (machine.state.pending is None, "connection refused")
    hurried = evolve(server.deploying(), within=21)
    with pytest.raises(Failed, match=r"port 25 from outside \(proxy\): connection refused"):
        deploy(hurried)
    assert runs(machine, 1)


def test_a_secret_comes_and_goes_with_its_generation(server: Server) -> None:
    store = server.machine.root / "etc/credstore/haraka.internalcmd"
    deploy(server.deploying())
    assert store.read_bytes() == b"a secret"
    server.stage.secrets[HOST]["haraka.internalcmd"] = b"another"
    report = deploy(server.deploying())
    assert report.machines[0].credentials == ("haraka.internalcmd",)
    assert store.read_bytes() == b"another"
    kept = [path for path in (server.machine.root / "var/lib/mailnix").rglob("*") if path.is_file()]
    assert [path for path in kept if b"another" in path.read_bytes()] == []
