"""Docker on NixOS."""

from __future__ import annotations

from typing import cast

from mailnix.formats.nix import NixValue, defaults, option
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import InternalPlan, Plan
from mailnix.services.docker.render import DAEMON


def nixos(_plan: Plan, _host: InternalPlan) -> NixosPart:
    """The daemon's settings; `logDriver` is an option of its own there."""
    daemon = {key: cast("NixValue", value) for key, value in DAEMON.items() if key != "log-driver"}
    return NixosPart(
        "Docker. Its userland proxy stays off: it would hide every client behind the bridge's own address.",
        (
            option(
                "virtualisation.docker",
                {"enable": True, **defaults({"logDriver": str(DAEMON["log-driver"]), "daemon": {"settings": daemon}})},
            ),
        ),
    )
