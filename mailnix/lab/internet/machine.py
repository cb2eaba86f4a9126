"""The internet machine: what is outside of a mail system, as one Debian machine's packages, files and units. Pure."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from mailnix.formats.debian_part import DebianPart, Wanted
from mailnix.lab.internet import acme, leases, mail, network, ntp, smarthosts, zones
from mailnix.lab.internet.cards import INTERNET
from mailnix.lab.internet.layout import TLS, Layout, layout
from mailnix.lab.internet.trust import SIGNER
from mailnix.plan.types import Plan
from mailnix.services.base.debian import TIMEOUTS
from mailnix.tree import Entry, File

PROBE: Final = "/usr/lib/mailnix-internet/probe.py"
LOGINS: Final = "/usr/lib/mailnix-internet/logins.py"
SCANNER: Final = "/usr/lib/mailnix-internet/scan.py"
SESSIONS: Final = "/usr/lib/mailnix-internet/sessions.py"
POST: Final = "/usr/lib/mailnix-internet/post.py"
READY: Final = f"{TLS}/ready"
PASSWORDS: Final = "/run/mailnix-internet/passwords.json"
MEMORY: Final = 640
"""MiB that the internet needs."""

PACKAGES: Final = (
    "bind9",
    "bind9-dnsutils",
    "ca-certificates",
    "caddy",
    "dbconfig-no-thanks",  # OpenDMARC would bring a database client
    "dnsmasq-base",
    "iproute2",
    "nftables",
    "nmap",
    "opendkim",
    "opendmarc",
    "postfix",
    "publicsuffix",
    "python3-minimal",
    "python3",
)

NEEDY: Final = ("named", "postfix", "caddy")
"""Units that need the lab's certificates."""

PATH: Final = f"""\
[Unit]
Description=The lab's certificates have come

[Path]
PathExists={READY}
Unit=mailnix-internet.target

[Install]
WantedBy=multi-user.target
"""

NEEDS_CERTIFICATES: Final = f"[Unit]\nConditionPathExists={READY}\n"


def internet(plan: Plan) -> DebianPart:
    """Everything on the internet machine besides a bare Debian, systemd-networkd and the guest agent."""
    found = layout(plan)
    return DebianPart(
        packages=PACKAGES,
        entries=tuple(_entries(plan, found)),
        wanted=(*(Wanted(unit) for unit in leases.units(found)), Wanted("mailnix-internet.path"), _CLOCK, _NAT),
        packaged=tuple(Wanted(f"{name}.service") for name in ("systemd-networkd", "named", "opendkim", "opendmarc")),
        masked=(
            *("apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service"),
            *("caddy-api.service", "named-resolvconf.service", "postfix-resolvconf.path"),
            "ssh.service",
            "systemd-networkd-wait-online.service",  # nothing here is ever required to be online
            *("systemd-resolved.service", "systemd-timesyncd.service"),
        ),
    )


_NAT: Final = Wanted("mailnix-internet-nat.service", by="sysinit.target")
_CLOCK: Final = Wanted(ntp.SOCKET, by="sockets.target")


def _entries(plan: Plan, found: Layout) -> list[Entry]:
    return [
        File("/etc/hostname", f"{INTERNET}\n"),
        TIMEOUTS,
        *network.entries(found),
        *zones.entries(plan, found),
        *mail.entries(found),
        *acme.entries(found),
        *ntp.entries(found),
        *smarthosts.entries(plan, found),
        File("/etc/systemd/system/mailnix-internet.target", _target(found)),
        File("/etc/systemd/system/mailnix-internet.path", PATH),
        *(File(f"/etc/systemd/system/{unit}.service.d/certificates.conf", NEEDS_CERTIFICATES) for unit in NEEDY),
        File(PROBE, _source("probe.py"), 0o755),
        File(LOGINS, _source("logins.py"), 0o755),
        File(ntp.PROGRAM, _source("clock.py"), 0o755),
        File(SCANNER, _source("scan.py"), 0o755),
        File(SESSIONS, _source("sessions.py"), 0o755),
        File(POST, _source("post.py"), 0o755),
        File(smarthosts.PROGRAM, _source("smarthost.py"), 0o755),
        File(SIGNER, _source("sign.py"), 0o755),
    ]


def _target(found: Layout) -> str:
    wanted = (*(f"{unit}.service" for unit in NEEDY), *([smarthosts.UNIT] if found.relays else []))
    return f"[Unit]\nDescription=Everything outside that needs the lab's certificates\nWants={' '.join(wanted)}\n"


def _source(name: str) -> str:
    """A program for the internet machine, as it is in this package."""
    return files("mailnix.lab.internet").joinpath("guest", name).read_text()
