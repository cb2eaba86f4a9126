"""`mailnix emit --backend debian`: each machine's tree below a folder of its name, and its package list."""

from __future__ import annotations

from collections.abc import Iterable

from attrs import evolve

from mailnix.debian.host import DebianHost
from mailnix.tree import Entry, File, Tree


def emit(hosts: Iterable[DebianHost]) -> Tree:
    """`/<host>/root/...` and `/<host>/packages`."""
    entries: list[Entry] = []
    for host in hosts:
        entries += [evolve(entry, path=f"/{host.name}/root{entry.path}") for entry in host.tree]
        entries.append(File(f"/{host.name}/packages", "".join(f"{package}\n" for package in host.packages)))
    return Tree.of(entries)
