"""What a credential must look like to be one, so that every verb says what a machine would find out much later.

What is said names the file and the kind, never a byte of what is in it. A cut-off password that is still a line of
text is not found: people put in their own, and those may look like anything.
"""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailnix.errors import Problem, SecretsError
from mailnix.plan.types import Credential, Plan, SecretKind
from mailnix.secrets import bundles, ec
from mailnix.secrets.public import PUBLIC, read_public
from mailnix.secrets.value import Secret

_KEY_BYTES: Final = 32
_SHORTEST: Final = 8  # bytes of a password; mailnix makes 16 and more


def wrong(credential: Credential, secret: Secret) -> str | None:
    """What is wrong with a credential's bytes, without a byte of them; None where nothing is."""
    if not secret.reveal().strip():
        return "it is empty"
    match credential.kind:
        case SecretKind.WIREGUARD_PRIVATE | SecretKind.WIREGUARD_PRESHARED | SecretKind.WIREGUARD_PUBLIC:
            return None if _is_wireguard(secret) else "it is no WireGuard key (44 characters of base64, no newline)"
        case SecretKind.PASSWORD | SecretKind.SHORT_PASSWORD:
            return _not_a_password(secret)
        case SecretKind.GIVEN:
            return None if _text(secret).isprintable() else "it is no password (one line of text)"
        case SecretKind.API_KEY:
            is_one = re.fullmatch(rb"[A-Za-z0-9-]+\s*", secret.reveal())
            return _not_a_password(secret) or (None if is_one else "it is no API key (a-z, A-Z, 0-9 and -)")
        case SecretKind.EC_PRIVATE:
            return None if ec.is_whole(secret) else "it is no private key of the curve P-256 (PEM, PKCS 8)"
        case SecretKind.DKIM_BUNDLE | SecretKind.MAILBOX_BUNDLE:
            return bundles.wrong(credential.kind, secret)


def ensure(credential: Credential, secret: Secret) -> None:
    """Raise SecretsError where a credential is damaged."""
    what = wrong(credential, secret)
    if what is not None:
        raise _error(credential, what)


def damaged(plan: Plan, folder: Path) -> Iterator[Problem]:
    """What is damaged in a secrets folder: its path, what is wrong, what to do.

    What is missing has only not been made yet; what we may not read is passed by, for who reads it will be told.
    """
    try:
        read_public(folder)
    except SecretsError as error:
        yield Problem(str(folder / PUBLIC), error.message.removeprefix(f"{folder / PUBLIC} "), error.hint)
    for credential in plan.credentials:
        file = folder / credential.host / credential.name
        what = _wrong_file(credential, file)
        if what is not None:
            yield Problem(str(file), f"is damaged: {what}", _remedy(credential))


def refuse(plan: Plan, folder: Path) -> None:
    """Raise SecretsError where a credential in the folder is damaged: the first, and how many more there are."""
    found = [(c, what) for c in plan.credentials if (what := _wrong_file(c, folder / c.host / c.name)) is not None]
    if found:
        raise _error(*found[0], more=len(found) - 1)


def _wrong_file(credential: Credential, file: Path) -> str | None:
    try:
        if not file.exists():
            return None
        return wrong(credential, Secret(file.read_bytes())) if file.is_file() else "it is not a file"
    except PermissionError:
        return None
    except OSError as error:
        return f"it cannot be read ({error.strerror or error})"


def _error(credential: Credential, what: str, more: int = 0) -> SecretsError:
    others = f" (mailnix check names {more} more)" if more else ""
    name = f"{credential.host}/{credential.name}"
    return SecretsError(f"{name} in the secrets folder is damaged: {what}{others}", _remedy(credential))


def _remedy(credential: Credential) -> str:
    if credential.source is not None:
        return "it is a copy: bring it up to date with: mailnix secrets init CONFIG"
    name = f"{credential.host}/{credential.name}"
    if credential.kind is SecretKind.GIVEN:
        return f"put it in again: mailnix secrets put CONFIG {name}"
    return f"put it back from a backup, or make it anew: mailnix secrets rotate CONFIG {name}"


def _is_wireguard(secret: Secret) -> bool:
    try:
        return len(b64decode(secret.reveal(), validate=True)) == _KEY_BYTES
    except ValueError:
        return False


def _text(secret: Secret) -> str:
    """The password without a line end, or a text that is none."""
    try:
        return secret.reveal().removesuffix(b"\n").decode()
    except UnicodeDecodeError:
        return "\0"


def _not_a_password(secret: Secret) -> str | None:
    text = _text(secret)
    if not text.isprintable():
        return "it is no password (one line of text)"
    return "it is too short for a password" if len(text.encode()) < _SHORTEST else None
