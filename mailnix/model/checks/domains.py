"""The mail domains: their names, and names made from them that must not be somebody else's."""

from __future__ import annotations

import re
from typing import Final

from mailnix.model.checks.found import SERVICE_LABELS, Found, each, host_names
from mailnix.model.names import MAX_NAME, domain_problem, to_unicode
from mailnix.model.topology import Domain, Topology

_SELECTOR_LABEL: Final = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_LONGEST_OWNER: Final = "_autodiscover._tcp"
_AT_HOME: Final = ("local", "localhost", "onion", "internal", "home.arpa", "lan")
_NEVER_PUBLIC: Final = (*_AT_HOME, "test", "invalid", "example")


def check(topology: Topology, found: Found) -> None:
    """Check every domain but its mailboxes and aliases."""
    if isinstance(topology.domains, tuple) and not topology.domains:
        found.error("domains", "there is no mail domain", 'add one: domains=[Domain("example.org", mailboxes=[…])]')
    seen: dict[str, str] = {}
    for path, domain in each(topology.domains, Domain, "domains"):
        _selector(domain, path, found)
        problem = domain_problem(domain.name)
        if problem is not None:
            found.error(f"{path}.name", problem)
        elif domain.name in seen:
            found.error(f"{path}.name", f"{to_unicode(domain.name)} is {seen[domain.name]} already", "merge the two")
        else:
            seen[domain.name] = path
            _length(domain, path, found)
            _public_suffix(domain, path, found)
    for at, name in each(topology.former_hostnames, str, "former_hostnames"):
        if name.endswith(tuple(f".{suffix}" for suffix in _AT_HOME)):
            found.warning(
                at, f"no authority gives a certificate for {name}: nobody outside has asked for it", "leave it out"
            )
    _clashes(topology, seen, found)


def _selector(domain: Domain, path: str, found: Found) -> None:
    selector = domain.dkim_selector
    if isinstance(selector, str) and not _is_selector(selector):
        hint = "write a DNS label such as dkim2; there may be several, with dots between them"
        found.error(f"{path}.dkim_selector", f"{selector[:40]!r} is not a DKIM selector", hint)


def _is_selector(text: str) -> bool:
    """RFC 6376 3.1, and with `_`, which Mailcow and DNS take, too; Mailcow wants a letter or digit somewhere."""
    return all(map(_SELECTOR_LABEL.fullmatch, text.split("."))) and not {*text} <= {*"._-"}


def _length(domain: Domain, path: str, found: Found) -> None:
    """Names that we publish below the domain must fit DNS too."""
    selector = f"{domain.dkim_selector}._domainkey" if isinstance(domain.dkim_selector, str) else ""
    owner = max(_LONGEST_OWNER, selector, key=len)
    if len(owner) + 1 + len(domain.name) > MAX_NAME:
        found.error(f"{path}.name", f"{owner}.{domain.name[:20]}… would be longer than {MAX_NAME} characters")


def _public_suffix(domain: Domain, path: str, found: Found) -> None:
    for suffix in _NEVER_PUBLIC:
        if domain.name.endswith(f".{suffix}"):
            found.warning(f"{path}.name", f".{suffix} does not exist on the internet", "fine for a lab, not for mail")


def _clashes(topology: Topology, domains: dict[str, str], found: Found) -> None:
    """The mail host, the proxies and each domain's service names need names of their own."""
    hosts = host_names(topology)
    for path, host in hosts.items():
        if host in domains:
            message = f"{host} is also the name of a machine ({path}); Mailcow refuses that"
            found.error(f"{domains[host]}.name", message, f"let clients connect to another name, such as mail.{host}")
    for name, path in domains.items():
        for label in SERVICE_LABELS:
            service = f"{label}.{name}"
            for taken, host in hosts.items():
                if host == service:
                    found.error(taken, f"{host} is needed for {path}'s mail programs", "use another name")
            if service in domains:
                found.error(f"{domains[service]}.name", f"{service} is needed for {path}'s mail programs")
