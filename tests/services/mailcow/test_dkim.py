import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from mailnix.services.mailcow.guest.dkim import public_key


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
@pytest.mark.parametrize("bits", [1024, 2048])
def test_the_public_half_is_what_openssl_says(form: PrivateFormat, bits: int) -> None:
    key = rsa.generate_private_key(65537, bits)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = key.private_bytes(Encoding.PEM, form, NoEncryption()).decode()
    assert public_key(pem) == base64.b64encode(der).decode()


def test_an_elliptic_key_is_refused() -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with pytest.raises(ValueError, match="not an RSA private key"):
        public_key(pem.decode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key at all",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----",
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAAA\n-----END ENCRYPTED PRIVATE KEY-----",
    ],
)
def test_what_is_no_key_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"key|short|base64|padding"):
        public_key(text)
