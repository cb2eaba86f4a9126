"""Who is asked: this machine's resolvers, a server that somebody names, the authorities of a name."""

from __future__ import annotations

from ipaddress import ip_address

import dns.resolver

from mailnix.errors import ResolveError
from mailnix.resolve.asking import recursive
from mailnix.resolve.values import PORT, Ask, Found, Server, Unasked, Zone


def system() -> Server:
    """The resolvers that this machine uses, as one; raises ResolveError where it names none."""
    try:
        found = dns.resolver.Resolver()
    except dns.resolver.NoResolverConfiguration:
        raise ResolveError("this machine names no DNS resolver", "give one: --server ADDRESS") from None
    return Server("this machine's resolver", tuple(str(each) for each in found.nameservers), found.port)


def server(text: str, ask: Ask | None = None) -> Server:
    """A server from ADDRESS, ADDRESS:PORT, [IPV6]:PORT or a host name, whose addresses are asked for.

    Raises ResolveError.
    """
    host, port = _host_and_port(text)
    try:
        return Server(text, (str(ip_address(host)),), port)
    except ValueError:
        addresses = _addresses(ask or recursive(system()), host)
    if not addresses:
        raise ResolveError(f"no address of the DNS server {host!r} is known", "write ADDRESS or ADDRESS:PORT")
    return Server(text, addresses, port)


def _host_and_port(text: str) -> tuple[str, int]:
    bracketed = text.startswith("[")
    host, found, port = text.rpartition("]:" if bracketed else ":")
    if not found or (":" in host and not bracketed):  # an IPv6 address alone
        return text.removeprefix("[").removesuffix("]"), PORT
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ResolveError(f"{text!r} names no DNS server", "write ADDRESS, ADDRESS:PORT or [IPV6]:PORT")
    return host.removeprefix("["), int(port)


class Authorities:
    """Who answers for a name: found by a resolver's NS records, from the name upwards; each name is asked for once."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._zones: dict[str, Zone | Unasked] = {}

    def of(self, name: str) -> Zone | Unasked:
        """The zone that `name` is in, and its servers."""
        if name not in self._zones:
            self._zones[name] = self._found(name)
        return self._zones[name]

    def _found(self, name: str) -> Zone | Unasked:
        match self._ask(name, "NS"):
            case Unasked() as answer:
                return answer
            case Found(records=hosts, aliases=()):
                names = [host.rstrip(".") for host in hosts]
                return Zone(name, tuple(Server(host, _addresses(self._ask, host)) for host in names))
            case _ if name:
                return self.of(name.partition(".")[2])
        return Unasked("the resolver knows no root of DNS")


def _addresses(ask: Ask, host: str) -> tuple[str, ...]:
    answers = (ask(host, kind) for kind in ("A", "AAAA"))
    return tuple(address for answer in answers if isinstance(answer, Found) for address in answer.records)
