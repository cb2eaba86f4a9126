"""What can be reached from outside: exactly what the plan says, and of the machine at home nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address
from typing import Any, Final

from mailnix.lab.scenario.evidence import by_answer, require
from mailnix.lab.scenario.scene import Scene
from mailnix.model.clientport import KNOWN
from mailnix.plan.types import Address, Listener, Network, ProxyPlan, Reach, Transport

SCAN: Final = 600.0  # seconds; 65,535 silent ports take a while in emulation
ALL_TCP: Final = 65_535
ADDRESSES: Final = "ip -j address"
POPULAR_TCP: Final = (21, 22, 25, 53, 80, 111, 443, 631, 2375, 2376, 3306, 6379, 8080, *(c.port for c in KNOWN))
POPULAR_UDP: Final = (53, 67, 69, 111, 123, 137, 161, 443, 500, 514, 1900, 4500, 5353)


def expected_tcp(proxy: ProxyPlan, source: Address) -> set[int]:
    """The TCP ports of a proxy that the plan opens to `source`."""
    tcp = [entry for entry in proxy.listeners if entry.transport is Transport.TCP]
    open_ports = {entry.port for entry in tcp if may_reach(entry, source, proxy.admin_networks, everyone=True)}
    # Client ports are handed on over IPv6 only where there is an address to hand them to.
    return open_ports | {f.port for f in proxy.forwards if source.version == 4 or f.to6 is not None}


def may_reach(
    listener: Listener, source: Address, admins: Iterable[Network], *, everyone: bool, clients: Iterable[Network] = ()
) -> bool:
    """Whether the plan lets `source` connect; `everyone` is what no admin networks mean; `clients` are home's."""
    networks = tuple(admins)
    match listener.reach:
        case Reach.INTERNET:
            return True
        case Reach.TUNNEL:
            return False
        case Reach.ADMIN:
            return (everyone and not networks) or any(source in network for network in networks)
        case Reach.HOME:
            return any(source in network for network in clients)


def proxies_open_what_is_planned(scene: Scene) -> str:
    """Every TCP port of every proxy address is tried from outside: those of the plan are open, no other.

    Of further addresses of the same card, popular ports and the planned ones are tried.
    """
    evidence: dict[str, str] = {}
    for proxy in scene.plan.proxies:
        for target, source in _targets(scene, proxy):
            wanted, public = expected_tcp(proxy, source), target in _public(scene, proxy)
            asked = "" if public else _listed({*wanted, *POPULAR_TCP})
            found = set(_scan_proxy(scene, proxy, target, source, tcp=asked)["open"])
            if wanted - found:  # lost in the flood, perhaps: ask for these alone
                found |= set(_scan_proxy(scene, proxy, target, source, tcp=_listed(wanted - found))["open"])
            require(not found - wanted, f"{target} has open ports beyond the plan", sorted(found - wanted))
            require(not wanted - found, f"{target} does not open ports of the plan", sorted(wanted - found))
            evidence[str(target)] = ", ".join(map(str, sorted(found)))
    return by_answer(evidence)


def _targets(scene: Scene, proxy: ProxyPlan) -> Iterator[tuple[Address, Address]]:
    """Every address of a proxy's card as it is on the link, and an address of somebody who tries it."""
    attacker = scene.layout.attacker
    for target in scene.layout.at(proxy)[1].routed:
        source = attacker.ipv4 if target.version == 4 else attacker.ipv6
        if source is not None:
            yield target, source


def _public(scene: Scene, proxy: ProxyPlan) -> tuple[Address, ...]:
    """Those of them that the world knows."""
    port = scene.layout.at(proxy)[1]
    return tuple(port.on_wire(address) for address in (proxy.ipv4, proxy.ipv6) if address is not None)


def proxies_answer_no_other_udp(scene: Scene) -> str:
    """UDP: the tunnel's port is silent to strangers, others are too, and nothing else listens."""
    evidence = []
    for proxy in scene.plan.proxies:
        planned = {entry.port for entry in proxy.listeners if entry.transport is Transport.UDP}
        asked = _listed({*planned, *POPULAR_UDP})
        for target, source in _targets(scene, proxy):
            answer = _scan_proxy(scene, proxy, target, source, udp=asked)
            require(not answer["open"], f"{target} answers strangers over UDP", answer["open"])
        listening = udp_ports(scene.guest(proxy.name).succeed("ss -Hlun"))
        require(planned <= listening, f"{proxy.name} does not listen on its tunnel's port", listening)
        # 68 and 546 are the machine's own DHCP clients.
        require(listening <= planned | {68, 546}, f"{proxy.name} listens on UDP ports beyond the plan", listening)
        evidence.append(f"{proxy.name}: {', '.join(map(str, sorted(planned)))} silent, nothing else")
    return "; ".join(evidence)


def udp_ports(sockets: str) -> set[int]:
    """Ports of the UDP sockets in `ss -Hlun` that others can reach."""
    ends = (line.split()[3] for line in sockets.splitlines() if len(line.split()) > 3)
    pairs = (end.rpartition(":") for end in ends)
    return {int(port) for host, _, port in pairs if not host.startswith(("127.", "[::1]"))}


def home_opens_nothing(scene: Scene) -> str:
    """Every TCP port of the internal host, tried from its own network: nothing but what is planned for it."""
    home, internal = scene.layout.home, scene.plan.internal
    found = set(_scan(scene, home.host4, home.gateway4, home.bridge)["open"])
    wanted = {
        entry.port
        for entry in internal.listeners
        if entry.transport is Transport.TCP
        and may_reach(
            entry,
            home.gateway4,
            internal.lan_admin_networks,
            everyone=False,
            clients=internal.lan_client_networks,
        )
    }
    require(found == wanted, f"{home.host4} has open ports", sorted(found))
    evidence = {str(home.host4): found}
    for target, source in _home6(scene):
        listening = {entry.port for entry in internal.listeners if entry.transport is Transport.TCP}
        asked = _listed({*listening, *POPULAR_TCP})
        where = f"{target}%{home.bridge}" if target.is_link_local else target
        found = set(_scan(scene, where, source, home.bridge, tcp=asked)["open"])
        require(found <= wanted, f"{target} has open ports", sorted(found))
        evidence[str(target)] = found
    return by_answer({at: ", ".join(map(str, sorted(found))) or "nothing open" for at, found in evidence.items()})


def _home6(scene: Scene) -> Iterator[tuple[Address, Address]]:
    """IPv6 addresses of the internal host on its network, as every network has them, and neighbours that try them."""
    home = scene.layout.home
    here = scene.internet.succeed(ADDRESSES)
    there = scene.guest(scene.plan.internal.name).succeed(ADDRESSES)
    target, source = link_local(there, home.host4), link_local(here, home.gateway4, home.bridge)
    if target is not None and source is not None:
        yield target, source
    if home.net6 is not None and home.gateway6 is not None:
        yield from ((address, home.gateway6) for address in on_card(there, home.host4) if address in home.net6)


def link_local(listing: str, neighbour: Address, card: str | None = None) -> Address | None:
    """The link-local IPv6 address, in `ip -j address`, of the interface that has `neighbour`, or None."""
    return next((address for address in on_card(listing, neighbour, card) if address.is_link_local), None)


def on_card(listing: str, neighbour: Address, card: str | None = None) -> tuple[IPv6Address, ...]:
    """The IPv6 addresses, in `ip -j address`, of the interface (`card`, where several are it) that has `neighbour`."""
    for interface in json.loads(listing):
        entries = interface.get("addr_info", [])
        if card in (None, interface.get("ifname")) and any(entry["local"] == str(neighbour) for entry in entries):
            return tuple(IPv6Address(entry["local"]) for entry in entries if entry["family"] == "inet6")
    return ()


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def _scan_proxy(
    scene: Scene, proxy: ProxyPlan, target: Address, source: Address, *, tcp: str = "", udp: str = ""
) -> dict[str, Any]:
    return _scan(scene, target, source, scene.layout.at(proxy)[0].bridge, tcp=tcp, udp=udp)


def _scan(
    scene: Scene, target: Address | str, source: Address, interface: str, *, tcp: str = "", udp: str = ""
) -> dict[str, Any]:
    options = {"target": target, "interface": interface, "ports": udp or tcp}
    answer = scene.scan("udp" if udp else "tcp", source, timeout=SCAN, **options)
    require(answer["ok"], f"scanning {target}", answer.get("error"))
    # Without this a machine that is off would look like one that is closed.
    wanted = len((udp or tcp).split(",")) if udp or tcp else ALL_TCP
    require(answer["tried"] == wanted, f"only {answer['tried']} of {wanted} ports of {target} were tried", answer)
    return answer
