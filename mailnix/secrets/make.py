"""How each kind of credential is made. Files have no newline at their end: a credential is exactly its bytes."""

from __future__ import annotations

import secrets
import string
from base64 import b64decode, b64encode
from typing import Final

from mailnix.errors import SecretsError
from mailnix.plan.types import SecretKind
from mailnix.secrets import ec
from mailnix.secrets.value import Secret

_LETTERS: Final = string.ascii_letters + string.digits
_PASSWORD: Final = 28
_SHORT_PASSWORD: Final = 16
_API_KEY_GROUPS: Final = (5, 6)  # five groups of six, the shape of the keys that Mailcow makes
_MAILBOX_PASSWORD: Final = 20
_KEY_BYTES: Final = 32


def letters(count: int) -> str:
    """Random letters and digits: safe in every config language that a password may meet."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def mailbox_password() -> str:
    """A mailbox's first password, to be changed by its owner; Mailcow's policy asks for a letter and a digit."""
    while True:
        text = letters(_MAILBOX_PASSWORD)
        if any(c.isdigit() for c in text) and any(c.islower() for c in text) and any(c.isupper() for c in text):
            return text


def single(kind: SecretKind) -> Secret:
    """A new credential of a kind that stands for itself; raises ValueError for derived kinds and bundles."""
    match kind:
        case SecretKind.WIREGUARD_PRIVATE:
            return Secret(_wireguard_private())
        case SecretKind.WIREGUARD_PRESHARED:
            return Secret(b64encode(secrets.token_bytes(_KEY_BYTES)))
        case SecretKind.PASSWORD | SecretKind.GIVEN:
            return Secret(letters(_PASSWORD).encode())
        case SecretKind.SHORT_PASSWORD:
            return Secret(letters(_SHORT_PASSWORD).encode())
        case SecretKind.API_KEY:
            groups, size = _API_KEY_GROUPS
            return Secret("-".join(letters(size) for _ in range(groups)).encode())
        case SecretKind.EC_PRIVATE:
            return ec.private_key()
        case SecretKind.WIREGUARD_PUBLIC | SecretKind.DKIM_BUNDLE | SecretKind.MAILBOX_BUNDLE:
            raise ValueError(f"{kind} does not stand for itself")


def derived(kind: SecretKind, source: Secret) -> Secret:
    """A credential made from another host's: its public key, or the same bytes."""
    return Secret(wireguard_public(source).encode()) if kind is SecretKind.WIREGUARD_PUBLIC else source


def wireguard_public(private: Secret) -> str:
    """The public key (base64) of a private one; raises SecretsError where that is not a key."""
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    try:
        key = X25519PrivateKey.from_private_bytes(b64decode(private.reveal(), validate=True))
    except ValueError:
        hint = "rotate it: mailnix secrets rotate CONFIG HOST/NAME"
        raise SecretsError("a WireGuard private key is damaged", hint) from None
    return b64encode(key.public_key().public_bytes_raw()).decode()


def _wireguard_private() -> bytes:
    """A clamped X25519 key (RFC 7748 5), as `wg genkey` prints it."""
    key = bytearray(secrets.token_bytes(_KEY_BYTES))
    key[0] &= 248
    key[31] = (key[31] & 127) | 64
    return b64encode(bytes(key))
