"""Keys of the curve P-256 for certificates: every sender's TLS knows it, and its signatures are short."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode
from typing import Final

from mailnix.errors import SecretsError
from mailnix.secrets.value import Secret

_PEM: Final = re.compile(rb"-----BEGIN PRIVATE KEY-----\n([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*")
_P256: Final = bytes.fromhex("06082a8648ce3d030107")
"""The curve's name in a key (RFC 5480 2.1.1.1)."""
_SEQUENCE: Final = 0x30
_LENGTH_IN_ONE_BYTE: Final = 0x81  # as a key with its public half has it (X.690 8.1.3)


def private_key() -> Secret:
    """A new one, as PEM (PKCS 8)."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Secret(key.private_bytes(*form))


def digest(key: Secret, name: str) -> str:
    """SHA-256 of a key's public half, in hex (RFC 6698 2.1: selector 1, matching type 1).

    `name` is the credential's; raises SecretsError where it is damaged.
    """
    from cryptography.hazmat.primitives import serialization

    try:
        public = serialization.load_pem_private_key(key.reveal(), None).public_key()
    except (ValueError, TypeError):
        hint = f"put it back from a backup, or make it anew: mailnix secrets rotate CONFIG {name}"
        raise SecretsError(f"{name} in the secrets folder is damaged", hint) from None
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(public.public_bytes(*form)).hexdigest()


def is_whole(key: Secret) -> bool:
    """Whether this is such a key from its first line to its last, by the length that its DER names."""
    found = _PEM.fullmatch(key.reveal())
    try:
        der = b64decode(b"".join(found[1].split()), validate=True) if found else b""
    except ValueError:
        return False
    return der[:2] == bytes((_SEQUENCE, _LENGTH_IN_ONE_BYTE)) and der[2] == len(der) - 3 and _P256 in der
