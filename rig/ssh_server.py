"""OpenSSH's server on loopback, for root."""

from __future__ import annotations

import contextlib
import pwd
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mailnix.run import require, run, spawn
from rig.waiting import answers, free_port, until

SSHD: Final = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin")
FOLDER: Final = Path("/run/sshd")
"""Where it locks itself up; it starts with nothing less, and its package's unit makes it."""


def missing() -> str:
    """Why there can be none here, or an empty text."""
    if SSHD is None or not any(user.pw_name == "sshd" for user in pwd.getpwall()):
        return "OpenSSH's server is not installed"
    return ""


@contextlib.contextmanager
def started(folder: Path, authorized: Path, *settings: str) -> Iterator[int]:
    """Run one with files in `folder`, where its host key is `host.pub`; gives its port.

    The public key in the file `authorized` may log in. `settings` are lines of sshd_config(5).
    """
    assert SSHD is not None
    host, port, config = folder / "host", free_port(), folder / "sshd"
    run([require("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", host])
    lines = (
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nPidFile none\nStrictModes no",
        f"AuthorizedKeysFile {authorized}\nPermitRootLogin yes",
        *settings,
    )
    config.write_text("\n".join(lines) + "\n")
    FOLDER.mkdir(exist_ok=True)
    with spawn([SSHD, "-D", "-e", "-f", config], folder / "sshd.log"):
        until(lambda: answers(port), "sshd", said=(folder / "sshd.log").read_text)
        yield port
