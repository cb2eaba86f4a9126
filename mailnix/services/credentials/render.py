"""The units and scripts that bring credentials to /etc/credstore, for both systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from mailnix.formats.text import Section, data, template
from mailnix.plan import HostPlan
from mailnix.services.credentials import names

LIST: Final = f"{names.SCRIPTS}/credentials"
SHOW: Final = "show-host-key"
SCRIPT_NAMES: Final = ("seed", "wait-for-credentials", names.RECEIVE, SHOW)
_HARDENING: Final = data("hardening.toml")
_CONSOLES: Final = data("consoles.toml")
_TAKING: Final = {
    "Type": "oneshot",
    **_CONSOLES,
    "TimeoutStartSec": "5min",
    "PrivateMounts": True,
    "UMask": "0077",
}
"""What a disk may do to a machine, and how long it may take."""

RULES: Final = "/etc/udev/rules.d/90-mailnix-seed.rules"
_ANCHORS: Final = "/usr/local/share/ca-certificates"  # update-ca-certificates(8)
_BUNDLE: Final = "/etc/ssl/certs/ca-certificates.crt"


def names_text(host: HostPlan) -> str:
    """The names that this host needs, one a line."""
    return "".join(f"{name}\n" for name in sorted(credential.name for credential in host.credentials))


def script(name: str) -> str:
    """One of the shell scripts."""
    places = {"list": LIST, "anchors": _ANCHORS, "bundle": _BUNDLE}
    return template("credentials", f"{name}.sh.j2", **names.NAMES, **places)


def units() -> Mapping[str, tuple[Section, ...]]:
    """Unit name → its sections."""
    return {names.SEED: _seed(), names.LATE: _late(), names.READY: _ready(), names.SHOWN: _shown()}


def rules() -> str:
    """udev's rules: which unit a seed disk starts."""
    return template("credentials", "seed.rules.j2", **names.NAMES)


def _seed() -> tuple[Section, ...]:
    """Runs before anything that reads a credential; a machine without a seed disk loses no time: see `_late`."""
    return (
        (
            "Unit",
            {
                "Description": "Take credentials from a seed disk, where there is one",
                "DefaultDependencies": False,
                "After": ("local-fs.target", "systemd-udevd.service systemd-udev-trigger.service"),
                "Wants": "network-pre.target",
                "Before": (f"network-pre.target {names.NETWORKD}", "sysinit.target shutdown.target"),
                "Conflicts": "shutdown.target",
            },
        ),
        (
            "Service",
            {
                **_TAKING,
                "RemainAfterExit": True,
                "ExecStart": f"{names.SCRIPTS}/seed",
            },
        ),
    )


def _late() -> tuple[Section, ...]:
    """For a disk that is there only now: a stick that is slow, or was put in later. What waits goes on by itself."""
    return (
        ("Unit", {"Description": "Take credentials from the seed disk %i", "After": names.SEED}),
        ("Service", {**_TAKING, "ExecStart": f"{names.SCRIPTS}/seed /dev/%i"}),
    )


def _ready() -> tuple[Section, ...]:
    """Starts as soon as every credential is there, however long that takes, and networkd has those of its tunnels."""
    return (
        (
            "Unit",
            {
                "Description": "Wait for this machine's credentials",
                "After": f"{names.SEED} {names.NETWORKD}",
                "Wants": names.SEED,
            },
        ),
        (
            "Service",
            {
                "Type": "oneshot",
                "RemainAfterExit": True,
                "ExecStart": f"{names.SCRIPTS}/wait-for-credentials",
                **_CONSOLES,
                "TimeoutStartSec": "infinity",
            },
        ),
    )


def _shown() -> tuple[Section, ...]:
    """Once a boot, when both are there: sshd-keygen.service makes the key at first boot, or what starts sshd does."""
    return (
        (
            "Unit",
            {
                "Description": "Show this machine's SSH host key and its addresses on its consoles",
                "Wants": "network-online.target",
                "After": "network-online.target sshd-keygen.service ssh.service sshd.service",
            },
        ),
        (
            "Service",
            {
                "Type": "oneshot",
                "RemainAfterExit": True,
                "ExecStart": f"{names.SCRIPTS}/{SHOW}",
                **_CONSOLES,
                **_HARDENING["everything"],
            },
        ),
    )
