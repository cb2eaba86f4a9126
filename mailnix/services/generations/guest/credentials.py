"""Credentials that come with a generation: they are laid before its packages, and go back with it.

Only a changed one is laid. What it takes the place of is kept beside it until the change is confirmed or taken back;
then neither stays in a generation.
"""

from __future__ import annotations

import os
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from .state import Generation
from .world import Refused, World, flush

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*")
TUNNEL = re.compile(r"network\.wireguard\..*\.(?P<card>[^.]+)")
"""systemd.netdev(5): networkd reads these when it makes a card."""

NETWORKD = "systemd-networkd.service"
BROUGHT = "credentials.brought"
"""A file that stays until a generation with credentials is confirmed: without them it is not what was meant."""

BEFORE, ABSENT = "credentials.before", "credentials.absent"
"""Beside them: those that were there, and empty files for those that were not."""


def name(world: World, member: str) -> str | None:
    """The credential that a file of a tar is; None where it is something else."""
    folder, _, rest = member.removeprefix("./").partition("/")
    return rest if folder == world.names.credentials and NAME.fullmatch(rest) else None


def store(world: World) -> Path:
    """Where systemd looks them up."""
    return world.root / world.names.credstore.lstrip("/")


def compare(world: World, stream: IO[bytes]) -> list[str]:
    """Names of those in a tar that this machine has not, or has others of."""
    given: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                content, called = (tar.extractfile(member) if member.isreg() else None), name(world, member.name)
                if content is None or called is None:
                    raise Refused(f"{member.name} is no credential")
                given[called] = content.read()
    except (tarfile.TarError, EOFError) as error:
        raise Refused(f"what came is no whole tar ({error}): send it again") from None
    return sorted(_differing(world, given))


def come_with(world: World, folder: Path) -> list[str]:
    """Names of a generation's that this machine has not, or has others of."""
    return sorted(_differing(world, _read(folder / world.names.credentials)))


def _read(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def _differing(world: World, given: Mapping[str, bytes]) -> Iterator[str]:
    for each, data in given.items():
        path = store(world) / each
        if not path.is_file() or path.read_bytes() != data:
            yield each


def lay(world: World, generation: Generation) -> list[str]:
    """Put a generation's in place, each after what was there is kept; gives the names of those that changed."""
    for folder in (BEFORE, ABSENT):  # of another time, whose end was interrupted
        shutil.rmtree(generation.folder / folder, ignore_errors=True)
    changed = come_with(world, generation.folder)
    given = _read(generation.folder / world.names.credentials)
    store(world).mkdir(mode=0o700, parents=True, exist_ok=True)
    for folder in (BEFORE, ABSENT) if changed else ():
        (generation.folder / folder).mkdir(mode=0o700, exist_ok=True)
    flush(generation.folder)
    for each in changed:
        there = store(world) / each
        kept = generation.folder / (BEFORE if there.is_file() else ABSENT) / each
        world.write(kept, there.read_bytes() if there.is_file() else b"")
        world.write(there, given[each])
    return changed


def restore(world: World, generation: Generation) -> list[str]:
    """Put back what `lay` took the place of; gives the names of what it had changed."""
    before, absent = _read(generation.folder / BEFORE), _read(generation.folder / ABSENT)
    for each in _differing(world, before):
        world.write(store(world) / each, before[each])
    for each in absent:
        (store(world) / each).unlink(missing_ok=True)
    if absent and store(world).is_dir():
        flush(store(world))
    return sorted({*before, *absent})


def forget(world: World, generation: Generation) -> None:
    """Keep none in a generation."""
    for folder in (world.names.credentials, BEFORE, ABSENT):
        shutil.rmtree(generation.folder / folder, ignore_errors=True)


def confirmed(world: World, generation: Generation) -> None:
    """They are the machine's now."""
    (generation.folder / BROUGHT).unlink(missing_ok=True)
    forget(world, generation)


def lost(world: World, generation: Generation) -> bool:
    """Whether a generation had credentials that nobody has confirmed, and has them no more."""
    return (generation.folder / BROUGHT).exists() and not (generation.folder / world.names.credentials).exists()


def hand_on(world: World, package: str, changed: Iterable[str]) -> None:
    """Have networkd make the tunnels anew whose keys changed, and restart the running units that read a changed one."""
    cards = sorted({match["card"] for match in map(TUNNEL.fullmatch, changed) if match})
    for card in cards:
        world.run(["ip", "link", "delete", card])
    if cards:
        world.run(["systemctl", "try-restart", NETWORKD])
    if units := sorted(_readers(world, package, frozenset(changed))):
        world.run(["systemctl", "try-restart", "--no-block", *units])


def _readers(world: World, package: str, changed: frozenset[str]) -> Iterator[str]:
    """Units of a package that read one of these: by LoadCredential=, or from the store itself."""
    stored = f"{world.names.credstore}/"
    for line in world.run(["dpkg", "--listfiles", package]).output.splitlines():
        unit, path = _unit(line), world.root / line.lstrip("/")
        if unit and path.is_file() and not path.is_symlink():
            words = re.split(r"[\s:=]+", path.read_text(errors="replace"))
            if changed & {word.removeprefix(stored) for word in words}:
                yield unit


def _unit(path: str) -> str | None:
    """The service that a file of a package describes, or adds to."""
    folder, _, rest = path.partition("/systemd/system/")
    unit = rest.removesuffix(".conf").partition(".d/")[0] if folder and rest else ""
    return unit if unit.endswith(".service") and "/" not in unit and "@." not in unit else None


def write(path: Path, content: IO[bytes]) -> None:
    """A file that only root reads, also while it is written."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        shutil.copyfileobj(content, handle)
