"""Caddy on NixOS."""

from __future__ import annotations

import re
from textwrap import dedent
from typing import Final

from mailnix.formats.nix import Apply, NixValue, defaults, mk_default, mk_force, option
from mailnix.formats.nixos_part import NixosPart, beside
from mailnix.formats.text import data
from mailnix.plan import Plan, ProxyPlan
from mailnix.services.caddy.render import caddyfile

FILE: Final = "Caddyfile"
_GLOBAL: Final = re.compile(r"\{\n(.*?\n)\}\n\n(.*)", re.DOTALL)

_SERVICE: Final[dict[str, NixValue]] = {**data("hardening.toml")["caddy"], "StateDirectoryMode": "0700"}
"""What its module leaves open. Keys are in its state, and on Debian that is nobody else's either."""


def nixos(plan: Plan, host: ProxyPlan) -> NixosPart:
    """The Caddyfile, the same as on Debian, in two parts: what a host says in `virtualHosts` stands beside them."""
    options, sites = parts(caddyfile(plan, host))
    return NixosPart(
        "The web, and certificates for it and for haraka-in.",
        (
            option(
                "services.caddy",
                {
                    "enable": True,
                    "logFormat": mk_default("level INFO"),
                    "globalConfig": options,
                    "extraConfig": Apply("builtins.readFile", (beside(FILE),)),
                },
            ),
            option(
                "systemd.services.caddy",
                {
                    "startLimitIntervalSec": mk_force(0),
                    "serviceConfig": {**defaults(_SERVICE), "RestartPreventExitStatus": mk_force("")},
                },
                "As on Debian: it tries again for ever, where NixOS's module would give up after an exit status of 1.",
            ),
        ),
        {FILE: sites},
    )


def parts(text: str) -> tuple[str, str]:
    """What stands in the block of global options, and the sites after it."""
    found = _GLOBAL.fullmatch(text)
    assert found is not None
    return dedent(found[1]), found[2]
