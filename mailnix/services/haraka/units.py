"""Haraka's systemd units as sections, for Debian's unit files and for NixOS's `systemd.services` alike.

The configuration folder is copied to /run at every start: there Haraka finds its one secret beside the rest, and there
`haraka-certificate` can touch tls.ini, which makes Haraka read a renewed certificate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import frozen

from mailnix.formats.text import Section, data
from mailnix.model import acme
from mailnix.plan import ProxyPlan
from mailnix.plan.credentials import HARAKA_INTERNALCMD, relay_password
from mailnix.services.credentials import names
from mailnix.services.dane import values as dane
from mailnix.services.haraka.values import CERTIFICATE_FOLDER, IN, OUT, SECRET_FILE, Smarthost
from mailnix.services.unbound import render as unbound

CERTIFICATE: Final = "haraka-certificate"
GROUP: Final = "haraka"  # may read the certificate's key

ACME_FOLDER: Final = acme.DIRECTORY.removeprefix("https://").replace("/", "-")  # as Caddy names it
CADDY_CERTIFICATES: Final = "/var/lib/caddy/.local/share/caddy/certificates"

NODE_OPTIONS: Final = "--max-old-space-size=128 --max-semi-space-size=2"
"""MiB for V8; messages live outside it. A small young space saves 12 MB per instance and costs no speed."""

ENVIRONMENT: Final = {
    "NODE_OPTIONS": NODE_OPTIONS,
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "32768",
}
"""Of glibc (mallopt(3)): a few heaps rather than one for each thread and processor, and pages of their own for the
buffers of sockets and messages, which are back with the kernel when they are free. Otherwise a flood leaves holes.
"""

MEMORY_HIGH: Final = 200
MEMORY_MAX: Final = 300
"""MiB. An instance uses 65 when idle and stays below 200 under every flood that the tests know: 128 for V8, 16 for
messages (`Limits.memory`), the rest Node's own. Beyond `MEMORY_HIGH` the kernel first takes back the pages of spool
files, then slows it down; at `MEMORY_MAX` it ends this service, which is back in two seconds, rather than whatever it
finds on a proxy of 512 MB: mail waits at its senders and in the queue, a lost sshd or Caddy does not.
"""
MEMORY: Final = {"MemoryHigh": f"{MEMORY_HIGH}M", "MemoryMax": f"{MEMORY_MAX}M"}

_HARDENING: Final = data("hardening.toml")


@frozen
class Programs:
    """Where a system keeps what the units call."""

    haraka: str
    copy: str
    certificate: str


@frozen
class CertificateFiles:
    """Where a certificate (whole chain) and its key are kept."""

    certificate: str
    key: str


def caddy_files(hostname: str) -> CertificateFiles:
    """Where Caddy's storage has the certificate of one name."""
    stem = f"{CADDY_CERTIFICATES}/{ACME_FOLDER}/{hostname}/{hostname}"
    return CertificateFiles(f"{stem}.crt", f"{stem}.key")


def own_files(host: ProxyPlan) -> CertificateFiles:
    """Where the certificate of a proxy's own name is: with a key that stays, or Caddy's."""
    return CertificateFiles(dane.CERTIFICATE, dane.KEY) if host.dane else caddy_files(host.hostname)


def in_unit(programs: Programs) -> tuple[Section, ...]:
    """haraka-in.service."""
    return (
        ("Unit", {"Description": "Mail from the internet to Mailcow (Haraka)", **_order("network-online.target")}),
        ("Service", {**_service(programs, IN, {}), **_hardening("CAP_NET_BIND_SERVICE")}),
        ("Install", {"WantedBy": "multi-user.target"}),
    )


def out_unit(programs: Programs, passwords: Mapping[str, str]) -> tuple[Section, ...]:
    """haraka-out.service, with credentials for files of its configuration beside its queue key.

    It may bind to the tunnel's address before that exists: `ip_nonlocal_bind` is set.
    """
    state = {"StateDirectory": (OUT, f"{OUT}/queue"), "StateDirectoryMode": "0700"}
    order = _order("network-online.target", wants=unbound.SERVICE)
    return (
        ("Unit", {"Description": "Mail from Mailcow to the internet (Haraka)", **order}),
        ("Service", {**_service(programs, OUT, passwords), **state, **_hardening(""), "PrivateUsers": True}),
        ("Install", {"WantedBy": "multi-user.target"}),
    )


def certificate_unit(programs: Programs, files: Mapping[str, CertificateFiles]) -> tuple[Section, ...]:
    """haraka-certificate.service: copies certificates to where both Harakas may read them.

    `files` are by name; the first is presented to who asks for none, the others lie in folders of their names.
    """
    told = tuple(f"/run/{name}/config/tls.ini" for name in (IN, OUT))
    folders = {name: CERTIFICATE_FOLDER + f"/{name}" * bool(number) for number, name in enumerate(files)}
    service = {
        "Type": "oneshot",
        "ExecStart": tuple(
            " ".join((programs.certificate, each.certificate, each.key, name, folders[name], GROUP, *told))
            for name, each in files.items()
        ),
        "RuntimeDirectory": tuple(folder.removeprefix("/run/") for folder in folders.values()),
        "RuntimeDirectoryMode": "0755",
        "RuntimeDirectoryPreserve": True,
        **_HARDENING["everything"],
        **_HARDENING[CERTIFICATE],
        "ReadWritePaths": (f"-/run/{IN}", f"-/run/{OUT}"),
    }
    order = {
        "Before": f"{IN}.service {OUT}.service",
        "After": f"{dane.SHOW}.service" if any(each.key == dane.KEY for each in files.values()) else None,
    }
    return (
        ("Unit", {"Description": "Caddy's certificate for Haraka", **order}),
        ("Service", service),
    )


def certificate_path(files: Mapping[str, CertificateFiles]) -> tuple[Section, ...]:
    """haraka-certificate.path: runs the copying when whoever renews them has written, and when it is another file."""
    return (
        ("Unit", {"Description": "A renewed certificate for Haraka", "Wants": f"{CERTIFICATE}.service"}),
        ("Path", {"PathChanged": tuple(path for each in files.values() for path in (each.certificate, each.key))}),
        ("Install", {"WantedBy": "multi-user.target"}),
    )


def certificate_timer() -> tuple[Section, ...]:
    """haraka-certificate.timer: a missed event must not let the certificate run out."""
    return (
        ("Unit", {"Description": "A daily look at Haraka's certificate"}),
        ("Timer", {"OnCalendar": "daily", "RandomizedDelaySec": "1h"}),
        ("Install", {"WantedBy": "timers.target"}),
    )


def _order(*after: str, wants: str | None = None) -> dict[str, object]:
    also = (wants,) if wants else ()
    return {
        "Wants": (f"{CERTIFICATE}.service", "network-online.target", *also),
        "Requires": names.READY,
        "After": (names.READY, f"{CERTIFICATE}.service", *after, *also),
        "StartLimitIntervalSec": 0,
    }


def secrets(smarthosts: Iterable[Smarthost]) -> Mapping[str, str]:
    """Files of haraka-out's configuration that are passwords, and which credential each is."""
    return {each.password_file: relay_password(each.host) for each in smarthosts if each.user}


def _service(programs: Programs, name: str, passwords: Mapping[str, str]) -> dict[str, object]:
    secret = {SECRET_FILE: HARAKA_INTERNALCMD, **passwords}
    return {
        "Type": "exec",
        "User": name,
        "SupplementaryGroups": GROUP,
        "RuntimeDirectory": name,
        "RuntimeDirectoryMode": "0700",
        "LoadCredential": tuple(secret.values()),
        "ExecStartPre": (
            f"{programs.copy} -rLT --no-preserve=mode /etc/{name} /run/{name}",
            *(
                f"{programs.copy} --no-preserve=mode %d/{credential} /run/{name}/config/{file}"
                for file, credential in secret.items()
            ),
        ),
        "Environment": tuple(f'"{name}={value}"' for name, value in ENVIRONMENT.items()),
        **MEMORY,
        "ExecStart": f"{programs.haraka} -c /run/{name}",
        "KillSignal": "SIGINT",  # Haraka ignores SIGTERM
        "TimeoutStopSec": 20,
        "Restart": "always",
        "RestartSec": 2,
    }


def _hardening(capabilities: str) -> dict[str, object]:
    """What is closed to a Haraka that keeps these capabilities."""
    kept = {"CapabilityBoundingSet": capabilities, "AmbientCapabilities": capabilities}
    return {**kept, **_HARDENING["everything"], **_HARDENING["haraka"]}
