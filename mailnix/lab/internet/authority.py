"""A throw-away certificate authority, made for one lab and trusted by its machines only.

Its key is worth nothing outside of the lab, and still never part of an image: it goes to the running internet machine.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Final, Protocol

from attrs import field, frozen

from mailnix.lab.internet.layout import TLS, Layout
from mailnix.lab.internet.machine import READY
from mailnix.lab.internet.receivers import TLSA, mta_sts, receivers, tlsa_zone
from mailnix.lab.internet.smarthosts import CERTIFICATE

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

DAYS: Final = 3650


class Receiver(Protocol):
    """A machine that takes files."""

    def put(self, path: str, data: bytes) -> None:
        """Write a file."""
        ...

    def succeed(self, command: str) -> str:
        """Run a command that must succeed."""
        ...


@frozen
class Authority:
    """The lab's root certificate (PEM), which guests trust, and what the internet machine needs to play its part."""

    certificate: bytes
    internet_files: Mapping[str, bytes] = field(repr=False)


def new_authority(layout: Layout, *, now: dt.datetime | None = None) -> Authority:
    """Make a root, and leaf certificates for the internet's mail server and its ACME authority."""
    root_key, root = _root(now or dt.datetime.now(dt.UTC))
    made = {"ca.pem": _pem(root), "ca.key": _key_pem(root_key)}
    digests = {}
    for name, names in leaf_names(layout).items():
        key, leaf = _leaf(names, root_key, root)
        made[f"{name}.pem"] = _pem(leaf)
        made[f"{name}.key"] = _key_pem(key)
        digests[name] = key_digest(leaf)
    made[PurePath(TLSA).name] = tlsa_zone(layout, right=digests["mx"], wrong=digests["acme"]).encode()
    return Authority(_pem(root), made)


def leaf_names(layout: Layout) -> Mapping[str, tuple[str, ...]]:
    """The names in each leaf certificate, by the name of its files; the first is its subject."""
    relays = {CERTIFICATE: tuple(relay.name for relay in layout.relays)} if layout.relays else {}
    return {
        **relays,
        "mx": (layout.mx.name, *(receiver.mx for receiver in receivers(layout))),
        "acme": (layout.acme.name, *(receiver.policy_host for receiver in mta_sts(layout))),
    }


def key_digest(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate's public key, in hex, as TLSA records have it (RFC 6698 2.1: selector 1, matching 1)."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def install(internet: Receiver, authority: Authority) -> None:
    """Give the internet machine its certificates; what needs them starts with the last file."""
    internet.succeed(f"install -d -m 0755 {TLS}")
    for name, data in authority.internet_files.items():
        internet.put(f"{TLS}/{name}", data)
    internet.succeed(f"chmod 0600 {TLS}/*.key && touch {READY}")


def _root(now: dt.datetime) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailnix lab root, trust it nowhere else")])
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    root = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key, root


def _leaf(
    names: tuple[str, ...], root_key: ec.EllipticCurvePrivateKey, root: x509.Certificate
) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])]))
        .issuer_name(root.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(root.not_valid_before_utc)
        .not_valid_after(root.not_valid_after_utc)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    return key, leaf


def _pem(certificate: x509.Certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
