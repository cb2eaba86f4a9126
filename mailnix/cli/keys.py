"""SSH public keys as people give them: the line itself, a file that has it, or what lies in ~/.ssh."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from mailnix.cli.answers import Refused
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


def _is_key(file: Path) -> bool:
    try:
        return fault(_content(file)) is None
    except Refused:
        return False


def read(given: str) -> tuple[str, ...]:
    """The keys in a text: itself, or those in the file that it names. Raises Refused where there is no such file."""
    text = given.strip()
    path = Path(text)
    if _is(path, Path.is_file):
        return _in_file(_content(path))
    if (wrong := fault(text)) is not None and "path of a file" in wrong.message:
        folder = _is(path, Path.is_dir)
        raise Refused(f"{text} is a folder: name the .pub file in it" if folder else f"there is no file {text}")
    return (given,)


def _in_file(content: str) -> tuple[str, ...]:
    """The keys of a .pub file, or of one with a key in each line (authorized_keys); else all of it, for the check."""
    lines = [line.strip() for line in content.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return tuple(lines) if lines and all(fault(line) is None for line in lines) else (content.strip(),)


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    try:
        return kind(path.expanduser())
    except (OSError, ValueError, RuntimeError):  # a key is too long for a name
        return False


def _content(path: Path) -> str:
    try:
        return path.expanduser().read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path} is no text in UTF-8") from None
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
