"""What can be reached from outside: exactly what the plan says, and of the machine at home nothing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from ipaddress import ip_address
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


def may_reach(listener: Listener, source: Address, admins: Iterable[Network], *, everyone: bool) -> bool:
    """Whether the plan lets `source` connect; `everyone` is what no admin networks mean."""
    networks = tuple(admins)
    match listener.reach:
        case Reach.INTERNET:
            return True
        case Reach.TUNNEL:
            return False
        case Reach.ADMIN:
            return (everyone and not networks) or any(source in network for network in networks)


def proxies_open_what_is_planned(scene: Scene) -> str:
    """Every TCP port of every proxy address is tried from outside: those of the plan are open, no other."""
    evidence: dict[str, str] = {}
    for proxy in scene.plan.proxies:
        for target, source in ((proxy.ipv4, scene.layout.attacker.ipv4), (proxy.ipv6, scene.layout.attacker.ipv6)):
            if target is None or source is None:
                continue
            wanted, bridge = expected_tcp(proxy, source), _bridge(scene, proxy)
            found = set(_scan(scene, target, source, bridge)["open"])
            if wanted - found:  # lost in the flood, perhaps: ask for these alone
                found |= set(_scan(scene, target, source, bridge, tcp=_listed(wanted - found))["open"])
            require(not found - wanted, f"{target} has open ports beyond the plan", sorted(found - wanted))
            require(not wanted - found, f"{target} does not open ports of the plan", sorted(wanted - found))
            evidence[str(target)] = ", ".join(map(str, sorted(found)))
    return by_answer(evidence)


def proxies_answer_no_other_udp(scene: Scene) -> str:
    """UDP: the tunnel's port is silent to strangers, others are too, and nothing else listens."""
    evidence = []
    for proxy in scene.plan.proxies:
        planned = {entry.port for entry in proxy.listeners if entry.transport is Transport.UDP}
        asked = _listed({*planned, *POPULAR_UDP})
        for target, source in ((proxy.ipv4, scene.layout.attacker.ipv4), (proxy.ipv6, scene.layout.attacker.ipv6)):
            if target is not None and source is not None:
                answer = _scan(scene, target, source, _bridge(scene, proxy), udp=asked)
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
    """Every TCP port of the internal host, tried from its own network: nothing but SSH for admins, where planned."""
    home, internal = scene.layout.home, scene.plan.internal
    found = set(_scan(scene, home.host4, home.gateway4, home.bridge)["open"])
    wanted = {
        entry.port
        for entry in internal.listeners
        if entry.transport is Transport.TCP
        and may_reach(entry, home.gateway4, internal.lan_admin_networks, everyone=False)
    }
    require(found == wanted, f"{home.host4} has open ports", sorted(found))
    evidence = {str(home.host4): found}
    # The home network has IPv6 as every network has: the addresses that machines give themselves.
    target = link_local(scene.guest(internal.name).succeed(ADDRESSES), home.host4)
    source = link_local(scene.internet.succeed(ADDRESSES), home.gateway4)
    if target is not None and source is not None:
        listening = {entry.port for entry in internal.listeners if entry.transport is Transport.TCP}
        asked = _listed({*listening, *POPULAR_TCP})
        found = set(_scan(scene, f"{target}%{home.bridge}", source, home.bridge, tcp=asked)["open"])
        require(found <= wanted, f"{target} has open ports", sorted(found))
        evidence[str(target)] = found
    return by_answer({at: ", ".join(map(str, sorted(found))) or "nothing open" for at, found in evidence.items()})


def link_local(listing: str, neighbour: Address) -> Address | None:
    """The link-local IPv6 address, in `ip -j address`, of the interface that has `neighbour`, or None."""
    for interface in json.loads(listing):
        entries = interface.get("addr_info", [])
        if any(entry["local"] == str(neighbour) for entry in entries):
            found = [entry["local"] for entry in entries if entry["family"] == "inet6" and entry["scope"] == "link"]
            return ip_address(found[0]) if found else None
    return None


def _bridge(scene: Scene, proxy: ProxyPlan) -> str:
    return next(s.bridge for s in scene.layout.segments if any(port.proxy.name == proxy.name for port in s.ports))


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


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
