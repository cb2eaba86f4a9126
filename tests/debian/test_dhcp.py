"""A server whose address is a router's DHCP keeps it when its network is taken over: Debian's dhcpcd, then networkd."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from mailnix import Proxy
from mailnix.debian.host import debian_hosts
from mailnix.debian.package import Package, generation
from mailnix.image import package
from mailnix.plan import derive
from mailnix.run import end, run, start
from mailnix.services.activation.names import LEASE
from rig import container, until
from rig.container import Container, Network
from tests.descriptions import sound

ROUTER, NETWORK, BRIDGE = "203.0.113.1", "203.0.113.", "br-lan"
PATIENCE = 120.0
INTERFACES = "auto lo\niface lo inet loopback\nauto host0\niface host0 inet dhcp\n"
HAS = "ip -4 -brief address show host0 scope global"


@frozen
class House:
    """A server, and the address that the router has given it."""

    server: Container
    address: str


def said(server: Container) -> str:
    """What tells why there is no address."""
    return server.out("ip address; systemctl --failed --no-legend; networkctl; journalctl --no-pager --lines=80")


def described(address: str) -> Package:
    proxy = Proxy("proxy", ipv4=address, card="host0", nameservers=["127.0.0.1"])
    return generation(debian_hosts(derive(sound(proxies=[proxy])))[0], 1)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    if reason := container.seldom():
        pytest.skip(reason)
    street = f"dhcp{os.getpid()}"
    packages = ["dhcpcd-base", "dnsmasq-base", *described("203.0.113.99").depends]
    ours = [name for name in packages if not name.startswith("mailnix-")]
    run(["ip", "netns", "add", street])
    try:
        for words in (
            f"link add {BRIDGE} type bridge",
            f"address add {ROUTER}/24 dev {BRIDGE}",
            f"link set {BRIDGE} up",
            "link set lo up",
        ):
            run(["ip", "-n", street, *words.split()])
        with container.server(tmp_path, ours, name="dhcp", network=Network(street, BRIDGE)) as server:
            (server.root / "etc/network/interfaces").write_text(INTERFACES)
            # It is the server's own, and its root has no devices while it is off.
            inside = f"mount --rbind /dev {server.root}/dev && exec chroot {server.root} dnsmasq"
            alone = ["nsenter", f"--net=/run/netns/{street}", "unshare", "--mount", "sh", "-c"]
            options = ["--port=0", "--user=root", f"--interface={BRIDGE}", "--dhcp-range=203.0.113.100,203.0.113.150"]
            files = [
                "--conf-file=/dev/null",
                "--dhcp-leasefile=/var/tmp/leases",
                "--pid-file=",
                "--keep-in-foreground",
                "--log-facility=-",
            ]
            router = start([*alone, " ".join((inside, *options, *files))], tmp_path / "router.log")
            try:
                server.boot()
                until(lambda: NETWORK in server.out(HAS), "the router gives an address", PATIENCE, lambda: said(server))
                yield House(server, server.out(HAS).split()[2].partition("/")[0])
            finally:
                end(router)
    finally:
        run(["ip", "netns", "delete", street], check=False)


def test_the_address_stays_the_same_for_networkd_asks_as_dhcpcd_did(house: House) -> None:
    server, address = house.server, house.address
    path = package.make(described(address), server.root / "debs")
    done = server.sh(f"dpkg --force-depends --install /debs/{path.name}", check=False)
    assert done.status == 0, done.stdout + done.stderr
    until(lambda: "configured" in server.out("networkctl --no-legend list host0"), "networkd has an address", PATIENCE)
    assert "DUIDRawData" in server.out(f"cat {LEASE}")
    assert address in server.out(HAS)
    server.sh(f"rm {LEASE}; networkctl reload; networkctl reconfigure host0")  # what would be without it
    until(lambda: NETWORK in server.out(HAS).replace(address, ""), "it gets another address", PATIENCE)
