"""More than one proxy: each keeps clients' addresses, and where the first is cut off, mail takes the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mailnix.lab.scenario.evidence import code_of, require
from mailnix.lab.scenario.inbound import saw_sender
from mailnix.lab.scenario.mails import address_of, receive, send
from mailnix.lab.scenario.offers import relay_for_all
from mailnix.lab.scenario.outbound import judgement, left_from, methods, saw_client
from mailnix.lab.scenario.scene import Scene
from mailnix.lab.scenario.smarthosts import came_by
from mailnix.plan.types import Address, ProxyPlan

TABLE = "unplugged"


def each_keeps_the_client(scene: Scene) -> str:
    """Mail is submitted by way of each proxy's own addresses.

    That a client is answered at all shows which tunnel the answers take: another proxy would drop them, for it knows
    of no such connection.
    """
    evidence = []
    for proxy in scene.plan.proxies:
        for via in client_addresses(proxy):
            mail = send(scene, scene.sender, scene.user, version=via.version, via=via)
            saw_client(mail)
            evidence.append(f"{mail.source} by {via}")
    return ", ".join(evidence)


def mail_comes_in_by_the_next(scene: Scene) -> str:
    """With the first proxy cut off, a sender delivers to the next MX, which hands its address on."""
    following = scene.plan.proxies[1]
    with unplugged(scene, scene.proxy):
        mail = receive(scene, 4, via=following.ipv4)
    relay = mail.fate["relay"]
    require(address_of(relay) == following.ipv4, f"not delivered to {following.name}", relay)
    tls = mail.fate["tls"]
    require(tls.startswith("Verified TLS connection"), "TLS of the delivery was not verified", tls or "no TLS")
    saw_sender(scene, mail)
    return f"{code_of(mail.fate['said'])} from {relay}; Mailcow saw {mail.source}"


def mail_leaves_by_the_next(scene: Scene) -> str:
    """With the first proxy cut off, a submitted mail leaves from the next, by its name, and SPF passes; or that hands
    it to the relay for all mail.
    """
    following, relay = scene.plan.proxies[1], relay_for_all(scene.plan)
    with unplugged(scene, scene.proxy):
        mail = send(scene, scene.sender, scene.user, via=following.ipv4)
    if relay is not None:
        return came_by(scene, mail.message, relay, (following,))
    hop = left_from(mail.message, following)
    verdicts = judgement(mail.message, scene.layout.mx.name)
    failed = [method for method in methods(spf=True) if verdicts.get(method) != "pass"]
    require(not failed, f"{', '.join(failed)} did not pass", verdicts)
    return f"{hop}, SPF, DKIM, DMARC pass"


def client_addresses(proxy: ProxyPlan) -> tuple[Address, ...]:
    """Where mail programs may connect to: over IPv6 only where the ports are handed on."""
    over6 = proxy.ipv6 is not None and any(forward.to6 is not None for forward in proxy.forwards)
    return (proxy.ipv4, proxy.ipv6) if over6 and proxy.ipv6 is not None else (proxy.ipv4,)


@contextmanager
def unplugged(scene: Scene, proxy: ProxyPlan) -> Iterator[None]:
    """Cut a proxy off: the internet, through which everything goes, drops what it sends and what is sent to it."""
    _segment, port = scene.layout.at(proxy)
    addresses = port.addresses
    rules = {end: " ".join(f"{_family(a)} {end} {a} drop;" for a in addresses) for end in ("saddr", "daddr")}
    table = (
        f"table inet {TABLE} {{ "
        f"chain prerouting {{ type filter hook prerouting priority raw; {rules['saddr']} }}; "
        f"chain postrouting {{ type filter hook postrouting priority raw; {rules['daddr']} }}; }}"
    )
    scene.internet.succeed(f"nft '{table}'")
    try:
        yield
    finally:
        scene.internet.succeed(f"nft delete table inet {TABLE}")


def _family(address: Address) -> str:
    return "ip" if address.version == 4 else "ip6"
