"""Somebody tries passwords: Mailcow must see who, or its protection hits everybody or nobody."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final

from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.scene import Scene
from mailnix.plan.types import Address

GUESSES: Final = 20


def shows_the_guesser(scene: Scene) -> str:
    """20 wrong passwords from one address, at each service in turn: both servers log that address and no other."""
    attacker, since = scene.layout.attacker.ipv4, scene.moment()
    tried = scene.plan.internal.client_ports
    answer = scene.logins(
        "guesses", attacker, tried, timeout=300, login=scene.user, count=GUESSES, token=scene.token("guess")
    )
    require(answer["ok"], "a wrong password was let in", answer)
    counts = []
    for server in dict.fromkeys(client.container for client in tried):
        log = scene.mailcow_log(server, since)
        seen = guessers(log)
        require(seen, f"{server} logged no failed login", log[-1000:])
        require(set(seen) == {attacker}, f"{server} logged others than {attacker}", sorted(map(str, set(seen))))
        counts.append(f"{len(seen)} lines of {server}")
    return f"{GUESSES} guesses, {' and '.join(counts)}, all from {attacker}"


def guessers(log: str) -> list[Address]:
    """The address in each log line about a failed login, of Dovecot (`rip=`) and of Postfix (`name[address]:`)."""
    found = []
    for line in log.splitlines():
        if "auth failed" in line or "Login aborted" in line or "Disconnected" in line:
            found += re.findall(r"rip=([0-9a-fA-F.:]+)", line)
        elif "authentication failed" in line:
            found += re.findall(r"\[([0-9a-fA-F.:]+)\]: SASL", line)
    return [ip_address(text) for text in found]
