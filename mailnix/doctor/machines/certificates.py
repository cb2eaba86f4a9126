"""A certificate as far as it is judged: whose it is, until when, by whom."""

from __future__ import annotations

import base64
from datetime import datetime

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes


@frozen
class Certificate:
    """Names and dates of a certificate (RFC 5280 4.2.1.6, 4.1.2.5), and its SHA-256 fingerprint."""

    names: tuple[str, ...]
    begins: datetime
    ends: datetime
    fingerprint: str
    issuer: str = ""
    own: bool = False

    def covers(self, name: str) -> bool:
        """Whether it is for a name; a star stands for one label (RFC 9525 6.3)."""
        wanted = name.lower().rstrip(".")
        star = f"*.{wanted.partition('.')[2]}"
        return any(each.lower() in (wanted, star) for each in self.names)


def read(text: str) -> Certificate | None:
    """From base64 of its DER form; nothing from nothing. Raises ValueError."""
    if not text:
        return None
    certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
    return Certificate(
        tuple(_names(certificate)),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        certificate.fingerprint(hashes.SHA256()).hex(),
        certificate.issuer.rfc4514_string(),
        certificate.issuer == certificate.subject,
    )


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [str(name) for name in found.get_values_for_type(x509.DNSName)]
