"""DKIM keys: RSA-2048 (RFC 8301 3.2), made on every core, since a thousand domains take a core two minutes."""

from __future__ import annotations

import os
import re
import signal
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from mailnix.errors import SecretsError

BITS: Final = 2048
_EXPONENT: Final = 65537
_PEM: Final = re.compile(
    r"-----BEGIN (?P<kind>(?:RSA )?PRIVATE KEY)-----\n(?P<body>[A-Za-z0-9+/=\s]+)-----END (?P=kind)-----"
)
_SEQUENCE: Final = 0x30
_LENGTH_IN_TWO_BYTES: Final = 0x82  # as every RSA key of 1024 to 8192 bits has it
_POOL_FROM: Final = 8  # below this many keys, starting processes costs more than it saves

OnProgress = Callable[[int, int], None]
"""Called with how many keys are made, and how many there will be."""


def keys(count: int, on_progress: OnProgress | None = None) -> Iterator[str]:
    """Make `count` private keys (PEM, PKCS 8), each as soon as it is there."""
    workers = min(os.cpu_count() or 1, count)
    if count < _POOL_FROM or workers == 1:
        for number in range(count):
            yield _told(private_key(), number + 1, count, on_progress)
        return
    pool = ProcessPoolExecutor(workers, initializer=_leave_interrupts_to_us)
    try:
        for number, key in enumerate(pool.map(_nth_key, range(count), chunksize=2)):
            yield _told(key, number + 1, count, on_progress)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def private_key() -> str:
    """One private key, as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    return (
        rsa.generate_private_key(_EXPONENT, BITS)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        .decode()
    )


def public(pem: str, domain: str) -> str:
    """The p= value of a private key's DKIM record; raises SecretsError where the key is damaged."""
    from cryptography.hazmat.primitives import serialization

    try:
        # Our own key: checking its primes again would take seconds for a thousand domains.
        key = serialization.load_pem_private_key(pem.encode(), None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError):
        hint = f"rotate it: mailnix secrets rotate CONFIG mailcow.dkim:{domain}"
        raise SecretsError(f"the DKIM key of {domain} is damaged", hint) from None
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return b64encode(der).decode()


def is_whole(pem: str) -> bool:
    """Whether this is a private key from its first line to its last, by the length that its DER names (X.690 8.1.3)."""
    found = _PEM.fullmatch(pem.strip())
    try:
        der = b64decode("".join(found["body"].split()), validate=True) if found else b""
    except ValueError:
        return False
    if len(der) < 4 or der[0] != _SEQUENCE or der[1] != _LENGTH_IN_TWO_BYTES:
        return False
    return int.from_bytes(der[2:4]) == len(der) - 4


def _leave_interrupts_to_us() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGHUP):
        if callable(signal.getsignal(number)):  # the command line's, which is for the one that clears up
            signal.signal(number, signal.SIG_DFL)


def _nth_key(_number: int) -> str:
    return private_key()


def _told(key: str, done: int, count: int, on_progress: OnProgress | None) -> str:
    if on_progress is not None:
        on_progress(done, count)
    return key
