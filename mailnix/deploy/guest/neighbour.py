"""neighbour ADDRESSES: whether other machines have IPv4 addresses that this one is to have, for whoever changes it.

ADDRESSES is a JSON list. Prints a list of answers: [true, "nobody has it"], or [false, "who has it"].
"""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import subprocess
import sys
import time
from typing import Any

Answer = tuple[bool, str]

ARP = 0x0806
PROBES = 3
"""How often it is asked who has an address, a second apart (RFC 5227 2.1.1)."""


def free(address: str) -> Answer:
    """Whether nobody else in the network that the address is of says to have it; what cannot be asked is free.

    A probe (RFC 5227 1.1) tells nobody anything of this machine, so that no neighbour takes it for the owner.
    """
    found = _route(address)
    if found.get("type") == "local" or "dev" not in found or "gateway" in found:
        return True, "it is this machine's, or of no network that it is in"
    try:
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ARP)) as cable:
            cable.bind((found["dev"], ARP))
            cable.settimeout(1.0)
            for _ in range(PROBES):
                if owner := _owner(cable, socket.inet_aton(address)):
                    return False, f"the machine with the card {owner} has it"
    except OSError as error:
        return True, f"not known: {(error.strerror or str(error)).lower()}"
    return True, "nobody has it"


def _owner(cable: socket.socket, address: bytes) -> str:
    """The card that answers to one probe within a second; empty where none does."""
    mac = cable.getsockname()[4]
    head = struct.pack("!6s6sHHHBBH", b"\xff" * 6, mac, ARP, 1, 0x0800, 6, 4, 1)
    cable.send(head + struct.pack("!6s4s6s4s", mac, bytes(4), bytes(6), address))
    until = time.monotonic() + 1
    with contextlib.suppress(TimeoutError):
        while time.monotonic() < until:
            heard = cable.recv(64)
            if heard[28:32] == address and heard[22:28] != mac:
                return heard[22:28].hex(":")
    return ""


def _route(address: str) -> dict[str, Any]:
    """How this machine reaches an address (ip-route(8)); empty where it does not."""
    with contextlib.suppress(OSError, ValueError, LookupError):
        done = subprocess.run(["ip", "-json", "route", "get", address], capture_output=True, check=False)
        found: dict[str, Any] = json.loads(done.stdout)[0]
        return found
    return {}


if __name__ == "__main__":
    print(json.dumps([free(address) for address in json.loads(sys.argv[1])]))
