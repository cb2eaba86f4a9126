"""mailcow-bans [CONFIG]: hand the list of whom Mailcow has banned to every proxy, again and again.

Mailcow's netfilter drops packets here, which have the guesser's address on the ports of mail programs alone: the web
comes from the proxy. So whoever is banned must be kept from it there. The proxy takes the list for some minutes only.
"""

from __future__ import annotations

import json
import os
import re
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from .api import Api, ApiError
from .machine import say

CONFIG = "/etc/mailnix/bans.json"
LOOK = 15.0  # seconds between two looks; netfilter unbans every ten
AGAIN = 60.0  # a list that did not change is sent as often, for the proxy forgets it
TIMEOUT = 10.0
FIRST, LAST = "mailnix-bans 1", "."  # a proxy takes what stands between these, and nothing else
WORD = re.compile("[0-9A-Fa-f.:/]+")  # of an address in it; Python takes any text after a % for an interface

Send = Callable[[str, int, bytes], None]


def banned(answer: Any) -> tuple[str, ...] | None:
    """The networks in an answer of `get/fail2ban`, sorted: those of guessers, and those on the list of its pages.

    None where Mailcow could not look, which its API answers as `{}`.
    """
    if not isinstance(answer, dict) or "active_bans" not in answer:
        return None
    entries = [entry for kind in ("active_bans", "perm_bans") for entry in _entries(answer, kind)]
    return tuple(sorted({entry["network"] for entry in entries if _counts(entry)}))


def _entries(answer: dict[str, Any], kind: str) -> list[Any]:
    found = answer.get(kind)
    return found if isinstance(found, list) else []  # "" where there is none


def _counts(entry: Any) -> bool:
    if not isinstance(entry, dict) or entry.get("queued_for_unban"):
        return False
    network = entry.get("network")
    try:
        return isinstance(network, str) and bool(WORD.fullmatch(network)) and bool(ip_network(network, strict=False))
    except ValueError:
        return False


def text_of(networks: Iterable[str]) -> bytes:
    """A list as it is sent."""
    return "".join(f"{line}\n" for line in (FIRST, *networks, LAST)).encode()


def send(address: str, port: int, text: bytes) -> None:
    """Hand a list to a proxy; raises OSError."""
    with socket.create_connection((address, port), TIMEOUT) as connection:
        connection.sendall(text)


class Bans:
    """What the proxies were told last, and when."""

    def __init__(self, api: Api, proxies: Sequence[str], port: int, hand_on: Send = send) -> None:
        self._api, self._proxies, self._port, self._hand_on = api, proxies, port, hand_on
        self._told: dict[str, tuple[tuple[str, ...], float]] = {}
        self._said = ""

    def look(self, now: float) -> None:
        """Ask Mailcow, and tell each proxy what it does not know or will forget. No error ends this."""
        try:
            networks = banned(self._api.get("get/fail2ban"))
        except ApiError as error:
            self._say(f"Mailcow does not say whom it has banned: {error}")
            return
        if networks is None:
            self._say("Mailcow does not say whom it has banned: there is no list in its answer")
            return
        complaints = [self._tell(proxy, networks, now) for proxy in self._proxies]
        self._say("; ".join(filter(None, complaints)))

    def _tell(self, proxy: str, networks: tuple[str, ...], now: float) -> str:
        known, when = self._told.get(proxy, ((), float("-inf")))
        if networks == known and now - when < AGAIN:
            return ""
        try:
            self._hand_on(proxy, self._port, text_of(networks))
        except OSError as error:
            return f"{proxy} does not take the list: {error}"
        self._told[proxy] = (networks, now)
        return ""

    def _say(self, text: str) -> None:
        """Once for each new trouble."""
        if text and text != self._said:
            say(text)
        self._said = text


def main(path: str = CONFIG) -> int:
    """Look for as long as the unit runs."""
    config = json.loads(Path(path).read_text("utf-8"))
    key = (Path(os.environ["CREDENTIALS_DIRECTORY"]) / "mailcow.api-key").read_text("utf-8").strip()
    bans = Bans(Api(config["api"], key, config["hostname"], TIMEOUT), config["proxies"], config["port"])
    while True:
        bans.look(time.monotonic())
        time.sleep(LOOK)
