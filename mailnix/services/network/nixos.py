"""The network cards and kernel settings on NixOS.

The resolver, networkd's own settings and the choice between several cards are in `mailnix.base`.
"""

from __future__ import annotations

from mailnix.formats.nix import defaults, mk_default, option
from mailnix.formats.nixos_networkd import unit
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.network.render import OTHERS_STEM, UPLINK_STEM, others, sysctls, uplink


def nixos(_plan: Plan, host: HostPlan) -> NixosPart:
    """Name, cards, sysctls."""
    return NixosPart(
        "The network card and the kernel.",
        (
            option("networking.hostName", mk_default(host.name)),
            option(f"systemd.network.networks.{UPLINK_STEM}", defaults(unit(uplink(host)))),
            option(f"systemd.network.networks.{OTHERS_STEM}", defaults(unit(others(host)))),
            option("boot.kernel.sysctl", defaults(sysctls(host))),
        ),
    )
