"""A machine that was built as an image gets generations: the first is what the image laid, as a package.

An image's files belong to no package, so taking the next generation back would be to purge it, and would take them
along. So they are packed where they are, and installed at once: every file is replaced by itself, and nothing starts or
stops. Whatever kills this in the middle, the files are there all the time, and it begins again.

Where apt has installed the machine's package (docs/howto/packages.md), that is the first generation, packed anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any

from . import packages, repacking, state
from .receiving import sha256
from .world import Busy, Refused, World, flush, home, locked

KEPT = "image.json"
"""The list of files as the image has it, until this is done: the package brings one of what is there now."""

MARK = "image"
"""In made.json: that no client has made it."""

LISTED = ("files", "read_by", "wanted", "enabled", "masked")
BY_DEBIAN = "-> /usr/lib/systemd/system/"
"""What links that enable units of Debian's point to: their packages have them, and no generation does."""

OTHERS = "0~image"
"""The version of another package of ours: older than all that are sent."""

NOT_SO = "0" * 32
"""In the place of the sum of a file that was changed by hand, so that `dpkg --verify` names it."""


def adopt(world: World, stream: IO[bytes]) -> dict[str, Any]:
    """Make what runs a generation, confirmed; nothing to do where there is one. `stream` is what the client knows.

    `host`, `package`, `mailcow` (the file that says which one is laid), `scripts` (dpkg's; `here` in them is where
    paths go that others have, too: those of `shared` that this machine has), `trees` (packages of ours by the folder
    that each has), `made` (for made.json), whose `links` are true where files are as `alike` says, and unknown
    elsewhere.
    """
    told = json.load(stream)
    sending = locked(world, "receiving", 0, "another deploy is sending its packages just now")
    with sending, state.lock(world):
        known = state.read(world)
        if known.pending:
            raise Busy(f"generation {known.pending.to} waits for its confirmation")
        if known.current is None:
            number = _by_apt(world, told) or _by_image(world, told)
            known = state.State(current=number, last=known.last, undone=known.undone, ran=(number,))
            state.save(world, known)
        (home(world) / KEPT).unlink(missing_ok=True)
    return {"current": known.current}


def _by_apt(world: World, told: Mapping[str, Any]) -> int | None:
    """The generation that is installed, packed anew; None where an image laid what there is."""
    have, package = packages.known(world), told["package"]
    if package not in have or (home(world) / KEPT).exists():
        return None
    number = repacking.number_of(package, have[package])
    shutil.rmtree(home(world) / str(number), ignore_errors=True)
    with _making(world, number) as folder:
        ours = [package, *(name for name in sorted(told["trees"]) if name in have)]
        debs = [repacking.repack(world, name, folder / "tree", _lay, partial(_deb, world)) for name in ours]
        now = {path: digest(world.root / path[1:]) for path in told["alike"]}
        _write_made(world, told, now, folder, number, debs)
    return number


def _by_image(world: World, told: Mapping[str, Any]) -> int:
    number = _packed(world, told, _image(world))
    _installed(world, state.generation(world, number))
    return number


def _image(world: World) -> bytes:
    """The list of what the image laid; kept, since the one in place is about to be replaced."""
    kept = home(world) / KEPT
    if not kept.exists():
        world.write(kept, _list(world))
    return kept.read_bytes()


def _list(world: World) -> bytes:
    """files.json, if it is one."""
    path, program = (world.root / name[1:] for name in (world.names.activates, world.names.activate))
    try:
        found = path.read_bytes()
        listed = json.loads(found)
        if program.is_file() and {*LISTED} <= {*listed} and isinstance(listed["files"], dict):
            return found
    except (OSError, ValueError, TypeError):
        pass
    raise Refused(
        f"this image was built by a mailnix that kept no list of its files ({world.names.activates}): boot a new image"
        " (mailnix build), or install Debian 13 there"
    )


def _packed(world: World, told: Mapping[str, Any], image: bytes) -> int:
    """The generation with its packages, in its folder; gives its number."""
    for older in state.numbers(world):  # of a time that was interrupted
        if state.generation(world, older).made.get(MARK):
            shutil.rmtree(home(world) / str(older))
    number = max(state.numbers(world), default=0) + 1
    with _making(world, number) as folder:
        digests = _write(world, told, image, folder, number)
    world.write(world.root / world.names.active[1:], digests)
    return number


@contextmanager
def _making(world: World, number: int) -> Iterator[Path]:
    """A folder that becomes the generation's at the end, whole."""
    for left in home(world).glob(".incoming*"):
        shutil.rmtree(left)
    folder = home(world) / ".incoming"
    folder.mkdir(mode=0o700)
    try:
        yield folder
        for path in (*folder.iterdir(), folder):
            flush(path)
        folder.rename(home(world) / str(number))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    flush(home(world))


def _write(world: World, told: Mapping[str, Any], image: bytes, folder: Path, number: int) -> bytes:
    """Packages and made.json of what is on the disk; gives the list of it."""
    listed: dict[str, Any] = json.loads(image)
    was: dict[str, str] = listed["files"]
    now = {path: found for path in was if (found := digest(world.root / path[1:]))}
    by_hand = {path for path, found in now.items() if found != was[path]}
    digests = image if now == was else json.dumps({**listed, "files": now}, indent=1).encode() + b"\n"
    others = {name: place for name, place in told["trees"].items() if (world.root / place[1:]).is_dir()}
    debs = [_other(world, folder, name, place) for name, place in sorted(others.items())]
    own = [path for path, found in now.items() if not (_in(path, others.values()) or _enables(path, found))]
    tree = folder / "tree"
    for path in (*own, world.names.activate):
        _lay(world.root / path[1:], tree / path[1:])
    (tree / world.names.activates[1:]).write_bytes(digests)
    shared = " ".join(path for path in told["shared"] if path in own)
    scripts = {name: text.replace(told["here"], shared) for name, text in told["scripts"].items()}
    depends = ", ".join(f"{name} (= {OTHERS})" for name in sorted(others))
    fields = {"Package": told["package"], "Version": str(number), "Architecture": "all", "Depends": depends}
    about = f"the machine {told['host']} as its image made it"
    debs.append(_deb(world, tree, {**fields, "Description": about}, scripts, by_hand))
    _write_made(world, told, now, folder, number, debs)
    return digests


def _write_made(
    world: World, told: Mapping[str, Any], now: Mapping[str, str], folder: Path, number: int, debs: Iterable[Path]
) -> None:
    """What is kept with it. Its tunnels are known where their files are those of the description."""
    alike = all(now.get(path) == found for path, found in told["alike"].items())
    links = told["made"]["links"] if alike else {name: {} for name in told["made"]["links"]}
    more = {"generation": number, MARK: True, "links": links, "debs": {deb.name: sha256(deb) for deb in debs}}
    (folder / world.names.made).write_text(json.dumps({**told["made"], **more, "mailcow": _mailcow(world, told)}))


def _mailcow(world: World, told: Mapping[str, Any]) -> str:
    """Which one is laid; empty where there is none."""
    try:
        found = json.loads((world.root / told["mailcow"][1:]).read_bytes())
        return str(found.get("named") or found["rev"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def digest(path: Path) -> str:
    """As files.json has it: content and mode of a file, the target of a link; empty where there is neither."""
    if path.is_symlink():
        return f"-> {path.readlink()}"
    if not path.is_file():
        return ""
    return hashlib.sha256(b"%o\n" % (path.stat().st_mode & 0o7777) + path.read_bytes()).hexdigest()


def _in(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _enables(path: str, found: str) -> bool:
    return path.startswith("/etc/systemd/system/") and found.startswith(BY_DEBIAN)


def _lay(source: Path, place: Path) -> None:
    """The same file at another place, with its owner and mode; by a hard link where that can be."""
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, place, follow_symlinks=False)
    except OSError:
        shutil.copy2(source, place, follow_symlinks=False)
        owner = source.lstat()
        os.chown(place, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _other(world: World, folder: Path, name: str, place: str) -> Path:
    """The package of a folder that is another package of ours, too."""
    tree = folder / "tree"
    lay: Callable[[str, str], None] = lambda source, dest: _lay(Path(source), Path(dest))  # noqa: E731
    shutil.copytree(world.root / place[1:], tree / place[1:], symlinks=True, copy_function=lay)
    architecture = world.run(["dpkg", "--print-architecture"]).output.strip()
    fields = {"Package": name, "Version": OTHERS, "Architecture": architecture}
    return _deb(world, tree, {**fields, "Description": f"{place} as an image brought it"}, {}, frozenset())


def _deb(
    world: World, tree: Path, fields: Mapping[str, str], scripts: Mapping[str, str], by_hand: Iterable[str]
) -> Path:
    """A package of a tree, beside it; the tree is gone then. dpkg-deb(1), deb-md5sums(5)."""
    changed = {path[1:] for path in by_hand}
    files = sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    names = [(path, str(path.relative_to(tree))) for path in files]
    sums = "".join(f"{NOT_SO if name in changed else _md5(path)}  {name}\n" for path, name in names)
    control = "".join(f"{key}: {value}\n" for key, value in fields.items() if value)
    control += f"Maintainer: {world.names.maintainer}\n"
    for name, text in {"control": control, "md5sums": sums, **scripts}.items():
        place = tree / "DEBIAN" / name
        place.parent.mkdir(exist_ok=True)
        place.write_text(text)
        place.chmod(0o755 if name in scripts else 0o644)
    for path in (tree, *(path for path in tree.rglob("*") if path.is_dir() and not path.is_symlink())):
        path.chmod(0o755)  # whatever the umask is
    made = tree.with_name("{Package}_{Version}_{Architecture}.deb".format(**fields))
    done = world.run(["dpkg-deb", "-Zgzip", "-z1", "--build", str(tree), str(made)], within=packages.INSTALL_AT_MOST)
    if done.status != 0:
        raise Refused(f"what the image laid could not be packed: {done.last}; nothing was changed")
    shutil.rmtree(tree)
    return made


def _md5(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "md5").hexdigest()


def _installed(world: World, generation: state.Generation) -> None:
    """dpkg's from now on."""
    words = [*packages.DPKG, "--install", *map(str, generation.debs)]
    done = world.run(words, within=packages.INSTALL_AT_MOST)
    if done.status != 0:
        raise Refused(f"what the image laid could not be made a package: {done.last}; all of it runs as before")
