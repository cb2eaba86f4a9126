"""Caddy on NixOS."""

from __future__ import annotations

from typing import Final

from mailnix.formats.nix import option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.plan import Plan, ProxyPlan
from mailnix.services.caddy.render import caddyfile

FILE: Final = "Caddyfile"


def nixos(plan: Plan, host: ProxyPlan) -> NixosPart:
    """The Caddyfile, the same as on Debian."""
    return NixosPart(
        "The web, and certificates for it and for haraka-in.",
        (option("services.caddy", {"enable": True, "configFile": beside(FILE)}),),
        {FILE: caddyfile(plan, host)},
    )
