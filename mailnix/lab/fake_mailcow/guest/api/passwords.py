"""Passwords: the rule that Mailcow has by default, and BLF-CRYPT, its default scheme."""

from __future__ import annotations

import base64
import ctypes
import os
import re
from collections.abc import Callable

from .words import Attributes, Refused, text

LENGTH = 6
COST = 5  # the least that bcrypt takes: the fake Mailcow shall be fast, not strong

_HASHED = re.compile(r"\{(ARGON2ID?|BLF-CRYPT|CRYPT|SHA(256|512)-CRYPT|SSHA(256|512)?)\}")

Hasher = Callable[[str], str]


def checked(attributes: Attributes) -> str:
    """The password, sent twice; raises Refused."""
    first, second = text(attributes, "password"), text(attributes, "password2")
    if not first or not second:
        raise Refused("password_complexity")
    if first != second:
        raise Refused("password_mismatch")
    if len(first) < LENGTH:
        raise Refused("password_complexity")
    return first


def blowfish(password: str) -> str:
    """`{BLF-CRYPT}$2y$…`, made by the system's crypt(3); what is a hash already stays."""
    if _HASHED.match(password):
        return password
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    library.crypt.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    salt = base64.b64encode(os.urandom(16), b"./").decode()[:21] + "."
    found: bytes | None = library.crypt(password.encode(), f"$2y${COST:02d}${salt}".encode())
    if not found or not found.startswith(b"$2y$"):
        raise OSError("crypt(3) knows no bcrypt here")
    return "{BLF-CRYPT}" + found.decode()
