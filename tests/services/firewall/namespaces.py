"""Both machines' tables in network namespaces, joined as the machines are: who reaches what?

```
internet --eth0-- proxy --wg0 (a veth pair, no WireGuard)-- home --br-mailcow-- mailcow
internet -----------eth0 (home's LAN)----------------------- home --docker0----- other
```
"""

from __future__ import annotations

import contextlib
import ctypes
import itertools
import os
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from attrs import field, frozen

from mailnix.plan import Plan
from mailnix.run import run
from mailnix.services.firewall.render import BRIDGE, script
from rig.netns import sockets_of
from tests.services.conftest import tool

COUNT: Final = itertools.count()  # several may exist at once
PROXY, PROXY6 = "203.0.113.10", "2001:db8:10::10"
PROXY_BEHIND_NAT: Final = "192.168.50.2"  # a second address of its card
HOME_LAN: Final = "192.168.1.10"
RECEIVER, RECEIVER6 = "198.51.100.40", "2001:db8:99::40"
NAMES: Final = ("internet", "proxy", "home", "mailcow", "other")


def missing() -> str:
    """Why there can be none here; empty where there can."""
    if os.geteuid() != 0:
        return "network namespaces are made by root"
    probe = f"mailnix-probe-{os.getpid()}"
    made = run(["ip", "netns", "add", probe], check=False).status == 0
    if made:
        run(["ip", "netns", "del", probe])
    return "" if made else "no network namespaces here"


@frozen
class Network:
    """The namespaces, by their names here."""

    prefix: str
    servers: list[socket.socket] = field(factory=list)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """This thread's sockets are made there."""
        with sockets_of(Path(f"/run/netns/{self.prefix}{name}")):
            yield

    def ip(self, name: str, *words: str) -> None:
        """ip(8) there."""
        run(["ip", "-n", f"{self.prefix}{name}", *words])

    def nft(self, name: str, text: str) -> str:
        """Commands for nft there; what it prints."""
        command = ["ip", "netns", "exec", f"{self.prefix}{name}", tool("nft"), "-f", "-"]
        return run(command, stdin=text.encode()).stdout

    def listen(self, name: str, address: str, port: int) -> None:
        """A server that says whom it sees, until the end."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with self.inside(name):
            server = socket.create_server((address, port), family=family, backlog=200)
        self.servers.append(server)

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, peer = server.accept()
                    with connection:
                        connection.sendall(f"I see {peer[0]}".encode())

        threading.Thread(target=serve, daemon=True).start()

    def connect(self, name: str, target: str, port: int, source: str = "", seconds: float = 0.7, user: int = 0) -> str:
        """What happens within so many seconds: what the other end says, "dropped", "refused" or "reset".

        The socket is one of that user's.
        """
        with self.inside(name), acting_as(user):
            probe = socket.socket(socket.AF_INET6 if ":" in target else socket.AF_INET)
        with probe:
            probe.settimeout(seconds)
            try:
                if source:
                    probe.bind((source, 0))
                # With the scope of a link-local address, by number: this process has no such card.
                probe.connect(socket.getaddrinfo(target, port, flags=socket.AI_NUMERICHOST)[0][4])
                return probe.recv(200).decode() or "reset"
            except TimeoutError:
                return "dropped"
            except ConnectionRefusedError:
                return "refused"
            except ConnectionResetError:
                return "reset"


@contextlib.contextmanager
def acting_as(user: int) -> Iterator[None]:
    """What this thread opens is that user's (setfsuid(2))."""
    libc = ctypes.CDLL(None)
    libc.setfsuid(user)
    try:
        yield
    finally:
        libc.setfsuid(os.geteuid())


@contextlib.contextmanager
def network(plan: Plan) -> Iterator[Network]:
    """All of it, with the tables of both machines; removed at the end."""
    here = Network(f"mailnix-{os.getpid()}-{next(COUNT)}-")
    with ExitStack() as stack:
        for name in NAMES:
            run(["ip", "netns", "add", f"{here.prefix}{name}"])
            stack.callback(run, ["ip", "netns", "del", f"{here.prefix}{name}"])
            here.ip(name, "link", "set", "lo", "up")
        join(here, plan)
        for name, host in (("proxy", plan.proxies[0]), ("home", plan.internal)):
            words = ["sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"]
            run(["ip", "netns", "exec", f"{here.prefix}{name}", *words])
            here.nft(name, script(host))
        yield here
        for server in here.servers:
            server.close()


def cable(here: Network, ends: Mapping[str, tuple[str, tuple[str, ...]]]) -> None:
    """A veth pair: namespace → the name of its end, and its addresses."""
    (one, (first, _)), (other, (second, _)) = ends.items()
    peer = ["peer", "name", second, "netns", f"{here.prefix}{other}"]
    run(["ip", "link", "add", first, "netns", f"{here.prefix}{one}", "type", "veth", *peer])
    for name, (end, addresses) in ends.items():
        for address in addresses:
            here.ip(name, "addr", "add", address, "dev", end, *(["nodad"] if ":" in address else []))
        here.ip(name, "link", "set", end, "up")


def join(here: Network, plan: Plan) -> None:
    """Cables, bridges, addresses and routes."""
    link, internal = plan.tunnels[0], plan.internal
    near = ("203.0.113.1/24", "2001:db8:10::1/64", "192.168.50.1/24")
    far = (f"{PROXY}/24", f"{PROXY6}/64", f"{PROXY_BEHIND_NAT}/24")
    cable(here, {"internet": ("to-proxy", near), "proxy": ("eth0", far)})
    lan, home = ("192.168.1.1/24", "2001:db8:aa::1/64"), (f"{HOME_LAN}/24", "2001:db8:aa::10/64")
    cable(here, {"internet": ("to-home", lan), "home": ("eth0", home)})
    tunnel = {"proxy": link.proxy, "home": link.internal}
    cable(here, {name: (end.interface, (f"{end.ipv4}/32", f"{end.ipv6}/128")) for name, end in tunnel.items()})
    for name, mine, its in (("proxy", link.proxy, link.internal), ("home", link.internal, link.proxy)):
        for address in (its.ipv4, its.ipv6):
            here.ip(name, "route", "add", str(address), "dev", mine.interface)
    outside, outside6 = internal.docker_subnet, internal.docker_subnet6
    inside = (f"{outside[253]}/24", f"{outside6[253]}/64")
    container(here, "mailcow", BRIDGE, (f"{outside[1]}/24", f"{outside6[1]}/64"), inside)
    container(here, "other", "docker0", ("172.17.0.1/16", "fd00:17::1/64"), ("172.17.0.9/16", "fd00:17::9/64"))
    for name, via, via6 in (("proxy", "203.0.113.1", "2001:db8:10::1"), ("home", "192.168.1.1", "2001:db8:aa::1")):
        here.ip(name, "route", "add", "default", "via", via)
        here.ip(name, "-6", "route", "add", "default", "via", via6)
    for receiver in (RECEIVER, RECEIVER6):
        here.ip("internet", "addr", "add", receiver, "dev", "lo")
    for network in (str(outside), "172.17.0.0/16", "fd00:17::/64", str(outside6)):
        via = "2001:db8:aa::10" if ":" in network else HOME_LAN
        here.ip("internet", "route", "add", network, "via", via)  # nothing here masquerades


def container(here: Network, name: str, bridge: str, outside: tuple[str, ...], inside: tuple[str, ...]) -> None:
    """A namespace on a bridge of home's."""
    here.ip("home", "link", "add", bridge, "type", "bridge")
    for address in outside:
        here.ip("home", "addr", "add", address, "dev", bridge, *(["nodad"] if ":" in address else []))
    cable(here, {name: ("eth0", inside), "home": (f"to-{name}", ())})
    here.ip("home", "link", "set", f"to-{name}", "master", bridge)
    here.ip("home", "link", "set", bridge, "up")
    for address in outside:
        here.ip(name, "route", "add", "default", "via", address.partition("/")[0])
