"""The NAR hash of a directory, as `nix hash path` prints it: contents, names and executable bits, nothing else.

Only the standard library: mailnix imports this, and the machine runs it before it trusts a fetched tree.
"""

from __future__ import annotations

import base64
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

CHUNK = 2**20


def nar_hash(root: Path) -> str:
    """The SRI hash (`sha256-…`) of a file, link or directory; raises OSError where it cannot be read."""
    digest = hashlib.sha256()
    digest.update(_string(b"nix-archive-1"))
    for piece in _node(root):
        digest.update(piece)
    return f"sha256-{base64.b64encode(digest.digest()).decode()}"


def _string(data: bytes) -> bytes:
    """A string of the archive format: length as 64-bit little endian, bytes, zeros up to a multiple of eight."""
    return len(data).to_bytes(8, "little") + data + bytes(-len(data) % 8)


def _strings(*texts: str) -> bytes:
    return b"".join(_string(text.encode()) for text in texts)


def _node(path: Path) -> Iterator[bytes]:
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        yield _strings("(", "type", "symlink", "target") + _string(os.fsencode(path.readlink())) + _strings(")")
    elif stat.S_ISDIR(status.st_mode):
        yield from _directory(path)
    elif stat.S_ISREG(status.st_mode):
        yield from _regular(path, status)
    else:
        raise OSError(f"{path} is neither a file, a link nor a directory")


def _directory(path: Path) -> Iterator[bytes]:
    yield _strings("(", "type", "directory")
    for name in sorted(os.fsencode(entry.name) for entry in path.iterdir()):
        yield _strings("entry", "(", "name") + _string(name) + _strings("node")
        yield from _node(path / os.fsdecode(name))
        yield _strings(")")
    yield _strings(")")


def _regular(path: Path, status: os.stat_result) -> Iterator[bytes]:
    yield _strings("(", "type", "regular")
    if status.st_mode & stat.S_IXUSR:
        yield _strings("executable", "")
    yield _strings("contents") + status.st_size.to_bytes(8, "little")
    read = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            read += len(chunk)
            yield chunk
    if read != status.st_size:
        raise OSError(f"{path} changed while it was read")
    yield bytes(-read % 8) + _strings(")")
