"""The network: tunnels, firewall, mail's way out."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from typing import Any

from .here import CouldNotAsk, Here

HEADERS = 28
"""Bytes of IPv4 and ICMP around what ping(8) sends."""

SMALL = 576
"""A packet that every path of IPv4 carries (RFC 791 3.1), and that a tunnel with any sense carries."""

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
PATIENCE = 10.0
"""Seconds for a connection to a far mail server, and for its first line."""

MISSING = re.compile("No such file or directory|does not exist")


def tunnels(here: Here, told: Any) -> Any:
    """Each interface: whether it is there, its MTU, seconds since the last handshake (None: there was none)."""
    return [_tunnel(here, each) for each in told]


def _tunnel(here: Here, name: str) -> dict[str, Any]:
    place = f"/sys/class/net/{name}/mtu"
    if not here.at(place).exists():
        return {"interface": name, "there": False}
    said = here.ask("wg", "show", name, "latest-handshakes")
    times = [int(line.split()[-1]) for line in said.splitlines() if line.strip()]
    last = max(times, default=0)
    age = max(0.0, here.now() - last) if last else None
    return {"interface": name, "there": True, "mtu": int(here.text(place)), "handshake": age}


def mtu(here: Here, told: Any) -> Any:
    """For each tunnel the largest packet that passes whole, in bytes; 0 where not even a small one does."""
    return [{"interface": each["interface"], "passes": _passes(here, each["peer"], each["mtu"])} for each in told]


def _passes(here: Here, peer: str, wanted: int) -> int:
    if _ping(here, peer, wanted):
        return wanted
    if not _ping(here, peer, SMALL):
        return 0
    good, bad = SMALL, wanted
    while bad - good > 8:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _ping(here, peer, middle) else (good, middle)
    return good


def _ping(here: Here, peer: str, size: int) -> bool:
    """Whether one of three is answered: a lost packet says nothing of its size."""
    # fmt: off
    said = here.run("ping", "-n", "-q", "-M", "do", "-c", "3", "-i", "0.3", "-w", "4", "-s", str(size - HEADERS), peer)
    # fmt: on
    if said.status not in (0, 1):
        if "too long" in said.err + said.out:  # the interface's own MTU is smaller
            return False
        raise CouldNotAsk(f"ping failed: {said.last}")
    return re.search(r" [1-9]\d* received", said.out) is not None


def firewall(here: Here, told: Any) -> Any:
    """The table as it is loaded, and as nft would list the planned one: that is loaded in a network of its own."""
    table, sets, rules = told["table"].split(), told["sets"], told["rules"].encode()
    done = here.run("nft", "--stateless", "--terse", "list", "table", *table)
    if done.status != 0:
        if MISSING.search(done.err):
            return {"there": False}
        raise CouldNotAsk(f"nft failed: {done.last}")
    lists = [["nft", "--stateless", "list", "set", *table, name] for name in sets]
    loaded = [done.out, *(here.run(*words).out for words in lists)]  # a set that is missing is so in the table, too
    same = [["nft", "--stateless", "--terse", "list", "table", *table], *lists]
    script = " && echo && ".join(["nft --file -", *(" ".join(words) for words in same)])
    alone = here.ask("unshare", "--net", "sh", "-c", script, stdin=rules)
    return {"there": True, "loaded": "\n".join(loaded), "planned": alone}


def port25(_here: Here, told: Any) -> Any:
    """Far mail servers by family, until one greets: what each said, or why it did not."""
    return {family: list(_tries(family, told["receivers"], told["port"])) for family in told["families"]}


def _tries(family: str, receivers: list[str], port: int) -> Iterator[dict[str, Any]]:
    for name in receivers:
        try:
            found = socket.getaddrinfo(name, port, FAMILIES[family], socket.SOCK_STREAM)
        except OSError as error:
            yield {"host": name, "resolved": False, "connected": False, "said": error.strerror or str(error)}
            continue
        connected, said = _greeting(found[0][4][0], port)
        yield {"host": name, "resolved": True, "connected": connected, "said": said}
        if said[:1] == "2":
            return


def _greeting(address: str | int, port: int) -> tuple[bool, str]:
    connected = False
    try:
        with socket.create_connection((str(address), port), PATIENCE) as connection:
            connected = True
            connection.settimeout(PATIENCE)
            line = connection.makefile("rb").readline(512)
            return True, line.decode("ascii", "replace").strip()[:200]
    except TimeoutError:
        return connected, f"no answer for {PATIENCE:.0f} seconds"
    except OSError as error:
        return connected, (error.strerror or str(error)).lower()
