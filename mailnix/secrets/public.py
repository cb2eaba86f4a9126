"""The public halves that a secrets folder exports: read by everybody, secret to nobody."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mailnix.errors import SecretsError

PUBLIC: Final = "public.json"
PUBLIC_VERSION: Final = 1


def dkim_public(folder: Path) -> Mapping[str, str]:
    """The DKIM public keys (p= values) by domain that the folder has exported; empty where there is none yet."""
    return {domain: entry["p"] for domain, entry in read_public(folder).get("dkim", {}).items()}


def read_public(path: Path) -> dict[str, Any]:
    """What a folder's `public.json` says; empty where there is none. Reads no secret, so needs no private folder."""
    file = path / PUBLIC
    with explained(file):
        if not file.exists():
            return {}
        try:
            content = json.loads(file.read_text())
        except ValueError:
            content = None
    if (
        not isinstance(content, dict)
        or content.get("version") != PUBLIC_VERSION
        or not _is_dkim(content.get("dkim", {}))
    ):
        raise SecretsError(f"{file} is not one that this mailnix wrote", "make it again: mailnix secrets init CONFIG")
    return content


def _is_dkim(keys: object) -> bool:
    """Public keys by domain, each with its selector."""
    if not isinstance(keys, dict):
        return False
    return all(isinstance(entry, dict) and isinstance(entry.get("p"), str) for entry in keys.values())


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's error about a path into a SecretsError."""
    try:
        yield
    except OSError as error:
        raise SecretsError(f"{path}: {error.strerror or error}", "check the folder's owner and the disk") from None
