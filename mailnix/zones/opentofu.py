"""JSON for OpenTofu (and Terraform), for zones that the provider already has.

What names the providers themselves (`required_providers`, tokens) is the user's own: a module has it once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

from mailnix.plan.types import DnsRecord
from mailnix.zones import parts

FILE: Final = "mail.tf.json"
Block: TypeAlias = dict[str, Any]
Zones: TypeAlias = Mapping[str, Sequence[DnsRecord]]
ABOUT: Final = "Mail, by mailnix."


def cloudflare(records: Iterable[DnsRecord]) -> Block:
    """cloudflare/cloudflare 5 or newer: `cloudflare_dns_record`, one for each record."""
    found = parts.zones(records)
    return {
        "data": {"cloudflare_zone": {_key("zone", zone): {"filter": {"name": zone}} for zone in found}},
        "resource": {"cloudflare_dns_record": _by_record(found, _cloudflare)},
    }


def _cloudflare(zone: str, record: DnsRecord) -> Block:
    return {
        "zone_id": f"${{data.cloudflare_zone.{_key('zone', zone)}.zone_id}}",
        "name": record.name,
        "type": record.type,
        "ttl": parts.DEFAULT_TTL,
        "proxied": False,  # mail does not go through Cloudflare's web proxy
        "comment": _template(record.reason),
        **_cloudflare_data(record),
    }


def _cloudflare_data(record: DnsRecord) -> Block:
    """Structured where Cloudflare has it so; it stores host names without their last dot."""
    match record.type:
        case "MX":
            preference, host = parts.mx(record.data)
            return {"priority": preference, "content": parts.undotted(host)}
        case "SRV":
            priority, weight, port, host = parts.srv(record.data)
            data = {"priority": priority, "weight": weight, "port": port, "target": parts.undotted(host)}
            # The API takes the one and answers with both: what stands here once is a difference in every plan.
            return {"priority": priority, "data": data}
        case "CAA":
            flags, tag, value = parts.caa(record.data)
            return {"data": {"flags": flags, "tag": tag, "value": _template(value)}}
        case "TLSA":
            usage, selector, matching, digest = parts.tlsa(record.data)
            return {"data": {"usage": usage, "selector": selector, "matching_type": matching, "certificate": digest}}
        case "CNAME":
            return {"content": parts.undotted(record.data)}
        case _:
            return {"content": _template(record.data)}


def hetzner(records: Iterable[DnsRecord]) -> Block:
    """hetznercloud/hcloud: `hcloud_zone_rrset`, whose TXT values are quoted strings of at most 255 characters."""

    def block(zone: str, found: Sequence[DnsRecord]) -> Block:
        return {
            "zone": zone,
            "name": parts.relative(found[0]),
            "type": found[0].type,
            "ttl": parts.DEFAULT_TTL,
            "records": [{"value": _template(each.data), "comment": _template(each.reason)} for each in found],
        }

    return {"resource": {"hcloud_zone_rrset": _by_set(parts.zones(records), block)}}


def desec(records: Iterable[DnsRecord]) -> Block:
    """Valodim/desec: `desec_rrset`, whose records are as in zone files; the zone itself is an empty name."""

    def block(zone: str, found: Sequence[DnsRecord]) -> Block:
        return {
            "domain": zone,
            "subname": _subdomain(found[0]),
            "type": found[0].type,
            "ttl": parts.DEFAULT_TTL,
            "records": [_template(each.data) for each in found],
        }

    return {"resource": {"desec_rrset": _by_set(parts.zones(records), block)}}


def ovh(records: Iterable[DnsRecord]) -> Block:
    """ovh/ovh: `ovh_domain_zone_record`, one for each record, as in zone files; the zone itself is an empty name."""

    def block(zone: str, record: DnsRecord) -> Block:
        return {
            "zone": zone,
            "subdomain": _subdomain(record),
            "fieldtype": record.type,
            "ttl": parts.DEFAULT_TTL,
            "target": _template(record.data),
        }

    return {"resource": {"ovh_domain_zone_record": _by_record(parts.zones(records), block)}}


def _by_record(zones: Zones, block: Callable[[str, DnsRecord], Block]) -> Block:
    resources: Block = {}
    for zone, members in zones.items():
        for (name, kind), found in parts.sets(members).items():
            for number, record in enumerate(found, start=1):
                several = (str(number),) if len(found) > 1 else ()
                resources[_key(kind.lower(), name, *several)] = block(zone, record)
    return resources


def _by_set(zones: Zones, block: Callable[[str, Sequence[DnsRecord]], Block]) -> Block:
    return {
        _key(kind.lower(), name): block(zone, found)
        for zone, members in zones.items()
        for (name, kind), found in parts.sets(members).items()
    }


def _subdomain(record: DnsRecord) -> str:
    return parts.relative(record).removeprefix(parts.APEX)


PROVIDERS: Final[Mapping[str, Callable[[Iterable[DnsRecord]], Block]]] = {
    "cloudflare": cloudflare,
    "hetzner": hetzner,
    "desec": desec,
    "ovh": ovh,
}


def files(records: Iterable[DnsRecord], provider: str) -> Mapping[str, str]:
    """One file for all zones; `provider` is a key of PROVIDERS."""
    whole = {"//": ABOUT, **PROVIDERS[provider](records)}
    return {FILE: json.dumps(whole, indent=2) + "\n"}


def _key(*words: str) -> str:
    """A resource's name, which begins with a letter and has no dot; a name's own underscores are doubled."""
    return "_".join(word.replace("_", "__").replace(".", "_") for word in words)


def _template(text: str) -> str:
    """A text that is no template: SPF's macros (%{i}) and ${…} are taken as they are."""
    return text.replace("${", "$${").replace("%{", "%%{")
