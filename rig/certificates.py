"""Certificates for tests: authorities, servers' chains, and the TLSA data that means them."""

from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

from attrs import frozen
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

DAY = dt.timedelta(days=1)
DIGESTS = {1: hashlib.sha256, 2: hashlib.sha512}


@frozen
class Certificate:
    """A certificate, its key, and who issued it (none: itself)."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    issuer: Certificate | None = None

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def der(self) -> bytes:
        """The certificate alone, as servers show it."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def chain(self) -> tuple[Certificate, ...]:
        """From this one up to the root."""
        return (self, *(self.issuer.chain if self.issuer else ()))

    def tlsa(self, usage: int, selector: int, matching: int) -> str:
        """A TLSA record's data that means this certificate."""
        spki = self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        data = spki if selector else self.certificate.public_bytes(Encoding.DER)
        digest = DIGESTS[matching](data).digest() if matching else data
        return f"{usage} {selector} {matching} {digest.hex()}"

    def serve(self, folder: Path, *, sent: int = 9) -> Path:
        """Write cert.pem, with `sent` certificates of the chain at most, and key.pem into a new folder."""
        folder.mkdir(parents=True)
        (folder / "cert.pem").write_bytes(b"".join(link.pem for link in self.chain[:sent]))
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / "key.pem").write_bytes(key)
        return folder


def make(
    name: str, issuer: Certificate | None = None, *, authority: bool = False, expired: bool = False
) -> Certificate:
    """A certificate for a host name, or an authority; with no issuer it is self-signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 3 * DAY)
        .not_valid_after(now - DAY if expired else now + 3 * DAY)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if not authority:
        builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    return Certificate(builder.sign(signer, hashes.SHA256()), key, issuer)
