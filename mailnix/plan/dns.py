"""The DNS records to publish, and their zone-file text."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from mailnix.model import ports
from mailnix.model.clientport import KNOWN, ClientPort
from mailnix.model.names import to_unicode
from mailnix.model.topology import Domain, MtaStsMode, Topology
from mailnix.plan.types import DnsRecord, ProxyPlan

CERTIFICATE_AUTHORITY: Final = "letsencrypt.org"  # as CAA names it (RFC 8659)
MTA_STS_MAX_AGE: Final = 604_800  # seconds; one week
TXT_CHUNK: Final = 255  # RFC 1035 3.3: a character-string
DEFAULT_TTL: Final = 3600


def txt(text: str) -> str:
    """A TXT record's data: quoted character-strings of at most 255 bytes."""
    chunks = [text[i : i + TXT_CHUNK] for i in range(0, len(text), TXT_CHUNK)] or [""]
    return " ".join(f'"{_escaped(chunk)}"' for chunk in chunks)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def autoconfig_names(domain: str) -> tuple[str, str]:
    """Names that mail programs ask for their settings."""
    return f"autoconfig.{domain}", f"autodiscover.{domain}"


def mta_sts_name(domain: str) -> str:
    """The host that serves a domain's MTA-STS policy (RFC 8461 3.3)."""
    return f"mta-sts.{domain}"


def mta_sts_policy(mode: MtaStsMode, mx_names: Iterable[str]) -> str:
    """The policy file's text (RFC 8461 3.2), which allows LF alone."""
    mx = [f"mx: {name}" for name in mx_names]
    return "\n".join(["version: STSv1", f"mode: {mode}", *mx, f"max_age: {MTA_STS_MAX_AGE}", ""])


def zone_of(name: str, domains: Collection[str]) -> str:
    """The zone a host name belongs to: the longest mail domain it is in, else its parent."""
    labels = name.split(".")
    parents = (".".join(labels[start:]) for start in range(len(labels)))
    return next((parent for parent in parents if parent in domains), name.split(".", 1)[1])


def report_address(domain: Domain, contact: str) -> str:
    """Where reports about a domain go: its own postmaster where there is one, else the contact."""
    local_parts = {m.local_part for m in domain.mailboxes} | {a.local_part for a in domain.aliases}
    return f"postmaster@{domain.name}" if "postmaster" in local_parts else contact


def records(
    topology: Topology,
    proxies: Sequence[ProxyPlan],
    contact: str,
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
        for record in _domain_records(topology, domain, proxies, contact, dkim, clients, ours)
    )
    return tuple(dict.fromkeys((*hosts, *domains)))


def mx_hosts(proxies: Iterable[ProxyPlan]) -> dict[str, int]:
    """MX host names with their preference; proxies that share a name share a record."""
    names: dict[str, int] = {}
    for proxy in proxies:
        names.setdefault(proxy.hostname, proxy.preference)
    return names


def _host_records(topology: Topology, proxies: Sequence[ProxyPlan], names: Collection[str]) -> Iterator[DnsRecord]:
    host_names = dict.fromkeys([topology.hostname, *(proxy.hostname for proxy in proxies)])
    for name in host_names:
        zone = zone_of(name, names)
        # Clients may use any proxy; an MX name belongs to those proxies that call themselves so.
        for proxy in proxies:
            if name in (topology.hostname, proxy.hostname):
                yield DnsRecord(zone, name, "A", str(proxy.ipv4))
                if proxy.ipv6 is not None:
                    yield DnsRecord(zone, name, "AAAA", str(proxy.ipv6))
        yield DnsRecord(zone, name, "TXT", txt("v=spf1 a -all"), "SPF for the HELO name: bounces have no other sender")
        if zone not in names:
            yield DnsRecord(zone, name, "CAA", f'0 issue "{CERTIFICATE_AUTHORITY}"')
    for proxy in proxies:
        for address in filter(None, (proxy.ipv4, proxy.ipv6)):
            yield DnsRecord("", address.reverse_pointer, "PTR", f"{proxy.hostname}.", "set this at your provider")


def _domain_records(
    topology: Topology,
    domain: Domain,
    proxies: Sequence[ProxyPlan],
    contact: str,
    dkim: Mapping[str, str],
    clients: Collection[ClientPort],
    ours: Collection[str],
) -> Iterator[DnsRecord]:
    name = domain.name
    reports = report_address(domain, contact)

    def record(owner: str, kind: str, data: str, note: str = "", placeholder: bool = False) -> DnsRecord:
        return DnsRecord(name, f"{owner}.{name}" if owner else name, kind, data, note, placeholder)

    for mx, preference in mx_hosts(proxies).items():
        yield record("", "MX", f"{preference} {mx}.")
    yield record("", "TXT", txt("v=spf1 mx -all"))
    yield record("", "CAA", f'0 issue "{CERTIFICATE_AUTHORITY}"')
    yield record("", "CAA", f'0 iodef "mailto:{reports}"')
    key = dkim.get(name)
    yield record(
        f"{domain.dkim_selector}._domainkey",
        "TXT",
        txt(f"v=DKIM1; k=rsa; t=s; s=email; p={key or ''}"),
        "" if key else "the key is made by `mailnix secrets init`",
        placeholder=key is None,
    )
    yield record("_dmarc", "TXT", txt(f"v=DMARC1; p={domain.dmarc}; rua=mailto:{reports}; adkim=s; aspf=s"))
    report_domain = reports.rpartition("@")[2]
    zone = zone_of(report_domain, ours)
    if report_domain != name and zone in ours:
        # RFC 7489 7.1: another domain must agree to take the reports; one that is not ours cannot be made to.
        yield DnsRecord(zone, f"{name}._report._dmarc.{report_domain}", "TXT", txt("v=DMARC1"))
    if domain.mta_sts is not MtaStsMode.NONE:
        policy = mta_sts_policy(domain.mta_sts, mx_hosts(proxies))
        yield record("mta-sts", "CNAME", f"{topology.hostname}.")
        yield record("_mta-sts", "TXT", txt(f"v=STSv1; id={hashlib.sha256(policy.encode()).hexdigest()[:20]}"))
    yield record("_smtp._tls", "TXT", txt(f"v=TLSRPTv1; rua=mailto:{reports}"))
    for owner in autoconfig_names(name):
        yield DnsRecord(name, owner, "CNAME", f"{topology.hostname}.")
    yield from (record(owner, "SRV", data) for owner, data in _srv(topology.hostname, clients))
    for service in ("_caldavs._tcp", "_carddavs._tcp"):
        yield record(service, "TXT", txt("path=/SOGo/dav/"))


def _srv(host: str, clients: Collection[ClientPort]) -> Iterator[tuple[str, str]]:
    """SRV records for mail programs (RFC 6186, RFC 8314 5.1, RFC 6764)."""
    for client in clients:
        yield f"_{client.srv}._tcp", f"0 1 {client.port} {host}."
    offered = {client.srv for client in clients}
    for client in KNOWN:
        if client.denied and client.srv not in offered:  # RFC 6186 3.4; Mailcow's autoconfig reads these too
            yield f"_{client.srv}._tcp", "0 0 0 ."
    for service in ("autodiscover", "caldavs", "carddavs"):
        yield f"_{service}._tcp", f"0 1 {ports.HTTPS} {host}."


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
    if elsewhere:
        lines += ["", "; Reverse names are set where the address comes from, not in this zone:"]
        lines += [f"; {r.name}. IN {r.type} {r.data}" for r in elsewhere]
    return "\n".join(lines) + "\n"
