"""A password that its owner keeps in a file somewhere, such as that of an account at another provider."""

from __future__ import annotations

import shlex
import stat
from pathlib import Path
from typing import Final

from mailnix.errors import SecretsError
from mailnix.secrets.public import explained
from mailnix.secrets.value import Secret

LONGEST: Final = 4096  # bytes


def line_of(file: Path) -> Secret:
    """The one line of a file that nobody else can read; raises SecretsError, with the command that makes one."""
    with explained(file):
        if not file.exists():
            raise SecretsError(f"there is no {file} with the password", _write(file))
        with file.open("rb") as handle:
            mode = stat.S_IMODE(file.stat().st_mode)
            lines = handle.read(LONGEST).strip().splitlines()
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SecretsError(
            f"{file} is open to others (mode {mode:04o})", f"close it: chmod 600 {shlex.quote(str(file))}"
        )
    if len(lines) != 1:
        what = "more than one line" if lines else "no password"
        raise SecretsError(f"{file} holds {what}", _write(file))
    return Secret(lines[0])


def _write(file: Path) -> str:
    folder, name = (shlex.quote(str(each)) for each in (file.parent, file))
    made = "" if file.parent.exists() else f"mkdir -p {folder}; "
    return f"type the password (then Enter, Ctrl-D) into: (umask 077; {made}cat >{name})"
