"""What each place shows of both machines. Every check raises CheckFailed with what it saw instead."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address, ip_interface
from typing import Final

from mailnix.lab.places import look
from mailnix.lab.places.expected import wrong
from mailnix.lab.places.ground import Ground
from mailnix.lab.places.look import Look
from mailnix.lab.places.outside import CLIENT4, CLIENT6, FOLDER, ONLY4, ONLY6
from mailnix.lab.places.place import HOME, PROXY, PUBLIC4, Login, Place, Translation
from mailnix.lab.places.router import GATEWAY6, MAILS, PORTS, SIDES
from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.isolation import POPULAR_TCP, expected_tcp, may_reach
from mailnix.model import ports
from mailnix.plan.types import Address, Transport
from mailnix.services.wireguard.units import REDIAL, SURROUNDINGS

PATIENCE: Final = 120.0  # seconds in which nothing moves
IP_UDP_ICMP: Final = {4: 28, 6: 48}
"""Bytes of a ping's headers."""

MAIL: Final = f"""\
import smtplib, sys
with smtplib.SMTP(sys.argv[1], {ports.RELAY}, timeout=60) as mail:
    mail.sendmail("alice@example.org", sys.argv[2:], "Subject: from here\\r\\n\\r\\nWhere am I?\\r\\n")
"""


def names(ground: Ground) -> None:
    """Both machines resolve names, by the resolvers described or given to them."""
    for name in (PROXY, HOME):
        machine = ground.machines[name]
        family = "ahostsv6" if name == HOME and ground.place.way.translation is Translation.NONE else "ahosts"
        mx = ONLY6 if family == "ahostsv6" else ONLY4
        machine.wait_until_succeeds(f"getent {family} mx.{mx}", PATIENCE, subject=f"{name} resolves a name")


def addresses(ground: Ground) -> None:
    """Addresses and default routes of both machines are those described or given, on the card described."""
    ends = ((ground.plan.proxies[0], ground.place.provider), (ground.plan.internal, ground.place.home))
    for host, cable in ends:
        found = wrong(host.uplink, cable, _mac(ground, host.name), look_at(ground, host.name))
        require(not found, f"{host.name} is not as described", "; ".join(found))


def look_at(ground: Ground, name: str) -> Look:
    """A machine's cards, now."""
    return look.read(ground.machines[name].succeed(look.LOOK))


def _mac(ground: Ground, name: str) -> str:
    return ground.machines[name].spec.nics[0].mac


def tunnel(ground: Ground) -> None:
    """The tunnel is up, and packets of its whole size pass in both directions, in both families."""
    link = ground.plan.tunnels[0]
    for name, end in ((HOME, link.proxy), (PROXY, link.internal)):
        for address in (end.ipv4, end.ipv6):
            size = link.mtu - IP_UDP_ICMP[address.version]
            ping = f"ping -c 1 -W 5 -M do -s {size} {address}"
            ground.machines[name].wait_until_succeeds(ping, PATIENCE, subject=f"the tunnel to {address}")


def sources(ground: Ground) -> None:
    """A mail that haraka-out delivers comes from the described address, over IPv4 and over IPv6."""
    plan = ground.plan.proxies[0]
    wanted = {f"somebody@{ONLY4}": str(plan.ipv4)}
    if plan.ipv6 is not None:
        wanted[f"somebody@{ONLY6}"] = str(plan.ipv6)
    relay = plan.tunnel.proxy.ipv4
    ground.machines[PROXY].wait_for_open_port(ports.RELAY)
    send = f"python3 -c {shlex.quote(MAIL)} {relay} {' '.join(wanted)}"
    ground.machines[HOME].wait_until_succeeds(send, PATIENCE, subject="haraka-out takes a mail")
    counted = f'test "$(sort -u {MAILS} | wc -l)" -ge {len(wanted)} && cat {MAILS}'
    lines = ground.router.wait_until_succeeds(counted, PATIENCE, subject="the mail's delivery").splitlines()
    seen = {entry["to"]: entry["from"] for entry in map(json.loads, lines)}
    require(seen == wanted, f"mail comes from other addresses than {wanted}", seen)


def logins(ground: Ground) -> None:
    """The administrator logs in to the proxy from anywhere, and to the machine at home from where it is described."""
    ssh = f"ssh -F {FOLDER}/ssh_config"
    at_home, _ = at_lan(ground)
    ways = {f"{ssh} {PUBLIC4}": PROXY}
    if Login.LAN in ground.place.login:
        ways[f"ip netns exec {HOME} {ssh} {at_home}"] = HOME
    if Login.PROXY in ground.place.login:
        ways[f"{ssh} -J {PUBLIC4} {ground.plan.internal.ipv4}"] = HOME
    with ThreadPoolExecutor(len(ways)) as pool:
        for done in [pool.submit(_login, ground, way, name) for way, name in ways.items()]:
            done.result()


def _login(ground: Ground, way: str, name: str) -> None:
    said = ground.router.wait_until_succeeds(f"{way} uname -n", PATIENCE, subject=f"a login to {name}")
    require(said.strip() == name, f"logging in to {name} leads to", said)


def at_lan(ground: Ground) -> tuple[str, Address]:
    """Where the machine at home is found in its own network, and the address of the router that looks for it there.

    Without IPv4 that is its address on the link: others change with the provider's prefix.
    """
    found = look_at(ground, HOME).cards
    card = next(card for card in found.values() if card.mac == _mac(ground, HOME))
    four, _ = look.families(card.addresses)
    if not four:
        return f"{card.link}%{SIDES[HOME][0]}", ip_address(GATEWAY6)
    mine = min(four, key=lambda address: address.ip)
    near = next(ip_interface(text) for text in ground.place.home.addresses if ":" not in text)
    return str(mine.ip), near.ip


def closed(ground: Ground) -> None:
    """Nothing is open that is not planned: at the proxy's public addresses, and at home in its own network."""
    plan = ground.plan.proxies[0]
    ends = [(str(target), source) for target, source in ((plan.ipv4, CLIENT4), (plan.ipv6, CLIENT6)) if target]
    with ThreadPoolExecutor(len(ends) + 1) as pool:
        at_home = pool.submit(_closed_at_home, ground)
        for done in [pool.submit(_closed_at_proxy, ground, *end) for end in ends]:
            done.result()
        at_home.result()


def _closed_at_proxy(ground: Ground, target: str, source: str) -> None:
    plan = ground.plan.proxies[0]
    may = expected_tcp(plan, ip_address(source))
    must = may - {forward.port for forward in plan.forwards}  # behind those is Mailcow, which is not here
    found = _open(ground, "", source, target, may)
    require(found <= may, f"{target} has open ports beyond the plan", found - may)
    if must - found:  # a service that is just starting
        for port in must - found:
            ground.machines[PROXY].wait_for_open_port(port)
        found = _open(ground, "", source, target, may)
    require(must <= found, f"{target} does not open ports of the plan", must - found)


def _closed_at_home(ground: Ground) -> None:
    target, near = at_lan(ground)
    internal = ground.plan.internal
    tcp = [entry for entry in internal.listeners if entry.transport is Transport.TCP]
    wanted = {e.port for e in tcp if may_reach(e, near, internal.lan_admin_networks, everyone=False)}
    found = _open(ground, f"ip netns exec {HOME} ", str(near), target, {e.port for e in tcp})
    require(found == wanted, f"{target} opens other ports than {sorted(wanted)}", found)


def _open(ground: Ground, inside: str, source: str, target: str, asked: set[int]) -> set[int]:
    listed = sorted({*asked, *POPULAR_TCP})
    words = f"{source} {target} {' '.join(map(str, listed))}"
    answer = json.loads(ground.router.succeed(f"{inside}{PORTS} {words}", timeout=PATIENCE))
    require(answer["tried"] == len(listed), f"only {answer['tried']} ports of {target} were tried", answer)
    return set(answer["open"])


def heals(ground: Ground, script: str) -> None:
    """After what happened to the networks, the tunnel comes up again, and nobody did anything.

    The minutes between two looks at the tunnel, which its timer waits, are left out.
    """
    ground.router.succeed(script)
    ping = f"ping -c 1 -W 5 {ground.plan.tunnels[0].proxy.ipv4}"
    look_again = f"{ping} || {{ systemctl start {REDIAL}.service; exit 1; }}"
    ground.machines[HOME].wait_until_succeeds(look_again, PATIENCE, subject="the tunnel to heal")
    tunnel(ground)


def overlap(ground: Ground) -> None:
    """A machine whose own network is the tunnel's says so on its console."""
    ground.machines[HOME].wait_for_unit(f"{SURROUNDINGS}.service")
    ground.machines[HOME].wait_for_console(f"overlaps the tunnel's, {ground.plan.tunnel4}")


EVERYWHERE: Final = (addresses, names, tunnel, logins, closed)
"""What every place shows."""


def besides(place: Place) -> tuple[Callable[[Ground], None], ...]:
    """What a place shows beside that."""
    return (*((sources,) if place.mail else ()), *((overlap,) if place.overlap else ()))


def show(ground: Ground) -> None:
    """Everything that a place shows; logins, which are slow, run beside the rest."""
    names(ground)
    addresses(ground)
    tunnel(ground)
    with ThreadPoolExecutor(1) as pool:
        beside = pool.submit(logins, ground)
        for check in (closed, *besides(ground.place)):
            check(ground)
        beside.result()
