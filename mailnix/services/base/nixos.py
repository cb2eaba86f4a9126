"""What every machine has, on NixOS: the option set `mailnix.base`."""

from __future__ import annotations

from mailnix.formats.nix import mk_default, option
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import HostPlan, Plan


def nixos(plan: Plan, _host: HostPlan) -> NixosPart:
    """networkd, bounded logs, time; the disk layout of mailnix's images."""
    return NixosPart(
        "What every machine of mailnix shares.",
        (
            option("mailnix.base.enable", True),
            option("mailnix.disk.enable", mk_default(True), "Set to false where the disk is partitioned otherwise."),
            option("time.timeZone", mk_default(plan.topology.timezone)),
        ),
    )
