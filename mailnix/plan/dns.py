"""The DNS records to publish, and their zone-file text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from mailnix.model import mailcow, ports
from mailnix.model.clientport import KNOWN, ClientPort
from mailnix.model.names import to_unicode
from mailnix.model.policies import MtaStsMode
from mailnix.model.topology import Domain, Topology
from mailnix.plan import policies, reports
from mailnix.plan.types import DnsRecord, ProxyPlan

TXT_CHUNK: Final = 255  # RFC 1035 3.3: a character-string
DEFAULT_TTL: Final = 3600
MX_STEP: Final = 10
_DAV: Final = ("caldavs", "carddavs")
FORMER: Final = "while it is in former_hostnames: where it leads elsewhere, Mailcow renews no certificate"
"""Mailcow asks for one certificate for all names, and an authority refuses all for one (RFC 8555 7.1.6)."""


def txt(text: str) -> str:
    """A TXT record's data: quoted character-strings of at most 255 bytes."""
    chunks = [text[i : i + TXT_CHUNK] for i in range(0, len(text), TXT_CHUNK)] or [""]
    return " ".join(f'"{_escaped(chunk)}"' for chunk in chunks)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def autoconfig_names(domain: str) -> tuple[str, str]:
    """Names that mail programs ask for their settings."""
    return f"autoconfig.{domain}", f"autodiscover.{domain}"


def zone_of(name: str, domains: Collection[str]) -> str:
    """The zone a host name belongs to: the longest mail domain it is in, else its parent."""
    labels = name.split(".")
    parents = (".".join(labels[start:]) for start in range(len(labels)))
    return next((parent for parent in parents if parent in domains), name.split(".", 1)[1])


def records(
    topology: Topology,
    proxies: Sequence[ProxyPlan],
    dkim: Mapping[str, str],
    clients: Collection[ClientPort],
) -> tuple[DnsRecord, ...]:
    """Every record to publish. `dkim` maps a domain to its public key (base64 DER, the p= value), where known;
    `clients` are the ports that mail programs find by SRV records.
    """
    ours = frozenset(domain.name for domain in topology.domains)
    hosts = _host_records(topology, proxies, ours)
    domains = (
        record
        for domain in topology.domains
        for record in (
            *_mail_records(topology, domain, proxies),
            *_policy_records(topology, domain, proxies, dkim.get(domain.name), ours),
            *_client_records(topology, domain, clients),
        )
    )
    return tuple(dict.fromkeys((*hosts, *domains)))


def own_mx(proxies: Iterable[ProxyPlan]) -> dict[str, int]:
    """Our MX host names with their preference; proxies that share a name share a record."""
    names: dict[str, int] = {}
    for proxy in proxies:
        names.setdefault(proxy.hostname, proxy.preference)
    return names


def mx_hosts(topology: Topology, proxies: Iterable[ProxyPlan], domain: Domain) -> dict[str, int]:
    """Every MX host of a domain with its preference, as the MTA-STS policy has them too: ours, then our former names,
    which are in policies that senders have kept, then those of others.
    """
    names = own_mx(proxies)
    last = max(names.values())
    others = enumerate((*topology.former_hostnames, *domain.backup_mx), start=1)
    return {**names, **{name: last + MX_STEP * number for number, name in others}}


def mta_sts_policy(topology: Topology, proxies: Iterable[ProxyPlan], domain: Domain) -> str:
    """The text of a domain's MTA-STS policy."""
    return policies.mta_sts_policy(domain.mta_sts, mx_hosts(topology, proxies, domain))


def _host_records(topology: Topology, proxies: Sequence[ProxyPlan], names: Collection[str]) -> Iterator[DnsRecord]:
    everybodys = (topology.hostname, *topology.former_hostnames)
    for name in dict.fromkeys([*everybodys, *(proxy.hostname for proxy in proxies)]):
        zone = zone_of(name, names)
        # Clients may use any proxy; an MX name belongs to those proxies that call themselves so.
        for proxy in proxies:
            if name in (*everybodys, proxy.hostname):
                note = FORMER if name in topology.former_hostnames else ""
                yield DnsRecord(zone, name, "A", str(proxy.ipv4), note)
                if proxy.ipv6 is not None:
                    yield DnsRecord(zone, name, "AAAA", str(proxy.ipv6), note)
        yield DnsRecord(zone, name, "TXT", txt("v=spf1 a -all"), "SPF for the HELO name: bounces have no other sender")
        # Here and not at the domain, whose web site may have another authority. Names that are aliases of this one
        # (autoconfig, mta-sts) are looked up here too (RFC 8659 3).
        for data in policies.caa((), reports.uri(reports.contact(topology))):
            yield DnsRecord(zone, name, "CAA", data)
    for proxy in proxies:
        for address in filter(None, (proxy.ipv4, proxy.ipv6)):
            yield DnsRecord("", address.reverse_pointer, "PTR", f"{proxy.hostname}.", "set this at your provider")


def _mail_records(topology: Topology, domain: Domain, proxies: Sequence[ProxyPlan]) -> Iterator[DnsRecord]:
    """Where mail goes to, and who may send it."""
    name = domain.name
    for mx, preference in mx_hosts(topology, proxies, domain).items():
        yield DnsRecord(name, name, "MX", f"{preference} {mx}.")
    record = policies.spf(policies.own_senders(own_mx(proxies), domain), domain, topology.relays)
    yield DnsRecord(name, name, "TXT", txt(record), "a name has one SPF record: merge, never add")
    if domain.caa:
        for data in policies.caa(domain.caa, reports.uri(reports.address(topology, domain))):
            yield DnsRecord(name, name, "CAA", data)


def _policy_records(
    topology: Topology, domain: Domain, proxies: Sequence[ProxyPlan], key: str | None, ours: Collection[str]
) -> Iterator[DnsRecord]:
    """How mail proves where it is from, how it is to be sent to us, and who is told."""
    name = domain.name
    to = reports.address(topology, domain)
    yield DnsRecord(
        name,
        f"{domain.dkim_selector}._domainkey.{name}",
        "TXT",
        txt(f"v=DKIM1; k=rsa; t=s; s=email; p={key or ''}"),
        "" if key else "the key is made by `mailnix secrets init`",
        placeholder=key is None,
    )
    yield DnsRecord(name, f"_dmarc.{name}", "TXT", txt(policies.dmarc(domain, reports.uri(to))))
    report_domain = to.rpartition("@")[2]
    if report_domain != name:
        zone = zone_of(report_domain, ours)
        whose = (
            (zone, "") if zone in ours else ("", f"whoever runs {report_domain} must publish this, or no report comes")
        )
        yield DnsRecord(whose[0], reports.authorisation(name, report_domain), "TXT", txt("v=DMARC1"), whose[1])
    if domain.mta_sts is not MtaStsMode.OFF:
        yield DnsRecord(name, policies.mta_sts_name(name), "CNAME", f"{topology.hostname}.")
        policy = mta_sts_policy(topology, proxies, domain)
        yield DnsRecord(name, f"_mta-sts.{name}", "TXT", txt(policies.mta_sts_record(policy)))
    yield DnsRecord(name, f"_smtp._tls.{name}", "TXT", txt(f"v=TLSRPTv1; rua={reports.uri(to)}"))


def _client_records(topology: Topology, domain: Domain, clients: Collection[ClientPort]) -> Iterator[DnsRecord]:
    """How mail programs find their servers."""
    name = domain.name
    for owner in autoconfig_names(name):
        yield DnsRecord(name, owner, "CNAME", f"{topology.hostname}.")
    dav = () if mailcow.is_on(topology.internal.settings, mailcow.SKIP_SOGO) else _DAV
    for owner, data in _srv(topology.hostname, clients, ("autodiscover", *dav)):
        yield DnsRecord(name, f"{owner}.{name}", "SRV", data)
    for service in dav:
        yield DnsRecord(name, f"_{service}._tcp.{name}", "TXT", txt("path=/SOGo/dav/"))


def _srv(host: str, clients: Collection[ClientPort], web: Iterable[str]) -> Iterator[tuple[str, str]]:
    """SRV records for mail programs (RFC 6186, RFC 8314 5.1, RFC 6764)."""
    for client in clients:
        yield f"_{client.srv}._tcp", f"0 1 {client.port} {host}."
    offered = {client.srv for client in clients}
    for client in KNOWN:
        if client.denied and client.srv not in offered:  # RFC 6186 3.4; Mailcow's autoconfig reads these too
            yield f"_{client.srv}._tcp", "0 0 0 ."
    for service in web:
        yield f"_{service}._tcp", f"0 1 {ports.HTTPS} {host}."


_ELSEWHERE: Final = {
    "PTR": "Reverse names are set where the address comes from, not in this zone",
    "TXT": "Reports go to another's domain, whose zone must agree (RFC 7489 7.1)",
}


def zone_text(records: Iterable[DnsRecord]) -> str:
    """The records as zone-file text (RFC 1035 5.1): absolute names, one section a zone, PTRs as comments."""
    by_zone: dict[str, list[DnsRecord]] = {}
    for record in records:
        by_zone.setdefault(record.zone, []).append(record)
    elsewhere = by_zone.pop("", [])
    lines = [f"$TTL {DEFAULT_TTL}"]
    for zone, members in by_zone.items():
        shown = to_unicode(zone)
        lines += ["", f"; {zone}" if shown == zone else f"; {zone} ({shown})", f"$ORIGIN {zone}."]
        for record in members:
            comment = f" ; {record.note}" if record.note else ""
            start = "; " if record.placeholder else ""
            lines.append(f"{start}{record.name}. IN {record.type} {record.data}{comment}")
    for kind, told in _ELSEWHERE.items():
        found = [
            f"; {r.name}. IN {r.type} {r.data}{f' ; {r.note}' if kind != 'PTR' else ''}"
            for r in elsewhere
            if r.type == kind
        ]
        lines += ["", f"; {told}:", *found] if found else []
    return "\n".join(lines) + "\n"
