"""A machine as an image of ours makes it, and its generations: real systemd, dpkg and apt (rig/container.py).

The tests tell its life in order: what the image laid becomes a generation, others come, and it goes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import define, field

from mailnix import Alias, Domain, Mailbox, Proxy
from mailnix.debian.host import DebianHost, debian_host
from mailnix.debian.package import MASKED, Package, generation
from mailnix.deploy.debs import Debs
from mailnix.deploy.making import archive, made
from mailnix.image import package
from mailnix.plan import Plan, derive
from mailnix.run import run
from mailnix.services.generations import names
from mailnix.services.generations.guest.adopting import digest
from mailnix.services.haraka import npm_tree
from mailnix.tree import Entry, File, Link, Tree
from rig import container
from rig.container import Container
from tests.descriptions import sound

HOST: Final = "proxy"
ADDRESS: Final = "203.0.113.10"
HARAKA: Final = f"{npm_tree.FOLDER}/node_modules/haraka.js"
"""Stands for Haraka: services that would run it wait for credentials, and get none."""

LIST: Final = "/usr/lib/mailnix/files.json"
PASSING: Final = "user\\|session\\|generations\\|systemd-host"
HAS: Final = "ip -4 -brief address show host0"
SERVICES: Final = "--type=service,socket,timer,path --state=active --plain --no-legend"


def described(*domains: str) -> Plan:
    """The card is called as containers call theirs."""
    proxy = Proxy(HOST, ipv4=ADDRESS, gateway="203.0.113.1", prefix=24, nameservers=["127.0.0.1"], card="host0")
    mail = [Domain(name, [Mailbox("alice")], [Alias("postmaster", ["alice"])]) for name in domains]
    return derive(sound(proxies=[proxy], domains=mail))


IMAGE: Final = described("example.org")


def host_of(plan: Plan) -> DebianHost:
    return debian_host(plan, plan.host(HOST))


def lay(root: Path, entry: Entry) -> None:
    """As an image's builder writes it, over what Debian's packages have there."""
    place = root / entry.path[1:]
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    if isinstance(entry, Link):
        place.symlink_to(entry.target)
    else:
        place.write_bytes(entry.data)
        place.chmod(entry.mode)


@define
class Server:
    """The machine, what its image laid, and when each of its units was started."""

    machine: Container
    folder: Path
    laid: Mapping[str, str] = field(factory=dict)

    def verb(self, words: str, stdin: bytes | None = None) -> Any:
        done = self.machine.sh(f"{names.PROGRAM} {words}", check=False, stdin=stdin)
        assert done.status == 0, done.stderr
        return json.loads(done.stdout)

    def receive(self, number: int, plan: Plan) -> None:
        """What a client sends."""
        haraka = Tree.of([File(npm_tree.LOCK, npm_tree.lock_text()), File(HARAKA, "of the generation")])
        packages = (
            generation(host_of(plan), number),
            Package(npm_tree.PACKAGE, npm_tree.version(), (), "stands for Haraka", haraka, architecture="amd64"),
        )
        debs = {each.file_name: package.make(each, self.folder) for each in packages}
        about = made(HOST, number, packages[0].digest, debs, {"links": {}})
        self.verb(f"receive {number}", archive(about, debs, {}, ()).reveal())

    def is_as_built(self) -> None:
        """Every file that the image laid is there as it was, and dpkg agrees."""
        now = {path: digest(self.machine.root / path[1:]) for path in self.laid}
        assert {path: found for path, found in now.items() if found != self.laid[path]} == {}
        assert (self.machine.root / HARAKA[1:]).read_text() == "of the image"
        assert self.machine.out("dpkg --audit; dpkg --verify mailnix-proxy mailnix-haraka") == ""
        assert self.machine.out("systemctl --failed --plain --no-legend") == ""
        for unit in MASKED:
            assert not (self.machine.root / "etc/systemd/system" / unit).is_symlink()

    def started(self) -> dict[str, str]:
        """When each unit that runs was started."""
        shown = self.machine.out(
            "systemctl show --property=Id,ActiveEnterTimestampMonotonic"
            f" $(systemctl list-units {SERVICES} | awk '{{print $1}}' | grep -v '{PASSING}')"
        )
        pairs = (dict(line.split("=", 1) for line in block.splitlines()) for block in shown.split("\n\n"))
        return {each["Id"]: each["ActiveEnterTimestampMonotonic"] for each in pairs}

    def newly_started(self, before: Mapping[str, str]) -> set[str]:
        return {unit for unit, at in self.started().items() if before.get(unit) != at} | ({*before} - {*self.started()})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if reason := container.seldom():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("image")
    packages = [name for name in generation(host_of(IMAGE), 1).depends if not name.startswith("mailnix-")]
    with container.server(folder, packages, name="image") as machine:
        for entry in host_of(IMAGE).tree:
            lay(machine.root, entry)
        for entry in (File(npm_tree.LOCK, npm_tree.lock_text()), File(HARAKA, "of the image")):
            lay(machine.root, entry)
        listed = json.loads((machine.root / LIST[1:]).read_bytes())
        run(["systemctl", f"--root={machine.root}", "enable", *listed["enabled"]])
        program = Debs(IMAGE, print).program(folder / "made")
        (machine.root / "root" / program.name).write_bytes(program.read_bytes())
        machine.boot()
        machine.sh(f"dpkg --install /root/{program.name}")
        own = digest(machine.root / LIST[1:])
        yield Server(machine, folder / "made", {**listed["files"], LIST: own})


def test_what_the_image_laid_becomes_a_generation_and_nothing_starts_or_stops(server: Server) -> None:
    assert ADDRESS in server.machine.out(HAS)
    before = server.started()
    told = json.dumps(Debs(IMAGE, print).adoption(HOST)).encode()
    assert server.verb("adopt", told) == {"current": 1}
    assert server.newly_started(before) == set()
    server.is_as_built()
    status = server.verb("status")
    assert (status["current"], status["pending"], status["drift"]) == (1, None, [])
    assert status["generations"][0]["links"] != {HOST: {}}


def test_the_next_generation_restarts_only_what_reads_what_differs(server: Server) -> None:
    before = server.started()
    server.receive(2, described("example.org", "example.net"))
    planned = {unit for unit, _ in server.verb("plan 2")["units"]}
    assert server.verb("switch 2 --within 120 --id a")["step"] == "installed"
    assert server.newly_started(before) <= planned
    assert {"systemd-networkd.service", "ssh.service", "mailnix-firewall.service"}.isdisjoint(planned)
    assert "example.net" in server.machine.out("cat /etc/haraka-in/config/host_list")


def test_going_back_is_to_what_the_image_made_not_to_nothing(server: Server) -> None:
    before = server.started()
    assert server.verb("back") == {"current": 1}
    server.is_as_built()
    assert {"systemd-networkd.service", "ssh.service", "mailnix-firewall.service", "caddy.service"}.isdisjoint(
        server.newly_started(before)
    )
    assert ADDRESS in server.machine.out(HAS)


def test_one_can_roll_back_to_it_later(server: Server) -> None:
    server.receive(3, described("example.org", "example.net"))
    server.verb("switch 3 --within 120 --id b")
    assert server.verb("confirm 3 --id b") == {"current": 3}
    assert (server.machine.root / HARAKA[1:]).read_text() == "of the generation"
    server.verb("switch 1 --within 120 --id c")
    assert server.verb("confirm 1 --id c") == {"current": 1}
    server.is_as_built()


def test_a_power_cut_before_it_is_confirmed_ends_in_what_the_image_made(server: Server) -> None:
    server.receive(4, described("example.org", "example.edu"))
    server.verb("switch 4 --within 600 --id d")
    server.machine.cut_power()
    server.machine.boot()
    assert server.verb("status")["current"] == 1
    server.is_as_built()
    for unit in ("mailnix-firewall", "unbound", "caddy", "systemd-networkd", "systemd-resolved", "ssh"):
        assert server.machine.out(f"systemctl is-active {unit}") == "active", unit
