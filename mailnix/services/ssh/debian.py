"""SSH on Debian: keys only. Host keys are made at first boot by Debian's own sshd-keygen.service."""

from __future__ import annotations

from mailnix.formats.debian_part import DebianPart
from mailnix.plan import HostPlan, Plan
from mailnix.services.ssh.render import Settings, settings
from mailnix.tree import File

UNITS = ("ssh.service", "ssh.socket")


def debian(plan: Plan, host: HostPlan) -> DebianPart:
    """sshd's drop-in and root's keys; on a sealed machine sshd never runs."""
    if host.sealed:
        return DebianPart(masked=UNITS)
    keys = "".join(f"{key.strip()}\n" for key in plan.topology.admin_keys)
    return DebianPart(
        packages=("openssh-server",),
        entries=(
            File("/etc/ssh/sshd_config.d/10-mailnix.conf", config(settings(host))),
            *((File("/root/.ssh/authorized_keys", keys, mode=0o600),) if keys else ()),
        ),
    )


def config(values: Settings) -> str:
    """Lines of sshd_config(5)."""
    texts = {
        key: {True: "yes", False: "no"}[value] if isinstance(value, bool) else value for key, value in values.items()
    }
    return "".join(f"{key} {text}\n" for key, text in texts.items())
