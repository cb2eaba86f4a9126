"""Somebody who follows a page at their own machine: a folder, an SSH key, and ssh as people have it."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.run import require, run

SSH_CONFIG: Final = """\
Host {address}
  HostName 127.0.0.1
  Port {port}
  HostKeyAlias {address}
  IdentityFile {ssh}/id_ed25519
  IdentitiesOnly yes
  UserKnownHostsFile {ssh}/known_hosts
"""
PROGRAMS: Final = {
    "ssh": '{real} -F {ssh}/config "$@"',
    "scp": '{real} -F {ssh}/config "$@"',
    "ssh-keygen": '{real} "$@" -f {ssh}/known_hosts',
}
"""They look for a person's files in the home folder of the account, whatever $HOME says (ssh(1))."""


@frozen
class Person:
    """Whose commands are typed in `folder`."""

    folder: Path

    @property
    def ssh(self) -> Path:
        """In the place of ~/.ssh."""
        return self.folder / ".ssh"

    @property
    def known_hosts(self) -> Path:
        """Whom SSH knows."""
        return self.ssh / "known_hosts"

    @property
    def public_key(self) -> str:
        """What others are given."""
        return (self.ssh / "id_ed25519.pub").read_text().strip()

    @property
    def env(self) -> Mapping[str, str]:
        """How programs are found: ours first, then the mailnix that runs this."""
        return {"PATH": f"{self.folder}/.bin:{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def reaches(self, address: str, port: int) -> None:
        """From now on SSH to `address` comes out at a port of this machine."""
        (self.ssh / "config").write_text(SSH_CONFIG.format(address=address, port=port, ssh=self.ssh))


def person(folder: Path) -> Person:
    """One in this new folder, who has made an SSH key and no more."""
    made = Person(folder)
    made.ssh.mkdir(parents=True)
    programs = folder / ".bin"
    programs.mkdir()
    for name, words in PROGRAMS.items():
        real = require(name, "openssh-client")
        place = programs / name
        place.write_text(f"#!/bin/sh\nexec {words.format(real=real, ssh=shlex.quote(str(made.ssh)))}\n")
        place.chmod(0o755)
    run([require("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-f", made.ssh / "id_ed25519"])
    return made
