"""sshd's settings, for both systems (names as in sshd_config(5))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SETTINGS: Final[Mapping[str, bool | int | str]] = {
    "PasswordAuthentication": False,
    "KbdInteractiveAuthentication": False,
    "PermitRootLogin": "prohibit-password",
    "X11Forwarding": False,
    "MaxAuthTries": 3,
}
