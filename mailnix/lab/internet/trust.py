"""The lab's root of DNS, told to the proxies' resolvers: they validate from it as they do from the real one.

It is signed with a key that its machine makes when it starts, so that no image knows it; see `guest/sign.py`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from mailnix.lab.internet.layout import Layout
from mailnix.services.unbound.render import SERVICE

SIGNER: Final = "/usr/lib/mailnix-internet/sign.py"
SIGNED: Final = "/var/cache/bind/root.signed"
ANCHOR: Final = "/var/cache/bind/root.key"
"""The root's key, as a record; `SIGNER` writes both."""
UNBOUND: Final = "/etc/unbound/unbound.conf.d/root-auto-trust-anchor-file.conf"
"""Where Debian's package says which root is trusted; a second anchor for one name beside it would be an error."""
EMPTY: Final = (
    "test.",
    "2.0.192.in-addr.arpa.",
    "100.51.198.in-addr.arpa.",
    "113.0.203.in-addr.arpa.",
    "8.b.d.0.1.0.0.2.ip6.arpa.",
)
"""What unbound would answer for by itself, as empty (RFC 6761, RFC 6303): where everybody in the lab is."""


class Root(Protocol):
    """The machine that has the root."""

    def wait_for_unit(self, unit: str) -> None:
        """Wait until a systemd unit is active."""
        ...

    def read_file(self, path: str) -> bytes:
        """A file's content."""
        ...


class Resolving(Protocol):
    """A machine with a resolver."""

    def write_file(self, path: str, content: bytes) -> None:
        """Make or replace a file."""
        ...

    def succeed(self, command: str) -> str:
        """Run a command that must succeed."""
        ...


def unbound_conf(server: object, anchor: str) -> str:
    """By which `server` the root is, and by which key it is known (unbound.conf(5)); `anchor` is its DNSKEY record."""
    served = "".join(f'  local-zone: "{zone}" nodefault\n' for zone in EMPTY)
    return f"""\
server:
  trust-anchor: "{anchor}"
{served}stub-zone:
  name: "."
  stub-addr: {server}
"""


def tell(layout: Layout, internet: Root, proxies: Iterable[Resolving]) -> None:
    """Give every proxy's unbound the lab's root, as soon as that is signed and served."""
    internet.wait_for_unit("named.service")
    text = unbound_conf(layout.dns.ipv4, internet.read_file(ANCHOR).decode().strip())
    for proxy in proxies:
        proxy.write_file(UNBOUND, text.encode())
        # A machine that still boots, or will be deployed to, starts it with the new file anyway.
        proxy.succeed(f"! systemctl cat {SERVICE} >/dev/null 2>&1 || systemctl --no-block try-restart {SERVICE}")
