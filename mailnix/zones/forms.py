"""Every form in which records can be handed on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final, TypeAlias

import attrs

from mailnix.errors import ZonesError
from mailnix.plan.types import DnsRecord
from mailnix.zones import dnscontrol, octodns, opentofu, zone


class Form(StrEnum):
    """For whom records are written down."""

    ZONE = "zone"
    JSON = "json"
    OCTODNS = "octodns"
    DNSCONTROL = "dnscontrol"
    OPENTOFU = "opentofu"


def json_files(records: Iterable[DnsRecord]) -> Mapping[str, str]:
    """Records as they are, those of nobody's zone (an empty one) too."""
    whole = [attrs.asdict(record) for record in records]
    return {"records.json": json.dumps(whole, indent=2, ensure_ascii=False) + "\n"}


Files: TypeAlias = Callable[[Iterable[DnsRecord]], Mapping[str, str]]
_FILES: Final[Mapping[Form, Files]] = {
    Form.ZONE: zone.files,
    Form.JSON: json_files,
    Form.OCTODNS: octodns.files,
    Form.DNSCONTROL: dnscontrol.files,
}


def files(form: Form, records: Sequence[DnsRecord], provider: str | None = None) -> Mapping[str, str]:
    """File name → text. OpenTofu's depends on the provider; raises ZonesError where there is none for it."""
    if form is not Form.OPENTOFU:
        return _FILES[form](records)
    if provider is None or provider not in opentofu.PROVIDERS:
        whose = f"for {provider!r}" if provider else "without a provider"
        hint = f"--provider {'|'.join(opentofu.PROVIDERS)}; others take a zone file, octoDNS or DNSControl"
        raise ZonesError(f"there is no OpenTofu {whose}", hint)
    return opentofu.files(records, provider)


def whole(form: Form, records: Sequence[DnsRecord], provider: str | None = None) -> str:
    """All of it in one text; raises ZonesError where a file holds one zone only, and there are several."""
    if form is Form.ZONE:
        return zone.zone_text(records)
    made = files(form, records, provider)
    if len(made) > 1:
        raise ZonesError(f"{form} has a file for each of {len(made)} zones", "say where: --out DIR")
    return "".join(made.values())
