"""Take a generation's files, whole and checked, or nothing."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from . import credentials, login, packages, room, state, walls
from .world import Busy, Refused, World, flush, home, locked

DEB = re.compile(r"(?P<name>[a-z0-9][a-z0-9+.-]+)_(?P<version>[A-Za-z0-9.+~-]+)_(?P<arch>[a-z0-9]+)\.deb")
RESERVED = 600.0
"""Seconds in which whoever sent a generation with credentials may switch to it before another one sends theirs."""

CAME = "came"
"""A generation's file that says when it did: the boot, and its clock."""

FIELDS = {"generation": int, "host": str, "package": str, "digest": str, "debs": dict}


def receive(world: World, number: int, stream: IO[bytes]) -> dict[str, Any]:
    """Take generation `number` from a tar, and Debian's packages for it; raises Refused, and nothing is left then.

    Gives what would change: packages, and names of credentials.
    """
    with locked(world, "receiving", 0, "another deploy is sending its packages just now"):
        clear(world)
        known = state.read(world)
        if known.pending:
            raise Busy(f"generation {known.pending.to} waits for its confirmation")
        folder = home(world) / ".incoming"
        folder.mkdir(mode=0o700)
        try:
            found = _take(world, known, number, folder, stream)
            _let_go(world, but=number)
            return found
        except OSError as error:
            raise Refused(f"{room.without(error)}: nothing of generation {number} was kept") from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _take(world: World, known: state.State, number: int, folder: Path, stream: IO[bytes]) -> dict[str, Any]:
    _unpack(world, stream, folder)
    world.write(folder / CAME, f"{world.boot()} {world.now()}".encode())
    if (folder / world.names.credentials).exists():
        (folder / credentials.BROUGHT).touch()
    made = _made(world, known, number, folder)
    if (folder / credentials.BROUGHT).exists():  # a dry run brings none, and takes nobody's
        _forget_others(world, known, made.get("by"))
    _complete(world, folder, made["debs"])
    for name, digest in made["debs"].items():
        _check(world, folder / name, digest, made)
    if number in state.numbers(world):
        if state.generation(world, number).made != made:
            raise Refused(f"generation {number} is on this machine already, and another one: begin again")
        return _again(world, known, state.generation(world, number), folder)
    if number <= max(state.numbers(world), default=0):
        raise Refused(f"generation {number} is not newer than those on this machine: begin again")
    debs = [folder / name for name in sorted(made["debs"])]
    changes = packages.prepare(world, debs, folder / "archives")
    room.look(world, debs, changes, folder / "archives", state.running(world, known))
    login.refuse(world, state.Generation(folder, made))
    for path in (*folder.glob("**/*"), folder):
        flush(path)
    found = _answer(world, changes, folder)
    folder.rename(home(world) / str(number))
    flush(home(world))
    return found


def clear(world: World) -> None:
    """Let go of what was cut off half-way, by a lost connection or a lack of power."""
    for left in home(world).glob(".incoming*"):
        shutil.rmtree(left)


def _let_go(world: World, but: int) -> None:
    """Generations that somebody sent a while ago, and switched to none of: a dry run that was cut off, for one."""
    with contextlib.suppress(Busy), state.lock(world, 0):
        known = state.read(world)
        for number in () if known.pending else tuple(state.never_ran(world, known)):
            if number != but and _age(world, home(world) / str(number)) >= RESERVED:
                state.drop(world, number)


def _forget_others(world: World, known: state.State, by: object) -> None:
    """Let go of secrets of what nobody switched to; raises Busy where somebody else has just sent them, to switch."""
    waiting = [state.generation(world, number) for number in state.numbers(world)]
    for there in waiting:
        sent, who = there.folder / world.names.credentials, there.made.get("by")
        age = _age(world, there.folder) if sent.exists() else RESERVED
        if there.made["generation"] != known.current and who != by and age < RESERVED:
            raise Busy(
                f"{who} sent generation {there.made['generation']} {age:.0f} seconds ago, and is about to switch"
            )
    for there in waiting:
        credentials.forget(world, there)


def _age(world: World, folder: Path) -> float:
    """Seconds since a generation came, by the clock of this boot: one on the wall may be set meanwhile."""
    try:
        boot, _, at = (folder / CAME).read_text().rpartition(" ")
        return world.now() - float(at) if boot == world.boot() else RESERVED
    except (OSError, ValueError):  # one of before
        return RESERVED


def _again(world: World, known: state.State, there: state.Generation, folder: Path) -> dict[str, Any]:
    """The same came once more, with the credentials of now."""
    if (folder / world.names.credentials).exists():
        (folder / world.names.credentials).rename(there.folder / world.names.credentials)
    (folder / CAME).replace(there.folder / CAME)
    changes = packages.prepare(world, there.debs, there.folder / "archives")
    room.look(world, there.debs, changes, there.folder / "archives", state.running(world, known))
    login.refuse(world, there)
    return _answer(world, changes, there.folder)


def _answer(world: World, changes: packages.Changes, folder: Path) -> dict[str, Any]:
    come = credentials.come_with(world, folder)
    return {"packages": changes.json(), "credentials": come, "warnings": walls.warnings(world)}


def _unpack(world: World, stream: IO[bytes], folder: Path) -> None:
    """Write the plain files of a tar, whose names are ours to know."""
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for member in tar:
                name = member.name.removeprefix("./")
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or not (
                    name == world.names.made or DEB.fullmatch(name) or credentials.name(world, name)
                ):
                    raise Refused(f"{member.name} belongs to no generation")
                credentials.write(folder / name, content)
    except (tarfile.TarError, EOFError) as error:
        raise Refused(f"what came is no whole tar ({error}): send it again") from None


def _made(world: World, known: state.State, number: int, folder: Path) -> dict[str, Any]:
    """What made.json says, if this machine can have it."""
    try:
        made: dict[str, Any] = json.loads((folder / world.names.made).read_bytes())
        wrong = [key for key, kind in FIELDS.items() if not isinstance(made.get(key), kind)]
    except (OSError, ValueError, AttributeError) as error:
        raise Refused(f"{world.names.made} is missing or damaged ({error})") from None
    if wrong:
        raise Refused(f"{world.names.made} lacks {', '.join(wrong)}")
    if made["generation"] != number or made["package"] != f"mailnix-{made['host']}":
        raise Refused(f"what came is of generation {made['generation']} of {made['host']} ({made['package']})")
    for there in (state.generation(world, n) for n in (known.current, *state.numbers(world)) if n is not None):
        if there.made["host"] != made["host"]:
            raise Refused(f"this machine is {there.made['host']}, and what came is {made['host']}'s")
    return made


def _complete(world: World, folder: Path, debs: dict[str, str]) -> None:
    """Have what was left out from another generation of this machine."""
    for name, digest in debs.items():
        if DEB.fullmatch(name) and not (folder / name).exists():
            for there in (state.generation(world, n) for n in state.numbers(world)):
                if there.made["debs"].get(name) == digest and (there.folder / name).exists():
                    os.link(there.folder / name, folder / name)
                    break
    named = {path.name for path in folder.glob("*.deb")}
    if named != set(debs):
        raise Refused(f"missing, or not in {world.names.made}: {', '.join(sorted(named ^ set(debs)))}")


def _check(world: World, deb: Path, digest: str, made: dict[str, Any]) -> None:
    """Whether a file is what it is called, whole, and ours."""
    if sha256(deb) != digest:
        raise Refused(f"{deb.name} is damaged: send it again")
    fields = [packages.field(world, deb, name) for name in ("Package", "Version", "Architecture")]
    if deb.name != "{}_{}_{}.deb".format(*fields):
        raise Refused(f"{deb.name} is no package of that name")
    if fields[0] == made["package"]:
        if fields[1] != str(made["generation"]):
            raise Refused(f"{deb.name} is not of generation {made['generation']}")
    elif fields[0] not in world.names.shared:
        raise Refused(f"{deb.name} belongs to no generation of {made['host']}")


def sha256(path: Path) -> str:
    """A file's."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def damaged(generation: state.Generation) -> Iterator[str]:
    """Its files that are not any more what came."""
    for name, digest in generation.made["debs"].items():
        if not (generation.folder / name).exists() or sha256(generation.folder / name) != digest:
            yield name
