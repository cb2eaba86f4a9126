"""A plan as tables for people."""

from __future__ import annotations

from collections.abc import Iterator

from mailnix.cli.output import table
from mailnix.model.names import to_unicode
from mailnix.plan import HostPlan, InternalPlan, Plan, ProxyPlan, Reach
from mailnix.plan.logins import UNKNOWN

NAMES_SHOWN = 6


def plan_text(plan: Plan) -> str:
    """Every part of the plan, a table each."""
    sections = (
        ("Machines", ("name", "what", "public", "tunnel"), (_machine(host) for host in plan.hosts)),
        (
            "Network cards",
            ("machine", "card", "addresses", "routers", "resolvers"),
            (_card(host) for host in plan.hosts),
        ),
        ("Logins, with a key of admin_keys", ("machine", "from", "command"), _logins(plan)),
        ("Tunnels", ("proxy", "internal", "endpoint", "over", "mtu", "mark", "table"), _tunnels(plan)),
        ("Listeners", ("machine", "port", "service", "who may connect", "on"), _listeners(plan)),
        ("Flows, client address kept", ("from", "to", "service"), _flows(plan)),
        ("Certificates", ("key on", "asked for by", "names"), _certificates(plan)),
        ("Backups", ("machine", "folder", "when", "kept for"), _backups(plan)),
        ("Credentials", ("machine", "name", "what"), ((c.host, c.name, c.purpose) for c in plan.credentials)),
        ("DNS records", ("name", "type", "data"), _records(plan)),
    )
    return "\n\n".join(f"{title}\n{table(heading, rows)}" for title, heading, rows in sections)


def _machine(host: HostPlan) -> tuple[str, str, str, str]:
    match host:
        case ProxyPlan():
            public = " ".join(str(address) for address in (host.ipv4, host.ipv6) if address)
            end = host.tunnel.proxy
            return host.name, f"proxy, {host.hostname}", public, f"{end.ipv4} {end.ipv6}"
        case InternalPlan():
            return host.name, "Mailcow, at home", "none", f"{host.ipv4} {host.ipv6}"


def _card(host: HostPlan) -> tuple[str, ...]:
    card = host.uplink
    addresses = [*(("by DHCP",) if card.dhcp else ()), *map(str, card.addresses)]
    routers = [str(card.gateway4 or "by DHCP"), *(("advertised",) if card.ra else ())]
    routers += [str(card.gateway6)] if card.gateway6 else []
    resolvers = [str(address) for address in card.nameservers] or ["the network's"]
    return (
        host.name,
        card.card or "the first with a cable",
        *(", ".join(each) for each in (addresses, routers, resolvers)),
    )


def _logins(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for host in plan.hosts:
        if host.sealed:
            yield host.name, "nowhere", "none: it is sealed"
        for login in plan.logins:
            if login.host == host.name:
                router = f"  ({UNKNOWN}: what the home router gives it)" if UNKNOWN in login.target else ""
                yield host.name, login.source, login.command + router


def _tunnels(plan: Plan) -> Iterator[tuple[object, ...]]:
    for link in plan.tunnels:
        ends = (f"{end.host}:{end.interface}" for end in (link.proxy, link.internal))
        yield (*ends, f"{link.dialled}/udp", link.over, link.mtu, f"{link.mark:#x}", link.table)


def _listeners(plan: Plan) -> Iterator[tuple[str, ...]]:
    for host in plan.hosts:
        for listener in host.listeners:
            where = " ".join(str(address) for address in listener.addresses) or "every address"
            yield (
                host.name,
                f"{listener.port}/{listener.transport}",
                listener.service,
                _who(host, listener.reach),
                where,
            )


def _who(host: HostPlan, reach: Reach) -> str:
    match reach:
        case Reach.INTERNET:
            return "the internet"
        case Reach.TUNNEL:
            return "the tunnel's other end"
        case Reach.ADMIN:
            networks = host.admin_networks if isinstance(host, ProxyPlan) else host.lan_admin_networks
            nobody = "the internet" if isinstance(host, ProxyPlan) else "nobody"
            return " ".join(str(network) for network in networks) or nobody
        case Reach.HOME:
            return " ".join(map(str, host.lan_client_networks)) if isinstance(host, InternalPlan) else "nobody"


def _flows(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for proxy in plan.proxies:
        for forward in proxy.forwards:
            targets = " ".join(str(address) for address in (forward.to4, forward.to6) if address)
            yield f"{proxy.name}:{forward.port}/tcp", targets, forward.service


def _certificates(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for host in plan.hosts:
        former = plan.topology.former_hostnames
        names = [f"{name} (former)" if name in former else name for name in host.certificate.names]
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        yield host.name, host.certificate.holder, " ".join(names[:NAMES_SHOWN]) + more
    for proxy in plan.proxies:
        if proxy.dane:
            yield proxy.name, "dehydrated", f"{proxy.hostname} (incoming mail)"


def _backups(plan: Plan) -> Iterator[tuple[str, str, str, str]]:
    backup = plan.internal.backup
    if backup is None:
        yield plan.internal.name, "none", "", ""
    else:
        yield plan.internal.name, backup.folder, backup.at, f"{backup.keep_days} days"


def _records(plan: Plan) -> Iterator[tuple[str, str, str]]:
    for record in plan.records:
        data = "(no key yet: mailnix secrets init)" if record.placeholder else record.data
        yield to_unicode(record.name), record.type, data if len(data) <= 80 else f"{data[:79]}…"
