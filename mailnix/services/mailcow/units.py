"""Mailcow's systemd units as sections, for Debian's unit files and for NixOS's `systemd.services` alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from attrs import frozen

from mailnix.formats.text import Section, data
from mailnix.model import paths
from mailnix.plan import InternalPlan, credentials
from mailnix.services.credentials import names
from mailnix.services.mailcow.render import SECRETS

ROOT: Final = paths.MAILCOW
MAILCOW: Final = "mailcow.service"
PROVISION: Final = "mailcow-provision"
AGAIN: Final = "mailcow-provision-again"
BACKUP: Final = "mailcow-backup"
BANS: Final = "mailcow-bans"
BANS_CONFIG: Final = "/etc/mailnix/bans.json"
DESCRIPTION: Final = "/etc/mailnix/provision.json"
REFUSED: Final = 2  # exit status of the provisioner: trying again would not help
_HARDENING: Final = data("hardening.toml")


@frozen
class Programs:
    """Where a system keeps what the units call."""

    docker: str
    systemctl: str
    setup: str
    provision: str
    backup: str
    bans: str


def mailcow_unit(programs: Programs) -> tuple[Section, ...]:
    """mailcow.service: lay the tree and its settings, then bring the containers up; tried until it works.

    It needs no tunnel to start: `ip_nonlocal_bind` lets Docker bind the tunnel's addresses before they exist.
    Missing images are pulled; where all are there, no registry is asked.
    """
    compose = f"{programs.docker} compose --project-directory {ROOT} --progress plain"
    after = ("docker.service", names.READY, "network-online.target")
    return (
        (
            "Unit",
            {
                "Description": "Mailcow",
                "Requires": ("docker.service", names.READY),
                "Wants": "network-online.target",
                "After": after,
                "StartLimitIntervalSec": 0,
            },
        ),
        (
            "Service",
            {
                "Type": "oneshot",
                "RemainAfterExit": True,
                "LoadCredential": tuple(SECRETS.values()),
                "ExecStartPre": programs.setup,
                "ExecStart": f"{compose} up --detach --no-build --remove-orphans --quiet-pull",
                "ExecStop": f"{compose} down",
                "TimeoutStartSec": "infinity",  # the first start pulls some gigabytes
                "TimeoutStopSec": "5min",
                "Restart": "on-failure",
                "RestartSec": 30,
            },
        ),
        ("Install", {"WantedBy": "multi-user.target"}),
    )


def provision_unit(programs: Programs, internal: InternalPlan) -> tuple[Section, ...]:
    """mailcow-provision.service: runs after every start of Mailcow, and when the description changes.

    Active means done. The two bundles come as open files: a unit's credentials may be 1 MB in all, and a thousand DKIM
    keys are more.
    """
    bundles = (credentials.MAILCOW_DKIM, credentials.MAILCOW_MAILBOXES)
    service = {
        "Type": "oneshot",
        "RemainAfterExit": True,
        "LoadCredential": (credentials.MAILCOW_API_KEY, credentials.MAILCOW_ADMIN),
        "OpenFile": tuple(f"{names.STORE}/{name}:{name}:read-only" for name in bundles),
        "ExecStart": programs.provision,
        "StateDirectory": PROVISION,
        "StateDirectoryMode": "0700",
        "TimeoutStartSec": "infinity",
        "Restart": "on-failure",
        "RestartSec": 30,
        "RestartPreventExitStatus": REFUSED,
        **reached(internal),
        **_HARDENING["everything"],
        **_HARDENING[PROVISION],
    }
    return _while_mailcow_runs("Domains, mailboxes and keys in Mailcow", service)


def _while_mailcow_runs(description: str, service: Mapping[str, object]) -> tuple[Section, ...]:
    """A unit that comes and goes with Mailcow, and is tried again for ever."""
    unit = {
        "Description": description,
        "Requires": names.READY,
        "PartOf": MAILCOW,
        "After": (MAILCOW, names.READY),
        "StartLimitIntervalSec": 0,
    }
    return (("Unit", unit), ("Service", service), ("Install", {"WantedBy": MAILCOW}))


def reached(internal: InternalPlan) -> dict[str, object]:
    """What the provisioner speaks to, and nobody else: Mailcow's address, which the kernel translates to a container's
    before this filter sees the packet.
    """
    return {"IPAddressDeny": "any", "IPAddressAllow": (str(internal.ipv4), str(internal.docker_subnet))}


def bans_unit(programs: Programs, internal: InternalPlan) -> tuple[Section, ...]:
    """mailcow-bans.service: runs as long as Mailcow does."""
    service = {
        "Type": "exec",
        "LoadCredential": credentials.MAILCOW_API_KEY,
        "ExecStart": programs.bans,
        "Restart": "always",
        "RestartSec": 30,
        **told(internal),
        **_HARDENING["everything"],
        **_HARDENING[PROVISION],
    }
    return _while_mailcow_runs("Tell the proxies whom Mailcow has banned", service)


def told(internal: InternalPlan) -> dict[str, object]:
    """What it speaks to: Mailcow, as the provisioner does, and the proxies."""
    proxies = tuple(str(link.proxy.ipv4) for link in internal.tunnels)
    return {**reached(internal), "IPAddressAllow": (str(internal.ipv4), str(internal.docker_subnet), *proxies)}


def provision_path() -> tuple[Section, ...]:
    """mailcow-provision.path: a changed description is acted upon."""
    return (
        ("Unit", {"Description": "A changed description of Mailcow's domains"}),
        ("Path", {"PathChanged": DESCRIPTION, "Unit": f"{AGAIN}.service"}),
        ("Install", {"WantedBy": "multi-user.target"}),
    )


def again_unit(programs: Programs) -> tuple[Section, ...]:
    """mailcow-provision-again.service: a path unit starts, but what stays active needs a restart."""
    return (
        ("Unit", {"Description": "Provision Mailcow again"}),
        (
            "Service",
            {"Type": "oneshot", "ExecStart": f"{programs.systemctl} --no-block restart {PROVISION}.service"},
        ),
    )


def backup_unit(programs: Programs, folder: str) -> tuple[Section, ...]:
    """mailcow-backup.service. A disk that is not there must fail it, not fill the one below its mount point."""
    mounts = {"RequiresMountsFor": folder}
    return (
        ("Unit", {"Description": "Back up Mailcow", "Requires": MAILCOW, "After": MAILCOW, **mounts}),
        (
            "Service",
            {
                "Type": "oneshot",
                "ExecStart": programs.backup,
                "Nice": 10,
                "IOSchedulingClass": "idle",
                "TimeoutStartSec": "infinity",
            },
        ),
    )


def backup_timer(at: str) -> tuple[Section, ...]:
    """mailcow-backup.timer: there and enabled where the description asks for backups."""
    return (
        ("Unit", {"Description": "Back up Mailcow"}),
        ("Timer", {"OnCalendar": at, "RandomizedDelaySec": "1h", "Persistent": True}),
        ("Install", {"WantedBy": "timers.target"}),
    )
