"""A mail server that takes mail for one address, offers XCLIENT as Mailcow does, and writes down what it is told.

mail_server.py ADDRESS PORT KNOWN FILE
"""

from __future__ import annotations

import socketserver
import sys
from pathlib import Path

address, port, known, file = sys.argv[1:]
OFFERS = "250-home\r\n250-XCLIENT NAME ADDR PORT\r\n250 8BITMIME"


class Session(socketserver.StreamRequestHandler):
    """One connection."""

    def handle(self) -> None:
        """Answer each command until the end."""
        self.say("220 home ESMTP")
        while line := self.read():
            match line.split()[0].upper():
                case "EHLO":
                    self.say(OFFERS)
                case "XCLIENT":
                    self.say("220 home ESMTP")
                case "RCPT":
                    self.say("250 2.1.5 ok" if f"<{known}>" in line else "550 5.1.1 nobody here has this address")
                case "DATA":
                    self.say("354 go on")
                    while self.read() not in (".\r\n", ""):
                        pass
                    self.say("250 2.0.0 kept")
                case "QUIT":
                    self.say("221 bye")
                    return
                case _:
                    self.say("250 2.0.0 ok")

    def read(self) -> str:
        """The next line, which is written down."""
        line = self.rfile.readline().decode("latin1")
        with Path(file).open("a", encoding="utf-8", newline="") as written:
            written.write(line)
        return line

    def say(self, text: str) -> None:
        """Send an answer."""
        self.wfile.write(f"{text}\r\n".encode())


socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer((address, int(port)), Session).serve_forever()
