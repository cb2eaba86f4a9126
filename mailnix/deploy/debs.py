"""The packages of a machine's generations, made when they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from mailnix import __version__
from mailnix.debian.host import DebianHost, debian_host
from mailnix.debian.package import HERE, SHARED, Package, adopted_scripts, generation, package_name
from mailnix.deploy import links
from mailnix.deploy.making import made
from mailnix.deploy.values import MAILCOW
from mailnix.image import package
from mailnix.image.packages import haraka_package
from mailnix.image.values import Progress
from mailnix.plan import Plan
from mailnix.services.activation.listed import digest
from mailnix.services.generations import debian as generations
from mailnix.services.generations import names
from mailnix.services.haraka import npm_tree
from mailnix.services.mailcow.pin import PIN
from mailnix.services.wireguard.debian import debian as wireguard
from mailnix.tree import Tree

NETWORKS: Final = (".netdev", ".network")
ANY: Final = 0  # a digest is the same for every number


@frozen
class Debs:
    """Makes the packages of a plan's machines."""

    plan: Plan
    progress: Progress

    def _host(self, host: str) -> DebianHost:
        return debian_host(self.plan, self.plan.host(host))

    def digest(self, host: str) -> str:
        """That of the machine's package; what it depends on is in it, other packages of ours with their versions."""
        return generation(self._host(host), ANY).digest

    def debs(self, host: str, number: int, folder: Path) -> Mapping[str, Path]:
        """The machine's package, and Haraka's where it runs that."""
        described = self._host(host)
        debs = [package.make(generation(described, number), folder)]
        if described.npm_tree:
            debs.append(haraka_package(progress=self.progress))
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
            "alike": {each.path: digest(each) for each in network},
            "made": made(host, ANY, "", {}, {"links": links.facts(self.plan, host)}),
        }

    def parts(self, host: str) -> Mapping[str, str]:
        """Those of the npm tree, and Mailcow's pin."""
        has_mailcow = host == self.plan.internal.name
        npm = {"Haraka": npm_tree.pinned(npm_tree.HARAKA), "Node": npm_tree.pinned(npm_tree.NODE)}
        mailcow = {MAILCOW: PIN.tag} if has_mailcow else {}
        return {"mailnix": __version__, **(npm if self._host(host).npm_tree else {}), **mailcow}

    def mailcow(self, host: str) -> str:
        """The pin's."""
        return PIN.rev if host == self.plan.internal.name else ""

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
