"""What a running Debian machine restarts when it gets another generation: which unit reads which file.

The program that compares and restarts is `guest/activate.py`; a package's postinst calls it, so that apt, Ansible and
`mailnix deploy` do the same.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Verb
from mailnix.services.activation.names import ACTIVATE, LIST
from mailnix.services.haraka import npm_tree
from mailnix.tree import Entry, File, Link, Tree

VERSION: Final = 1
_UNITS: Final = "/etc/systemd/system/"
_PROGRAM: Final = re.compile(r"^Exec\w+=[-@:+!]*(\S+)", re.MULTILINE)


def activation(tree: Tree, parts: Iterable[DebianPart]) -> tuple[Entry, ...]:
    """The program, and the list of the files of `tree`, made of `parts`."""
    program = (files("mailnix.services.activation") / "guest" / "activate.py").read_text("utf-8")
    return File(ACTIVATE, program, mode=0o755), File(LIST, json.dumps(listed(tree, tuple(parts)), indent=1) + "\n")


def listed(tree: Tree, parts: tuple[DebianPart, ...]) -> Mapping[str, object]:
    """`files`: path → digest; `read_by`: path → unit → verb; `wanted` units run on the machine, `masked` never;
    `enabled` are those of them that Debian's packages bring.

    What another package of ours has is in it as its lock.
    """
    outside = [File(npm_tree.LOCK, npm_tree.lock_text())] if any(part.npm_tree for part in parts) else []
    entries = (*tree, *outside)
    enabled = {unit for part in parts for unit in (*part.enabled, *(each.unit for each in part.packaged))}
    return {
        "version": VERSION,
        "files": {entry.path: digest(entry) for entry in entries},
        "read_by": {entry.path: readers for entry in entries if (readers := _read_by(entry, tree, parts))},
        "wanted": sorted(enabled | {each.unit for part in parts for each in part.wanted}),
        "enabled": sorted(enabled),
        "masked": sorted({unit for part in parts for unit in part.masked}),
    }


def digest(entry: Entry) -> str:
    """Equal for equal entries: content and mode of a file, the target of a link."""
    match entry:
        case File():
            return hashlib.sha256(b"%o\n" % entry.mode + entry.data).hexdigest()
        case Link():
            return f"-> {entry.target}"


def _read_by(entry: Entry, tree: Tree, parts: tuple[DebianPart, ...]) -> dict[str, str]:
    """Units that a change of this entry concerns, with what is done to each; what a part says goes before the rest."""
    stated = {each.unit: each.verb for each in _follows(parts) if each.covers(entry.path)}
    found = dict.fromkeys(_by_their_text(entry, tree), Verb.RESTART)
    return {unit: verb.value for unit, verb in sorted({**found, **stated}.items())}


def _follows(parts: Iterable[DebianPart]) -> Iterator[Follows]:
    for part in parts:
        yield from part.follows


def _by_their_text(entry: Entry, tree: Tree) -> Iterator[str]:
    """The unit that an entry describes (or adds to), or which runs it; what has ended by itself reads it next time."""
    if not isinstance(entry, File):
        return
    if entry.path.startswith(_UNITS):
        name = entry.path.removeprefix(_UNITS).partition(".d/")[0]
        if "/" not in name and "@." not in name and (not name.endswith(".service") or _runs_on(name, tree)):
            yield name
    else:
        yield from (
            name for name, text in _services(tree) if entry.path in _PROGRAM.findall(text) and _runs_on(name, tree)
        )


def _services(tree: Tree) -> Iterator[tuple[str, str]]:
    """Our services, templates left out, with their texts."""
    for file in tree.files:
        name = file.path.removeprefix(_UNITS)
        if file.path == f"{_UNITS}{name}" and name.endswith(".service") and "/" not in name and "@." not in name:
            yield name, str(file.content)


def _runs_on(service: str, tree: Tree) -> bool:
    """Whether a service is there after it has started; those of packages (we have a drop-in at most) are."""
    text = dict(_services(tree)).get(service, "")
    return "Type=oneshot" not in text or "RemainAfterExit=yes" in text
