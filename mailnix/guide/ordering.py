"""What to order, and what to open at the provider: ports, directions and reverse names, as the plan has them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import frozen

from mailnix.model import ports
from mailnix.plan import Listener, Plan, ProxyPlan, Reach, Transport

_FOR: Final = {
    "ssh": "you log in",
    "haraka-in": "mail from others",
    "wireguard": "the tunnel from home",
}
_WEB: Final = {ports.HTTP: "certificates", ports.HTTPS: "web mail, settings for mail programs"}
_TCP: Final = Transport.TCP.upper()
_UDP: Final = Transport.UDP.upper()


@frozen
class Gate:
    """Ports that must be open in one direction: to or from (`side`) `who` alone, or everybody where that is empty."""

    ports: str
    transport: str
    what: str
    who: str = ""
    side: str = "to"


_OUTWARD: Final = (
    Gate(f"{ports.DNS}", f"{_UDP}, {_TCP}", "names"),
    Gate(f"{ports.HTTP}, {ports.HTTPS}", _TCP, "packages, certificates, others' policies"),
    Gate(f"{ports.NTP}", _UDP, "the time"),
)


@frozen
class Reverse:
    """The name that an address must have, set where the address comes from; `record` is the PTR's own."""

    record: str
    address: str
    name: str


@frozen
class Order:
    """A server to order, and what its provider must do for it."""

    host: str
    hostname: str
    ipv4: str
    ipv6: str
    sealed: bool
    incoming: tuple[Gate, ...]
    outgoing: tuple[Gate, ...]
    reverse: tuple[Reverse, ...]
    letter: str


def orders(plan: Plan) -> tuple[Order, ...]:
    """One for each proxy."""
    return tuple(_order(plan, proxy) for proxy in plan.proxies)


def home_gates(plan: Plan) -> tuple[Gate, ...]:
    """What the machine at home must be let out to; nothing must be let in."""
    tunnels = [Gate(str(link.port), _UDP, "the tunnel", str(link.endpoint)) for link in plan.tunnels]
    return (*tunnels, *_OUTWARD)


def _order(plan: Plan, proxy: ProxyPlan) -> Order:
    addresses = [address for address in (proxy.ipv4, proxy.ipv6) if address is not None]
    return Order(
        host=proxy.name,
        hostname=proxy.hostname,
        ipv4=str(proxy.ipv4),
        ipv6=str(proxy.ipv6 or ""),
        sealed=proxy.sealed,
        incoming=tuple(_incoming(plan, proxy)),
        outgoing=tuple(_outgoing(plan)),
        reverse=tuple(Reverse(each.reverse_pointer, str(each), proxy.hostname) for each in addresses),
        letter=_letter([str(address) for address in addresses], proxy),
    )


def _incoming(plan: Plan, proxy: ProxyPlan) -> Iterator[Gate]:
    public = [each for each in proxy.listeners if each.reach in (Reach.INTERNET, Reach.ADMIN)]
    for listener in sorted(public, key=lambda each: each.port):
        who = ", ".join(map(str, proxy.admin_networks)) if listener.reach is Reach.ADMIN else ""
        yield Gate(str(listener.port), listener.transport.upper(), _purpose(listener), who, "from")
    for client in plan.internal.client_ports:
        yield Gate(str(client.port), _TCP, f"{client.purpose}, for mail programs")


def _outgoing(plan: Plan) -> Iterator[Gate]:
    yield Gate(str(ports.SMTP), _TCP, "mail to others")
    for relay in plan.topology.relays:
        yield Gate(str(relay.port), _TCP, "mail by a relay", relay.host)
    yield from _OUTWARD


def _purpose(listener: Listener) -> str:
    return _FOR.get(listener.service) or _WEB[listener.port]


def _letter(addresses: list[str], proxy: ProxyPlan) -> str:
    """What to write to the provider."""
    names = "\n".join(f"  {address}  {proxy.hostname}" for address in addresses)
    return (
        f"I run a mail server on {' and '.join(addresses)}. Please open TCP port {ports.SMTP} for it in both "
        f"directions, and set its reverse names (PTR):\n{names}\n"
        "It sends only mail of its own users, with SPF, DKIM and DMARC."
    )
