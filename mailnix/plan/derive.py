"""From a topology to a plan: every address, port, name and record decided, once. Pure; a table of contents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from attrs import evolve

from mailnix.model import ports
from mailnix.model.clientport import ClientPort, named
from mailnix.model.networks import tunnel_subnet
from mailnix.model.policies import MtaStsMode
from mailnix.model.topology import Internal, Proxy, Topology
from mailnix.plan import addresses, dns, logins, policies, reports, uplinks
from mailnix.plan.credentials import internal_credentials, proxy_credentials, wireguard_names, withheld_credentials
from mailnix.plan.types import (
    Certificate,
    Forward,
    InternalPlan,
    Listener,
    Network,
    Plan,
    ProxyPlan,
    PublicKeys,
    Reach,
    Transport,
    TunnelEnd,
    TunnelLink,
)

PROXY_INTERFACE = "wg0"


def derive(topology: Topology, keys: PublicKeys | None = None, clients: Iterable[ClientPort] | None = None) -> Plan:
    """Decide everything about a topology that `mailnix.model.check` found sound.

    `keys` are the public ones, where a secrets folder has exported them; `clients` are the ports that mail programs
    connect to, where they are not those that the topology names.
    """
    tunnel4, tunnel6 = tunnel_subnet(topology), IPv6Network(topology.tunnel.subnet6)
    links = _tunnels(topology, tunnel4, tunnel6)
    client_ports = named(topology.client_services) if clients is None else tuple(clients)
    contact = reports.contact(topology)
    has_ipv6 = any(proxy.ipv6 for proxy in topology.proxies)
    proxies = tuple(
        _proxy(topology, proxy, link, (number + 1) * dns.MX_STEP, client_ports)
        for number, (proxy, link) in enumerate(zip(topology.proxies, links, strict=True))
    )
    internal = _internal(topology, links, has_ipv6, client_ports)
    records = dns.records(topology, proxies, keys or PublicKeys(), client_ports)
    ways_in = tuple(logins.logins(proxies, internal))
    return Plan(topology, contact, tunnel4, tunnel6, proxies, internal, ways_in, records)


def with_keys(plan: Plan, keys: PublicKeys) -> Plan:
    """The same plan, its DKIM and TLSA records filled in."""
    records = dns.records(plan.topology, plan.proxies, keys, plan.internal.client_ports)
    return evolve(plan, records=records)


def _tunnels(topology: Topology, subnet: IPv4Network, subnet6: IPv6Network) -> tuple[TunnelLink, ...]:
    numbers = addresses.offsets((proxy.name for proxy in topology.proxies), subnet)

    def end(host: str, interface: str, number: int) -> TunnelEnd:
        return TunnelEnd(host, interface, subnet[number], subnet6[number], *wireguard_names(interface))

    return tuple(
        TunnelLink(
            proxy=end(proxy.name, PROXY_INTERFACE, numbers[proxy.name]),
            internal=end(topology.internal.name, addresses.interface(proxy.name), addresses.INTERNAL_OFFSET),
            endpoint=uplinks.endpoint(proxy, topology.tunnel.over),
            over=topology.tunnel.over,
            port=topology.tunnel.port,
            mtu=topology.tunnel.mtu,
            keepalive=topology.tunnel.keepalive,
            mark=addresses.MARK_BASE + numbers[proxy.name],
            table=addresses.TABLE_BASE + numbers[proxy.name],
        )
        for proxy in topology.proxies
    )


def _proxy(
    topology: Topology, proxy: Proxy, link: TunnelLink, preference: int, clients: tuple[ClientPort, ...]
) -> ProxyPlan:
    ipv6 = IPv6Address(proxy.ipv6) if proxy.ipv6 else None
    return ProxyPlan(
        name=proxy.name,
        hostname=proxy.hostname or topology.hostname,
        preference=preference,
        ipv4=IPv4Address(proxy.ipv4),
        ipv6=ipv6,
        uplink=uplinks.of_proxy(proxy),
        private_networks=_networks(proxy.private_networks),
        containers4=IPv4Network(topology.internal.docker_subnet),
        containers6=IPv6Network(topology.internal.docker_subnet6),
        admin_networks=_networks(proxy.admin_cidrs),
        sealed=proxy.sealed,
        architecture=proxy.architecture,
        tunnel=link,
        listeners=_proxy_listeners(proxy, link),
        forwards=tuple(
            Forward(client.name, client.port, link.internal.ipv4, link.internal.ipv6 if ipv6 else None)
            for client in clients
        ),
        certificate=Certificate(proxy.name, "caddy", _proxy_names(topology, proxy)),
        credentials=proxy_credentials(link, topology.relays, topology.proxies[0].name, dane=topology.dane),
        withheld=withheld_credentials(proxy.name) if topology.dane else (),
        dane=topology.dane,
    )


def _proxy_listeners(proxy: Proxy, link: TunnelLink) -> tuple[Listener, ...]:
    return (
        *(() if proxy.sealed else (Listener("ssh", Transport.TCP, ports.SSH, Reach.ADMIN),)),
        Listener("haraka-in", Transport.TCP, ports.SMTP, Reach.INTERNET),
        Listener("caddy", Transport.TCP, ports.HTTP, Reach.INTERNET),
        Listener("caddy", Transport.TCP, ports.HTTPS, Reach.INTERNET),
        Listener("wireguard", Transport.UDP, link.port, Reach.INTERNET),
        Listener("haraka-out", Transport.TCP, ports.RELAY, Reach.TUNNEL, (link.proxy.ipv4,)),
        Listener("bans", Transport.TCP, ports.BANS, Reach.TUNNEL, (link.proxy.ipv4,)),
    )


def _proxy_names(topology: Topology, proxy: Proxy) -> tuple[str, ...]:
    """Every name this proxy answers HTTPS for, and its MX name."""
    names = [topology.hostname, proxy.hostname or topology.hostname, *topology.former_hostnames]
    for domain in topology.domains:
        names += dns.autoconfig_names(domain.name)
        if domain.mta_sts is not MtaStsMode.OFF:
            names.append(policies.mta_sts_name(domain.name))
    return tuple(dict.fromkeys(names))


def _internal(
    topology: Topology, links: tuple[TunnelLink, ...], has_ipv6: bool, clients: tuple[ClientPort, ...]
) -> InternalPlan:
    end = links[0].internal
    internal = topology.internal
    both = (end.ipv4, end.ipv6) if has_ipv6 else (end.ipv4,)
    wanted = internal.ssh_via_proxy and not internal.sealed
    admins = () if internal.sealed else _networks(internal.lan_admin_cidrs)
    jump_hosts = tuple(proxy.name for proxy in topology.proxies if wanted and not proxy.sealed)
    listeners = (
        *((Listener("ssh", Transport.TCP, ports.SSH, Reach.ADMIN),) if admins else ()),
        *((Listener("ssh", Transport.TCP, ports.SSH, Reach.TUNNEL, (end.ipv4,)),) if jump_hosts else ()),
        Listener("smtp", Transport.TCP, ports.SMTP, Reach.TUNNEL, (end.ipv4,)),
        Listener("web", Transport.TCP, ports.MAILCOW_HTTP, Reach.TUNNEL, (end.ipv4,)),
        *(Listener(client.name, Transport.TCP, client.port, Reach.TUNNEL, both) for client in clients),
        *_at_home(internal, clients),
    )
    return InternalPlan(
        name=internal.name,
        ipv4=end.ipv4,
        ipv6=end.ipv6,
        uplink=uplinks.of_internal(internal),
        tunnels=links,
        listeners=listeners,
        client_ports=clients,
        lan_admin_networks=admins,
        jump_hosts=jump_hosts,
        sealed=internal.sealed,
        architecture=internal.architecture,
        forwarders=tuple(ip_address(text) for text in internal.forwarders),
        resolver_check=internal.resolver_check,
        lan_client_networks=_networks(internal.lan_client_cidrs),
        docker_subnet=IPv4Network(internal.docker_subnet),
        docker_subnet6=IPv6Network(internal.docker_subnet6),
        has_ipv6=has_ipv6,
        certificate=Certificate(internal.name, "acme-mailcow", (topology.hostname, *topology.former_hostnames)),
        credentials=internal_credentials(internal.name, links),
        backup=internal.backup,
    )


def _at_home(internal: Internal, clients: tuple[ClientPort, ...]) -> Iterator[Listener]:
    """What the home network reaches at the machine itself, where it may: mail programs and browsers.

    The address is whatever the home router gives, so that it stands for every one; the firewall says who may come.
    """
    if internal.lan_client_cidrs:
        for client in clients:
            yield Listener(client.name, Transport.TCP, client.port, Reach.HOME)
        yield Listener("web", Transport.TCP, ports.HTTPS, Reach.HOME)


def _networks(texts: Iterable[str]) -> tuple[Network, ...]:
    return tuple(ip_network(text, strict=False) for text in texts)
