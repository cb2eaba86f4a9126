"""What one service adds to a Debian machine: packages, files, and units to start."""

from __future__ import annotations

from enum import StrEnum

from attrs import frozen

from mailnix.tree import Entry, Link

MULTI_USER = "multi-user.target"


class Verb(StrEnum):
    """What is done with a unit for which a file has changed; AT_BOOT: nothing, it has done its work in this boot."""

    RESTART = "restart"
    RELOAD = "reload"
    AT_BOOT = "at boot"


@frozen
class Follows:
    """`unit` reads `path` (a file; a folder where it ends in a slash) when it starts, or when it reloads."""

    unit: str
    path: str
    verb: Verb = Verb.RESTART

    def covers(self, path: str) -> bool:
        """Whether a file is that one, or below that folder."""
        return path.startswith(self.path) if self.path.endswith("/") else path == self.path


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
    /usr/lib/systemd/system; `masked` units never start; `enabled` ones every image runs, and on somebody
    else's server they may be off. `follows` is what reads the entries: a running machine that
    gets other ones restarts just that.
    """

    packages: tuple[str, ...] = ()
    entries: tuple[Entry, ...] = ()
    wanted: tuple[Wanted, ...] = ()
    packaged: tuple[Wanted, ...] = ()
    masked: tuple[str, ...] = ()
    enabled: tuple[str, ...] = ()
    follows: tuple[Follows, ...] = ()
    npm_tree: bool = False

    def links(self) -> tuple[Link, ...]:
        """The enablement and mask links."""
        shipped = tuple(Link(w.link.path, f"/usr/lib/systemd/system/{w.unit}") for w in self.packaged)
        masks = tuple(Link(f"/etc/systemd/system/{unit}", "/dev/null") for unit in self.masked)
        return tuple(w.link for w in self.wanted) + shipped + masks
