"""DKIM signatures of a library that is not ours, over mail of many shapes, verify after both Harakas."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from random import Random

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

import rig as stands
from rig import Stand
from tests.services.haraka.messages import (
    dots,
    eight_bit_header,
    endless_header,
    large,
    long_lines,
    mime,
    ordinary,
    raw_bytes,
)
from tests.services.haraka.ways import inward, outward

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

dkim = pytest.importorskip("dkim", reason="dkimpy is not installed: pip install -e '.[dev]'")

SHAPES = (ordinary, eight_bit_header, endless_header, long_lines, mime, dots, large, raw_bytes)
CANONICAL = ((b"simple", b"simple"), (b"relaxed", b"relaxed"), (b"relaxed", b"simple"))
ROUNDS = 12
KEY = rsa.generate_private_key(65537, 2048)


def private_key() -> bytes:
    return KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def record(_name: bytes, timeout: int = 5) -> bytes:
    public = KEY.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def verifies(message: bytes) -> bool:
    return bool(dkim.verify(message, dnsfunc=record))


def signed_mails() -> Iterator[bytes]:
    """As a careful sender would sign them: every field that is there, none that is not."""
    key = private_key()
    for number in range(ROUNDS * len(SHAPES)):
        random = Random(f"signed-{number}")
        fields = [
            b"From: carol@example.net",
            b"To: alice@example.org",
            b"Subject: Gr\xfc\xdfe \xd0\xbf",
            b"X-Odd:  \t a",
        ]
        content = b"\r\n".join(fields) + b"\r\n" + SHAPES[number % len(SHAPES)](random)
        try:
            yield dkim.sign(content, b"dkim", b"example.net", key, canonicalize=CANONICAL[number % 3]) + content
        except dkim.MessageFormatError:
            continue  # no header that this library can read


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


def test_signatures_verify_after_both_hops(stand: Stand) -> None:
    mails = {f"s{number}@example.net": mail for number, mail in enumerate(signed_mails())}
    assert len(mails) >= ROUNDS * len(SHAPES) // 2
    assert all(verifies(mail) for mail in mails.values())
    assert not verifies(mails["s0@example.net"].replace(b"Subject: Gr\xfc", b"Subject: Gr\xef\xbf\xbd"))
    with inward(stand) as first, first.client() as session:
        for sender, mail in mails.items():
            assert session.send(sender, first.recipient, mail).startswith("250")
        arrived = {sender: first.behind.sent_by(sender)[0] for sender in mails}
    assert [sender for sender, mail in arrived.items() if not verifies(mail)] == []
    with outward(stand) as second, second.client() as session:
        for sender, mail in arrived.items():
            assert session.send(sender, second.recipient, mail).startswith("250")
        stands.until(lambda: second.behind.count == len(mails), "all mails leave", seconds=60)
        left = {sender: second.behind.sent_by(sender)[0] for sender in mails}
    assert [sender for sender, mail in left.items() if not verifies(mail)] == []
