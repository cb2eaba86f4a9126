"""Machines at providers and at home, in network namespaces: this system's own networkd at both ends of a cable.

The machine's has what mailnix emits; the provider's gives addresses by DHCP and advertises routers as it is told.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Interface, ip_interface
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import frozen

from mailnix.formats.text import ini
from mailnix.plan import HostPlan
from mailnix.run import run, spawn
from mailnix.services.network.render import (
    CHOICE,
    OTHERS_STEM,
    UPLINK_STEM,
    chooser,
    others,
    sysctls,
    uplink,
    wanted_card,
)
from rig import until

NETWORKD: Final = "/lib/systemd/systemd-networkd"
COUNT: Final = itertools.count()
STAND_INS: Final = {"udevadm": "exit 0", "sleep": "exit 0"}
Interface: TypeAlias = IPv4Interface | IPv6Interface

# As networkd finds it where there is no udev: /sys cannot be written (sd-device).
BOOT = """\
set -eu
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp /run/systemd/network
chown -R systemd-network:systemd-network /run/systemd/netif
cp "$1"/*.network /run/systemd/network
mount -o remount,bind,ro /sys
if [ -n "$2" ]; then PATH=$1:$PATH sh "$1/choose-card" $2; fi
exec {networkd}
"""


def missing() -> str:
    """Why there are no such places here, or an empty text."""
    if os.geteuid() != 0:
        return "network namespaces are made by root"
    if not Path(NETWORKD).exists():
        return "systemd-networkd is not installed"
    probe = [
        "unshare",
        "--net",
        "--mount",
        "sh",
        "-c",
        "mount -t sysfs -o ro sysfs /sys && ip link add v0 type veth peer name v1",
    ]
    return "" if run(probe, check=False).status == 0 else "no namespaces with network cards here"


@frozen
class Port:
    """What the provider has at the other end of a card's cable: its addresses there, what it gives and advertises.

    `router` is whether it is a way out; `prefix` is one that hosts make addresses from, `resolvers` are told to them.
    """

    addresses: tuple[str, ...]
    dhcp: bool = False
    router: bool = True
    advertises: bool = False
    prefix: str | None = None
    resolver: str | None = None
    routes: tuple[tuple[str, str], ...] = ()  # a network and its router, as DHCP names them

    def network(self, name: str) -> str:
        """networkd's file for it."""
        lines = ["[Match]", f"Name={name}", "[Network]", "IPv6AcceptRA=no", "LLMNR=no"]
        lines += [f"Address={address}" for address in self.addresses]
        lines += [f"DHCPServer={_word(self.dhcp)}", f"IPv6SendRA={_word(self.advertises)}"]
        if self.dhcp:
            lines += ["[DHCPServer]", "PoolOffset=50", "PoolSize=100", f"EmitRouter={_word(self.router)}", "EmitNTP=no"]
            lines += [f"SendOption=121:string:{_classless(self.routes)}"] if self.routes else []
            lines += ["EmitDNS=yes", f"DNS={self.resolver}"] if self.resolver else ["EmitDNS=no"]
        if self.advertises:
            lines += ["[IPv6SendRA]", "EmitDNS=no", "Managed=no", "OtherInformation=no"]
        if self.prefix:
            lines += ["[IPv6Prefix]", f"Prefix={self.prefix}", "AddressAutoconfiguration=yes", "OnLink=yes"]
        return "\n".join([*lines, ""])


def _classless(routes: tuple[tuple[str, str], ...]) -> str:
    """Routes as in RFC 3442, for systemd.network(5)."""
    packed = b""
    for destination, router in routes:
        network = IPv4Network(destination)
        length = network.prefixlen
        packed += bytes((length,)) + network.network_address.packed[: (length + 7) // 8] + IPv4Address(router).packed
    return "".join(f"\\x{byte:02x}" for byte in packed)


def _word(value: bool) -> str:
    return "yes" if value else "no"


@frozen
class Machine:
    """A running one."""

    namespace: str
    root: Path

    def _ip(self, *words: str) -> Any:
        return json.loads(run(["ip", "-n", self.namespace, "-j", *words]).stdout or "[]")

    def addresses(self, card: str) -> set[Interface]:
        """A card's addresses, but for link-local ones."""
        return {ip_interface(text) for text, _ in self._addresses(card)}

    def deprecated(self, card: str) -> set[Interface]:
        """Those of them that are no source of anything by themselves."""
        return {ip_interface(text) for text, facts in self._addresses(card) if facts.get("deprecated")}

    def _addresses(self, card: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for link in self._ip("addr", "show", "dev", card):
            for each in link["addr_info"]:
                if each["scope"] == "global":
                    yield f"{each['local']}/{each['prefixlen']}", each

    def routes(self, family: str = "-4") -> list[dict[str, Any]]:
        """Default routes, the best first."""
        found: list[dict[str, Any]] = self._ip(family, "route", "show", "default")
        return sorted(found, key=lambda route: int(route.get("metric", 0)))

    def source(self, receiver: str) -> str | None:
        """The address from which a connection to somebody would come."""
        done = run(["ip", "-n", self.namespace, "-j", "route", "get", receiver], check=False)
        return str(json.loads(done.stdout)[0]["prefsrc"]) if done.status == 0 else None

    def online(self, card: str) -> bool:
        """Whether a boot no longer waits for a card (systemd-networkd-wait-online.service(8))."""
        state = self._state(card)
        return "ADMIN_STATE=configured" in state and "OPER_STATE=routable" in state

    def resolvers(self, card: str) -> list[str]:
        """Whom networkd tells resolved to ask by way of a card."""
        lines = [line for line in self._state(card) if line.startswith("DNS=")]
        return [word for line in lines for word in line.removeprefix("DNS=").split()]

    def _state(self, card: str) -> list[str]:
        (link,) = self._ip("link", "show", "dev", card)
        state = self.root / f"run/systemd/netif/links/{link['ifindex']}"
        return state.read_text().splitlines() if state.exists() else []


@contextlib.contextmanager
def booted(host: HostPlan, cards: Mapping[str, Port], folder: Path) -> Iterator[Machine]:
    """A machine with these cards, in the order in which its kernel finds them, each in a port of the provider's."""
    prefix = f"mailnix-{os.getpid()}-{next(COUNT)}-"
    machine, provider = f"{prefix}machine", f"{prefix}provider"
    with ExitStack() as stack:
        for name in (machine, provider):
            run(["ip", "netns", "add", name])
            stack.callback(run, ["ip", "netns", "del", name])
            run(["ip", "-n", name, "link", "set", "lo", "up"])
        for number, (card, _) in enumerate(cards.items()):
            mac = f"52:54:00:00:00:{number:02x}"
            end = ["peer", "name", f"p{number}", "netns", provider]
            run(["ip", "link", "add", card, "address", mac, "netns", machine, "type", "veth", *end])
            run(["ip", "-n", provider, "link", "set", f"p{number}", "up"])
        ports = {f"p{number}": port for number, port in enumerate(cards.values())}
        there = {f"10-{name}.network": port.network(name) for name, port in ports.items()}
        stack.enter_context(_networkd(provider, folder / "provider", there))
        run(
            [
                "ip",
                "netns",
                "exec",
                machine,
                "sysctl",
                "-qw",
                *(f"{key}={value}" for key, value in sysctls(host).items()),
            ]
        )
        files = {f"{UPLINK_STEM}.network": ini(uplink(host)), f"{OTHERS_STEM}.network": ini(others(host))}
        files |= {"choose-card": chooser(), **{name: f"#!/bin/sh\n{text}\n" for name, text in STAND_INS.items()}}
        root = stack.enter_context(_networkd(machine, folder / "machine", files, f"{CHOICE} {wanted_card(host)}"))
        yield Machine(machine, root)


@contextlib.contextmanager
def _networkd(namespace: str, folder: Path, files: Mapping[str, str], choose: str = "") -> Iterator[Path]:
    """A networkd with these files; the root of what it sees."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    inside = ["unshare", "--mount", "--propagation", "private", "sh", "-c", BOOT.format(networkd=NETWORKD), "sh"]
    argv = ["ip", "netns", "exec", namespace, *inside, str(folder), choose]
    with spawn(argv, folder / "log") as process:
        until(lambda: "Enumeration completed" in (folder / "log").read_text(), f"networkd runs in {namespace}")
        log = (folder / "log").read_text()
        assert "ignoring" not in log, log  # a key or value that it does not know
        yield Path(f"/proc/{process.pid}/root")
