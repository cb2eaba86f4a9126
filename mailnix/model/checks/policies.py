"""What a domain publishes: senders, authorities, backup MX hosts, the end of a policy."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from mailnix.model import spf
from mailnix.model.checks.found import Found, domain_names, each
from mailnix.model.names import domain_problem
from mailnix.model.policies import MtaStsMode
from mailnix.model.relays import Relay
from mailnix.model.topology import Domain, Proxy, Topology

_PARAMETERS: Final = re.compile(r"( *; *[A-Za-z0-9-]+=[!#-:<-\[\]-~]*)* *;? *")  # RFC 8659 4.2, without quotes


def check(topology: Topology, found: Found) -> None:
    """Check every domain's published policies."""
    former = dict(each(topology.former_hostnames, str, "former_hostnames"))
    hosts, ours, relays = _own_hosts(topology), domain_names(topology), _of_relays(topology)
    for path, domain in each(topology.domains, Domain, "domains"):
        _backup_mx(domain, path, {**hosts, **former}, ours, found)
        _spf(domain, path, hosts.values(), relays, found)
        _caa(domain, path, found)
        if domain.mta_sts is MtaStsMode.OFF:
            found.warning(
                f"{path}.mta_sts",
                "publishes no policy: senders that have an older one keep it until its max_age is over",
                'publish mta_sts="none" for that long first, a week (RFC 8461 8.3)',
            )


def _own_hosts(topology: Topology) -> dict[str, str]:
    """Names of our MX hosts, as far as they are texts, by where they are described."""
    own: dict[str, Any] = {}
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        if proxy.hostname is None:
            own["hostname"] = topology.hostname
        else:
            own[f"{path}.hostname"] = proxy.hostname
    return {at: name for at, name in own.items() if isinstance(name, str)}


def mechanisms(texts: object, path: str, found: Found) -> dict[str, str]:
    """Sound mechanisms of SPF in the form that is published, with their paths; the others are reported."""
    seen: dict[str, str] = {}
    for at, text in each(texts, str, path):
        wrong = spf.fault(text)
        if wrong is not None:
            found.error(at, wrong.message, wrong.hint)
        elif (same := spf.normal(text)) in seen:
            found.warning(at, f"{same} is named twice")
        else:
            seen[same] = at
    return seen


def _spf(domain: Domain, path: str, hosts: Iterable[str], relays: Iterable[str], found: Found) -> None:
    others = mechanisms(domain.spf, f"{path}.spf", found)
    own = [f"a:{name}" for name in hosts] if domain.backup_mx else ["mx"]
    count = spf.lookups({*own, *others, *relays})
    if count > spf.MOST_LOOKUPS:
        found.error(
            f"{path}.spf",
            f"costs {count} look-ups with ours; receivers give up after {spf.MOST_LOOKUPS} (RFC 7208 4.6.4)",
            "name addresses (ip4:, ip6:), which cost none; what is included costs its own beside these",
        )


def _of_relays(topology: Topology) -> set[str]:
    """Mechanisms by which relays may send for every domain."""
    relays = (relay for _, relay in each(topology.relays, Relay, "relays"))
    return {spf.normal(text) for relay in relays for _, text in each(relay.spf, str, "spf")}


def _backup_mx(domain: Domain, path: str, hosts: dict[str, str], ours: set[str], found: Found) -> None:
    seen: dict[str, str] = {}
    taken = {name: at for at, name in hosts.items()}
    for at, name in each(domain.backup_mx, str, f"{path}.backup_mx"):
        problem = domain_problem(name)
        if problem is not None:
            found.error(at, problem, "write the name of the host that takes mail for you")
        elif name in taken:
            found.error(at, f"{name} is a machine of ours ({taken[name]}), and an MX already", "leave it out")
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
