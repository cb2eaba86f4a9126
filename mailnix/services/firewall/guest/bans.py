#!/usr/bin/python3
"""bans INTERFACE: take the list of whom Mailcow has banned from stdin, a network a line, into the firewall's sets.

It comes from the machine at home through the tunnel, whole each time, between FIRST and LAST: what lacks one of these
was cut short, or is somebody else's (a program at home that was told to connect here), and changes nothing. Every entry
is forgotten after FORGOTTEN seconds unless it comes again, so that nobody stays out because home is away. The rules let
private addresses in whatever is listed, and the address that home dials from (`home4`, `home6`), which is learned from
WireGuard here.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_address, ip_network

TABLE = "inet mailnix"
FIRST, LAST = "mailnix-bans 1", "."
FORGOTTEN = 300
LONGEST = 2**20  # bytes; 20,000 networks are half of that
WIDEST = {4: 8, 6: 16}  # prefix lengths: nobody bans a larger part of the internet on purpose
WORD = re.compile("[0-9A-Fa-f.:/]+")  # of an address in it; Python takes any text after a % for an interface


def listed(text: str) -> list[str] | None:
    """The lines of a whole list; None for anything else."""
    first, *lines = text.splitlines() or [""]
    return lines[:-1] if first == FIRST and lines[-1:] == [LAST] and text.endswith("\n") else None


def networks(lines: Iterable[str]) -> Iterator[IPv4Network | IPv6Network]:
    """The networks in lines; what is none is left out, and so is one that is too wide."""
    for line in lines:
        try:
            network = ip_network(line.strip() if WORD.fullmatch(line.strip()) else "", strict=False)
        except ValueError:
            continue
        mapped = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
        if mapped is None and network.prefixlen >= WIDEST[network.version]:
            yield network


def peers(shown: str) -> Iterator[str]:
    """The addresses in what `wg show INTERFACE endpoints` prints: a key, a tab, an address with a port or (none)."""
    for line in shown.splitlines():
        address = line.rpartition("\t")[2].rpartition(":")[0].strip("[]").partition("%")[0]
        try:
            yield str(ip_address(address))
        except ValueError:
            continue


def script(banned: Iterable[IPv4Network | IPv6Network], homes: Iterable[str]) -> str:
    """What `nft -f -` replaces all four sets with, in one transaction."""
    known, home = list(banned), [ip_address(address) for address in homes]
    lines: list[str] = []
    for version in (4, 6):
        four = [network for network in known if isinstance(network, IPv4Network)]
        six = [network for network in known if isinstance(network, IPv6Network)]
        merged = list(collapse_addresses(four)) if version == 4 else list(collapse_addresses(six))
        lines += _set(f"banned{version}", [str(network) for network in merged])
        lines += _set(f"home{version}", [str(address) for address in home if address.version == version])
    return "".join(f"{line}\n" for line in lines)


def _set(name: str, elements: list[str]) -> Iterator[str]:
    yield f"flush set {TABLE} {name}"
    if elements:
        listed = ", ".join(f"{element} timeout {FORGOTTEN}s" for element in elements)
        yield f"add element {TABLE} {name} {{ {listed} }}"


def main(interface: str) -> int:
    """One list."""
    text = sys.stdin.buffer.read(LONGEST + 1)
    if len(text) > LONGEST:
        return _failed("the list of banned networks is too long: not taken")
    lines = listed(text.decode("ascii", "replace"))
    if lines is None:
        return _failed("what came is no list of banned networks, or not all of one: not taken")
    shown = subprocess.run(["wg", "show", interface, "endpoints"], capture_output=True, text=True, check=False).stdout
    wanted = script(networks(lines), peers(shown))
    done = subprocess.run(["nft", "-f", "-"], input=wanted, text=True, capture_output=True, check=False)
    if done.returncode != 0:
        return _failed(f"nft: {' '.join(done.stderr.split())}")
    return 0


def _failed(text: str) -> int:
    """Say it in the journal as an error (sd-daemon(3)); the unit keeps lesser words out."""
    print(f"<3>{text}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
