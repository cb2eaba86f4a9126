"""Which ports of the proxies strangers may reach, what is spoken there, and what is asked of web servers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.doctor.here import SMTP, Asked
from mailnix.doctor.outside.facts import Place
from mailnix.model import ports
from mailnix.plan import Plan, ProxyPlan, Reach, Transport
from mailnix.plan.dns import autoconfig_names
from mailnix.services.caddy.render import AUTOCONFIG_PATHS

HTTP: Final = "http"
AUTODISCOVER: Final = "/autodiscover/autodiscover.xml"


def addresses(proxy: ProxyPlan) -> tuple[str, ...]:
    """What the world knows a proxy by."""
    return tuple(str(address) for address in (proxy.ipv4, proxy.ipv6) if address is not None)


def places(plan: Plan) -> Iterator[Place]:
    """Every public TCP port at every address, and the web server once more for each name in its certificate."""
    host = plan.topology.hostname
    for proxy in plan.proxies:
        for address in addresses(proxy):
            yield from (_public(proxy, address, port, host) for port in _listened(proxy))
            for client in plan.internal.client_ports:
                yield Place(address, client.port, host, client.speaks, bool(client.starttls))
        for name in proxy.certificate.names:
            yield Place(addresses(proxy)[0], ports.HTTPS, name, HTTP)


def _listened(proxy: ProxyPlan) -> list[int]:
    public = (each for each in proxy.listeners if each.reach is Reach.INTERNET and each.transport is Transport.TCP)
    return [each.port for each in public]


def _public(proxy: ProxyPlan, address: str, port: int, host: str) -> Place:
    match port:
        case ports.SMTP:
            return Place(address, port, proxy.hostname, SMTP, starttls=True)
        case ports.HTTPS:
            return Place(address, port, host, HTTP)
        case _:
            return Place(address, port)


def pages(plan: Plan) -> Iterator[Asked]:
    """Web pages that must be answered: the start page at each address, and settings for mail programs."""
    first = addresses(plan.proxies[0])[0]
    for proxy in plan.proxies:
        yield from (Asked(address, plan.topology.hostname, "/", ports.HTTPS) for address in addresses(proxy))
    for domain in plan.domain_names:
        autoconfig, autodiscover = autoconfig_names(domain)
        yield Asked(first, autoconfig, f"{AUTOCONFIG_PATHS[0]}?emailaddress=postmaster@{domain}", ports.HTTPS)
        yield Asked(first, autodiscover, AUTODISCOVER, ports.HTTPS)
