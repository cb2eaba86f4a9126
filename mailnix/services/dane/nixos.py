"""A key of a proxy's own on NixOS: the option set `mailnix.dane`."""

from __future__ import annotations

from typing import Final

from mailnix.formats.nix import option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.plan import Plan, ProxyPlan
from mailnix.plan.credentials import DANE_KEY
from mailnix.services.dane import render

SETTINGS: Final = "dehydrated.conf"


def nixos(plan: Plan, host: ProxyPlan) -> NixosPart:
    """What shows the key and gets certificates for it."""
    return NixosPart(
        "The key that TLSA records name, and a certificate for it.",
        (
            option(
                "mailnix.dane",
                {"enable": True, "hostname": host.hostname, "key": DANE_KEY, "settings": beside(SETTINGS)},
            ),
        ),
        {SETTINGS: render.client(plan)},
    )
