"""Credentials on NixOS: the option set `mailnix.credentials`."""

from __future__ import annotations

from mailnix.formats.nix import option
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.credentials import names


def nixos(_plan: Plan, host: HostPlan) -> NixosPart:
    """The names that this machine waits for; no credential itself."""
    wanted = sorted(credential.name for credential in host.credentials)
    return NixosPart(
        f"Credentials, in {names.STORE}: from a seed disk at first boot, or over SSH (mailnix secrets).",
        (option("mailnix.credentials", {"enable": True, "names": wanted}),),
    )
