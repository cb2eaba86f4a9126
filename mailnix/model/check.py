"""Find every mistake in a topology at once, each with its path and what to do."""

from __future__ import annotations

from mailnix.errors import ConfigError, Problem, Severity
from mailnix.model.checks import (
    addresses,
    backups,
    contact,
    domains,
    logins,
    machines,
    mail,
    mailcow,
    networks,
    policies,
    protocols,
    relays,
    resolvers,
    senders,
    services,
    shape,
    system,
    tunnel,
    uplinks,
)
from mailnix.model.checks.found import Found
from mailnix.model.topology import Topology

CHECKS = (
    shape.check,  # first: later checks stay silent where a value is not even of its type
    system.check,
    contact.check,
    logins.check,
    machines.check,
    backups.check,
    services.check,
    mailcow.check,
    addresses.check,
    uplinks.check,
    resolvers.check,
    tunnel.check,
    networks.check,
    domains.check,
    mail.check,
    senders.check,
    policies.check,
    protocols.check,
    relays.check,
)


def problems(topology: Topology) -> tuple[Problem, ...]:
    """Every mistake, errors and warnings, in the order of the description; empty where all is well.

    Never raises for what a user wrote, whatever its type.
    """
    found = Found()
    for check in CHECKS:
        check(topology, found)
    return found.problems()


def ensure(topology: Topology, source: str = "") -> None:
    """Raise ConfigError with every error in the topology; warnings pass. `source` names its file."""
    errors = [problem for problem in problems(topology) if problem.severity is Severity.ERROR]
    if errors:
        raise ConfigError(errors, source)
