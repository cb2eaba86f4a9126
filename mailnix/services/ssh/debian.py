"""SSH on Debian: keys only. Host keys are made at first boot by Debian's own sshd-keygen.service."""

from __future__ import annotations

from mailnix.formats.debian_part import DebianPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.ssh.render import SETTINGS
from mailnix.tree import Entry, File


def debian(plan: Plan, _host: HostPlan) -> DebianPart:
    """sshd's drop-in and root's keys."""
    keys = plan.topology.admin_keys
    settings = "".join(
        f"{key} {'yes' if value is True else 'no' if value is False else value}\n" for key, value in SETTINGS.items()
    )
    entries: list[Entry] = [
        File("/etc/ssh/sshd_config.d/10-mailnix.conf", settings),
    ]
    if keys:
        entries.append(File("/root/.ssh/authorized_keys", "".join(f"{key}\n" for key in keys), mode=0o600))
    return DebianPart(packages=("openssh-server",), entries=tuple(entries))
