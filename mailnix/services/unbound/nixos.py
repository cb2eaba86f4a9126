"""unbound on NixOS, by its own module."""

from __future__ import annotations

from mailnix.formats.nix import NixValue, mk_default, option
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import Plan, ProxyPlan
from mailnix.services.unbound.render import MEMORY_MAX, SERVICE, server


def nixos(_plan: Plan, host: ProxyPlan) -> NixosPart:
    """Its settings; the machine's own resolver stays."""
    settings: dict[str, NixValue] = {
        key: list(value) if isinstance(value, tuple) else mk_default(value) for key, value in server(host).items()
    }
    return NixosPart(
        "A resolver that validates, for haraka-out, and for the machine where wished.",
        (
            option(
                "services.unbound",
                {"enable": True, "resolveLocalQueries": False, "settings": {"server": settings}},
            ),
            option(f"systemd.services.{SERVICE.removesuffix('.service')}.serviceConfig.MemoryMax", MEMORY_MAX),
        ),
    )
