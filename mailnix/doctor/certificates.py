"""What a certificate says: how long it is good, who issued it, and whether a TLSA record means it."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from mailnix.doctor.here import Served

_DIGESTS: Final = {"1": hashlib.sha256, "2": hashlib.sha512}  # RFC 6698 2.1.3
_END_ENTITY: Final = ("1", "3")  # RFC 6698 2.1.1: usages that mean the server's own certificate


def _read(served: Served) -> x509.Certificate:
    return x509.load_der_x509_certificate(served.certificate)


def _key(served: Served) -> bytes:
    return _read(served).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def is_sound(served: Served) -> bool:
    """Whether it can be read: others show what they like, and OpenSSL takes some that this library does not."""
    try:
        _key(served)
        time(served)
        issuer(served)
    except Exception:  # of a dozen kinds, by what is wrong with it (cryptography's documentation names some)
        return False
    return True


def time(served: Served) -> tuple[datetime, datetime]:
    """From when until when it is good."""
    certificate = _read(served)
    return certificate.not_valid_before_utc, certificate.not_valid_after_utc


def issuer(served: Served) -> str:
    """The organisation that signed it, or its common name."""
    name = _read(served).issuer
    found = [*name.get_attributes_for_oid(NameOID.ORGANIZATION_NAME), *name.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return str(found[0].value) if found else "nobody"


def matches(tlsa: str, served: Served) -> bool:
    """Whether a TLSA record (RFC 6698 2.1) means the certificate that was shown, or its key."""
    usage, selector, kind, *parts = tlsa.split()
    if usage not in _END_ENTITY or not is_sound(served):
        return False
    shown = _key(served) if selector == "1" else served.certificate
    data = _DIGESTS[kind](shown).digest() if kind in _DIGESTS else shown
    return data.hex() == "".join(parts).lower()
