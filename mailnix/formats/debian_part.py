"""What one service adds to a Debian machine: packages, files, and units to start."""

from __future__ import annotations

from attrs import frozen

from mailnix.tree import Entry, Link

MULTI_USER = "multi-user.target"


@frozen
class Wanted:
    """A unit that is started at boot, by `by` (a target, or another unit)."""

    unit: str
    by: str = MULTI_USER

    @property
    def link(self) -> Link:
        """The link that `systemctl enable` would make; the unit file may come from a package or from us."""
        return Link(f"/etc/systemd/system/{self.by}.wants/{self.unit}", f"/etc/systemd/system/{self.unit}")


@frozen
class DebianPart:
    """One service's share of a Debian machine.

    `entries` are files and links below /; `packages` come from Debian's archive (they decide the cached base);
    `npm_tree` asks for the pinned Haraka tree in the base; `packaged` names wanted units whose files a package ships in
    /usr/lib/systemd/system; `masked` units never start.
    """

    packages: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    packaged: tuple[Wanted, ...] = ()
    masked: tuple[str, ...] = ()
    npm_tree: bool = False

    def links(self) -> tuple[Link, ...]:
        """The enablement and mask links."""
        shipped = tuple(Link(w.link.path, f"/usr/lib/systemd/system/{w.unit}") for w in self.packaged)
        masks = tuple(Link(f"/etc/systemd/system/{unit}", "/dev/null") for unit in self.masked)
        return tuple(w.link for w in self.wanted) + shipped + masks
