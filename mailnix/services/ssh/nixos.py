"""SSH on NixOS."""

from __future__ import annotations

from typing import Final

from mailnix.formats.nix import Entry, NixValue, defaults, mk_default, option
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.credentials import names
from mailnix.services.ssh.render import settings

_HOST_KEY: Final[NixValue] = {"type": "ed25519", "path": names.HOST_KEY.removesuffix(".pub")}
"""One kind of key is enough for every client of the last ten years, as on Debian; RSA takes long on slow machines."""


def nixos(plan: Plan, host: HostPlan) -> NixosPart:
    """sshd's settings and root's keys; the firewall's table says who reaches it. A sealed machine has neither."""
    keys = [key.strip() for key in plan.topology.admin_keys]
    options: list[Entry] = []
    if not host.sealed:
        values: dict[str, NixValue] = dict(settings(host))
        options.append(
            option(
                "services.openssh",
                {"enable": True, **defaults({"openFirewall": False, "hostKeys": [_HOST_KEY], "settings": values})},
            )
        )
    if keys and not host.sealed:
        options.append(option("users.users.root.openssh.authorizedKeys.keys", keys))
    else:
        why = "The topology says that nobody shall log in." if host.sealed else "The topology has no admin_keys."
        options.append(option("users.allowNoPasswordLogin", mk_default(True), why))
    return NixosPart("Nobody logs in." if host.sealed else "SSH, with keys only.", tuple(options))
