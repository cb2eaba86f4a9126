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
    return {names.SEED: _seed(), names.READY: _ready(), names.SHOWN: _shown()}


def _seed() -> tuple[Section, ...]:
    """Runs before anything that reads a credential; a machine without a seed disk loses no time."""
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
                "Type": "oneshot",
                "RemainAfterExit": True,
                "ExecStart": f"{names.SCRIPTS}/seed",
                "StandardOutput": "journal+console",
                "TimeoutStartSec": "5min",
                "PrivateMounts": True,
                "UMask": "0077",
            },
        ),
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
                "StandardOutput": "journal+console",
                "TimeoutStartSec": "infinity",
            },
        ),
    )


def _shown() -> tuple[Section, ...]:
    """Once a boot, when the key is there: made at first boot by sshd-keygen.service, or by what starts sshd."""
    return (
        (
            "Unit",
            {
                "Description": "Show this machine's SSH host key on its console",
                "After": "sshd-keygen.service ssh.service sshd.service",
            },
        ),
        (
            "Service",
            {
                "Type": "oneshot",
                "RemainAfterExit": True,
                "ExecStart": f"{names.SCRIPTS}/{SHOW}",
                "StandardOutput": "journal+console",
                **_HARDENING["everything"],
            },
        ),
    )
