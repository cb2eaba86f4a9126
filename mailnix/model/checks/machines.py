"""The machines: their names, and the proxies' host names."""

from __future__ import annotations

from mailnix.model.checks.found import Found, each
from mailnix.model.names import domain_problem, host_problem, machine_problem
from mailnix.model.topology import Internal, Proxy, Topology


def check(topology: Topology, found: Found) -> None:
    """Check the names of machines."""
    _names(topology, found)
    _hostnames(topology, found)
    _former(topology, found)


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


def _former(topology: Topology, found: Found) -> None:
    """Names that are still answered to: none of them is in use, and each is one that a certificate can be had for."""
    used = {topology.hostname: "hostname"} if isinstance(topology.hostname, str) else {}
    for path, proxy in each(topology.proxies, Proxy, "proxies"):
        if isinstance(proxy.hostname, str):
            used.setdefault(proxy.hostname, f"{path}.hostname")
    for at, name in each(topology.former_hostnames, str, "former_hostnames"):
        problem = domain_problem(name)
        if problem is not None:
            found.error(at, problem, "write the name that clients or senders used to connect to")
        elif name in used:
            found.error(at, f"{name} is {used[name]}, and not a former one", "leave it out")
        else:
            used[name] = at
