"""JavaScript for DNSControl: extends domains that its `dnsconfig.js` has, whoever their provider is.

https://docs.dnscontrol.org/language-reference/top-level-functions/d_extend
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from mailnix.plan.types import DnsRecord
from mailnix.zones import parts

FILE: Final = "mail.js"
HEADER: Final = f'// Mail, by mailnix. In dnsconfig.js, after the domains: require("./{FILE}");'


def files(records: Iterable[DnsRecord]) -> Mapping[str, str]:
    """One file for all zones."""
    lines = [HEADER]
    for zone, members in parts.zones(records).items():
        lines += ["", f"D_EXTEND({json.dumps(zone)},", *_calls(members), "END);"]
    return {FILE: "\n".join(lines) + "\n"}


def _calls(records: Iterable[DnsRecord]) -> Iterator[str]:
    for need, reasons in parts.by_reason(records).items():
        yield f"  // {need.upper()}"
        for reason, members in reasons.items():
            yield f"  // {reason}"
            for record in members:
                words = ", ".join(json.dumps(word) for word in (parts.relative(record), *_arguments(record)))
                yield f"  {record.type}({words}),"


def _arguments(record: DnsRecord) -> tuple[Any, ...]:
    match record.type:
        case "TXT":
            return (parts.text(record.data),)  # DNSControl cuts and quotes it
        case "MX":
            return parts.mx(record.data)
        case "SRV":
            return parts.srv(record.data)
        case "CAA":
            _flags, tag, value = parts.caa(record.data)  # flags are modifiers there; ours are never critical
            return tag, value
        case "TLSA":
            return parts.tlsa(record.data)
        case _:
            return (record.data,)
