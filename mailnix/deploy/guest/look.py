"""look QUESTIONS: ask around, for whoever has just changed this machine.

QUESTIONS is a JSON list. ["greeting", ADDRESS, PORT] connects and reads a line, as a mail server's client does.
["ssh", ADDRESS, PORT] does so as ssh(1). ["route", ADDRESS, 0] tells whether a way leads there, and sends nothing.
["handshake", INTERFACE, AGAIN] tells how many seconds ago the tunnel's peer was last heard of in earnest (wg(8)); with
AGAIN, its packets leave from another port from now on, so that firewalls on the way let it in anew, or do not.
["name", DOMAIN, 0] asks the machine's resolvers for a name of that domain that nobody knows.
["mailcow", REVISION, 0] tells whether that Mailcow runs: its unit, each of its containers, its API.
["release", "", 0] tells the revision of the Mailcow that was laid.
["database", REVISION, 0] tells when the database of that Mailcow was kept, where it is.
Prints a list of answers: [true, "what was seen"], or [false, "why not"].
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Question = tuple[str, str, int]
Answer = tuple[bool, str]
Seen = dict[str, Any]
"""Of a tunnel's handshake: `at` by the wall, `clock` when it was seen first, its `age` then (None: not known), and when
this program `looked` last."""

SEEN = "/run/mailnix-handshakes.json"
"""What was seen of each tunnel in this boot."""


MAILCOW = "/var/lib/mailcow"
DESCRIPTION = "/etc/mailnix/provision.json"
API_KEY = "/etc/credstore/mailcow.api-key"

SLOW = (("clamd-mailcow", "starting"),)
"""What need not be waited for: it reads signatures for minutes, and mail passes it by meanwhile."""

PATIENCE = 8.0
"""Seconds for a connection, and for the first line: Postfix lets strangers wait for some (postscreen(8))."""
RESOLVERS = "/etc/resolv.conf"
KNOWN, NO_SUCH = 0, 3
"""What a resolver that found whom to ask says (RFC 1035 4.1.1); one that found nobody says 2."""

FRESH = 180
"""Seconds after which WireGuard uses a session no more (REJECT_AFTER_TIME, its paper's section 6.1)."""


def greeting(address: str, port: int) -> Answer:
    """Whether a server of SMTP greets there: 220, or 4xx where it asks to come back (RFC 5321 3.1)."""
    heard, line = _first_line(address, port)
    return heard and line[:1] in ("2", "4"), line


def ssh(address: str, port: int) -> Answer:
    """Whether a server of SSH says its version there (RFC 4253 4.2): nobody logs in."""
    heard, line = _first_line(address, port)
    return heard and line.startswith("SSH-"), line


def route(address: str, _number: int) -> Answer:
    """Whether this machine knows a way there: a socket of UDP is told its peer, to which nothing goes yet (udp(7))."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as asking:
            asking.connect(place)
    except OSError as error:
        return False, (error.strerror or str(error)).lower()
    return True, "a way leads there"


def _first_line(address: str, port: int) -> Answer:
    """Whether anything is said there, and what; else why nothing is."""
    try:
        with socket.create_connection((address, port), PATIENCE) as connection:
            connection.settimeout(PATIENCE)
            line = connection.makefile("rb").readline(512).decode("ascii", "replace").strip()
    except TimeoutError:
        return False, f"no answer for {PATIENCE:.0f} seconds"
    except OSError as error:
        return False, (error.strerror or str(error)).lower()
    return bool(line), line or "it hung up without a word"


def name(domain: str, _number: int, resolvers: str = RESOLVERS, port: int = 53) -> Answer:
    """Whether one of the resolvers answers; for a name that none can have kept from before, be it to say there is none.

    Through the C library a name without a dot, or one of /etc/hosts, would be no question to anybody.
    """
    labels = (f"mailnix-{os.urandom(6).hex()}", *domain.split("."))
    number = os.urandom(2)
    asked = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
    question = number + b"\1\0\0\1\0\0\0\0\0\0" + asked + b"\0\1\0\1"  # recursion, one question: A, IN
    said = "no resolver is named"
    for words in (line.split() for line in _text(resolvers).splitlines()):
        if words[:1] == ["nameserver"] and words[1:]:
            ok, said = _resolver(words[1], port, question)
            if ok:
                return True, said
    return False, said


def _resolver(address: str, port: int, question: bytes) -> Answer:
    """What one says."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as asking:
            asking.settimeout(PATIENCE)
            asking.connect(place)
            asking.send(question)
            reply = asking.recv(4096)
    except TimeoutError:
        return False, f"{address} gives no answer for {PATIENCE:.0f} seconds"
    except OSError as error:
        return False, f"{address}: {(error.strerror or str(error)).lower()}"
    if len(reply) < 4 or reply[:2] != question[:2]:
        return False, f"{address} answers another question"
    code = reply[3] & 15
    return code in (KNOWN, NO_SUCH), f"{address} answers" if code in (KNOWN, NO_SUCH) else f"{address} fails ({code})"


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
    told = _json(SEEN)
    answer, told[interface] = judged(
        max(times, default=0), time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), told.get(interface)
    )
    with contextlib.suppress(OSError):  # asked again, it is a first time
        Path(SEEN).write_text(json.dumps(told))
    return answer


def judged(at: int, wall: float, clock: float, seen: Seen | None) -> tuple[Answer, Seen]:
    """A handshake, and what to remember of it; `at` is in seconds since 1970, 0 for none, and `wall` is now, likewise.

    WireGuard tells the time of the wall alone, whose clock may be set meanwhile (wg(8)). So its age is taken once, when
    this handshake is seen first, and grows by `clock`, which is never set; it cannot be more than the time since the
    look before, which did not see it.
    """
    if not at:
        return (False, "no handshake yet"), {"at": 0, "clock": clock, "age": None, "looked": clock}
    if seen and seen["at"] == at:
        age, since = seen["age"], seen["clock"]
    else:
        age, since = (wall - at if wall - at > -1 else None), clock
        if seen and (age is None or age > clock - seen["looked"]):
            age = clock - seen["looked"]
    now: Seen = {"at": at, "clock": since, "age": age, "looked": clock}
    if age is None:
        return (False, "this machine's clock was set back since the last handshake: waiting for the next"), now
    seconds = max(0, round(age + clock - since))
    return (seconds <= FRESH, f"last handshake {seconds} seconds ago"), now


def mailcow(rev: str, _number: int) -> Answer:
    """Whether a Mailcow of this revision is up, with all that belongs to it."""
    laid = _laid() or "none"
    if laid != rev:
        return False, f"its tree is {short(laid)}, not {short(rev)} yet"
    unit = _said("systemctl", "is-active", "mailcow.service")
    if unit != "active":
        return False, f"mailcow.service is {unit or 'not there'}"
    ill = sorted(ailing(_said("docker", "compose", "--project-directory", MAILCOW, "ps", "--all", "--format", "json")))
    if ill:
        return False, ", ".join(ill[:4])
    return api(_json(DESCRIPTION))


def ailing(listed: str) -> Iterator[str]:
    """Containers that do not run or are not well, from `docker compose ps`: an object a line, or, formerly, a list."""
    rows = json.loads(listed) if listed.startswith("[") else [json.loads(line) for line in listed.splitlines()]
    if not rows:
        yield "it has no containers"
    for row in rows:
        name, health = row.get("Service") or row["Name"], row.get("Health", "")
        state = row["State"] if row["State"] != "running" else health
        if state not in ("", "healthy") and (name, state) not in SLOW:
            yield f"{name} is {state}"


def api(told: dict[str, str], key_file: str = API_KEY) -> Answer:
    """Whether Mailcow's API answers, with its version."""
    try:
        key = Path(key_file).read_text().strip()
        headers = {"X-API-Key": key, "Host": told["hostname"]}
        request = urllib.request.Request(f"{told['api']}/get/status/version", headers=headers)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(request, timeout=PATIENCE) as reply:
            return True, f"all containers run, the API says {json.load(reply)['version']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        return False, f"its API does not answer yet: {error}"


def release(_name: str, _number: int) -> Answer:
    """Which Mailcow was laid."""
    laid = _laid()
    return bool(laid), laid or "none was laid"


def database(rev: str, _number: int) -> Answer:
    """When the database of a Mailcow was put aside."""
    kept = _json(f"{MAILCOW}.databases.json").get("kept") or {}
    if kept.get("rev") != rev:
        return False, f"none of {short(rev)} is kept"
    return True, kept["made"]


def _laid() -> str:
    record = _json(f"{MAILCOW}/.mailnix.json")
    return str(record.get("named") or record.get("rev", ""))


def short(release: str) -> str:
    """A revision, and what tells its images from others."""
    rev, plus, images = release.partition("+")
    return f"{rev[:12]}{plus}{images[:6]}"


def _text(path: str) -> str:
    """What a file says; nothing where there is none."""
    try:
        return Path(path).read_text()
    except (OSError, ValueError):
        return ""


def _json(path: str) -> dict[str, Any]:
    """What a file says; nothing where there is none."""
    try:
        found: dict[str, Any] = json.loads(Path(path).read_text())
    except (OSError, ValueError):
        return {}
    return found


def _said(*argv: str) -> str:
    """What a program prints."""
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def main(questions: list[Question]) -> list[Answer]:
    """All of them, in their order."""
    mailcows = {"mailcow": mailcow, "release": release, "database": database}
    kinds: dict[str, Callable[[str, int], Answer]]
    kinds = {
        "greeting": greeting,
        "ssh": ssh,
        "route": route,
        "name": name,
        "handshake": handshake,
        **mailcows,
    }
    return [kinds[kind](name, number) for kind, name, number in questions]


if __name__ == "__main__":
    print(json.dumps(main(json.loads(sys.argv[1]))))
