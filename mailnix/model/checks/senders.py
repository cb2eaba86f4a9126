"""Who may send for a domain: mechanisms of SPF, and what they cost whoever looks them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from graphlib import CycleError, TopologicalSorter

from mailnix.model import spf
from mailnix.model.checks.found import Found, each, host_names, mx_hosts
from mailnix.model.relays import Relay
from mailnix.model.topology import Domain, Topology

_Terms = Mapping[str, str]
"""The mechanisms of one record, as they are published, by where they are described."""


def check(topology: Topology, found: Found) -> None:
    """Check each mechanism, then each domain's record with all that it includes of ours."""
    hosts, relays = mx_hosts(topology), _of_relays(topology)
    records: dict[str, _Terms] = {}
    paths: dict[str, str] = {}
    for path, domain in each(topology.domains, Domain, "domains"):
        others = mechanisms(domain.spf, f"{path}.spf", found)
        own = [f"a:{name}" for name in hosts.values()] if domain.backup_mx else ["mx"]
        if isinstance(domain.name, str):
            records[domain.name] = {**dict.fromkeys(own, path), **relays, **others}
            paths[domain.name] = path
    for name, count in _costs(records, {*host_names(topology).values()}, found).items():
        if count > spf.MOST_LOOKUPS:
            found.error(
                f"{paths[name]}.spf",
                f"costs {count} look-ups with ours; receivers give up after {spf.MOST_LOOKUPS} (RFC 7208 4.6.4)",
                "name addresses (ip4:, ip6:), which cost none; what is included costs its own beside these",
            )


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


def _of_relays(topology: Topology) -> _Terms:
    """Mechanisms by which relays may send for every domain."""
    relays = each(topology.relays, Relay, "relays")
    return {spf.normal(text): at for path, relay in relays for at, text in each(relay.spf, str, f"{path}.spf")}


def _costs(records: Mapping[str, _Terms], hosts: Set[str], found: Found) -> Mapping[str, int]:
    """How many look-ups each domain's record takes, with those of our own records that it includes (RFC 7208 4.6.4).

    What others' records take is not known here.
    """
    onward: dict[str, dict[str, str]] = {}
    costs: dict[str, int] = {}
    for name, terms in records.items():
        inner = {spf.included(text): at for text, at in terms.items()}
        onward[name] = {to: at for to, at in inner.items() if to in records}
        costs[name] = spf.lookups(terms) + len(hosts & inner.keys())  # a machine's own record says "a"
    for name in _innermost_first(onward, found):
        costs[name] += sum(costs[to] for to in onward[name])
    return costs


def _innermost_first(onward: Mapping[str, dict[str, str]], found: Found) -> Iterable[str]:
    """The domains, each after those that it includes; what leads back to itself is reported, and taken out."""
    while True:
        try:
            return [*TopologicalSorter(onward).static_order()]
        except CycleError as error:
            trail = error.args[1][::-1]  # from who includes to who is included; its ends are the same
            _endless(trail, onward[trail[0]].pop(trail[1]), found)


def _endless(trail: list[str], path: str, found: Found) -> None:
    message = f"includes itself: {' → '.join(trail)}; receivers give up (RFC 7208 4.6.4)"
    found.error(path, message, "leave it out: every domain here names our own machines already")
