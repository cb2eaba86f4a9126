"""apt and dpkg: what a generation's packages would change, installing them, and taking them back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from .state import Generation
from .world import MINUTE, Done, Refused, World

APT = (
    "apt-get",
    "--yes",
    "--quiet",
    "--no-install-recommends",
    "--allow-downgrades",
    *("-o", "APT::Sandbox::User=root"),  # only root reads our folder
    *("-o", "DPkg::Lock::Timeout=300"),
    *("-o", "Dpkg::Options::=--force-confdef"),
    *("-o", "Dpkg::Options::=--force-confold"),
)
DPKG = ("dpkg", "--force-confdef", "--force-confold")
ALL_OF_IT = ("-o", "APT::Update::Error-Mode=any")
"""An archive that does not answer is an error, and not a warning beside a success: apt.conf(5)."""

INSTALL_AT_MOST = 20 * MINUTE
DOWNLOAD_AT_MOST = 30 * MINUTE
UPDATE_TRIES = 60
PLANNED = re.compile(r"Inst (?P<name>\S+)(?: \[(?P<old>[^]]+)\])? \((?P<new>\S+)")
REMOVED = re.compile(r"Remv (\S+)")
LOCKED = 2
"""dpkg's status where it could not begin: dpkg(1)."""


@dataclass(frozen=True)
class Changes:
    """What apt would do: names and versions."""

    new: tuple[tuple[str, str], ...] = ()
    upgrade: tuple[tuple[str, str, str], ...] = ()
    remove: tuple[str, ...] = ()

    def json(self) -> dict[str, list[object]]:
        """As it is shown."""
        return {
            "new": [list(each) for each in self.new],
            "upgrade": [list(each) for each in self.upgrade],
            "remove": list(self.remove),
        }


def _install(debs: Iterable[Path], archives: Path, *options: str) -> list[str]:
    (archives / "partial").mkdir(parents=True, exist_ok=True)  # apt makes it for some of its verbs alone
    return [*APT, "-o", f"Dir::Cache::archives={archives}", *options, "install", *map(str, debs)]


def simulate(world: World, debs: Sequence[Path], archives: Path) -> Changes:
    """What installing these files would change; raises Refused where apt finds no way."""
    done = world.run(_install(debs, archives, "--simulate"))
    if done.status != 0:
        raise Refused(f"apt cannot install this generation: {done.last}")
    found = [match.group("name", "old", "new") for match in map(PLANNED.match, done.output.splitlines()) if match]
    return Changes(
        new=tuple((name, version) for name, old, version in found if old is None),
        upgrade=tuple((name, old, version) for name, old, version in found if old is not None),
        remove=tuple(match[1] for match in map(REMOVED.match, done.output.splitlines()) if match),
    )


def _missing(world: World, debs: Sequence[Path], archives: Path) -> bool:
    """Whether files of Debian's would have to be fetched."""
    said = world.run(_install(debs, archives, "--print-uris")).output.splitlines()
    return any(line.startswith("'") and not line.startswith("'file:") for line in said)


def prepare(world: World, debs: Sequence[Path], archives: Path) -> Changes:
    """Have all of Debian's packages here that these need; raises Refused, also where others would have to go."""
    try:
        changes = simulate(world, debs, archives)
        missing = _missing(world, debs, archives)
    except Refused:
        missing = True
    if missing:  # what is known of Debian's archive may be old
        updated = update(world)
        try:
            changes = simulate(world, debs, archives)
        except Refused as error:
            why = f"; apt-get update: {updated.last}" if updated.status != 0 else ""
            raise Refused(f"{error}{why}") from None
    if changes.remove:
        gone = " ".join(changes.remove)
        raise Refused(f"installing it would remove {gone}: see whether that may go, then: apt-get remove {gone}")
    if missing and _missing(world, debs, archives):
        done = world.run(_install(debs, archives, "--download-only"), within=DOWNLOAD_AT_MOST)
        if done.status != 0:
            raise Refused(f"Debian's packages could not be fetched: {done.last}")
    return changes


def update(world: World) -> Done:
    """Ask Debian's archive; new servers do that by themselves too, and apt waits for none of its own who does."""
    for _ in range(UPDATE_TRIES):
        done = world.run([*APT, *ALL_OF_IT, "update"], within=DOWNLOAD_AT_MOST)
        if done.status == 0 or "lists/lock" not in done.output:
            break
        world.sleep(5)
    return done


def install(world: World, generation: Generation, *, again: bool) -> Done:
    """Install all packages of a generation; `again`: files that were changed by hand, too.

    Debian's are here (`prepare`); --no-download would forbid apt to read our files, too.
    """
    options = ["--no-remove", *(["--reinstall"] if again else [])]
    return world.run(_install(generation.debs, generation.folder / "archives", *options), within=INSTALL_AT_MOST)


@dataclass(frozen=True)
class Known:
    """A package in dpkg's list: deb-statuses as in dpkg-query(1)."""

    version: str
    whole: bool  # installed, and in good order
    broken: bool  # has to be unpacked again before anything else


def known(world: World) -> dict[str, Known]:
    """All packages that dpkg knows something about, by name."""
    shown = "${Package}\t${db:Status-Status}\t${db:Status-Eflag}\t${Version}\n"
    lines = world.run(["dpkg-query", "--show", f"--showformat={shown}"]).output.splitlines()
    found = {}
    for name, status, flag, version in (line.split("\t") for line in lines if line.count("\t") == 3):
        if status not in ("not-installed", "config-files"):
            found[name] = Known(version, status == "installed" and flag == "ok", flag == "reinstreq")
    return found


def field(world: World, deb: Path, name: str) -> str:
    """A field of a package's file; empty where it has none, or is no package."""
    done = world.run(["dpkg-deb", "--field", str(deb), name])
    return done.output.strip() if done.status == 0 else ""


def unsettled(world: World) -> str:
    """What dpkg left half done, by whomever."""
    return " ".join(world.run(["dpkg", "--audit"]).output.split())


def drift(world: World, packages: Iterable[str]) -> list[str]:
    """Files of installed packages that are not as they came: dpkg(1), --verify."""
    lines = world.run(["dpkg", "--verify", *packages]).output.splitlines()
    return sorted({line[line.index("/") :] for line in lines if "/" in line and not line.startswith("dpkg")})


def doubt(world: World, package: str) -> None:
    """Have what reads a file that was changed by hand read it again, once the file is as it came.

    What was activated last was something else, then; its list of digests does not know that.
    """
    path = world.root / world.names.active.lstrip("/")
    changed = drift(world, [package])
    if changed and path.exists():
        active = json.loads(path.read_bytes())
        doubted = {each: "" for each in changed if each in active["files"]}
        world.write(path, json.dumps({**active, "files": {**active["files"], **doubted}}).encode())


class Unfinished(Exception):
    """Going back has to be tried again."""


def undo(world: World, old: Generation | None, to: Generation, new: Sequence[str], *, offline: bool) -> str:
    """Put the packages of `old` in the place of those of `to`, and remove those that came with it.

    dpkg alone, which needs no network and takes packages in every half-installed state. Returns what could not be
    configured; the old files are there then. Raises Unfinished where they are not.
    """
    ours = [name for name in new if name.startswith("mailnix-") and name != world.names.package]
    theirs = [name for name in new if name not in ours]
    debs = list(_to_unpack(world, old, to, new))
    if debs:
        _must(world, [*DPKG, "--force-downgrade", "--unpack", *map(str, debs)], offline)
    have = known(world)
    if gone := [name for name in ours if name in have]:
        _must(world, [*DPKG, "--force-remove-reinstreq", "--purge", *gone], offline)
    if gone := [name for name in theirs if name in have]:  # somebody may have come to need them: then they stay
        world.run([*DPKG, "--force-remove-reinstreq", "--remove", *gone], within=INSTALL_AT_MOST, offline=offline)
        # What may not go (Protected, or needed by now) is half installed: it is finished only by its name.
        have = known(world)
        if kept := [name for name in gone if name in have and not have[name].whole]:
            world.run([*DPKG, "--configure", *kept], within=INSTALL_AT_MOST, offline=offline)
    done = world.run([*DPKG, "--configure", "--pending"], within=INSTALL_AT_MOST, offline=offline)
    if done.status == LOCKED:
        raise Unfinished(done.last)
    return "" if done.status == 0 else done.last


def _to_unpack(world: World, old: Generation | None, to: Generation, new: Sequence[str]) -> Iterator[Path]:
    """Files of the old generation that are not installed as they are, and Debian's that were interrupted."""
    have = known(world)
    for deb in old.debs if old else ():
        name, version, _ = deb.name.split("_", 2)
        if have.get(name) != Known(version, whole=True, broken=False):
            yield deb
    for name, package in have.items():
        if package.broken and name not in new and not name.startswith("mailnix-"):
            yield from sorted((to.folder / "archives").glob(f"{name}_*.deb"))


def _must(world: World, argv: Sequence[str], offline: bool) -> None:
    done = world.run(argv, within=INSTALL_AT_MOST, offline=offline)
    if done.status != 0:
        raise Unfinished(done.last)
