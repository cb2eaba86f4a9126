#!/usr/bin/python3
"""systemctl's place inside: what is asked of it is done from outside, by rig.mailcow.systemd."""

from __future__ import annotations

import json
import socket
import sys

ADDRESS = ("127.0.0.1", 65000)


def main(words: list[str]) -> int:
    """Ask, print what is answered, and end with its status."""
    with socket.create_connection(ADDRESS) as asked, asked.makefile("rw", encoding="utf-8") as lines:
        lines.write(json.dumps(words) + "\n")
        lines.flush()
        status, text = json.loads(lines.readline())
    print(text, end="", file=sys.stderr if status else sys.stdout)
    return int(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
