"""How people log in to each machine, as the command that they type."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from mailnix.plan.types import InternalPlan, Login, Network, ProxyPlan, Uplink

USER: Final = "root"
UNKNOWN: Final = "ADDRESS"
"""Stands for an address that the home router chooses."""


def logins(proxies: Iterable[ProxyPlan], internal: InternalPlan) -> Iterator[Login]:
    """Every way in, in the machines' order; a sealed machine has none."""
    named = tuple(proxies)
    for proxy in named:
        if not proxy.sealed:
            yield _login(proxy.name, _listed(proxy.admin_networks) or "the internet", f"{USER}@{proxy.ipv4}")
    if internal.lan_admin_networks:
        where = f"home, if in {_listed(internal.lan_admin_networks)}"
        yield _login(internal.name, where, f"{USER}@{_at_home(internal.uplink) or UNKNOWN}")
    for proxy in named:
        if proxy.name in internal.jump_hosts:
            jump = f"{USER}@{proxy.ipv4}"
            yield _login(internal.name, f"wherever {proxy.name} is reached", f"{USER}@{internal.ipv4}", jump)


def _login(host: str, source: str, target: str, jump: str | None = None) -> Login:
    words = ("ssh", *(("-J", jump) if jump else ()), target)
    return Login(host, source, target, jump, " ".join(words))


def _at_home(uplink: Uplink) -> str:
    return next((str(address.ip) for address in uplink.addresses if address.version == 4), "")


def _listed(networks: Iterable[Network]) -> str:
    return ", ".join(str(network) for network in networks)
