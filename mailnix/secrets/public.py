"""The public halves that a secrets folder exports: read by everybody, secret to nobody."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from mailnix.errors import SecretsError
from mailnix.plan.types import PublicKeys

PUBLIC: Final = "public.json"
PUBLIC_VERSION: Final = 1
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


def public_keys(folder: Path) -> PublicKeys:
    """The public keys that the folder has exported, for records; none where it has exported none yet."""
    content = read_public(folder)
    return PublicKeys(
        dkim={domain: entry["p"] for domain, entry in content.get("dkim", {}).items()},
        tlsa={proxy: tuple(keys) for proxy, keys in content.get("tlsa", {}).items()},
    )


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
        or not _is_tlsa(content.get("tlsa", {}))
    ):
        raise SecretsError(f"{file} is not one that this mailnix wrote", "make it again: mailnix secrets init CONFIG")
    return content


def _is_dkim(keys: object) -> bool:
    """Public keys by domain, each with its selector."""
    if not isinstance(keys, dict):
        return False
    return all(isinstance(entry, dict) and isinstance(entry.get("p"), str) for entry in keys.values())


def _is_tlsa(keys: object) -> bool:
    """Digests of keys by proxy: RFC 6698 2.2 wants hexadecimal."""
    if not isinstance(keys, dict):
        return False
    digests = [each for entry in keys.values() for each in (entry if isinstance(entry, list) else [None])]
    return all(isinstance(each, str) and _DIGEST.fullmatch(each) for each in digests)


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn the system's error about a path into a SecretsError."""
    try:
        yield
    except OSError as error:
        raise SecretsError(f"{path}: {error.strerror or error}", "check the folder's owner and the disk") from None
