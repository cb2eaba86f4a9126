"""Passwords as hashes, `{SCHEME}` and what a scheme makes: those that Mailcow takes, and what each looks like.

Mailcow keeps a hash as it is given and asks PHP's `password_verify` about it, or compares a salted one itself
(`verify_hash` in its inc/functions.inc.php): one that was cut off on its way opens nothing, and nobody is told.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Final

from attrs import frozen

_CRYPT_BASE64: Final = "[./A-Za-z0-9]"
_ROUNDS: Final = r"(rounds=[0-9]{1,9}\$)?[^$:\s]{0,16}\$"
_ARGON2: Final = r"\$v=[0-9]+\$m=[0-9]+,t=[0-9]+,p=[0-9]+\$[A-Za-z0-9+/]{11,}\$[A-Za-z0-9+/]{22,}"
_SALT_MAX: Final = 32  # bytes; Dovecot's have 4, others' 8 or 16
_HASH: Final = re.compile(r"\{(?P<scheme>[A-Z0-9-]+)\}(?P<made>\S+)")


@frozen
class Scheme:
    """What a scheme makes: how a person tells it, how it begins, and whether a text is one, whole."""

    form: str
    begins: str
    fits: Callable[[str], object]


@frozen
class Fault:
    """What is wrong, without repeating it (it may be the password itself), and what to do."""

    message: str
    hint: str


def _salted(digest: int) -> Callable[[str], bool]:
    """Base64 of a digest of so many bytes and a salt, which is short: a longer one is the digest of another scheme."""

    def fits(made: str) -> bool:
        try:
            return digest < len(base64.b64decode(made, validate=True)) <= digest + _SALT_MAX
        except (binascii.Error, ValueError):
            return False

    return fits


def _like(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).fullmatch


_OF_CRYPT: Final[Mapping[str, Scheme]] = {
    "BLF-CRYPT": Scheme(
        "$2y$, two digits of cost, $ and 53 characters",
        "$2",
        _like(rf"\$2[abxy]\$(0[4-9]|[12][0-9]|3[01])\${_CRYPT_BASE64}{{53}}"),
    ),
    "SHA256-CRYPT": Scheme("$5$, a salt, $ and 43 characters", "$5$", _like(rf"\$5\${_ROUNDS}{_CRYPT_BASE64}{{43}}")),
    "SHA512-CRYPT": Scheme("$6$, a salt, $ and 86 characters", "$6$", _like(rf"\$6\${_ROUNDS}{_CRYPT_BASE64}{{86}}")),
    "ARGON2I": Scheme("$argon2i$v=19$m=…,t=…,p=…$, a salt, $ and the hash", "$argon2i$", _like(r"\$argon2i" + _ARGON2)),
    "ARGON2ID": Scheme(
        "$argon2id$v=19$m=…,t=…,p=…$, a salt, $ and the hash", "$argon2id$", _like(r"\$argon2id" + _ARGON2)
    ),
}
"""What tells its scheme by its beginning."""

SCHEMES: Final[Mapping[str, Scheme]] = {
    **_OF_CRYPT,
    "CRYPT": Scheme(
        "that of BLF-CRYPT, SHA512-CRYPT, SHA256-CRYPT or ARGON2ID",
        "",
        lambda made: any(scheme.fits(made) for scheme in _OF_CRYPT.values()),
    ),
    "SSHA": Scheme("base64 of 20 bytes and a salt", "", _salted(20)),
    "SSHA256": Scheme("base64 of 32 bytes and a salt", "", _salted(32)),
    "SSHA512": Scheme("base64 of 64 bytes and a salt", "", _salted(64)),
}
"""The hashes that Mailcow both takes and can compare with, but for those of which a password is soon guessed."""


def is_meant(text: str) -> bool:
    """Whether a text is meant as a hash where a password might stand, too."""
    match = _HASH.match(text)
    named = match is not None and match["scheme"] in SCHEMES
    return named or bool(SCHEMES["CRYPT"].fits(text))


def fault(text: str) -> Fault | None:
    """What keeps a text from being a hash that opens a mailbox."""
    match = _HASH.fullmatch(text)
    likely = _likely(text)
    if likely is not None:
        return Fault("a hash begins with its scheme in braces", f"write {{{likely}}} before it")
    if match is None:
        return Fault("is no hash, which begins with its scheme in braces", "put a password into password_file")
    name, made = match["scheme"], match["made"]
    scheme = SCHEMES.get(name)
    if scheme is None:
        hint = f"take one of: {', '.join(sorted(SCHEMES))}"
        return Fault(f"{{{name}}} hides no password well, or is unknown to Mailcow", hint)
    if scheme.fits(made):
        return None
    return _unlike(name, scheme, made)


def _unlike(name: str, scheme: Scheme, made: str) -> Fault:
    """What begins as another's, or is cut off."""
    likely = _likely(made)
    message = f"is no whole hash of {{{name}}}, whose form is {scheme.form}"
    if likely is not None and SCHEMES[likely].fits(made):
        return Fault(message, f"it is one of {{{likely}}}: write that before it")
    return Fault(message, "copy all of it, in quotes that keep every $")


def _likely(text: str) -> str | None:
    """The scheme whose hashes begin so."""
    return next((name for name, scheme in _OF_CRYPT.items() if text.startswith(scheme.begins)), None)
