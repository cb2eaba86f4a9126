"""The public half of an RSA private key in PEM, as Mailcow shows it: so that an unchanged key is not imported again.

The standard library has no RSA; taking two numbers out of one DER structure and putting them into another is enough.
"""

from __future__ import annotations

import base64

INTEGER, BITS, OCTETS, SEQUENCE = 0x02, 0x03, 0x04, 0x30
RSA_ENCRYPTION = bytes.fromhex("300d06092a864886f70d0101010500")  # AlgorithmIdentifier: OID 1.2.840.113549.1.1.1, NULL


def public_key(pem: str) -> str:
    """Base64 of the SubjectPublicKeyInfo, the `p=` of a DKIM record; raises ValueError for what is no RSA key."""
    lines = [line.strip() for line in pem.strip().splitlines()]
    if len(lines) < 3 or "PRIVATE KEY" not in lines[0] or "ENCRYPTED" in lines[0]:
        raise ValueError("not a private key in PEM")
    der = base64.b64decode("".join(lines[1:-1]), validate=True)
    try:
        modulus, exponent = _numbers(der)
    except IndexError:
        raise ValueError("not an RSA private key") from None
    key = _pack(SEQUENCE, _pack(INTEGER, modulus) + _pack(INTEGER, exponent))
    info = _pack(SEQUENCE, RSA_ENCRYPTION + _pack(BITS, b"\0" + key))
    return base64.b64encode(info).decode()


def _numbers(der: bytes) -> tuple[bytes, bytes]:
    """Modulus and public exponent of an RSAPrivateKey (PKCS #1), or of one inside PKCS #8."""
    fields = _fields(_only(der, SEQUENCE))
    if len(fields) >= 3 and fields[2][0] == OCTETS:
        fields = _fields(_only(fields[2][1], SEQUENCE))
    if len(fields) < 9 or {tag for tag, _ in fields[:3]} != {INTEGER}:
        raise ValueError("not an RSA private key")
    return fields[1][1], fields[2][1]


def _only(der: bytes, tag: int) -> bytes:
    fields = _fields(der)
    if len(fields) != 1 or fields[0][0] != tag:
        raise ValueError("not an RSA private key")
    return fields[0][1]


def _fields(der: bytes) -> list[tuple[int, bytes]]:
    """The (tag, content) pairs that stand one after another."""
    fields = []
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        if len(der) < start + length:
            raise ValueError("the key is cut short")
        fields.append((tag, der[start : start + length]))
        der = der[start + length :]
    return fields


def _pack(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes((tag, length)) + content
    size = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content
