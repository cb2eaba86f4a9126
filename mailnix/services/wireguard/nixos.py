"""WireGuard on NixOS: `systemd.network`."""

from __future__ import annotations

from mailnix.formats.nix import option
from mailnix.formats.nixos_networkd import unit
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.wireguard.render import tunnels


def nixos(_plan: Plan, host: HostPlan) -> NixosPart:
    """A netdev and a network for each tunnel."""
    units = tunnels(host)
    netdevs = tuple(option(f"systemd.network.netdevs.{each.file_stem}", unit(each.netdev)) for each in units)
    networks = tuple(option(f"systemd.network.networks.{each.file_stem}", unit(each.network)) for each in units)
    return NixosPart(
        "The tunnel. Keys are credentials (@name), which networkd reads from /etc/credstore.", netdevs + networks
    )
