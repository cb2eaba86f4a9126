"""Which questions the checks of names need answers to: of every record of the plan, and of what may stand beside it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mailnix.doctor.dns.caa import KIND as CAA
from mailnix.doctor.dns.caa import climbed
from mailnix.doctor.dns.records import HOST_KINDS
from mailnix.model.policies import MtaStsMode
from mailnix.plan import Plan
from mailnix.plan.dns import shown_hosts, tlsa_name
from mailnix.plan.policies import mta_sts_record_name
from mailnix.resolve import Question


def questions(plan: Plan) -> Mapping[str, tuple[str, ...]]:
    """Types by name."""
    found: dict[str, list[str]] = {}
    for name, kind in dict.fromkeys(_all(plan)):
        found.setdefault(name, []).append(kind)
    return {name: tuple(kinds) for name, kinds in found.items()}


def _all(plan: Plan) -> Iterator[Question]:
    for record in plan.records:
        yield record.name, record.type
        if record.type in ("CNAME", *HOST_KINDS):  # some providers publish the addresses that an alias leads to
            yield from ((record.name, kind) for kind in HOST_KINDS)
    for domain in plan.topology.domains:
        if domain.mta_sts is MtaStsMode.OFF:
            yield mta_sts_record_name(domain.name), "TXT"
    for host in shown_hosts(plan.topology, plan.proxies):
        yield tlsa_name(host), "TLSA"
    for machine in plan.hosts:
        for name in machine.certificate.names:
            yield from ((each, CAA) for each in climbed(name))
