"""What a domain publishes: authorities, backup MX hosts, the end of a policy."""

from __future__ import annotations

import re
from typing import Final

from mailnix.model.checks.found import Found, domain_names, each, mx_hosts, service_names
from mailnix.model.names import domain_problem
from mailnix.model.policies import MtaStsMode
from mailnix.model.topology import Domain, Topology

_PARAMETERS: Final = re.compile(r"( *; *[A-Za-z0-9-]+=[!#-:<-\[\]-~]*)* *;? *")  # RFC 8659 4.2, without quotes


def check(topology: Topology, found: Found) -> None:
    """Check every domain's published policies."""
    former = dict(each(topology.former_hostnames, str, "former_hostnames"))
    hosts, ours, services = mx_hosts(topology), domain_names(topology), service_names(topology)
    for path, domain in each(topology.domains, Domain, "domains"):
        _backup_mx(domain, path, {**hosts, **former}, ours, services, found)
        _caa(domain, path, found)
        if domain.mta_sts is MtaStsMode.OFF:
            found.warning(
                f"{path}.mta_sts",
                "publishes no policy: senders that have an older one keep it until its max_age is over",
                'where there never was one, all is well; else publish mta_sts="none" first, a week (RFC 8461 8.3)',
            )


def _backup_mx(
    domain: Domain, path: str, hosts: dict[str, str], ours: set[str], services: set[str], found: Found
) -> None:
    seen: dict[str, str] = {}
    taken = {name: at for at, name in hosts.items()}
    for at, name in each(domain.backup_mx, str, f"{path}.backup_mx"):
        problem = domain_problem(name)
        if problem is not None:
            found.error(at, problem, "write the name of the host that takes mail for you")
        elif name in taken:
            found.error(at, f"{name} is a machine of ours ({taken[name]}), and an MX already", "leave it out")
        elif name in services:
            found.error(at, f"{name} leads to our own machines, and takes no mail", "name the other's host")
        elif name in seen:
            found.error(at, f"{name} is {seen[name]} already", "leave it out")
        else:
            seen[name] = at
            if any(name == zone or name.endswith(f".{zone}") for zone in ours):
                found.warning(
                    at, f"{name} is in a zone of ours, which has no address of it", "publish its A record, too"
                )


def _caa(domain: Domain, path: str, found: Found) -> None:
    for at, text in each(domain.caa, str, f"{path}.caa"):
        authority, semicolon, parameters = text.partition(";")
        problem = domain_problem(authority.strip().lower())
        if problem is not None or not _PARAMETERS.fullmatch(semicolon + parameters):
            message = problem or f"{text[:60]!r} is not an authority as CAA names it (RFC 8659 4.2)"
            found.error(at, message, "write its domain: digicert.com, or pki.goog; validationmethods=dns-01")
