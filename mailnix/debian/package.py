"""A generation of a Debian machine as a Debian package: the host's tree, what it depends on, and the scripts of dpkg.

dpkg removes what is described no more, `dpkg --verify` shows what was changed by hand, and purging the package gives
back what was there before. deb-control(5), deb-preinst(5), deb-postinst(5), dpkg-divert(1).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import ClassVar, Final

from attrs import frozen

from mailnix.debian.host import DebianHost
from mailnix.debian.packages import NETWORK, SYSTEM
from mailnix.formats.text import template
from mailnix.services.activation.listed import digest
from mailnix.services.activation.names import (
    ACTIVATE,
    ACTIVE,
    ASIDE,
    ENABLED,
    KEEP_LEASE,
    LAYING,
    LEASE,
    LIST,
    RESOLVERS,
    STATE,
)
from mailnix.services.base.debian import LOCALTIME, UPGRADES
from mailnix.services.caddy.debian import CONFIG as CADDYFILE
from mailnix.services.docker.debian import DAEMON
from mailnix.services.generations.names import MAILCOW, MAINTAINER
from mailnix.services.haraka import npm_tree
from mailnix.services.mailcow.pin import Pin
from mailnix.services.network.debian import HOSTNAME, HOSTS
from mailnix.services.ssh.debian import KEYS
from mailnix.tree import Entry, File, Link, Tree

SHARED: Final = (UPGRADES, CADDYFILE, DAEMON, HOSTNAME, HOSTS, LOCALTIME, KEYS)
"""Files that somebody else has at the same place: the installer, the provider, a package."""

HERE: Final = "@SHARED@"
"""In scripts for a machine that knows by itself which of them it has."""

MASKED: Final = ("NetworkManager.service", "dhcpcd.service", "networking.service")
"""What configures the network on servers as providers make them; with us networkd does."""

SCRIPTS: Final = ("preinst", "postinst", "prerm", "postrm")


@frozen
class Package:
    """What `dpkg-deb` makes a file of. `scripts` are those of dpkg, by name."""

    DIGEST: ClassVar = "X-Mailnix-Digest"
    name: str
    version: str
    depends: tuple[str, ...]
    summary: str
    tree: Tree
    scripts: Mapping[str, str] = {}
    architecture: str = "all"

    @property
    def file_name(self) -> str:
        """As dpkg-deb calls it."""
        return f"{self.name}_{self.version}_{self.architecture}.deb"

    @property
    def digest(self) -> str:
        """Equal for packages that differ in their version alone."""
        files = [(entry.path, digest(entry)) for entry in self.tree]
        inputs = [self.name, self.depends, self.architecture, sorted(self.scripts.items()), files]
        return hashlib.sha256(json.dumps(inputs).encode()).hexdigest()

    def control(self) -> Tree:
        """The package's DEBIAN folder: deb-control(5), and deb-md5sums(5) for `dpkg --verify`."""
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": MAINTAINER,
            "Depends": ", ".join(self.depends),
            "Section": "mail",
            "Priority": "optional",
            self.DIGEST: self.digest,
            "Description": self.summary,
        }
        lines = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
        sums = "".join(f"{hashlib.md5(f.data).hexdigest()}  {f.path[1:]}\n" for f in self.tree.files)
        entries: Iterable[Entry] = (
            File("/DEBIAN/control", lines),
            File("/DEBIAN/md5sums", sums),
            *(File(f"/DEBIAN/{name}", text, mode=0o755) for name, text in self.scripts.items()),
        )
        return Tree.of(entries)


def package_name(host: str) -> str:
    """What the package of a machine's generations is called."""
    return f"mailnix-{host}"


def haraka() -> Package:
    """The pinned npm tree, whose files come from npm: this is the rest of its package."""
    return Package(
        name=npm_tree.PACKAGE,
        version=npm_tree.version(),
        depends=("libc6", "libstdc++6", "libatomic1"),  # of Node
        summary="Haraka, its plugins and Node, as mailnix pins them",
        tree=Tree.of(()),
        architecture=npm_tree.ARCHITECTURE,
    )


def mailcow(pin: Pin) -> Package:
    """A tree of Mailcow that is given, whose files come from there: this is the rest of its package."""
    tag = pin.tag if re.fullmatch(r"[0-9][A-Za-z0-9.-]*", pin.tag) else "0"
    return Package(
        name=MAILCOW,
        version=f"{tag}+{hashlib.sha256(pin.nar_hash.encode()).hexdigest()[:8]}",
        depends=(),
        summary=f"Mailcow's tree ({pin.tag}), for a machine that fetches none",
        tree=Tree.of(()),
    )


def generation(host: DebianHost, number: int, more: Iterable[Package] = ()) -> Package:
    """Generation `number` of a machine, which needs `more` packages of ours beside Haraka's."""
    name = package_name(host.name)
    # Packages enable their units by themselves; with links of theirs in ours, they would be off when it goes.
    enabling = {each.link.path for each in host.packaged}
    tree = Tree.of(entry for entry in (*host.tree, *_takes_over()) if entry.path not in enabling)
    shared = [path for path in SHARED if any(entry.path == path for entry in tree)]
    ours = [f"{each.name} (= {each.version})" for each in (*([haraka()] if host.npm_tree else ()), *more)]
    return Package(
        name=name,
        version=str(number),
        depends=(*sorted({*SYSTEM, *NETWORK, *host.packages}), *ours),
        summary=f"the machine {host.name} as mailnix describes it, generation {number}",
        tree=tree,
        scripts=_scripts(host, shared, [entry.path for entry in tree], adopted=False),
    )


def adopted_scripts(host: DebianHost) -> Mapping[str, str]:
    """dpkg's, for the package that a machine makes of what its image laid; HERE is where paths of SHARED go.

    Those are that package's own by then, so none steps aside; what runs is left alone when it is installed first.
    """
    return _scripts(host, (HERE,), (), adopted=True)


def _scripts(host: DebianHost, shared: Iterable[str], paths: Iterable[str], *, adopted: bool) -> Mapping[str, str]:
    names = {"package": package_name(host.name), "aside": ASIDE, "laying": LAYING}
    values = {
        **names,
        "settle": template("activation", "settle.sh.j2", **names).rstrip("\n"),
        "shared": shared,
        "paths": paths,
        "restarted": (*MASKED, *(each.unit for each in host.packaged)),
        "adopted": adopted,
        "activate": ACTIVATE,
        "active": ACTIVE,
        "enabled": ENABLED,
        "lease": LEASE,
        "list": LIST,
        "resolvers": RESOLVERS,
        "state": STATE,
    }
    return {script: template("activation", f"{script}.sh.j2", **values) for script in SCRIPTS}


def _takes_over() -> Iterable[Entry]:
    """What keeps other programs' hands off the network, and cloud-init's off names, keys and the network."""
    for unit in MASKED:
        yield Link(f"/etc/systemd/system/{unit}", "/dev/null")
    program = files("mailnix.services.activation") / "guest" / "lease.py"
    yield File(KEEP_LEASE, program.read_text("utf-8"), mode=0o755)
    yield Link("/etc/systemd/system-generators/netplan", "/dev/null")
    yield File("/etc/cloud/cloud-init.disabled", "mailnix describes this machine\n")
