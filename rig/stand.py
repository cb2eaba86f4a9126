"""The temporary folder of a run, with a certificate."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from mailnix import run
from rig.npm import npm_tree


def missing() -> str:
    """Why the stand cannot be set up here, or an empty text."""
    if os.geteuid() != 0:
        return "Postfix must be started by root"
    if "MAILNIX_HARAKA_TREE" not in os.environ and shutil.which("npm") is None:
        return "npm is not installed (apt-get install npm)"
    if shutil.which("postfix", path="/usr/sbin:/sbin:" + os.environ.get("PATH", "")) is None:
        return "Postfix is not installed (apt-get install postfix)"
    return ""


@frozen
class Stand:
    """The temporary folder that everything lives in; short and open, so that Postfix's own user may go there."""

    folder: Path
    tree: Path

    @property
    def certificate_folder(self) -> Path:
        """Where Haraka's certificate is."""
        return self.folder / "certificate"

    def new_queue(self) -> Path:
        """An empty folder for the queue of one server.

        Not named by the server's port: a port that is free again is given out a second time.
        """
        return Path(tempfile.mkdtemp(prefix="queue-", dir=self.folder))


@contextlib.contextmanager
def stand() -> Iterator[Stand]:
    """A new stand; its folder is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="hk-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        here = Stand(folder, npm_tree())
        self_signed(here.certificate_folder)
        yield here
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def self_signed(folder: Path, name: str = "mail.example.org") -> None:
    """Make a certificate and its key in `folder`."""
    folder.mkdir(exist_ok=True)
    words = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files: list[str | Path] = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    run.run(["openssl", *words, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", *files])
