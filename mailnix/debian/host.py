"""A whole Debian machine: what each of its services adds, put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from attrs import frozen

from mailnix.formats.debian_part import DebianPart, Wanted
from mailnix.plan import HostPlan, InternalPlan, Plan, ProxyPlan
from mailnix.services.activation.listed import activation
from mailnix.services.base.debian import debian as base
from mailnix.services.caddy.debian import debian as caddy
from mailnix.services.credentials.debian import debian as credentials
from mailnix.services.dane.debian import debian as dane
from mailnix.services.docker.debian import debian as docker
from mailnix.services.firewall.debian import debian as firewall
from mailnix.services.haraka.debian import debian as haraka
from mailnix.services.mailcow.debian import debian as mailcow
from mailnix.services.mailcow.pin import PIN, Pin
from mailnix.services.network.debian import debian as network
from mailnix.services.ssh.debian import debian as ssh
from mailnix.services.unbound.debian import debian as unbound
from mailnix.services.wireguard.debian import debian as wireguard
from mailnix.tree import Tree

PartOf: TypeAlias = Callable[[Plan, HostPlan], DebianPart]

COMMON: tuple[PartOf, ...] = (base, network, credentials, wireguard, firewall, ssh)


@frozen
class DebianHost:
    """A machine's packages and files. `npm_tree`: whether it has the pinned Haraka tree; `packaged`: Debian's units."""

    name: str
    packages: tuple[str, ...]
    tree: Tree
    npm_tree: bool
    packaged: tuple[Wanted, ...] = ()


def parts(plan: Plan, host: HostPlan, pin: Pin = PIN) -> tuple[DebianPart, ...]:
    """What each service of a host adds, in the order of the imports above."""
    common = tuple(place(plan, host) for place in COMMON)
    match host:
        case ProxyPlan():
            return (*common, unbound(plan, host), haraka(plan, host), caddy(plan, host), dane(plan, host))
        case InternalPlan():
            return (*common, docker(plan, host), mailcow(plan, host, pin))


def assemble(name: str, parts: tuple[DebianPart, ...]) -> DebianHost:
    """Parts put together; raises BuildError where two write one path."""
    entries = tuple(entry for part in parts for entry in (*part.entries, *part.links()))
    return DebianHost(
        name=name,
        packages=tuple(sorted({package for part in parts for package in part.packages})),
        tree=Tree.of((*entries, *activation(Tree.of(entries), parts))),
        npm_tree=any(part.npm_tree for part in parts),
        packaged=tuple(each for part in parts for each in part.packaged),
    )


def debian_host(plan: Plan, host: HostPlan, pin: Pin = PIN) -> DebianHost:
    """One machine of the plan; `pin` is the Mailcow tree that the internal host accepts."""
    return assemble(host.name, parts(plan, host, pin))


def debian_hosts(plan: Plan, pin: Pin = PIN) -> tuple[DebianHost, ...]:
    """Every machine of the plan as a Debian machine; `pin` names the tree of Mailcow that it accepts."""
    return tuple(debian_host(plan, host, pin) for host in plan.hosts)
