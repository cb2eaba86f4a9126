"""The units and the ACME client's settings; the settings are one text for both systems."""

from __future__ import annotations

import shlex
from typing import Final

from mailnix.formats.text import Section, data
from mailnix.model import acme, paths
from mailnix.plan import Plan, ProxyPlan
from mailnix.plan.credentials import DANE_KEY
from mailnix.services.credentials import names
from mailnix.services.dane.values import KEPT, NAMES, RENEW, SHOW, SHOWN, USER, WEB

SERVICE: Final = "dane"
SCRIPT: Final = "mailnix-dane.sh"
FOLDER: Final = f"{WEB}{acme.CHALLENGES}"
AUTHORITIES: Final = (paths.AUTHORITIES, names.NIXOS_BUNDLE)
"""Who may have signed for the ACME authority; on NixOS those of the seed disk are in a file of their own."""
_HARDENING: Final = data("hardening.toml")


def client(plan: Plan) -> str:
    """dehydrated's settings (its docs/examples/config), which it reads as shell."""
    settings = {"CA": acme.DIRECTORY, "BASEDIR": KEPT, "WELLKNOWN": FOLDER, "CONTACT_EMAIL": plan.contact}
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in settings.items())


def show_unit(program: str, host: ProxyPlan) -> tuple[Section, ...]:
    """The unit that shows the key; a new key (`mailnix secrets push`) restarts it."""
    order = {"Requires": names.READY, "After": names.READY, "Wants": f"{RENEW}.service"}
    return (
        ("Unit", {"Description": "The key that TLSA records name", **order}),
        ("Service", {"RemainAfterExit": True, **_service(f"{program} show {_places(host)}")}),
        ("Install", {"WantedBy": "multi-user.target"}),
    )


def renew_unit(program: str, settings: str, host: ProxyPlan) -> tuple[Section, ...]:
    """The unit that gets a certificate. That none is to be had now is no fault of the machine's: 75 is EX_TEMPFAIL."""
    command = f"{program} renew {_places(host)} {settings} {' '.join(AUTHORITIES)}"
    order = {
        "Requires": names.READY,
        "Wants": "network-online.target",
        "After": f"{names.READY} {SHOW}.service network-online.target caddy.service",
    }
    return (
        ("Unit", {"Description": "A certificate for the key that TLSA records name", **order}),
        ("Service", {**_service(command), "SuccessExitStatus": "TEMPFAIL", "TimeoutStartSec": "15min"}),
    )


def renew_timer() -> tuple[Section, ...]:
    """Looks, and tries again after a failure: an authority lets five fail in an hour (Let's Encrypt's rate limits)."""
    return (
        ("Unit", {"Description": "A look whether the certificate is to be renewed"}),
        ("Timer", {"OnCalendar": NAMES["look"], "RandomizedDelaySec": "15min"}),
        ("Install", {"WantedBy": "timers.target"}),
    )


def _places(host: ProxyPlan) -> str:
    return f"%d/{DANE_KEY} {host.hostname} {KEPT} {SHOWN}"


def _service(command: str) -> dict[str, object]:
    return {
        "Type": "oneshot",
        "User": USER,
        "LoadCredential": DANE_KEY,
        "ExecStart": command,
        "StateDirectory": KEPT.removeprefix("/var/lib/"),
        "StateDirectoryMode": "0700",
        "RuntimeDirectory": tuple(folder.removeprefix("/run/") for folder in (SHOWN, FOLDER)),
        "RuntimeDirectoryMode": "0755",
        "RuntimeDirectoryPreserve": True,
        **_HARDENING["everything"],
        **_HARDENING["mailnix-dane"],
    }
