"""Where reports about a domain go, and who must agree to take them."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from mailnix.model import mirrors, reach
from mailnix.model.names import to_ascii
from mailnix.model.topology import Domain, Topology

POSTMASTER: Final = "postmaster"
_PLAIN: Final = "@+$'*=~"
"""Of a mailto URI, what need not be encoded: RFC 7489 6.2 ends an address at `!` and `,`, its record at `;`."""


def contact(topology: Topology) -> str:
    """The address for the certificate authority: the one given, else postmaster of the first domain."""
    if topology.contact is None:
        return f"{POSTMASTER}@{topology.domains[0].name}"
    local_part, _, domain = topology.contact.strip().rpartition("@")
    return f"{local_part}@{to_ascii(domain)}"


def address(topology: Topology, domain: Domain) -> str:
    """Who gets the reports about a domain: the contact that was given, else its postmaster where it has one."""
    if topology.contact is None and has_postmaster(topology, domain):
        return f"{POSTMASTER}@{domain.name}"
    return contact(topology)


def has_postmaster(topology: Topology, domain: Domain) -> bool:
    """Whether somebody gets mail for the domain's postmaster."""

    def find(name: str) -> Domain | None:
        return domain if name == domain.name else mirrors.by_name(topology).get(name)

    return reach.arrives(f"{POSTMASTER}@{domain.name}", find)


def uri(mail_address: str) -> str:
    """An address as DMARC, TLS-RPT and CAA want it (RFC 6068)."""
    return f"mailto:{quote(mail_address, safe=_PLAIN)}"


def authorisation(domain: str, report_domain: str) -> str:
    """The name of the record by which another domain agrees to take a domain's reports (RFC 7489 7.1)."""
    return f"{domain}._report._dmarc.{report_domain}"
