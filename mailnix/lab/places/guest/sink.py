#!/usr/bin/env python3
"""A mail server that takes everything and writes down who brought it: `sink.py PORT FILE`, a JSON line a recipient.

Only the standard library; no STARTTLS, so that all it costs is a connection.
"""

from __future__ import annotations

import json
import socket
import socketserver
import sys
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address
from pathlib import Path


class Session(socketserver.StreamRequestHandler):
    """One client, command by command."""

    file: Path

    def handle(self) -> None:
        """Talk to the end."""
        self.say("220 ready")
        for line in self.rfile:
            word = line[:4].upper()
            if word == b"RCPT":
                self.note(line.decode("latin-1"))
            if word == b"DATA":
                self.say("354 go on")
                while self.rfile.readline() not in (b".\r\n", b""):
                    pass
            self.say("221 bye" if word == b"QUIT" else "250 taken")
            if word == b"QUIT":
                return

    def say(self, text: str) -> None:
        """One reply."""
        self.wfile.write(text.encode() + b"\r\n")

    def note(self, line: str) -> None:
        """Write down a recipient and the client's address."""
        recipient = line.partition("<")[2].partition(">")[0]
        with self.file.open("a") as out:
            out.write(json.dumps({"to": recipient, "from": plain(self.client_address[0])}) + "\n")


def plain(address: str) -> str:
    """An IPv4 address as such, also where it came to a socket for both families."""
    found = ip_address(address)
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


class Server(socketserver.ThreadingTCPServer):
    """For both families."""

    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True


def main(argv: Sequence[str]) -> int:
    """Serve for ever."""
    port, file = argv
    Session.file = Path(file)
    with Server(("::", int(port)), Session) as server:
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
