"""The packages of a machine's generations, made when they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from mailnix import __version__
from mailnix.debian.host import DebianHost, debian_host
from mailnix.debian.package import HERE, SHARED, Package, adopted_scripts, generation, mailcow, package_name
from mailnix.deploy import links
from mailnix.deploy.making import made
from mailnix.deploy.values import MAILCOW
from mailnix.image import package
from mailnix.image.hosts import pin_of
from mailnix.image.packages import haraka_package
from mailnix.image.values import Progress
from mailnix.plan import Plan
from mailnix.services.activation.listed import digest
from mailnix.services.generations import debian as generations
from mailnix.services.generations import names
from mailnix.services.haraka import npm_tree
from mailnix.services.mailcow.debian import SOURCE
from mailnix.services.mailcow.pin import PIN, Pin
from mailnix.services.mailcow.pinned_images import release
from mailnix.services.mailcow.units import ROOT
from mailnix.services.wireguard.debian import debian as wireguard
from mailnix.tree import Tree

NETWORKS: Final = (".netdev", ".network")
LAID: Final = f"{ROOT}/.mailnix.json"
"""What says which Mailcow a machine has (services/mailcow/guest/tree.py)."""

ANY: Final = 0  # a digest is the same for every number


@frozen
class Debs:
    """Makes the packages of a plan's machines; `source` is a tree of Mailcow that goes with the one at home.

    Raises BuildError where it is none.
    """

    plan: Plan
    progress: Progress
    source: Path | None = None
    _pin: Pin = field(init=False)

    @_pin.default
    def _of_source(self) -> Pin:
        return PIN if self.source is None else pin_of(self.source)

    def _host(self, host: str) -> DebianHost:
        return debian_host(self.plan, self.plan.host(host), self._pin)

    def _tree(self, host: str) -> tuple[Package, ...]:
        """The package of Mailcow's tree, where one is given and this machine is the one for it."""
        return () if self.source is None or host != self.plan.internal.name else (mailcow(self._pin),)

    def digest(self, host: str) -> str:
        """That of the machine's package; what it depends on is in it, other packages of ours with their versions."""
        return generation(self._host(host), ANY, self._tree(host)).digest

    def debs(self, host: str, number: int, folder: Path) -> Mapping[str, Path]:
        """The machine's package, Haraka's where it runs that, and Mailcow's tree where one is given for it."""
        described = self._host(host)
        debs = [package.make(generation(described, number, self._tree(host)), folder)]
        if described.npm_tree:
            debs.append(haraka_package(progress=self.progress))
        if self.source is not None:
            debs += [package.make(each, folder, (self.source, SOURCE)) for each in self._tree(host)]
        return {path.name: path for path in debs}

    def adoption(self, host: str) -> Mapping[str, Any]:
        """Its tunnels are known where their files are those of this description, and else taken for others."""
        described, planned = self._host(host), self.plan.host(host)
        network = [each for each in wireguard(self.plan, planned).entries if each.path.endswith(NETWORKS)]
        return {
            "host": host,
            "package": package_name(host),
            "scripts": adopted_scripts(described),
            "shared": SHARED,
            "here": HERE,
            "trees": {npm_tree.PACKAGE: npm_tree.FOLDER},
            "mailcow": LAID,
            "alike": {each.path: digest(each) for each in network},
            "made": made(host, ANY, "", {}, {"links": links.facts(self.plan, host)}),
        }

    def parts(self, host: str) -> Mapping[str, str]:
        """Those of the npm tree, and Mailcow's pin."""
        has_mailcow = host == self.plan.internal.name
        npm = {"Haraka": npm_tree.pinned(npm_tree.HARAKA), "Node": npm_tree.pinned(npm_tree.NODE)}
        mailcow = {MAILCOW: self._pin.tag} if has_mailcow else {}
        return {"mailnix": __version__, **(npm if self._host(host).npm_tree else {}), **mailcow}

    def mailcow(self, host: str) -> str:
        """The pin's, with its images."""
        return release(self._pin.rev) if host == self.plan.internal.name else ""

    @property
    def program_version(self) -> str:
        """The version of what goes onto a machine before all generations."""
        return generations.version()

    def program(self, folder: Path) -> Path:
        """Its package."""
        described = Package(
            name=names.PACKAGE,
            version=generations.version(),
            depends=generations.DEPENDS,
            summary=generations.SUMMARY,
            tree=Tree.of(generations.files()),
            scripts=generations.SCRIPTS,
        )
        return package.make(described, folder)
