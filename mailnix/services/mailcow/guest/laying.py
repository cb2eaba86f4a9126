"""Mailcow's tree of a revision: from the image, one of the trees before, what was fetched ahead, or the internet."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from .machine import Paths, SetupError, Source, command, say, stop
from .nar import nar_hash
from .tree import YOURS, Carried, carry_over, finish_swap, is_whole, lay, read_record, swap

SAMPLE = "data/assets/ssl-example"


def lay_tree(source: Source, paths: Paths) -> None:
    """Have the tree at the pinned revision, from the image, the tree before, or the internet."""
    new = paths.beside("new")
    finish_swap(paths.root, new)
    record = read_record(paths.root)
    if record is not None and record.rev == source.rev:
        return
    _lay_new(source, paths, new)
    carried = carry_over(paths.root, new) if paths.root.exists() else Carried()
    swap(paths.root, new, paths.beside("previous"), lambda: stop(paths.root))
    shutil.rmtree(paths.beside("next"), ignore_errors=True)
    say(f"Mailcow {source.tag} laid at {paths.root}, {carried.own} files of our own kept")
    _tell(carried, paths.beside("previous"))


def _tell(carried: Carried, previous: Path) -> None:
    """Say what became of edits by hand."""
    for path in carried.merged:
        say(f"{path} was edited: the edits are in Mailcow's new one")
    for path in carried.beside:
        say(f"{path} was edited where Mailcow changed it, too: Mailcow's stands, yours is {path}{YOURS}")
    for path in carried.replaced:
        say(f"{path} was edited: Mailcow's new one stands, yours is {previous / path}")


def _lay_new(source: Source, paths: Paths, new: Path) -> None:
    before = next((each for each in _known(paths) if _has(each, source)), None)
    record = None if before is None else read_record(before)
    if before is not None and record is not None:
        say(f"{before} is Mailcow {source.tag} already")
        lay(before, new, source.rev, record.paths)
    elif paths.source.is_dir() and nar_hash(paths.source) == source.nar_hash:
        lay(paths.source, new, source.rev)
    else:
        if paths.source.is_dir():
            say(f"{paths.source}, from the image, is not Mailcow {source.tag}")
        fetch(source, paths, new)
    for name in ("key.pem", "cert.pem"):  # a key that the whole world has
        (new / SAMPLE / name).unlink(missing_ok=True)


def _known(paths: Paths) -> tuple[Path, ...]:
    """Trees beside the one that runs: the next, which was fetched ahead, and the one before."""
    return paths.beside("next"), paths.beside("previous")


def _has(folder: Path, source: Source) -> bool:
    record = read_record(folder)
    return record is not None and record.rev == source.rev and is_whole(folder, record)


def found(source: Source, paths: Paths) -> Path | None:
    """Where a tree is on this machine, so that nothing of it is fetched."""
    if paths.source.is_dir() and nar_hash(paths.source) == source.nar_hash:
        return paths.source
    return next((each for each in (paths.root, *_known(paths)) if _has(each, source)), None)


def fetch(source: Source, paths: Paths, new: Path) -> None:
    """Lay it from the internet; raises SetupError."""
    with tempfile.TemporaryDirectory(dir=paths.root.parent, prefix="mailcow.fetch.") as work:
        fetched = _fetch(source, Path(work))
        _check(fetched, source)
        lay(fetched, new, source.rev)


def _check(folder: Path, source: Source) -> None:
    actual = nar_hash(folder)
    if actual != source.nar_hash:
        raise SetupError(f"{folder} is not Mailcow {source.tag}: its hash is {actual}, wanted {source.nar_hash}")


def _fetch(source: Source, work: Path) -> Path:
    """The tree of the revision, without its history."""
    say(f"fetching Mailcow {source.tag} ({source.rev[:12]}) from {source.url}")
    git, tree, archive = work / "git", work / "tree", work / "tree.tar"
    tree.mkdir()
    command(["git", "init", "--quiet", "--bare", str(git)])
    command(["git", "-C", str(git), "fetch", "--quiet", "--depth=1", source.url, source.rev])
    command(["git", "-C", str(git), "archive", f"--output={archive}", source.rev])
    command(["tar", "-x", "--no-same-owner", "-f", str(archive), "-C", str(tree)])
    return tree
