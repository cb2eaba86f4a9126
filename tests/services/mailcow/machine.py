"""A machine's folders for the setup program: a small tree in Mailcow's shape, a docker that notes what it is asked."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from mailnix.services.mailcow.guest.machine import Paths
from mailnix.services.mailcow.guest.nar import nar_hash
from mailnix.services.mailcow.guest.setup import set_up

OPENSSL = """\
#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in -keyout) key=$2 ;; -out) cert=$2 ;; esac
    shift
done
echo "key of this machine" > "$key"
echo "certificate of this machine" > "$cert"
"""
DOCKER = """\
#!/bin/sh
echo "$(basename "$PWD") $*" >> {log}
case $* in *services*) cat {folder}/services 2>/dev/null ;; esac
exit 0
"""
SECRETS = {"DBPASS": "mailcow.dbpass", "DBROOT": "mailcow.dbroot", "API_KEY": "mailcow.api-key"}


def write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)


ALLOWED = "data/conf/rspamd/custom/global_smtp_from_whitelist.map"
UNBOUND = "data/conf/unbound/unbound.conf"
DENIED = "data/conf/rspamd/custom/global_smtp_from_blacklist.map"


def upstream(root: Path, *, release: str) -> Path:
    """A tree in the shape of Mailcow's."""
    write(root / "docker-compose.yml", f"# {release}\n")
    write(root / "update.sh", "#!/bin/bash\n", 0o755)
    write(root / "data/conf/postfix/main.cf", f"release = {release}\n# Overrides #\n")
    write(root / f"data/conf/only-in-{release}", "x")
    for path in (ALLOWED, DENIED):
        write(root / path, f"# {release}\n")
    write(root / UNBOUND, f"server:\n  verbosity: 1\n  do-ip6: yes\n  # of {release}\n")
    for name in ("cert", "key", "dhparams"):
        write(root / f"data/assets/ssl-example/{name}.pem", f"public sample {name}\n")
    (root / "data/hooks/postfix").mkdir(parents=True)
    (root / ".env").symlink_to("mailcow.conf")
    return root


class Machine:
    """A machine's folders, and its configuration at one release."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.paths = Paths(
            root=folder / "lib/mailcow",
            settings=folder / "etc/mailcow",
            source=folder / "share/mailcow-source",
            credentials=folder / "credentials",
        )
        (folder / "lib").mkdir()
        self.log = folder / "docker.log"
        for name in SECRETS.values():
            write(self.paths.credentials / name, f"{name.partition('.')[2]}1\n")
        write(self.paths.settings / "mailcow.conf", "MAILCOW_HOSTNAME=mail.example.org\n")
        write(self.paths.settings / "data/conf/postfix/extra.cf", "relayhost = [10.83.119.1]:2526\n")
        write(self.paths.settings / "data/hooks/postfix/hook.sh", "#!/bin/sh\n", 0o755)
        self.config: dict[str, Any] = {"hostname": "mail.example.org", "secrets": SECRETS}

    @property
    def root(self) -> Path:
        return self.paths.root

    def pin(self, tree: Path, release: str, rev: str) -> None:
        source = {"tag": release, "rev": rev, "nar_hash": nar_hash(tree), "url": f"file://{self.folder}/upstream.git"}
        self.config["source"] = source

    def ship(self, release: str) -> None:
        """An image of this release, that carries the tree."""
        if self.paths.source.exists():
            subprocess.run(["rm", "-r", self.paths.source], check=True)
        self.pin(upstream(self.paths.source, release=release), release, f"rev-of-{release}")

    def set_up(self) -> None:
        set_up(self.config, self.paths)

    def docker(self) -> list[str]:
        """What docker was asked for since the last look."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return lines


def made(folder: Path) -> Machine:
    """A machine in `folder`, whose programs are in `folder`/bin."""
    machine = Machine(folder)
    write(folder / "bin/openssl", OPENSSL, 0o755)
    write(folder / "bin/docker", DOCKER.format(log=machine.log, folder=folder), 0o755)
    return machine
