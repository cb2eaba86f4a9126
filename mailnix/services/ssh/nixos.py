"""SSH on NixOS."""

from __future__ import annotations

from mailnix.formats.nix import Entry, NixValue, defaults, mk_default, option
from mailnix.formats.nixos_part import NixosPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.ssh.render import SETTINGS


def nixos(plan: Plan, _host: HostPlan) -> NixosPart:
    """sshd's settings and root's keys; the firewall's table says who reaches it."""
    settings: dict[str, NixValue] = {key: _value(value) for key, value in SETTINGS.items()}
    options: list[Entry] = [
        option("services.openssh", {"enable": True, **defaults({"openFirewall": False, "settings": settings})}),
    ]
    if plan.topology.admin_keys:
        options.append(option("users.users.root.openssh.authorizedKeys.keys", list(plan.topology.admin_keys)))
    else:
        options.append(
            option("users.allowNoPasswordLogin", mk_default(True), "The topology has no admin_keys: nobody can log in.")
        )
    return NixosPart("SSH, with keys only.", tuple(options))


def _value(value: object) -> NixValue:
    return value if isinstance(value, bool | int) else str(value)
