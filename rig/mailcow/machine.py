"""Mailcow's own code on a machine at home as mailnix ships it: programs and settings where `mailnix emit` puts them."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from attrs import define, field

from mailnix import pipeline, secrets
from mailnix.formats.backend import Backend
from mailnix.model import Topology, ports
from mailnix.plan import Plan, derive
from mailnix.run import Completed
from mailnix.services.credentials.names import SCRIPTS
from mailnix.services.mailcow import debian, units
from mailnix.services.mailcow.contents import provision_json
from mailnix.services.mailcow.guest.machine import values
from mailnix.services.mailcow.guest.tree import CONF
from mailnix.services.mailcow.pin import PIN, Pin
from mailnix.services.mailcow.pinned_images import release
from rig.mailcow.api import Caller
from rig.mailcow.names import name_server
from rig.mailcow.neighbours import Neighbours, neighbours
from rig.mailcow.space import Daemon, Space, space
from rig.mailcow.world import ON_A_BLOCKLIST, STRANGER, names
from rig.waiting import answers

HERE: Final = Path(__file__).parent
CONTAINERS: Final = HERE / "containers"
API_SECONDS: Final = 90.0


@define(repr=False)
class Mailcow:
    """A laid and running Mailcow; `plan` is what it was set up for, `work` holds its secrets and what is emitted."""

    plan: Plan
    work: Path
    space: Space
    pin: Pin
    running: dict[str, Daemon] = field(factory=dict)
    _neighbours: Neighbours | None = None

    @property
    def secrets(self) -> Path:
        """The internal machine's credentials."""
        return self.work / "secrets" / self.plan.internal.name

    def secret(self, name: str) -> str:
        """One of them."""
        return (self.secrets / name).read_text("utf-8").strip()

    def setting(self, name: str) -> str:
        """A variable of the mailcow.conf that was laid."""
        return values(self.tree / CONF)[name]

    @property
    def neighbours(self) -> Neighbours:
        """Those of a Mailcow that is up."""
        assert self._neighbours is not None, "Mailcow is not up"
        return self._neighbours

    @property
    def network(self) -> str:
        """The first three numbers of the containers' addresses."""
        return network_of(self.plan)

    @property
    def tree(self) -> Path:
        """The laid tree, as it is reached from here."""
        return self.space.path(units.ROOT)

    def program(self, name: str, *words: str, check: bool = True, timeout: float = 300.0) -> Completed:
        """Run a program that mailnix ships, with the credentials that its unit would have."""
        environment = {"CREDENTIALS_DIRECTORY": str(self.secrets), "STATE_DIRECTORY": "/var/lib/mailcow-provision"}
        program = f"{SCRIPTS}/{name}"
        return self.space.run([program, *words], environment=environment, check=check, timeout=timeout)

    def lay(self, tree: Path, pin: Pin) -> str:
        """Have mailcow-setup lay a tree, or change to it; gives what it says."""
        source = self.space.path(debian.SOURCE)
        source.mkdir(parents=True, exist_ok=True)
        self.space.run(["sh", "-c", 'umount "$1" 2>/dev/null; mount --bind -o ro "$0" "$1"', tree, debian.SOURCE])
        config = self.space.path("/etc/mailnix/mailcow.json")
        data = json.loads(config.read_text("utf-8"))
        data["source"] = {"tag": pin.tag, "rev": pin.rev, "nar_hash": pin.nar_hash, "url": pin.url}
        data["release"] = release(pin.rev)
        config.write_text(json.dumps(data), "utf-8")
        self.pin = pin
        return self.program("mailcow-setup").stdout

    def start(self, name: str, condition: Callable[[], bool], seconds: float = API_SECONDS) -> Daemon:
        """Start a container's stand-in, in a mount namespace of its own, and wait until it is ready."""
        daemon = self.space.start(name, ["unshare", "--mount", "bash", CONTAINERS / f"{name}.sh"])
        self.running[name] = daemon
        daemon.ready(condition, f"{name} is ready", seconds)
        return daemon

    def once(self, name: str) -> Completed:
        """Run a container's stand-in that ends by itself, whatever its status."""
        return self.space.run(["unshare", "--mount", "bash", CONTAINERS / f"{name}.sh"], check=False)

    def stop(self, *containers: str) -> None:
        """End containers; without names all of them, the last that was started first."""
        for name in containers or tuple(reversed(self.running)):
            self.running.pop(name).stop()

    def answers(self, host: int, port: int) -> bool:
        """Whether something listens at a container's address."""
        with self.space.sockets():
            return answers(port, f"{self.network}.{host}")

    def web_up(self) -> None:
        """Start Mailcow's web part: its API answers then."""
        self.start("redis", lambda: self.answers(249, 6379))
        self.start("mysql", lambda: self.answers(10, 3306))
        self.start("memcached", lambda: self.answers(10, 11211))
        self.start("php-fpm", lambda: self.answers(3, 9002))
        self.start("nginx", self.api_answers)

    def postfix_up(self) -> Daemon:
        """Start Postfix, or start it again."""
        if "postfix" in self.running:
            self.stop("postfix")
        return self.start("postfix", lambda: self.answers(253, 25))

    def api_answers(self) -> bool:
        """Whether the API gives an answer."""
        with contextlib.suppress(OSError):
            return self.api().call("get/status/version").status == 200
        return False

    def api(self) -> Caller:
        """Calls to the API as programs of the machine make them."""
        base = f"http://{self.plan.internal.ipv4}:{ports.MAILCOW_HTTP}"
        return Caller(base, self.secret("mailcow.api-key"), self.plan.topology.hostname, self.space.sockets)

    def describe(self, topology: Topology) -> None:
        """Have another description: what `mailnix deploy` would change for the provisioner."""
        self.plan = derive(topology)
        secrets.init(self.plan, self.work / "secrets")
        self.space.path(units.DESCRIPTION).write_text(provision_json(self.plan), "utf-8")

    def provision(self, *, check: bool = True, timeout: float = 300.0) -> Completed:
        """Run the provisioner."""
        return self.program(units.PROVISION, check=check, timeout=timeout)

    def calls(self) -> int:
        """How many calls of the API nginx has answered."""
        return self.space.path("/var/log/nginx/access.log").read_text("utf-8", "replace").count("/api/v1/")


@contextlib.contextmanager
def mailcow(topology: Topology, tree: Path, pin: Pin = PIN) -> Iterator[Mailcow]:
    """Mailcow as pinned, laid and set up for a description, its API answering, until the end of the block."""
    with laid(topology, tree, pin) as machine, around(machine):
        machine.web_up()
        yield machine


@contextlib.contextmanager
def laid(topology: Topology, tree: Path, pin: Pin = PIN) -> Iterator[Mailcow]:
    """The machine with Mailcow's tree, nothing started."""
    plan = derive(topology)
    work = Path(tempfile.mkdtemp(prefix="mailcow-"))
    running: dict[str, Daemon] = {}
    try:
        work.chmod(0o755)
        secrets.init(plan, work / "secrets")
        pipeline.emit(plan, Backend.DEBIAN, work / "emitted")
        over(plan, work)
        with space(work, str(plan.internal.ipv4), network_of(plan)) as inside:
            machine = Mailcow(plan, work, inside, pin, running)
            inside.path("/var/lib/mailcow-provision").mkdir()
            machine.lay(tree, pin)
            yield machine
    finally:  # the namespaces are gone, and all that ran inside
        for daemon in running.values():
            daemon.stop()
        shutil.rmtree(work)


@contextlib.contextmanager
def around(machine: Mailcow) -> Iterator[None]:
    """What Mailcow's containers speak to."""
    certificates = machine.tree / "data/assets/ssl"
    with ExitStack() as stack:
        machine._neighbours = stack.enter_context(neighbours(machine.space, machine.network, certificates))
        stack.enter_context(name_server(machine.space, names(machine.plan), f"{machine.network}.254"))
        for address in (STRANGER, ON_A_BLOCKLIST):
            machine.space.run(["ip", "route", "add", "local", f"{address}/32", "dev", "lo"])
        yield


def network_of(plan: Plan) -> str:
    """The first three numbers of the containers' addresses."""
    return str(plan.internal.docker_subnet.network_address).rpartition(".")[0]


def over(plan: Plan, work: Path) -> None:
    """What lies over this machine's files: what mailnix ships to both machines, names, a docker and a systemctl that
    are none."""
    target = work / "over"
    network = network_of(plan)
    for host, folders in shipped(plan).items():
        for folder in folders:
            shutil.copytree(work / "emitted" / host / "root" / folder, target / folder, symlinks=True)
    lines = [f"{network}.{line}" for line in (HERE / "hosts.txt").read_text().splitlines()]
    (target / "etc/hosts").write_text("\n".join(["127.0.0.1 localhost", *lines, ""]))
    (target / "etc/resolv.conf").write_text(f"nameserver {network}.254\n")
    for place in ("usr/local/bin", "usr/bin"):
        (target / place).mkdir(parents=True, exist_ok=True)
        for program in ("docker", "systemctl"):
            shutil.copy(HERE / f"{program}.py", target / place / program)
            (target / place / program).chmod(0o755)
    udevadm = target / "usr/local/bin/udevadm"  # no disk comes here
    udevadm.write_text("#!/bin/sh\n")
    udevadm.chmod(0o755)


def shipped(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """The folders of each machine that are needed here."""
    return {
        plan.internal.name: ("etc/mailnix", SCRIPTS.removeprefix("/")),
        plan.proxies[0].name: ("etc/haraka-in", "etc/haraka-out"),
    }
