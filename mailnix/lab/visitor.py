"""This machine as one more on a lab's internet: what is done there sees the lab's network and no other.

A network namespace of this process has one card, whose frames travel by the same unix sockets as those of the lab's
machines (`Nic`). Its other end is a card that the internet machine is given while it runs. Only root may do that.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import selectors
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_network
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from attrs import define, frozen

from mailnix.errors import LabError
from mailnix.lab.internet.layout import Layout
from mailnix.run import require, run

T = TypeVar("T")
TUN: Final = Path("/dev/net/tun")
CARD: Final = "lab"
ROUTER6: Final = IPv6Address("fe80::1")
MAC: Final = "52:54:00:76:69:73"
"""Of the internet's end, by which its card is found."""
OFFSET: Final = 150
"""Which address it has in the network of the machines elsewhere; nobody in `Layout` has it."""
FRAME: Final = 65536  # bytes that one is never longer than
_CLONE_NEWNET: Final = 0x40000000  # sched.h
_TUNSETIFF: Final = 0x400454CA  # linux/if_tun.h
_TAP_WITHOUT_HEADER: Final = 0x0002 | 0x1000  # IFF_TAP, IFF_NO_PI

# What the kernel calls a new card holds until udev has another name for it.
FIND: Final = f"""\
for look in $(seq 200); do
  grep -qs {MAC} /sys/class/net/*/address && break
  sleep 0.1
done
udevadm settle
card=$(basename "$(dirname "$(grep -ls {MAC} /sys/class/net/*/address)")")
ip link set "$card" up
ip address replace {ROUTER6}/64 dev "$card" nodad
ip route replace {{ipv4}} dev "$card"
ip -6 route replace {{ipv6}} dev "$card"
"""
"""What the internet machine does with its new card; its own addresses answer on each of its cards."""


def missing() -> str:
    """Why nobody can visit a lab from here, or an empty text."""
    if os.geteuid() != 0:
        return "only root may have a network of its own"
    return "" if TUN.exists() else f"this machine has no {TUN}"


@frozen
class Guest:
    """The visitor's addresses, and the router's that it sends everything to."""

    ipv4: IPv4Address
    ipv6: IPv6Address
    router4: IPv4Address
    router6: IPv6Address = ROUTER6


def guest(layout: Layout) -> Guest:
    """A place among the machines elsewhere."""
    dns = layout.dns
    assert dns.ipv6 is not None
    near4, near6 = ip_network(f"{dns.ipv4}/24", strict=False), ip_network(f"{dns.ipv6}/64", strict=False)
    return Guest(IPv4Address(int(near4[0]) + OFFSET), IPv6Address(int(near6[0]) + OFFSET), dns.ipv4)


@define(eq=False)
class Network:
    """A network namespace that lives as long as its one thread; what that thread starts is in it, too."""

    _pool: ThreadPoolExecutor

    def do(self, work: Callable[[], T]) -> T:
        """Do some work in it, and whatever threads and programs that starts."""
        return self._pool.submit(work).result()


@contextlib.contextmanager
def network() -> Iterator[Network]:
    """A new one, with nothing in it but loopback; raises LabError where this machine makes none."""
    if reason := missing():
        raise LabError(f"a visit to the lab's internet: {reason}", "run it as root on a machine that has it")
    with ThreadPoolExecutor(1, initializer=_leave) as pool:
        found = Network(pool)
        found.do(lambda: _ip("link set lo up"))
        yield found


def _leave() -> None:
    """This thread into a network namespace of its own: unshare(2)."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare: " + os.strerror(ctypes.get_errno()))


def _ip(*lines: str) -> None:
    for line in lines:
        run((require("ip", "iproute2"), *line.split()))


@contextlib.contextmanager
def card(inside: Network, who: Guest, near: Path, far: Path) -> Iterator[None]:
    """Give it a card whose frames go to the socket `far`; those to it come to the socket `near`, which is made."""
    near.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as wire:
        wire.bind(str(near))
        tap = inside.do(_tap)
        try:
            inside.do(lambda: _set(who))
            with _carried(tap, wire, str(far)):
                yield
        finally:
            os.close(tap)
            near.unlink(missing_ok=True)


def _tap() -> int:
    """A card of this namespace that is read and written as a file."""
    tap = os.open(TUN, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(tap, _TUNSETIFF, struct.pack("16sH22x", CARD.encode(), _TAP_WITHOUT_HEADER))
    return tap


def _set(who: Guest) -> None:
    _ip(
        f"link set {CARD} up",
        f"address add {who.ipv4}/32 dev {CARD}",
        f"address add {who.ipv6}/128 dev {CARD} nodad",
        f"route add default via {who.router4} dev {CARD} onlink",
        f"-6 route add default via {who.router6} dev {CARD} onlink",
    )


@contextlib.contextmanager
def _carried(tap: int, wire: socket.socket, far: str) -> Iterator[None]:
    """Carry frames both ways in a thread of its own until the end."""
    stop, stopped = os.pipe()
    thread = threading.Thread(target=_carry, args=(tap, wire, far, stop), name="visitor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        os.write(stopped, b".")
        thread.join()
        os.close(stop)
        os.close(stopped)


def _carry(tap: int, wire: socket.socket, far: str, stop: int) -> None:
    with selectors.DefaultSelector() as selector:
        for each in (tap, wire.fileno(), stop):
            selector.register(each, selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _events in selector.select()]
            if stop in ready:
                return
            # As on a real cable, what finds nobody or a full queue is lost: TCP sends it again.
            with contextlib.suppress(BlockingIOError, ConnectionRefusedError, FileNotFoundError):
                if tap in ready:
                    wire.sendto(os.read(tap, FRAME), far)
            with contextlib.suppress(BlockingIOError):
                if wire.fileno() in ready:
                    _receive(tap, wire.recv(FRAME))


def _receive(tap: int, frame: bytes) -> None:
    try:
        os.write(tap, frame)
    except OSError as error:
        if error.errno not in (errno.EIO, errno.ENOBUFS, errno.EINVAL):  # the card is down, or full, or it is no frame
            raise


class Control(Protocol):
    """QEMU's control connection: mailnix.lab.qmp.Qmp."""

    def execute(self, command: str, arguments: dict[str, Any] | None = ...) -> Any:
        """One command and its answer."""
        ...


class Internet(Protocol):
    """The internet machine: mailnix.lab.machine.Machine."""

    @property
    def paths(self) -> Any:
        """Its files and sockets."""
        ...

    def qmp(self) -> contextlib.AbstractContextManager[Any]:
        """Its control connection."""
        ...

    def succeed(self, command: str) -> str:
        """Run a command that must succeed."""
        ...


@contextlib.contextmanager
def visit(layout: Layout, internet: Internet) -> Iterator[Network]:
    """The lab's internet as a network of this process; the internet machine has one card more meanwhile."""
    who = guest(layout)
    name = f"visitor-{os.getpid()}"
    far, near = (internet.paths.sockets / f"{name}.{end}" for end in ("internet", "here"))
    with network() as inside, card(inside, who, near, far):
        with internet.qmp() as control:
            plug(control, name, local=far, remote=near)
        try:
            internet.succeed(FIND.format(ipv4=who.ipv4, ipv6=who.ipv6))
            yield inside
        finally:
            with internet.qmp() as control:
                control.execute("device_del", {"id": f"{name}-card"})


def plug(control: Control, name: str, *, local: Path, remote: Path) -> None:
    """Give a machine that runs a card, with a cable from the socket `local` to the socket `remote`."""
    ends = {end: {"type": "unix", "path": str(path)} for end, path in (("local", local), ("remote", remote))}
    control.execute("netdev_add", {"type": "dgram", "id": name, **ends})
    device = {"driver": "virtio-net-pci", "id": f"{name}-card", "netdev": name, "mac": MAC, "romfile": ""}
    control.execute("device_add", device)
