"""Mailcow's API key, from a file, the environment or a person; never from the command line, where others see it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from mailnix.errors import AdoptError

if TYPE_CHECKING:
    from mailnix.secrets import Secret

VARIABLE: Final = "MAILNIX_MAILCOW_API_KEY"
LONGEST: Final = 4096  # bytes of a file that has one


def asked(file: Path | None) -> Secret:
    """The key; raises AdoptError where there is none, or what there is can be none."""
    from mailnix.adopt.https import key_of

    if file is not None:
        try:
            with file.open("rb") as handle:
                return key_of(handle.read(LONGEST).decode("ascii", "replace"))
        except OSError as error:
            raise AdoptError(f"{file} cannot be read: {error.strerror}") from None
    if text := os.environ.get(VARIABLE):
        return key_of(text)
    if not sys.stdin.isatty():
        raise AdoptError("there is no terminal to ask for Mailcow's API key on", f"give --api-key-file, or ${VARIABLE}")
    return key_of(
        str(click.prompt("Mailcow's API key (System, API; one for reading is enough)", hide_input=True, err=True))
    )
