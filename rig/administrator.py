"""Who administers a machine of tests: a description with their key, and an SSH client that knows one way, an inlet."""

from __future__ import annotations

import sysconfig
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.lab.machine import Machine
from mailnix.run import Completed, run

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

    def describe(self, described: Path, name: str) -> None:
        """Write a description like another one, in which the key NAME, made now, may log in."""
        self.config.write_text(CONFIG.format(described=str(described.resolve()), key=self.make_key(name)))

    def make_key(self, name: str) -> str:
        """Make the key NAME; gives its public half."""
        file = self.folder / f"{name}.key"
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file])
        return file.with_suffix(".key.pub").read_text().strip()

    def lead_to(self, machine: Machine) -> None:
        """Whatever name SSH is given is this machine from now on, by its inlet."""
        self._client("HostName 127.0.0.1", f"Port {machine.inlet_port()}")

    def say_yes(self, name: str) -> None:
        """SSH goes where it is told, and is told yes when it first asks about a host key; of NAME it knows none yet."""
        self._known(name).unlink(missing_ok=True)
        self._client("StrictHostKeyChecking accept-new")

    def trust(self, name: str, machine: Machine, key: str) -> None:
        """What logging in once by hand leaves behind."""
        self._known(name).write_text(f"[127.0.0.1]:{machine.inlet_port()} {key}\n")

    def first_login(self, name: str) -> None:
        """Log in to a machine that is not known, and say yes."""
        self._known(name).unlink(missing_ok=True)
        said_yes = ("-o", "StrictHostKeyChecking=accept-new")
        run(["ssh", "-F", self.ssh_config, *said_yes, f"root@{name}", "true"], timeout=PATIENCE)

    def fingerprint(self, name: str) -> str:
        """The size and the fingerprint of the host key that yes was said to."""
        return " ".join(run(["ssh-keygen", "-l", "-f", self._known(name)]).stdout.split()[:2])

    def mailnix(self, *words: object) -> Completed:
        """Run what a user types after `mailnix`, whatever comes of it."""
        return run([MAILNIX, *map(str, words)], check=False, timeout=PATIENCE)

    def push(self, host: str, *words: object) -> Completed:
        """Hand a machine its credentials, by the way that is described unless `--to` is among the words."""
        return self.mailnix("secrets", "push", self.config, host, "--ssh-config", self.ssh_config, *words)

    def _known(self, name: str) -> Path:
        return self.folder / f"{name}.known"

    def _client(self, *how: str) -> None:
        self.ssh_config.write_text(SSH_CONFIG.format(folder=self.folder, how="\n    ".join(how)))
