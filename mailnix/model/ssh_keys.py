"""SSH public keys as sshd reads them (sshd(8), AUTHORIZED_KEYS FILE FORMAT), and what people write in their place."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from attrs import frozen

from mailnix.model import ssh_options
from mailnix.model.ssh_options import QUOTED, WHOLE_LINE, Fault

RSA_BITS_MIN: Final = 2048  # sshd is told the same (RequiredRSASize)
RSA_BITS_MAX: Final = 16384  # SSHBUF_MAX_BIGNUM in OpenSSH's sshbuf.h
_MAKE_ONE: Final = "make one with ssh-keygen -t ed25519 and give the line in its .pub file"
_CURVES: Final[Mapping[str, int]] = {"nistp256": 32, "nistp384": 48, "nistp521": 66}  # bytes of a coordinate
_EQUATIONS: Final[Mapping[str, tuple[int, int]]] = {
    "nistp256": (
        2**256 - 2**224 + 2**192 + 2**96 - 1,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
    ),
    "nistp384": (
        2**384 - 2**128 - 2**96 + 2**32 - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
    ),
    "nistp521": (
        2**521 - 1,
        0x0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00,
    ),
}
"""Curve → p and b of y² = x³ - 3x + b modulo p (NIST SP 800-186, 3.2.1)."""
_ED25519_BYTES: Final = 32


@frozen
class Line:
    """A line of authorized_keys in its parts; `body` is the key itself in base64."""

    options: str
    kind: str
    body: str
    comment: str

    def may_forward(self, port: int) -> bool:
        """Whether its options let it use the machine as a jump host to a port; the last word counts, as for sshd."""
        allowed, opened = True, list[str]()
        for name, value, _text in ssh_options.each(self.options):
            match name:
                case "restrict" | "no-port-forwarding":
                    allowed = False
                case "port-forwarding":
                    allowed = True
                case "permitopen":
                    opened.append(re.split("[:/]", (value or "").strip('"'))[-1])
        return allowed and (not opened or any(one in ("*", str(port), "ssh") for one in opened))

    @property
    def sources(self) -> tuple[str, ...]:
        """The patterns of addresses that it may come from; none where that is anywhere."""
        texts = [value or "" for name, value, _text in ssh_options.each(self.options) if name == "from"]
        return tuple(part.strip() for text in texts for part in text.strip('"').split(","))


class _Damaged(ValueError):
    """The bytes of a key are not those of its type."""


def fault(text: str) -> Fault | None:
    """What is wrong with a public key, or None where sshd will take it."""
    known = _mistaken(text)
    if known is not None:
        return known
    line = parse(text)
    if line is None:
        return _no_line(text)
    return _options_fault(line.options) or _kind_fault(line) or _body_fault(line) or _comment_fault(line)


def parse(text: str) -> Line | None:
    """The parts of a line that has a key of any type that was ever one; None where there is none."""
    match = _LINE.fullmatch(text.strip(" \t\n"))
    return match and Line(*(part or "" for part in match.group("options", "kind", "body", "comment")))


_KIND: Final = r"(?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa-sha2|rsa-sha2|webauthn-sk-ecdsa-sha2)-[a-z0-9@.-]+"
_LINE: Final = re.compile(
    rf'(?:(?P<options>(?:{QUOTED}|[^\s"])+)[ \t]+)?'
    rf"(?P<kind>{_KIND})[ \t]+(?P<body>\S+)(?:[ \t]+(?P<comment>.*))?"
)


def _mistaken(text: str) -> Fault | None:
    """Texts that are something else than one line with a key."""
    for pattern, found in _MISTAKES:
        if re.search(pattern, text):
            return found
    return None


_MISTAKES: Final[tuple[tuple[str, Fault], ...]] = (
    (r"PRIVATE KEY|PuTTY-User-Key-File", Fault("is a private key", "give the public one: its file ends in .pub")),
    (
        r"---- ?BEGIN SSH2 PUBLIC KEY",
        Fault("is in PuTTY's form (RFC 4716)", "turn it into OpenSSH's: ssh-keygen -i -f FILE"),
    ),
    (r"-----BEGIN PUBLIC KEY", Fault("is in PEM form", "turn it into OpenSSH's: ssh-keygen -i -m PKCS8 -f FILE")),
    (r"-----BEGIN RSA PUBLIC KEY", Fault("is in PEM form", "turn it into OpenSSH's: ssh-keygen -i -m PEM -f FILE")),
    (r"-----BEGIN", Fault("is in PEM form, and no SSH key", _MAKE_ONE)),
    (r"\A\s*\Z", Fault("is empty", _MAKE_ONE)),
    (r"\A\ufeff", Fault("begins with an invisible byte order mark", "leave out what stands before ssh-…")),
    (r"\r", Fault("has a line end of Windows in it (CR)", "write the key as one line, without line ends")),
    (r"\A[^\n]*\n\s*\S", Fault("is several lines", 'write one line for each key: "ssh-ed25519 AAAA… name"')),
    (r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2060\ufeff]", Fault("has an invisible character in it")),
    (r"\A\s*#", Fault("is a comment, which sshd passes over", "leave out the #")),
    (r"\A\s*(?:https?|file)://", Fault("is a URL", "open it, and give the key that it shows")),
    (r"\A\s*(?:SHA256|MD5):", Fault("is a key's fingerprint", WHOLE_LINE)),
    (r"\A\s*(?:~|\.{0,2}/|[A-Za-z]:\\)|\A\S*\.pub\s*\Z", Fault("is the path of a file", "write what is in the file")),
)


def _no_line(text: str) -> Fault:
    shown = f"{text.strip()[:30]!r}"
    if re.match(r"\s*AAAA[A-Za-z0-9+/=]{12}", text):
        return Fault(f"{shown} has no type before it", "copy the whole line of the .pub file: it begins with ssh-…")
    if re.search(rf"(?:^|\s){_KIND}\s*$", text):
        return Fault(f"{shown} is a type without a key")
    return Fault(f"{shown} is not an SSH public key", 'write one line: "ssh-ed25519 AAAA… name"')


def _options_fault(options: str) -> Fault | None:
    if options.startswith("[") or re.match(r"[^=\"]*[.:]", options):
        return Fault("is a line of known_hosts: a machine's key, not yours", _MAKE_ONE)
    return ssh_options.fault(options)


def _kind_fault(line: Line) -> Fault | None:
    if "-cert-v0" in line.kind:
        return Fault(
            "is a certificate, and no key", 'give the public key of its authority: "cert-authority,principals=… ssh-…"'
        )
    if line.kind == "ssh-dss":
        return Fault("is a DSA key, which OpenSSH takes no more", _MAKE_ONE)
    if line.kind.startswith(("rsa-sha2-", "webauthn-")):
        return Fault(f"{line.kind} is the name of a signature, not of a key", WHOLE_LINE)
    if line.kind not in _READERS:
        return Fault(f"{line.kind} is no type of key that sshd knows", _MAKE_ONE)
    return None


def _body_fault(line: Line) -> Fault | None:
    """Whether the bytes are a key of the type that the line says, as RFC 4253 6.6 and its successors lay it out."""
    try:
        data = b64decode(line.body, validate=True)
        parts = list(_parts(data))
        inner = parts[0].decode("ascii")
    except (binascii.Error, ValueError, IndexError):
        return Fault("is cut off or damaged: sshd would ignore it")
    if inner != line.kind:
        if inner in _READERS:
            return Fault(f"says {line.kind}, and the key itself is of the type {inner}")
        return Fault("is cut off or damaged: sshd would ignore it")
    try:
        return _READERS[line.kind](line.kind, parts[1:])
    except _Damaged as error:
        return Fault(f"is cut off or damaged: {error}")


def _comment_fault(line: Line) -> Fault | None:
    if re.search(rf"(?:^|\s){_KIND}\s+AAAA", line.comment):
        return Fault("has two keys in one line, and sshd would see the first alone", "write them as two texts")
    return None


def _parts(data: bytes) -> Iterator[bytes]:
    """The strings (RFC 4251 5) in a key; raises ValueError where the last one is cut off."""
    while data:
        length = int.from_bytes(data[:4], "big")
        if len(data) < 4 + length:
            raise ValueError("cut off")
        yield data[4 : 4 + length]
        data = data[4 + length :]


def _take(parts: list[bytes], count: int) -> list[bytes]:
    if len(parts) != count:
        raise _Damaged(f"it has {len(parts)} parts, not {count}")
    return parts


def _ed25519(kind: str, parts: list[bytes]) -> Fault | None:
    (point, *_) = _take(parts, 2 if kind.startswith("sk-") else 1)
    if len(point) != _ED25519_BYTES:
        raise _Damaged(f"an Ed25519 key has {_ED25519_BYTES} bytes, this one {len(point)}")
    return None


def _ecdsa(kind: str, parts: list[bytes]) -> Fault | None:
    (curve, point, *_) = _take(parts, 3 if kind.startswith("sk-") else 2)
    wanted = kind.partition("@")[0].rpartition("-")[2]
    size = 1 + 2 * _CURVES[wanted]
    if curve.decode("ascii", "replace") != wanted:
        raise _Damaged(f"it names another curve than {wanted}")
    if len(point) != size or point[0] != 4:  # an uncompressed point (SEC 1, 2.3.3), which is all that OpenSSH takes
        raise _Damaged(f"a point of {wanted} has {size} bytes, this one {len(point)}")
    x, y = (int.from_bytes(half, "big") for half in (point[1 : size // 2 + 1], point[size // 2 + 1 :]))
    prime, b = _EQUATIONS[wanted]
    if max(x, y) >= prime or (y * y - (x * x * x - 3 * x + b)) % prime:
        raise _Damaged(f"its point is not on the curve {wanted}")
    return None


def _rsa(_kind: str, parts: list[bytes]) -> Fault | None:
    exponent, modulus = _take(parts, 2)
    if modulus[:1] > b"\x7f" or exponent[:1] > b"\x7f" or not int.from_bytes(exponent, "big") & 1:
        raise _Damaged("its numbers are not those of an RSA key")
    bits = int.from_bytes(modulus, "big").bit_length()
    if bits < RSA_BITS_MIN:
        return Fault(f"is an RSA key of {bits} bits, and sshd there takes none below {RSA_BITS_MIN}", _MAKE_ONE)
    if bits > RSA_BITS_MAX:
        return Fault(f"is an RSA key of {bits} bits, and OpenSSH takes none above {RSA_BITS_MAX}", _MAKE_ONE)
    return None


_READERS: Final[Mapping[str, Callable[[str, list[bytes]], Fault | None]]] = {
    "ssh-ed25519": _ed25519,
    "sk-ssh-ed25519@openssh.com": _ed25519,
    "ssh-rsa": _rsa,
    "sk-ecdsa-sha2-nistp256@openssh.com": _ecdsa,
    **{f"ecdsa-sha2-{curve}": _ecdsa for curve in _CURVES},
}
"""Type of a key → what looks at its parts after the type; raises _Damaged."""
