"""WireGuard on NixOS: `systemd.network`, and the option set `mailnix.tunnel` for what watches over it."""

from __future__ import annotations

from typing import Final

from mailnix.formats.nix import NixValue, option
from mailnix.formats.nixos_networkd import unit
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.plan import HostPlan, InternalPlan, Plan
from mailnix.services.wireguard import units
from mailnix.services.wireguard.render import tunnels

DESCRIBED: Final = "surroundings.json"
TUNNELS: Final = "tunnels"


def nixos(plan: Plan, host: HostPlan) -> NixosPart:
    """A netdev and a network for each tunnel; what is described of the network around it, and what is dialled."""
    ends = tunnels(host)
    netdevs = tuple(option(f"systemd.network.netdevs.{each.file_stem}", unit(each.netdev)) for each in ends)
    networks = tuple(option(f"systemd.network.networks.{each.file_stem}", unit(each.network)) for each in ends)
    watched: dict[str, NixValue] = {
        "enable": True,
        "interfaces": list(units.interfaces(host)),
        "surroundings": beside(DESCRIBED),
    }
    files = {DESCRIBED: units.described_json(plan, host)}
    if isinstance(host, InternalPlan):
        watched["dials"] = beside(TUNNELS)
        files[TUNNELS] = units.dials(host)
    return NixosPart(
        "The tunnel. Keys are credentials (@name), which networkd reads from /etc/credstore.",
        (*netdevs, *networks, option("mailnix.tunnel", watched)),
        files,
    )
