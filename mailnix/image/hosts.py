"""What the image builder is asked for: each machine of a plan, with the packages, the tree and the kernel it gets."""

from __future__ import annotations

from pathlib import Path

from mailnix.debian.host import debian_hosts
from mailnix.debian.packages import KERNELS, package_set
from mailnix.errors import BuildError
from mailnix.image.values import ExtraTree, HostBuild
from mailnix.nar import nar_hash
from mailnix.plan import Plan
from mailnix.services.mailcow.debian import SOURCE
from mailnix.services.mailcow.pin import PIN, Pin


def host_builds(plan: Plan, mailcow_source: Path | None = None) -> tuple[HostBuild, ...]:
    """Every machine of the plan.

    A Mailcow tree given by the user goes into the internal host's image, which then accepts just that tree; raises
    BuildError where it is none.
    """
    pin = PIN if mailcow_source is None else pin_of(mailcow_source)
    extra = () if mailcow_source is None else (ExtraTree(mailcow_source, SOURCE),)
    home = plan.internal.name
    processors = {host.name: host.architecture for host in plan.hosts}
    return tuple(
        HostBuild(
            host.name,
            package_set(host.packages),
            host.tree,
            npm_tree=host.npm_tree,
            kernel=KERNELS[processors[host.name]],
            architecture=processors[host.name],
            extra_trees=extra if host.name == home else (),
        )
        for host in debian_hosts(plan, pin)
    )


def pin_of(source: Path) -> Pin:
    """The pin of a tree that the user gives: the pinned one's where it is that one, else named by its own hash."""
    if not (source / "docker-compose.yml").is_file():
        raise BuildError(f"{source} is not a tree of Mailcow", "give the folder that holds docker-compose.yml")
    found = nar_hash(source)
    return PIN if found == PIN.nar_hash else Pin(f"from {source.name}", found, found, PIN.url)
