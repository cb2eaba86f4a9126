"""The SSH public keys of whoever runs this."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mailnix.cli.answers import Refused
from mailnix.cli.keys import content
from mailnix.model.ssh_keys import fault

FOLDER: Final = Path("~/.ssh")
MAKE_ONE: Final = "ssh-keygen -t ed25519"
MADE: Final = "id_ed25519.pub"


def own() -> tuple[Path, ...]:
    """The public keys that whoever runs this has, as `~/.ssh/NAME.pub`; those that sshd would not take left out."""
    try:
        files = sorted(FOLDER.expanduser().glob("*.pub"), key=lambda file: ("ed25519" not in file.name, file.name))
    except (OSError, RuntimeError):  # RuntimeError: there is no home
        return ()
    return tuple(FOLDER / file.name for file in files if _is_key(file))


def chosen(own: Sequence[str]) -> str:
    """What is said of them where nobody can be asked."""
    none = f"no SSH public key in {FOLDER}: give one (--admin-key), or --sealed where nobody shall log in"
    return f"the SSH public key that may log in: {own[0]}" if own else none


def found(own: Sequence[str], nobody: str) -> str:
    """What is said of them before a key is asked for; `nobody` is the answer that there shall be none."""
    made = f"Make one in another terminal: {MAKE_ONE}\nIts file is {FOLDER / MADE}."
    there = f"SSH public keys on this machine: {', '.join(own)}" if own else f"No SSH public key in {FOLDER}. {made}"
    return f'{there}\n(Nobody shall ever log in, not even you? Answer "{nobody}".)'


def _is_key(file: Path) -> bool:
    try:
        return fault(content(file)) is None
    except Refused:
        return False
