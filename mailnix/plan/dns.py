"""The DNS records to publish."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

from mailnix.model import mailcow, ports
from mailnix.model.clientport import KNOWN, ClientPort
from mailnix.model.policies import MtaStsMode
from mailnix.model.topology import Domain, Topology
from mailnix.plan import policies, purposes, reports
from mailnix.plan.types import DnsRecord, ProxyPlan, PublicKeys

TXT_CHUNK: Final = 255  # RFC 1035 3.3: a character-string
MX_STEP: Final = 10
_DAV: Final = ("caldavs", "carddavs")
DAV_PATH: Final = "/SOGo/dav/"
DANE_EE: Final = "3 1 1"
"""The server's own key, whoever signed it, by SHA-256 (RFC 7672 3.1: what mail servers shall publish)."""
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
    keys: PublicKeys,
    clients: Collection[ClientPort],
) -> tuple[DnsRecord, ...]:
    """Every record to publish. `keys` are the public ones, where known; `clients` are the ports that mail programs find
    by SRV records.
    """
    ours = frozenset(domain.name for domain in topology.domains)
    hosts = (*_host_records(topology, proxies, ours), *_key_records(proxies, keys.tlsa, ours))
    domains = (
        record
        for domain in topology.domains
        for record in (
            *_mail_records(topology, domain, proxies),
            *_policy_records(topology, domain, proxies, keys.dkim.get(domain.name), ours),
            *_client_records(topology, domain, clients),
        )
    )
    return tuple(dict.fromkeys((*hosts, *domains)))


def tlsa_name(host: str) -> str:
    """Where a mail server's TLSA records are (RFC 7672 2.2)."""
    return f"_{ports.SMTP}._tcp.{host}"


def own_mx(proxies: Iterable[ProxyPlan]) -> dict[str, int]:
    """Our MX host names with their preference; proxies that share a name share a record."""
    names: dict[str, int] = {}
    for proxy in proxies:
        names.setdefault(proxy.hostname, proxy.preference)
    return names


def shown_hosts(topology: Topology, proxies: Iterable[ProxyPlan]) -> tuple[str, ...]:
    """Our MX host names, former ones too: whoever delivers looks for TLSA records of each."""
    return tuple(dict.fromkeys((*own_mx(proxies), *topology.former_hostnames)))


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
                yield purposes.ADDRESS.record(zone, name, "A", str(proxy.ipv4), note)
                if proxy.ipv6 is not None:
                    yield purposes.ADDRESS.record(zone, name, "AAAA", str(proxy.ipv6), note)
        yield purposes.HELO_SPF.record(zone, name, "TXT", txt("v=spf1 a -all"))
        # Here and not at the domain, whose web site may have another authority. Names that are aliases of this one
        # (autoconfig, mta-sts) are looked up here too (RFC 8659 3).
        for data in policies.caa((), reports.uri(reports.contact(topology))):
            yield purposes.CAA.record(zone, name, "CAA", data)
    for proxy in proxies:
        for address in filter(None, (proxy.ipv4, proxy.ipv6)):
            target = f"{proxy.hostname}."
            yield purposes.REVERSE.record("", address.reverse_pointer, "PTR", target, "set this at your provider")


def _key_records(
    proxies: Iterable[ProxyPlan], keys: Mapping[str, Sequence[str]], names: Collection[str]
) -> Iterator[DnsRecord]:
    """The keys that proxies show to senders, and those that take their place: each is known long before it is used
    (RFC 7671 8.1). Proxies that share a name share its records.
    """
    for proxy in (proxy for proxy in proxies if proxy.dane):
        zone, name = zone_of(proxy.hostname, names), tlsa_name(proxy.hostname)
        for key in keys.get(proxy.name, ()):
            yield purposes.TLSA.record(zone, name, "TLSA", f"{DANE_EE} {key}")
        if proxy.name not in keys:
            note = "the key is made by `mailnix secrets init`"
            yield purposes.TLSA.record(zone, name, "TLSA", DANE_EE, note, placeholder=True)


def _mail_records(topology: Topology, domain: Domain, proxies: Sequence[ProxyPlan]) -> Iterator[DnsRecord]:
    """Where mail goes to, and who may send it."""
    name = domain.name
    for mx, preference in mx_hosts(topology, proxies, domain).items():
        yield purposes.MX.record(name, name, "MX", f"{preference} {mx}.")
    record = policies.spf(policies.own_senders(own_mx(proxies), domain), domain, topology.relays)
    yield purposes.SPF.record(name, name, "TXT", txt(record), "a name has one SPF record: merge, never add")
    if domain.caa:
        for data in policies.caa(domain.caa, reports.uri(reports.address(topology, domain))):
            yield purposes.CAA.record(name, name, "CAA", data)


def _policy_records(
    topology: Topology, domain: Domain, proxies: Sequence[ProxyPlan], key: str | None, ours: Collection[str]
) -> Iterator[DnsRecord]:
    """How mail proves where it is from, how it is to be sent to us, and who is told."""
    name = domain.name
    to = reports.address(topology, domain)
    yield purposes.DKIM.record(
        name,
        f"{domain.dkim_selector}._domainkey.{name}",
        "TXT",
        txt(f"v=DKIM1; k=rsa; t=s; s=email; p={key or ''}"),
        "" if key else "the key is made by `mailnix secrets init`",
        placeholder=key is None,
    )
    yield purposes.DMARC.record(name, f"_dmarc.{name}", "TXT", txt(policies.dmarc(domain, reports.uri(to))))
    report_domain = to.rpartition("@")[2]
    if report_domain != name:
        zone = zone_of(report_domain, ours)
        whose = (
            (zone, "") if zone in ours else ("", f"whoever runs {report_domain} must publish this, or no report comes")
        )
        owner = reports.authorisation(name, report_domain)
        yield purposes.AGREES.record(whose[0], owner, "TXT", txt("v=DMARC1"), whose[1])
    if domain.mta_sts is not MtaStsMode.OFF:
        yield purposes.MTA_STS.record(name, policies.mta_sts_name(name), "CNAME", f"{topology.hostname}.")
        policy = mta_sts_policy(topology, proxies, domain)
        yield purposes.MTA_STS.record(
            name, policies.mta_sts_record_name(name), "TXT", txt(policies.mta_sts_record(policy))
        )
    yield purposes.TLS_REPORTS.record(name, f"_smtp._tls.{name}", "TXT", txt(f"v=TLSRPTv1; rua={reports.uri(to)}"))


def _client_records(topology: Topology, domain: Domain, clients: Collection[ClientPort]) -> Iterator[DnsRecord]:
    """How mail programs find their servers (RFC 6186, RFC 8314 5.1, RFC 6764)."""
    name, host = domain.name, topology.hostname
    for owner in autoconfig_names(name):
        yield purposes.FINDS.record(name, owner, "CNAME", f"{host}.")
    for client in clients:
        yield purposes.FINDS.record(name, f"_{client.srv}._tcp.{name}", "SRV", f"0 1 {client.port} {host}.")
    offered = {client.srv for client in clients}
    for client in KNOWN:
        if client.denied and client.srv not in offered:  # RFC 6186 3.4; Mailcow's autoconfig reads these too
            yield purposes.DENIED.record(name, f"_{client.srv}._tcp.{name}", "SRV", "0 0 0 .")
    dav = () if mailcow.is_on(topology.internal.settings, mailcow.SKIP_SOGO) else _DAV
    web = f"0 1 {ports.HTTPS} {host}."
    yield purposes.FINDS.record(name, f"_autodiscover._tcp.{name}", "SRV", web)
    for service in dav:
        yield purposes.DAV.record(name, f"_{service}._tcp.{name}", "SRV", web)
        yield purposes.DAV.record(name, f"_{service}._tcp.{name}", "TXT", txt(f"path={DAV_PATH}"))
