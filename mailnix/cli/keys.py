"""SSH public keys as people give them: the line itself, or a file that has it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from mailnix.cli.answers import Refused
from mailnix.model.ssh_keys import fault


def read(given: str) -> tuple[str, ...]:
    """The keys in a text: itself, or those in the file that it names. Raises Refused where there is no such file."""
    text = given.strip()
    path = Path(text)
    if _is(path, Path.is_file):
        return _in_file(content(path))
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


def content(path: Path) -> str:
    """The text of a file, without a byte order mark; raises Refused where it cannot be read."""
    try:
        return path.expanduser().read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise Refused(f"{path} is no text in UTF-8") from None
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from None
