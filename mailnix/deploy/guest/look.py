"""look QUESTIONS: ask around, for whoever has just changed this machine.

QUESTIONS is a JSON list. ["greeting", ADDRESS, PORT] connects and reads a line, as a mail server's client does.
["handshake", INTERFACE, AGAIN] tells how many seconds ago the tunnel's peer was last heard of in earnest (wg(8)); with
AGAIN, its packets leave from another port from now on, so that firewalls on the way let it in anew, or do not.
Prints a list of answers: [true, "what was seen"], or [false, "why not"].
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time

Question = tuple[str, str, int]
Answer = tuple[bool, str]

PATIENCE = 8.0
"""Seconds for a connection, and for the first line: Postfix lets strangers wait for some (postscreen(8))."""
FRESH = 180
"""Seconds after which WireGuard uses a session no more (REJECT_AFTER_TIME, its paper's section 6.1)."""


def greeting(address: str, port: int) -> Answer:
    """Whether a server of SMTP greets there: 220, or 4xx where it asks to come back (RFC 5321 3.1)."""
    try:
        with socket.create_connection((address, port), PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            line = connection.makefile("rb").readline(512).decode("ascii", "replace").strip()
    except TimeoutError:
        return False, f"no answer for {PATIENCE:.0f} seconds"
    except OSError as error:
        return False, (error.strerror or str(error)).lower()
    return line[:1] in ("2", "4"), line or "it hung up without a word"


def handshake(interface: str, again: int) -> Answer:
    """Whether the tunnel's last handshake is fresh."""
    if again:
        subprocess.run(["wg", "set", interface, "listen-port", "0"], capture_output=True, check=False)
    try:
        shown = subprocess.run(
            ["wg", "show", interface, "latest-handshakes"], capture_output=True, text=True, check=False
        )
    except OSError:
        return False, "wg is not installed"
    if shown.returncode:
        return False, f"there is no {interface}"
    times = [int(line.split()[-1]) for line in shown.stdout.splitlines() if line.strip()]
    return judged(max(times, default=0), time.time())


def judged(at: int, now: float) -> Answer:
    """A handshake's age, in seconds since 1970; 0 is none."""
    if not at:
        return False, "no handshake yet"
    age = max(0, round(now - at))
    return age <= FRESH, f"last handshake {age} seconds ago"


def main(questions: list[Question]) -> list[Answer]:
    """All of them, in their order."""
    kinds = {"greeting": greeting, "handshake": handshake}
    return [kinds[kind](name, number) for kind, name, number in questions]


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
