"""The internet's DNS: one BIND that is the root of a small internet, with the zone text that `mailnix dns` prints.

The whole of it is signed when it starts, which is when the certificates have come: records speak of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.lab.internet import ntp, receivers, smarthosts
from mailnix.lab.internet.layout import Layout
from mailnix.lab.internet.trust import ANCHOR, SIGNED, SIGNER
from mailnix.plan.types import Plan
from mailnix.tree import Entry, File
from mailnix.zones.zone import zone_text

PUBLISHED: Final = "/etc/bind/published.zone"
ROOT: Final = "/etc/bind/root.zone"


def entries(plan: Plan, layout: Layout) -> Iterator[Entry]:
    """BIND's configuration and zones."""
    yield File("/etc/bind/named.conf", NAMED)
    yield File(PUBLISHED, zone_text(plan.records))
    yield File(ROOT, root_zone(plan, layout))
    yield File("/etc/default/named", 'OPTIONS="-u bind -n 1"\n')
    yield File("/etc/systemd/system/named.service.d/internet.conf", UNIT)


UNIT: Final = f"""\
[Service]
ExecStartPre=+{SIGNER} {ROOT} {SIGNED} {ANCHOR}
"""


NAMED: Final = f"""\
options {{
	directory "/var/cache/bind";
	listen-on {{ any; }};
	listen-on-v6 {{ any; }};
	recursion yes;
	allow-query {{ any; }};
	allow-recursion {{ any; }};
	dnssec-validation no;
	// reverse names of documentation networks are ours to answer
	empty-zones-enable no;
	max-cache-size 8m;
}};

zone "." {{
	type primary;
	file "{SIGNED}";
}};
"""


def root_zone(plan: Plan, layout: Layout) -> str:
    """Everything there is, in one zone: what is not in it does not exist, and is said so at once."""
    mx = layout.mx
    lines = [
        "$TTL 300",
        f". IN SOA {layout.dns.name}. hostmaster.{layout.domain}. 1 3600 600 86400 60",
        f". IN NS {layout.dns.name}.",
        f"{layout.domain}. IN MX 10 {mx.name}.",
        f'{layout.domain}. IN TXT "v=spf1 mx -all"',
        f'_dmarc.{layout.domain}. IN TXT "v=DMARC1; p=none; aspf=s"',
        f'{mx.name}. IN TXT "v=spf1 a -all"',
    ]
    for identity in layout.identities:
        for address in identity.addresses:
            lines += [
                f"{identity.name}. IN {'A' if address.version == 4 else 'AAAA'} {address}",
                f"{address.reverse_pointer}. IN PTR {identity.name}.",
            ]
    lines += smarthosts.zone_lines(plan, layout)
    lines += [*ntp.zone_lines(layout), *receivers.zone_lines(layout), *_dialled(plan), *_others(layout)]
    # Set at the provider, so not in the text that is published with the rest.
    lines += [f"{r.name}. IN {r.type} {r.data}" for r in plan.records if not r.zone]
    return "\n".join([*lines, f'$INCLUDE "{PUBLISHED}"', ""])


def _dialled(plan: Plan) -> Iterator[str]:
    """The names that the tunnels lead to, where the published records have them not: some dynamic DNS, say."""
    published = {(record.name, record.type) for record in plan.records}
    for proxy in plan.proxies:
        name = proxy.tunnel.endpoint
        for kind, address in (("A", proxy.ipv4), ("AAAA", proxy.ipv6)):
            if isinstance(name, str) and address is not None and not {(name, kind), (name, "CNAME")} & published:
                yield f"{name}. IN {kind} {address}"


def _others(layout: Layout) -> Iterator[str]:
    """Domains of others that the description names: their mail comes to the one mail server that there is."""
    for domain in dict.fromkeys(address.rpartition("@")[2] for address in layout.correspondents):
        yield f"{domain}. IN MX 10 {layout.mx.name}."
