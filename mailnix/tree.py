"""What a machine's file system gets from us, as values: files, links, and the tree they make.

Everything here is owned by root; what belongs to a service user is given to it at boot by
systemd-tmpfiles, so that an image can be written without a chroot and without knowing user ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeAlias

from attrs import field, frozen

from mailnix.errors import BuildError


def _absolute(_instance: object, _attribute: object, value: str) -> None:
    if not value.startswith("/") or ".." in value.split("/") or value.endswith("/"):
        raise ValueError(f"not an absolute path of a file: {value!r}")


@frozen
class File:
    """A regular file: absolute path on the machine, content, permission bits."""

    path: str = field(validator=_absolute)
    content: str | bytes = field(repr=False)
    mode: int = 0o644

    @property
    def data(self) -> bytes:
        """The content as bytes (text is UTF-8)."""
        return self.content.encode() if isinstance(self.content, str) else self.content


@frozen
class Link:
    """A symbolic link: absolute path on the machine, and what it points to, verbatim."""

    path: str = field(validator=_absolute)
    target: str


Entry: TypeAlias = File | Link


@frozen
class Tree:
    """Entries sorted by path, no path twice."""

    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, entries: Iterable[Entry]) -> Tree:
        """Sort entries into a tree; raises BuildError where two claim one path."""
        by_path: dict[str, Entry] = {}
        for entry in entries:
            if entry.path in by_path and by_path[entry.path] != entry:
                raise BuildError(f"two parts write {entry.path}", "let one service own the file")
            by_path[entry.path] = entry
        return cls(tuple(by_path[path] for path in sorted(by_path)))

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def files(self) -> tuple[File, ...]:
        """The regular files, links left out."""
        return tuple(entry for entry in self.entries if isinstance(entry, File))

    def file(self, path: str) -> File:
        """The file at `path`; raises KeyError where there is none."""
        for entry in self.entries:
            if entry.path == path and isinstance(entry, File):
                return entry
        raise KeyError(path)
