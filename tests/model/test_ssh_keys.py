"""A key that sshd would pass over is named by what it is, and with what to do."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from mailnix.model.ssh_keys import fault
from tests.descriptions import KEY

BODY = KEY.split()[1]


def packed(*parts: bytes) -> str:
    return b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


def rsa(bits: int) -> str:
    modulus = b"\0" + (1 << (bits - 1) | 1).to_bytes(bits // 8, "big")
    return f"ssh-rsa {packed(b'ssh-rsa', bytes([1, 0, 1]), modulus)} me"


def point(curve: ec.EllipticCurve) -> bytes:
    return ec.derive_private_key(7, curve).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


POINTS = {"nistp256": point(ec.SECP256R1()), "nistp384": point(ec.SECP384R1()), "nistp521": point(ec.SECP521R1())}


def ecdsa(curve: str, public: bytes, names: str = "") -> str:
    kind = f"ecdsa-sha2-{curve}"
    return f"{kind} {packed(kind.encode(), (names or curve).encode(), public)} me"


def off_by_one_bit(public: bytes) -> bytes:
    return public[:-1] + bytes([public[-1] ^ 1])


DAMAGED = b64encode(b64decode(BODY)[:-3]).decode()
LONGER = b64encode(b64decode(BODY) + b"junk").decode()

WRONG = {
    "nothing": ("  ", "is empty", "ssh-keygen -t ed25519"),
    "a word": ("hello", "is not an SSH public key", "one line"),
    "cut off": (KEY[:40], "cut off or damaged", "whole line"),
    "cut off at a byte": (f"ssh-ed25519 {DAMAGED} me", "cut off or damaged", "whole line"),
    "junk within the key": (f"ssh-ed25519 {LONGER} me", "cut off or damaged", "whole line"),
    "junk after the key": (f"ssh-ed25519 {BODY}; me", "cut off or damaged", "whole line"),
    "an ellipsis": ("ssh-ed25519 AAAA… me", "cut off or damaged", "whole line"),
    "another type": (KEY.replace("ssh-ed25519 ", "ssh-rsa ", 1), "of the type ssh-ed25519", "whole line"),
    "no type": (f"{BODY} me", "has no type before it", "begins with ssh-"),
    "no key": ("ssh-ed25519", "is a type without a key", "whole line"),
    "an unknown type": (f"ssh-ed448 {BODY}", "no type of key that sshd knows", "ssh-keygen"),
    "a signature's name": (f"rsa-sha2-512 {BODY}", "name of a signature", "whole line"),
    "a DSA key": ("ssh-dss AAAAB3NzaC1kc3MAAACBAP me", "DSA", "ssh-keygen"),
    "a certificate": (f"ssh-ed25519-cert-v01@openssh.com {BODY} me", "is a certificate", "cert-authority"),
    "a short RSA key": (rsa(1024), "RSA key of 1024 bits", "ssh-keygen"),
    "a huge RSA key": (rsa(32768), "RSA key of 32768 bits", "ssh-keygen"),
    "a point off the curve": (ecdsa("nistp256", off_by_one_bit(POINTS["nistp256"])), "not on the curve", "whole line"),
    "a coordinate beyond the field": (ecdsa("nistp384", b"\x04" + b"\xff" * 96), "not on the curve", "whole line"),
    "a point too short": (ecdsa("nistp256", bytes([4] * 33)), "65 bytes, this one 33", "whole line"),
    "another curve": (ecdsa("nistp384", POINTS["nistp384"], "nistp256"), "names another curve", "whole line"),
    "a private key": ("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA", "is a private key", ".pub"),
    "PuTTY's private key": ("PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none", "is a private key", ".pub"),
    "PuTTY's public key": ("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", "PuTTY's form", "ssh-keygen -i -f"),
    "a PEM key": ("-----BEGIN PUBLIC KEY-----\nMIIB", "PEM", "ssh-keygen -i -m PKCS8"),
    "a file's path": ("~/.ssh/id_ed25519.pub", "path of a file", "what is in the file"),
    "a file's absolute path": ("/root/.ssh/id_ed25519", "path of a file", "what is in the file"),
    "a file's name": ("id_ed25519.pub", "path of a file", "what is in the file"),
    "a file's name on Windows": ("C:\\Users\\me\\.ssh\\id_rsa.pub", "path of a file", "what is in the file"),
    "a URL": ("https://github.com/me.keys", "is a URL", "open it"),
    "a fingerprint": ("SHA256:uNiVztksCsDhcc0u9e8BrWZHUY9qkVbk me", "fingerprint", "whole line"),
    "a line end of Windows": (f"{KEY}\r\n", "line end of Windows", "one line"),
    "a byte order mark": (f"\ufeff{KEY}", "byte order mark", "ssh-"),
    "an invisible character": (KEY.replace(" ", " \u200b", 1), "invisible character", "whole line"),
    "two lines": (f"{KEY}\n{KEY}", "several lines", "one line for each"),
    "two keys in a line": (f"{KEY} {KEY}", "two keys in one line", "two texts"),
    "a comment": (f"# {KEY}", "is a comment", "#"),
    "a line of known_hosts": (f"mail.example.org,192.0.2.1 {KEY}", "known_hosts", "ssh-keygen"),
    "an unterminated option": (rf'command="dir C:\\" {KEY}', "is not an SSH public key", "one line"),
    "an unknown option": (f"no-ptty {KEY}", "knows no such option", "sshd(8)"),
}


@pytest.mark.parametrize(("text", "said", "to_do"), WRONG.values(), ids=WRONG.keys())
def test_what_is_no_key_is_named_and_what_to_do(text: str, said: str, to_do: str) -> None:
    wrong = fault(text)
    assert wrong is not None
    assert said in wrong.message
    assert to_do in wrong.hint


RIGHT = {
    "as ssh-keygen writes it": KEY,
    "with a line end": f"{KEY}\n",
    "without a comment": " ".join(KEY.split()[:2]),
    "with a comment in any script": f"{KEY} at home, Zürich",
    "with options": f'from="192.0.2.0/24",no-pty,command="echo \\"hi\\"" {KEY}',
    "with a tab": KEY.replace(" ", "\t"),
    "of an authority": f'cert-authority,principals="root" {KEY}',
    "RSA": rsa(2048),
    "nistp256": ecdsa("nistp256", POINTS["nistp256"]),
    "nistp384": ecdsa("nistp384", POINTS["nistp384"]),
    "nistp521": ecdsa("nistp521", POINTS["nistp521"]),
    "of a token": "sk-ssh-ed25519@openssh.com " + packed(b"sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:"),
    "of a token, ECDSA": "sk-ecdsa-sha2-nistp256@openssh.com "
    + packed(b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", POINTS["nistp256"], b"ssh:"),
}


@pytest.mark.parametrize("text", RIGHT.values(), ids=RIGHT.keys())
def test_a_key_is_a_key(text: str) -> None:
    assert fault(text) is None


@given(st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"ssh-rsa {text}"))
def test_no_text_makes_it_raise(text: str) -> None:
    fault(text)


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed")
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa:256", "ecdsa:384", "ecdsa:521", "rsa:2048", "rsa:1024"])
def test_keys_that_ssh_keygen_makes_are_taken_but_for_weak_ones(kind: str, tmp_path: Path) -> None:
    name, _, bits = kind.partition(":")
    words = ["ssh-keygen", "-q", "-t", name, *(["-b", bits] if bits else []), "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(words, check=True)
    wrong = fault((tmp_path / "key.pub").read_text())
    assert (wrong is None) == (kind != "rsa:1024")
