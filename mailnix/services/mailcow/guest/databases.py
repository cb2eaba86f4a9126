"""The database of each Mailcow: kept when another release takes over, put back when that one is taken back.

Mailcow changes its tables when it starts, MariaDB and Redis the form of their files, and none of them knows a way back.
So before a release takes over, the files of both are copied, while nothing runs. Mail, the keys that it is encrypted
with and the queue stay where they are, so nothing that arrives meanwhile is lost: Maildir is one file a mail, which no
release rewrites, and Dovecot makes indexes that it cannot read anew.

/var/lib/mailcow.databases.json   which release the files in use are of, which one's are kept, what is under way
/var/lib/mailcow.databases.room   what the way back needs of the disk, until it is gone or not needed any more
…/volumes/NAME/_data              in use
…/volumes/NAME/_data.kept         those of the other release: until another one takes over
…/volumes/NAME/_data.copying, .aside    on the way to the former

A change of the machine's generations that is under way, or that was taken back, says which way to go: a release that is
brought back otherwise (apt, nixos-rebuild) goes on with the database that there is, as ever.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from .backups import DATABASE, REDIS
from .machine import SetupError, command, say, stop, values
from .restoring import use_database
from .tree import CONF, write
from .volumes import NoVolumes, volumes

VARIABLES = ("DBNAME", "DBUSER", "DBPASS", "DBROOT")
"""Of mailcow.conf: what a database was made with."""
RESERVE = 256 * 2**20  # bytes that stay free
ROOM = 128 * 2**20
"""Bytes held for the way back, on a disk that fills up meanwhile: for a tree (some 40 MiB) and what is noted."""
PUTTING, KEEPING = "putting", "keeping"


@dataclass(frozen=True)
class Change:
    """What the machine's generations say: the change that is under way, those that are or were taken back.

    One that is being taken back is both, until it is over: what it brought may be started yet, a moment before its
    files go.
    `databases`: the one under way goes back to an older release on purpose, with its database.
    """

    under_way: str = ""
    undone: frozenset[str] = frozenset()
    databases: bool = False


@dataclass(frozen=True)
class Kept:
    """A database that is not in use: of which release, put aside by which change and when, what it was made with."""

    rev: str
    change: str
    made: str
    conf: Mapping[str, str]


@dataclass(frozen=True)
class State:
    """Which release the files in use are of. In a `phase`, `kept` and `aside` change places, in all `folders`."""

    live: str
    kept: Kept | None = None
    folders: tuple[str, ...] = field(default=())
    phase: str = ""
    aside: Kept | None = None


class Hands:
    """All that is done to the machine. Tests stop it in the middle."""

    def stop(self, root: Path) -> None:
        """Have nothing run from a tree."""
        stop(root)

    def folders(self, root: Path) -> tuple[Path, ...]:
        """Those of the databases' files, both or none; raises SetupError where one is missing, or not Docker's own."""
        try:
            there = volumes(root)
        except NoVolumes:
            return ()
        found = {each.volume: there[each.volume] for each in (DATABASE, REDIS) if each.volume in there}
        if len(found) < 2:
            raise SetupError(f"of the database Docker has {next(iter(found), 'no volume')} alone: docker volume ls")
        for name, volume in found.items():
            if not volume.plain:
                raise SetupError(f"{name} is not in a folder of Docker's, so it cannot be kept for the way back")
        return tuple(volume.folder for volume in found.values())

    def empty(self, like: Path, target: Path) -> None:
        """An empty folder with the owner and mode of another one."""
        target.mkdir(exist_ok=True)
        shutil.copystat(like, target)
        os.chown(target, like.stat().st_uid, like.stat().st_gid)

    def copy(self, source: Path, target: Path) -> None:
        """Whole, and on the disk; in no time where the file system can share blocks (cp(1))."""
        command(["cp", "--archive", "--reflink=auto", str(source), str(target)])
        os.sync()

    def free(self, folder: Path) -> int:
        """Bytes that its disk has left."""
        return shutil.disk_usage(folder).free

    def rename(self, source: Path, target: Path) -> None:
        """In one step."""
        source.rename(target)

    def remove(self, folder: Path) -> None:
        """With all that is in it."""
        shutil.rmtree(folder, ignore_errors=True)

    def hold(self, path: Path) -> None:
        """Room, for nobody else."""
        with path.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM)

    def let_go(self, path: Path) -> None:
        """Of it."""
        path.unlink(missing_ok=True)

    def write(self, path: Path, data: bytes) -> None:
        """Whole or not at all; for root alone, since it has passwords of the database."""
        write(path, data, 0o600)


def read_change(path: str | None) -> Change:
    """From the state of the machine's generations (state.json); of a machine without any, nothing is under way."""
    if path is None or not Path(path).exists():
        return Change()
    found = json.loads(Path(path).read_text("utf-8"))
    pending, last = found["pending"], found["last"]
    undone = {*found.get("undone", ())}
    if last and last["end"] == "back":
        undone.add(last["id"])
    if pending and pending["step"] == "back":
        undone.add(pending["id"])
    if pending is None:
        return Change(undone=frozenset(undone))
    return Change(pending["id"], frozenset(undone), bool(pending.get("databases")))


def state_file(root: Path) -> Path:
    """Beside the tree."""
    return root.with_name(f"{root.name}.databases.json")


def read(root: Path) -> State | None:
    """What is known; None where no release has taken over yet."""
    path = state_file(root)
    if not path.exists():
        return None
    data = json.loads(path.read_text("utf-8"))
    kept, aside = (Kept(**data[name]) if data[name] else None for name in ("kept", "aside"))
    return State(data["live"], kept, tuple(data["folders"]), data["phase"], aside)


def _save(root: Path, state: State, hands: Hands) -> State:
    hands.write(state_file(root), json.dumps(asdict(state), indent=1).encode())
    return state


def settle(root: Path, wanted: str, laid: str, change: Change, hands: Hands) -> None:
    """Have the files of the database for release `wanted`; `laid` is the one whose tree is there. Raises SetupError.

    Afterwards the containers are stopped, if anything was to be done.
    """
    known = read(root)
    state = known or State(laid)
    if not change.under_way or change.under_way in change.undone:
        hands.let_go(_room(root))
    if state.phase:
        hands.stop(root)
        state = _finish(root, state, hands)
    kept = state.kept
    _clear(state, hands)
    if state.live == wanted:
        others = change.under_way if change.under_way not in change.undone else ""
        if kept and others and kept.change in change.undone:
            _save(root, replace(state, kept=replace(kept, change=others)), hands)  # its way back, too
        return
    if kept and kept.rev == wanted and (change.databases or kept.change in change.undone):
        hands.stop(root)
        purpose = change.under_way if change.databases and change.under_way != kept.change else ""
        _put_back(root, state, kept, purpose, hands)
    elif change.databases:
        raise SetupError(f"no database of Mailcow {wanted[:12]} is kept, and it cannot run with a newer one's")
    elif change.under_way:
        hands.stop(root)
        _keep(root, state, wanted, change.under_way, hands)
    elif known:
        _save(root, replace(state, live=wanted), hands)


def _keep(root: Path, state: State, wanted: str, change: str, hands: Hands) -> None:
    folders = hands.folders(root)
    need_room(folders, hands)
    state = _save(root, State(state.live, folders=tuple(map(str, folders))), hands)
    _clear(state, hands)  # what was kept until now is no more
    hands.hold(_room(root))
    for folder in folders:
        hands.copy(folder, _copying(folder))
        hands.rename(_copying(folder), _kept(folder))
    kept = Kept(state.live, change, _now(), _conf(root))
    _save(root, replace(state, live=wanted, kept=kept), hands)
    said = "is kept as it is, for the way back" if folders else "is none yet: Mailcow was never started"
    say(f"the database {said}")


def _clear(state: State, hands: Hands) -> None:
    """Let go of what a copy left that was cut off; nothing else frees the room that it takes."""
    for folder in map(Path, state.folders):
        for path in (_copying(folder), *([] if state.kept else [_kept(folder)])):
            if path.exists():
                hands.remove(path)


def _put_back(root: Path, state: State, kept: Kept, change: str, hands: Hands) -> None:
    if not state.folders:  # it had none, and begins with none
        state = replace(state, folders=tuple(map(str, hands.folders(root))))
        for name in state.folders:
            hands.empty(Path(name), _kept(Path(name)))
    lost = [name for name in state.folders if not _kept(Path(name)).is_dir()]
    if lost:
        raise SetupError(f"{_kept(Path(lost[0]))} is gone, so the database of Mailcow {kept.rev[:12]} is not whole")
    aside = Kept(state.live, change, _now(), _conf(root))
    state = _finish(root, _save(root, replace(state, phase=PUTTING, aside=aside), hands), hands)
    if not change and any(hands.free(Path(name)) < RESERVE for name in state.folders[:1]):  # nobody goes back to it
        _clear(_save(root, replace(state, kept=None), hands), hands)
    say(f"the database is the one of {kept.made} again")


def _finish(root: Path, state: State, hands: Hands) -> State:
    """Go on with what is under way, from wherever it was left; nothing may run meanwhile."""
    folders, kept, aside = tuple(map(Path, state.folders)), state.kept, state.aside
    assert kept is not None, "something is put back"
    assert aside is not None, "something makes room for it"
    if state.phase == PUTTING:
        for folder in folders:
            if _kept(folder).exists():
                if folder.exists():
                    hands.rename(folder, _aside(folder))
                hands.rename(_kept(folder), folder)
        use_database(root, kept.conf)
        state = _save(root, replace(state, phase=KEEPING), hands)
    for folder in folders:
        if _aside(folder).exists():
            hands.rename(_aside(folder), _kept(folder))
    return _save(root, State(kept.rev, aside, state.folders), hands)


def need_room(folders: Iterable[Path], hands: Hands, more: int = 0) -> None:
    """Raise SetupError where the disk has no room for copies of these, and `more` bytes."""
    for folder in list(folders)[:1]:
        needed = sum(map(size, folders)) + more + RESERVE
        free = hands.free(folder)
        if free < needed:
            lacks = f"{free >> 20} MiB left, and {needed >> 20} are needed"
            raise SetupError(f"{folder.parent} has {lacks} to keep the database and to load another Mailcow")


def size(folder: Path) -> int:
    """Bytes that a folder's files take on the disk."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def _conf(root: Path) -> dict[str, str]:
    now = values(root / CONF)
    return {name: now[name] for name in VARIABLES if name in now}


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())


def _kept(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.kept")


def _room(root: Path) -> Path:
    return root.with_name(f"{root.name}.databases.room")


def _copying(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.copying")


def _aside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.aside")
