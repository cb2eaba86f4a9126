"""What the page says to type shows what the page says it shows."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

import pytest

from mailnix.guide.commands import words
from mailnix.guide.troubles import troubles
from mailnix.plan import derive
from mailnix.run import run, spawn
from rig import free_port, until
from rig.certificates import make
from rig.waiting import answers
from tests.descriptions import sound

HOST = "mail.example.org"
pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.mark.parametrize(
    ("name", "told"), [(HOST, f"Verified peername: {HOST}"), ("other.example", "Verification error: hostname mismatch")]
)
def test_a_certificate_of_another_name_is_told_from_the_right_one(tmp_path: Path, name: str, told: str) -> None:
    (typed,) = (each.command for each in troubles(words("mail.py"), derive(sound())) if "openssl" in each.command)
    argv = shlex.split(typed.partition("<")[0])
    assert argv[2:4] == ["-connect", f"{HOST}:465"]
    port, shown = free_port(), make(name).serve(tmp_path / "tls")
    argv[3] = f"127.0.0.1:{port}"
    keys: list[str | Path] = ["-cert", shown / "cert.pem", "-key", shown / "key.pem"]
    with spawn(["openssl", "s_server", "-quiet", "-accept", str(port), *keys], tmp_path / "log"):
        until(lambda: answers(port), "openssl accepts connections")
        said = run([*argv, "-CAfile", shown / "cert.pem"], stdin=b"", check=False, timeout=60)
    assert told in said.stderr + said.stdout
