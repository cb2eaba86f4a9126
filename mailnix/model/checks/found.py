"""The mistakes found so far."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeVar

from attrs import field, frozen

from mailnix.errors import Problem, Severity
from mailnix.model.topology import Domain, Proxy, Topology

T = TypeVar("T")

SERVICE_LABELS: Final = ("autoconfig", "autodiscover", "mta-sts")
"""What every mail domain has below it for mail programs and for senders, in its zone (plan/dns.py)."""


@frozen
class Found:
    """Collects problems; the first error at a path stands for those that follow from it."""

    _problems: list[Problem] = field(factory=list)
    _paths: set[str] = field(factory=set)

    def error(self, path: str, message: str, hint: str = "") -> None:
        """A mistake that stops the work, unless this path has one already."""
        if path not in self._paths:
            self._paths.add(path)
            self._problems.append(Problem(path, message, hint))

    def warning(self, path: str, message: str, hint: str = "") -> None:
        """Something that deserves a second look, unless the path is wrong anyway."""
        if path not in self._paths:
            self._problems.append(Problem(path, message, hint, Severity.WARNING))

    def sound(self, path: str) -> bool:
        """Whether no error has been found at exactly this path."""
        return path not in self._paths

    def problems(self) -> tuple[Problem, ...]:
        """All of them: errors before warnings, each in the order in which they were found."""
        return tuple(sorted(self._problems, key=lambda problem: problem.severity is Severity.WARNING))


def each(items: Any, kind: type[T], path: str) -> Iterator[tuple[str, T]]:
    """Items of a tuple that are of a kind, with their paths; the others have been reported by the shape check."""
    if isinstance(items, tuple):
        for number, item in enumerate(items):
            if isinstance(item, kind):
                yield f"{path}[{number}]", item


def host_names(topology: Topology) -> dict[str, str]:
    """The names of our machines by where they are described, former ones among them, as far as they are texts."""
    named: list[tuple[str, object]] = [("hostname", topology.hostname)]
    named += [(f"{path}.hostname", proxy.hostname) for path, proxy in each(topology.proxies, Proxy, "proxies")]
    named += each(topology.former_hostnames, str, "former_hostnames")
    return {path: name for path, name in named if isinstance(name, str)}


def service_names(topology: Topology) -> set[str]:
    """Names below the mail domains that lead to our machines."""
    return {f"{label}.{name}" for name in domains_by_name(topology) for label in SERVICE_LABELS}


def machine_names(topology: Topology) -> set[str]:
    """Every name that leads to our machines, and takes no mail."""
    return {*host_names(topology).values()} | service_names(topology)


def domains_by_name(topology: Topology) -> dict[str, Domain]:
    """The mail domains whose names are texts, by these."""
    return {d.name: d for _, d in each(topology.domains, Domain, "domains") if isinstance(d.name, str)}


def domain_names(topology: Topology) -> set[str]:
    """The names of the mail domains, as far as they are texts."""
    return {*domains_by_name(topology)}


def mx_hosts(topology: Topology) -> dict[str, str]:
    """Names of our MX hosts, as far as they are texts, by where they are described."""
    own: dict[str, Any] = {}
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        if proxy.hostname is None:
            own["hostname"] = topology.hostname
        else:
            own[f"{path}.hostname"] = proxy.hostname
    return {at: name for at, name in own.items() if isinstance(name, str)}
