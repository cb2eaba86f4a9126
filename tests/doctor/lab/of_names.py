"""Faults of what is published."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final

from attrs import evolve

from mailnix.lab.visitor import guest
from mailnix.plan import DnsRecord
from mailnix.plan.dns import tlsa_name
from tests.doctor.lab.fault import Breaks, Fault, absent, as_described, at, doubled, published, wrong
from tests.doctor.lab.internet import listed
from tests.doctor.lab.practice import Practice

ORG, NET, HOST = "example.org", "example.net", "mail.example.org"
NAMES = ("dns",)
NOBODY: Final = "198.18.0.66"
MX: Final = at(ORG, "MX")


def reversed_name(address: str) -> str:
    """Of the example's proxy."""
    return ip_address(address).reverse_pointer


PTR4, PTR6 = reversed_name("203.0.113.10"), reversed_name("2001:db8:10::10")


def mixed_up(records: tuple[DnsRecord, ...]) -> Collection[DnsRecord]:
    """One domain has the key of the other."""
    keys = {each.name: each.data for each in records if "._domainkey." in each.name}
    assert len(keys) == 2
    return wrong(at(f"dkim._domainkey.{ORG}", "TXT"), keys[f"dkim._domainkey.{NET}"])(records)


def aliased(records: tuple[DnsRecord, ...]) -> Collection[DnsRecord]:
    """A domain is an alias: nothing else can stand there."""
    first = next(each for each in records if each.name == NET)
    return (*(each for each in records if each.name != NET), evolve(first, type="CNAME", data=f"{ORG}."))


def still_known(changed: Breaks) -> Breaks:
    """What is mended, and not yet everywhere: a resolver was asked while it was wrong."""

    @contextmanager
    def broken(practice: Practice) -> Iterator[None]:
        with changed(practice):
            practice.names.asked(ORG, "MX")
            practice.names.change()
            yield

    return broken


@contextmanager
def mute_server(practice: Practice) -> Iterator[None]:
    """The zone has a second server where nobody answers: the doctor's own place."""
    nobody = guest(practice.scene.layout).ipv4
    more = (". IN NS ns2.provider.example.", f"ns2.provider.example. IN A {nobody}")
    with published(as_described, *more)(practice):
        yield


def record(name: str, id: str, breaks: Breaks, **more: object) -> Fault:
    return Fault(name, f"dns.{id}", breaks, NAMES, **more)  # type: ignore[arg-type]


def plain(name: str, id: str, breaks: Breaks) -> Fault:
    """Records alone: some of these are made at once each time (at_once.py), alone where there is time."""
    return record(name, id, breaks, seldom=True)


def text(data: str) -> str:
    return f'"{data}"'


OF_NAMES: Final = (
    plain("somebody else takes mail, too", "mx", published(doubled(MX, "5 mx.provider.example."))),
    plain("a domain has no MX", "mx", published(absent(at(NET, "MX")))),
    plain("an old address stands beside ours", "host", published(doubled(at(HOST, "A"), NOBODY))),
    plain("the host has no IPv6 address", "host", published(absent(at(HOST, "AAAA")))),
    plain("the reverse name is the provider's", "ptr", published(wrong(at(PTR4, "PTR"), "vps66.provider.example."))),
    plain("the IPv6 address has no reverse name", "ptr", published(absent(at(PTR6, "PTR")))),
    plain(
        "a second SPF record", "spf", published(doubled(at(ORG, "TXT", "spf1"), text("v=spf1 ip4:198.18.0.66 -all")))
    ),
    plain("SPF lets others send alone", "spf", published(wrong(at(NET, "TXT"), text("v=spf1 ip4:198.18.0.66 -all")))),
    plain("the host has no SPF record", "spf_helo", published(absent(at(HOST, "TXT")))),
    plain("a DKIM key is another domain's", "dkim", published(mixed_up)),
    plain("a DKIM key is not there", "dkim", published(absent(at(f"dkim._domainkey.{NET}", "TXT")))),
    plain("a second DMARC record", "dmarc", published(doubled(at(f"_dmarc.{ORG}", "TXT"), text("v=DMARC1; p=none")))),
    plain("no DMARC record", "dmarc", published(absent(at(f"_dmarc.{NET}", "TXT")))),
    plain(
        "an old policy is announced", "mta_sts", published(wrong(at(f"_mta-sts.{ORG}", "TXT"), text("v=STSv1; id=1")))
    ),
    plain(
        "the policy is looked for elsewhere",
        "mta_sts_host",
        published(wrong(at(f"mta-sts.{ORG}", "CNAME"), "www.provider.example.")),
    ),
    plain("nobody is told of failed TLS", "tls_rpt", published(absent(at(f"_smtp._tls.{ORG}", "TXT")))),
    plain(
        "another authority alone may sign",
        "caa",
        published(wrong(at(HOST, "CAA", "issue"), '0 issue "other.example"')),
    ),
    plain(
        "another authority may sign, too",
        "caa",
        published(doubled(at(HOST, "CAA", "issue"), '0 issue "other.example"')),
    ),
    plain(
        "IMAP is looked for elsewhere",
        "srv",
        published(wrong(at(f"_imaps._tcp.{ORG}", "SRV"), "0 1 993 imap.provider.example.")),
    ),
    plain("calendars have no path", "dav", published(absent(at(f"_caldavs._tcp.{ORG}", "TXT")))),
    plain("settings are nowhere", "autoconfig", published(absent(at(f"autoconfig.{NET}", "CNAME")))),
    plain(
        "a TLSA record means another key",
        "tlsa",
        published(as_described, f"{tlsa_name(HOST)}. IN TLSA 3 1 1 {'66' * 32}"),
    ),
    plain("a domain is an alias", "alias", published(aliased)),
    record(
        "a server of the zone does not answer",
        "servers",
        mute_server,
    ),
    record("a signature does not hold", "dnssec", published(as_described, spoilt=True)),
    record("resolvers have not heard of it yet", "mx", still_known(published(doubled(MX, "5 mx.provider.example.")))),
    Fault(
        "an address is on a block list",
        "outside.blocklist",
        published(as_described, listed("203.0.113.10", "zen.spamhaus.org")),
        ("dns", "outside.blocklist"),
        seldom=True,
    ),
)
