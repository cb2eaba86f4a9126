"""The machines: their names, and the proxies' host names."""

from __future__ import annotations

from mailnix.model.checks.found import Found, each
from mailnix.model.names import host_problem, machine_problem
from mailnix.model.topology import Internal, Proxy, Topology


def check(topology: Topology, found: Found) -> None:
    """Check the names of machines."""
    _names(topology, found)
    _hostnames(topology, found)


def _names(topology: Topology, found: Found) -> None:
    if isinstance(topology.proxies, tuple) and not topology.proxies:
        found.error("proxies", "there is no proxy", 'add one: proxies=[Proxy("proxy", ipv4=…)]')
    named = [(f"{path}.name", proxy.name) for path, proxy in each(topology.proxies, Proxy, "proxies")]
    if isinstance(topology.internal, Internal):
        named.append(("internal.name", topology.internal.name))
    seen: dict[str, str] = {}
    for path, name in named:
        problem = machine_problem(name)
        if problem is not None:
            found.error(path, problem)
        elif name in seen:
            found.error(path, f"{name!r} is the name of {seen[name].removesuffix('.name')} already", "choose another")
        else:
            seen[name] = path


def _hostnames(topology: Topology, found: Found) -> None:
    """Each proxy calls itself by a name whose address and reverse name are its own alone."""
    explicit: dict[str, str] = {}
    shared: str | None = None
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        at = f"{path}.hostname"
        name = proxy.hostname
        if name is None or name == topology.hostname:
            if shared is not None:
                message = f"calls itself {topology.hostname}, as {shared} does"
                found.warning(at, message, "give each proxy a hostname of its own: its MX, EHLO and PTR name")
            shared = shared or path
        elif (problem := host_problem(name)) is not None:
            found.error(at, problem)
        elif name in explicit:
            found.error(at, f"{name} is the hostname of {explicit[name]} already", "choose another")
        else:
            explicit[name] = path
