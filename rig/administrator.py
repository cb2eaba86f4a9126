"""Who administers a machine of tests: a description with their key, and an SSH client that knows one way, an inlet."""

from __future__ import annotations

import os
import shlex
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.run import Completed, require, run

MAILNIX: Final = Path(sysconfig.get_path("scripts")) / "mailnix"
PATIENCE: Final = 900.0  # seconds for a command; a login takes several in emulation, more on a busy host

CONFIG: Final = """\
import attrs
from pathlib import Path
from mailnix import config

topology = attrs.evolve(config.load(Path({described!r})), admin_keys=[{key!r}])
"""

SSH_CONFIG: Final = """\
Host *
    User root
    IdentityFile {folder}/%n.key
    IdentitiesOnly yes
    IdentityAgent none
    UserKnownHostsFile {folder}/%n.known
    GlobalKnownHostsFile /dev/null
    {how}
"""
PROGRAMS: Final = {
    "ssh": '{real} -F {config} "$@"',
    "scp": '{real} -F {config} "$@"',
    "ssh-keygen": '{real} "$@" -f {known}',
}
"""They look for a person's files in the home folder of the account, whatever $HOME says (ssh(1))."""


@frozen
class Administrator:
    """Their folder. The name that SSH is given decides which key and known hosts it uses: NAME.key, NAME.known."""

    folder: Path

    @property
    def config(self) -> Path:
        """The description."""
        return self.folder / "mail.py"

    @property
    def ssh_config(self) -> Path:
        """What SSH reads in the place of ~/.ssh/config."""
        return self.folder / "ssh_config"

    @property
    def programs(self) -> Path:
        """What `as_pages_say` has laid."""
        return self.folder / ".bin"

    @property
    def env(self) -> Mapping[str, str]:
        """How programs are found: those first."""
        return {"PATH": f"{self.programs}:{os.environ['PATH']}"}

    def known_hosts(self, name: str) -> Path:
        """Whom SSH knows by this name."""
        return self.folder / f"{name}.known"

    def describe(self, described: Path, name: str) -> None:
        """Write a description like another one, in which the key NAME, made now, may log in."""
        self.config.write_text(CONFIG.format(described=str(described.resolve()), key=self.make_key(name)))

    def make_key(self, name: str) -> str:
        """Make the key NAME; gives its public half."""
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", self.folder / f"{name}.key"])
        return self.public_key(name)

    def public_key(self, name: str) -> str:
        """What others are given of the key NAME."""
        return (self.folder / f"{name}.key.pub").read_text().strip()

    def as_pages_say(self, name: str) -> None:
        """Lay `programs`, by which what is typed with `env` is this client's; ssh-keygen forgets hosts of NAME's."""
        self.programs.mkdir()
        (self.programs / "mailnix").symlink_to(MAILNIX)
        files = {"config": self.ssh_config, "known": self.known_hosts(name)}
        for program, words in PROGRAMS.items():
            quoted = {key: shlex.quote(str(file)) for key, file in files.items()}
            place = self.programs / program
            place.write_text(f"#!/bin/sh\nexec {words.format(real=require(program, 'openssh-client'), **quoted)}\n")
            place.chmod(0o755)

    def lead_to(self, port: int, alias: str = "") -> None:
        """Whatever name SSH is given is behind this port of ours from now on: a machine's inlet.

        Its host key is known as that of `alias`, or else of the port.
        """
        known_as = (f"HostKeyAlias {alias}",) if alias else ()
        self._client("HostName 127.0.0.1", f"Port {port}", *known_as)

    def say_yes(self, name: str) -> None:
        """SSH goes where it is told, and is told yes when it first asks about a host key; of NAME it knows none yet."""
        self.known_hosts(name).unlink(missing_ok=True)
        self._client("StrictHostKeyChecking accept-new")

    def trust(self, name: str, port: int, key: str) -> None:
        """What logging in once by hand leaves behind."""
        self.known_hosts(name).write_text(f"[127.0.0.1]:{port} {key}\n")

    def first_login(self, name: str) -> None:
        """Log in to a machine that is not known, and say yes."""
        self.known_hosts(name).unlink(missing_ok=True)
        said_yes = ("-o", "StrictHostKeyChecking=accept-new")
        run(["ssh", "-F", self.ssh_config, *said_yes, f"root@{name}", "true"], timeout=PATIENCE)

    def fingerprint(self, name: str) -> str:
        """The size and the fingerprint of the host key that yes was said to."""
        return " ".join(run(["ssh-keygen", "-l", "-f", self.known_hosts(name)]).stdout.split()[:2])

    def mailnix(self, *words: object) -> Completed:
        """Run what a user types after `mailnix`, whatever comes of it."""
        return run([MAILNIX, *map(str, words)], check=False, timeout=PATIENCE)

    def push(self, host: str, *words: object) -> Completed:
        """Hand a machine its credentials, by the way that is described unless `--to` is among the words."""
        return self.mailnix("secrets", "push", self.config, host, "--ssh-config", self.ssh_config, *words)

    def _client(self, *how: str) -> None:
        self.ssh_config.write_text(SSH_CONFIG.format(folder=self.folder, how="\n    ".join(how)))
