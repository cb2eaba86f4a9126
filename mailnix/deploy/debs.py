"""The packages of a machine's generations, made when they are wanted."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.debian.host import DebianHost, debian_host
from mailnix.debian.package import Package, generation
from mailnix.image import package
from mailnix.image.packages import haraka_package
from mailnix.image.values import Progress
from mailnix.plan import Plan
from mailnix.services.generations import debian as generations
from mailnix.services.generations import names
from mailnix.tree import Tree

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
        made = [package.make(generation(described, number), folder)]
        if described.npm_tree:
            made.append(haraka_package(progress=self.progress))
        return {path.name: path for path in made}

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
