"""The firewall on NixOS: `networking.nftables.tables`, which replaces our table and leaves others alone."""

from __future__ import annotations

from typing import Final

from mailnix.formats.nix import Apply, NixValue, option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.plan import HostPlan, Plan, ProxyPlan
from mailnix.services.firewall.render import FAMILY, TABLE, table
from mailnix.services.firewall.units import listens

RULES: Final = "firewall.nft"


def nixos(_plan: Plan, host: HostPlan) -> NixosPart:
    """The table, and on a proxy where it takes the list of whom Mailcow has banned."""
    bans: dict[str, NixValue] = {}
    if isinstance(host, ProxyPlan):
        bans = {"bans": {"listen": listens(host), "interface": host.tunnel.proxy.interface}}
    return NixosPart(
        "The firewall. This table is all of it, with what networking.firewall opens; Docker and Mailcow keep theirs.",
        (
            option("mailnix.firewall", {"enable": True, **bans}),
            option(
                f"networking.nftables.tables.{TABLE}",
                {"family": FAMILY, "content": Apply("builtins.readFile", (beside(RULES),))},
            ),
        ),
        {RULES: table(host)},
    )
