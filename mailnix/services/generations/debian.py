"""What the package `mailnix-generations` has: the program, and the units that run it.

It is no part of a generation, changes seldom, and goes onto a machine before the first: so the program that goes back
is never an older one than that which wrote down what is pending.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from importlib.resources import files as resources
from typing import Any, Final

from mailnix.formats.text import Section, ini
from mailnix.model import ports
from mailnix.plan.logins import USER
from mailnix.services.activation.names import ACTIVATE, ACTIVE, AHEAD, LIST
from mailnix.services.credentials.names import NETWORKD, SEED, STORE
from mailnix.services.firewall.debian import UNIT as FIREWALL
from mailnix.services.firewall.render import FAMILY, TABLE
from mailnix.services.generations import names
from mailnix.services.network.render import CHOOSER
from mailnix.services.ssh.debian import DROP_IN, KEYS
from mailnix.tree import Entry, File, Link

DEPENDS: Final = ("python3",)
SUMMARY: Final = "numbered descriptions of this machine, and the way back to the one before"
SCRIPTS: Final = {
    "prerm": f'#!/bin/sh\nset -e\nif [ "$1" = remove ]; then {names.PROGRAM} idle >/dev/null || [ $? != 4 ]; fi\n',
    "postinst": "#!/bin/sh\nset -e\nif [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n",
    "postrm": (
        f'#!/bin/sh\nset -e\nif [ "$1" = purge ]; then rm -rf {names.STATE}; fi\n'
        "if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi\n"
    ),
}
"""dpkg's."""

_UNITS: Final = "/usr/lib/systemd/system"
_DATE: Final = (2020, 1, 1, 0, 0, 0)  # zip knows no earlier than 1980; any fixed one makes equal files equal
_INTERFACE: Final = "0.1"
"""Of the verbs and of state.json."""

_START: Final = """\
import sys
from generations.main import main
from generations.world import Names
sys.exit(main(Names({arguments})))
"""


def files() -> tuple[Entry, ...]:
    """All of it."""
    return (
        File(names.PROGRAM, program(), mode=0o755),
        File(f"{_UNITS}/{names.KEEPER}", ini(_keeper())),
        File(f"{_UNITS}/{names.BOOT}", ini(_boot())),
        Link(f"{_UNITS}/multi-user.target.wants/{names.BOOT}", f"../{names.BOOT}"),
    )


def version() -> str:
    """The package's: another one wherever anything in it is another."""
    digest = hashlib.sha256()
    for name, text in (*_sources(), ("keeper", ini(_keeper())), ("boot", ini(_boot())), *SCRIPTS.items()):
        digest.update(f"{name}\n{text}\n".encode())
    digest.update(repr(_called()).encode())
    return f"{_INTERFACE}+{digest.hexdigest()[:8]}"


def program() -> bytes:
    """One file that Python runs (zipapp), so that dpkg replaces it in one step."""
    arguments = ", ".join(f"{key}={value!r}" for key, value in told().items())
    start = _START.format(arguments=arguments)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in (("__main__.py", start), *_sources()):
            archive.writestr(zipfile.ZipInfo(name, _DATE), text)
    return b"#!/usr/bin/python3\n" + packed.getvalue()


def told() -> dict[str, Any]:
    """What the program calls things."""
    return {**_called(), "version": version()}


def _called() -> dict[str, Any]:
    return {
        "package": names.PACKAGE,
        "keeper": names.KEEPER,
        "state": names.STATE,
        "shared": names.SHARED,
        "activate": ACTIVATE,
        "activates": LIST,
        "active": ACTIVE,
        "credstore": STORE,
        "ahead": AHEAD,
        "made": names.MADE,
        "credentials": names.CREDENTIALS,
        "maintainer": names.MAINTAINER,
        "user": USER,
        "ssh_port": ports.SSH,
        "sshd": DROP_IN,
        "keys": KEYS,
        "table": f"{FAMILY} {TABLE}",
    }


def _sources() -> Iterator[tuple[str, str]]:
    folder = resources("mailnix.services.generations") / "guest"
    for path in sorted(folder.iterdir(), key=lambda each: each.name):
        if path.name.endswith(".py"):
            yield f"generations/{path.name}", path.read_text("utf-8")


def _keeper() -> tuple[Section, ...]:
    """Killed, it is started again at once and for ever; what it started (apt, dpkg) is killed with it."""
    return (
        ("Unit", {"Description": "mailnix minds a change until it is confirmed", "StartLimitIntervalSec": 0}),
        (
            "Service",
            {
                "Type": "exec",
                "ExecStart": f"{names.PROGRAM} keep",
                "Restart": "on-failure",
                "RestartSec": 2,
                "OOMScoreAdjust": -900,
                "TimeoutStopSec": 3,
            },
        ),
    )


EARLY: Final = (
    FIREWALL,
    f"{CHOOSER}.service",
    SEED,
    NETWORKD,
    "systemd-sysctl.service",
    "network-pre.target",
    "sysinit.target",
)
"""What reads a generation's files before most is there: all of it waits for the way back.

Not sysusers, which udev waits for, and disks for that; what it and tmpfiles make is not in anybody's way.
"""


def _boot() -> tuple[Section, ...]:
    """After disks, before all that a generation has an effect on."""
    return (
        (
            "Unit",
            {
                "Description": "mailnix takes back what was not confirmed",
                "DefaultDependencies": False,
                "After": "local-fs.target",
                "Before": (*EARLY, "shutdown.target"),
                "Conflicts": "shutdown.target",
                "RequiresMountsFor": names.STATE,
                "ConditionDirectoryNotEmpty": names.STATE,
                "OnFailure": names.KEEPER,
            },
        ),
        (
            "Service",
            {
                "Type": "oneshot",
                "RemainAfterExit": True,
                "ExecStart": f"{names.PROGRAM} boot",
                "TimeoutStartSec": "15min",
            },
        ),
    )
