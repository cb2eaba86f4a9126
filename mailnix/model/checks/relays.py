"""Others' servers that mail leaves by: who they are, what goes there, and whether they may send for us."""

from __future__ import annotations

from typing import Final

from mailnix.model.checks.found import Found, domain_names, each, machine_names
from mailnix.model.checks.senders import mechanisms
from mailnix.model.names import domain_problem
from mailnix.model.ports import SMTP
from mailnix.model.relays import SUBMISSION, SUBMISSIONS, Relay, RelayTls
from mailnix.model.topology import Topology

_PORTS: Final = range(1, 65536)
_USER_MAX: Final = 255
_ALL: Final = "all mail"


def check(topology: Topology, found: Found) -> None:
    """Check every relay."""
    ours, hosts = domain_names(topology), machine_names(topology)
    servers: dict[str, str] = {}
    routes: dict[str, str] = {}
    for path, relay in each(topology.relays, Relay, "relays"):
        _server(relay, path, hosts, servers, found)
        _port(relay, path, found)
        _user(relay, path, found)
        _routes(relay, path, ours, routes, found)
        mechanisms(relay.spf, f"{path}.spf", found)
        if relay.spf == ():
            found.warning(
                f"{path}.spf",
                f"nothing lets {relay.host} send for your domains: mail by way of it fails SPF (RFC 7208)",
                'write what its provider says, such as spf=["include:_spf.relay.example"]',
            )


def _server(relay: Relay, path: str, hosts: set[str], servers: dict[str, str], found: Found) -> None:
    at, host = f"{path}.host", relay.host
    problem = domain_problem(host)
    if problem is not None:
        name, colon, port = str(host).rpartition(":")
        hint = (
            f'write Relay("{name}", port={port})'
            if colon and port.isdigit()
            else "write its name: its certificate has it"
        )
        found.error(at, problem, hint)
    elif host in hosts:
        found.error(at, f"{host} is a machine of ours: mail would go in circles", "name another's server")
    elif host in servers:
        found.error(at, f"{host} is {servers[host]} already", "name all domains in one of them")
    else:
        servers[host] = path


def _port(relay: Relay, path: str, found: Found) -> None:
    at, port = f"{path}.port", relay.port
    if not isinstance(port, int) or isinstance(port, bool):
        return
    usual = {SUBMISSION: RelayTls.STARTTLS, SUBMISSIONS: RelayTls.IMPLICIT}.get(port)
    if port not in _PORTS:
        found.error(at, f"{port} is no port", f"write {SUBMISSION} or {SUBMISSIONS}")
    elif port == SMTP:
        found.warning(
            at, "many providers block port 25; a relay takes mail there from servers alone", f"mostly {SUBMISSION}"
        )
    elif usual is not None and isinstance(relay.tls, RelayTls) and RelayTls.NONE != relay.tls != usual:
        found.warning(f"{path}.tls", f"on port {port} TLS begins by {usual}, everywhere", "leave it out")


def _user(relay: Relay, path: str, found: Found) -> None:
    user = relay.user
    if not isinstance(user, str):
        return
    if not user or not user.isprintable() or user != user.strip() or len(user) > _USER_MAX:
        found.error(
            f"{path}.user",
            "is not a user: it is empty, too long, or has blanks or control characters",
            "leave it out where there is none",
        )
    elif relay.tls is RelayTls.NONE:
        found.error(f"{path}.tls", "a password would go in clear to whoever is in between", "leave it out")


def _routes(relay: Relay, path: str, ours: set[str], routes: dict[str, str], found: Found) -> None:
    if relay.domains == ():
        if _ALL in routes:
            found.error(f"{path}.domains", f"{_ALL} leaves by {routes[_ALL]} already", "name the domains for this one")
        routes.setdefault(_ALL, path)
    for at, name in each(relay.domains, str, f"{path}.domains"):
        problem = domain_problem(name)
        if problem is not None:
            found.error(at, problem, "write where the mail goes to, such as outlook.com")
        elif name in ours:
            found.error(at, f"{name} is yours: its mail stays here", "name domains that mail goes to elsewhere")
        elif name in routes:
            found.error(at, f"mail for {name} leaves by {routes[name]} already", "name it once")
        else:
            routes[name] = at
