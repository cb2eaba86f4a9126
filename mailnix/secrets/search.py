"""Looking for secrets where they must not be: in a machine's disk. The bytes looked for never leave this package."""

from __future__ import annotations

import base64
import binascii
import errno
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from mailnix.plan.credentials import relay_password
from mailnix.plan.types import Plan, SecretKind
from mailnix.secrets import bundles
from mailnix.secrets.folder import Folder
from mailnix.secrets.value import Secret

CHUNK: Final = 8 * 1024 * 1024
SHORTEST: Final = 12
"""Bytes; what is shorter may stand on a disk by chance."""


def mailbox_passwords(plan: Plan, folder: Path) -> Secret:
    """The initial passwords of every mailbox: JSON, address to password."""
    host = plan.internal
    name = next(c.name for c in host.credentials if c.kind is SecretKind.MAILBOX_BUNDLE)
    found = Folder(folder).get(host.name, name)
    return bundles.dump(bundles.load(found, SecretKind.MAILBOX_BUNDLE, f"{host.name}/{name}"))


def relay_passwords(plan: Plan, folder: Path) -> Secret:
    """The passwords at relays: JSON, host to password."""
    store, proxy = Folder(folder), plan.proxies[0].name
    found = {relay.host: store.get(proxy, relay_password(relay.host)) for relay in plan.topology.relays}
    return bundles.dump({host: secret.reveal().decode().strip() for host, secret in found.items() if secret})


def foreign_secrets(plan: Plan, folder: Path, owner: str, files: Iterable[Path]) -> tuple[str, ...]:
    """Names of the credentials made for `owner` alone that can be found in any of these files."""
    store = Folder(folder)
    wanted: dict[str, tuple[bytes, ...]] = {}
    for credential in (each for each in plan.credentials if each.host == owner):
        # What is derived from another machine's is public, or known there anyway.
        secret = store.get(owner, credential.name) if credential.source is None else None
        if secret is not None:
            wanted[credential.name] = tuple(forms(secret.reveal()))
    return search(files, wanted)


def search(files: Iterable[Path], wanted: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
    """Which of the named things stand in any of the files, in any of their forms."""
    needles = [(name, form) for name, forms_ in wanted.items() for form in forms_ if len(form) >= SHORTEST]
    longest = max((len(form) for _name, form in needles), default=0)
    found: set[str] = set()
    for file in files:
        for chunk in _chunks(file, longest):
            found |= {name for name, form in needles if name not in found and form in chunk}
    return tuple(sorted(found))


def forms(value: bytes) -> Iterator[bytes]:
    """A secret as it may stand on a disk: as it is, in base64, decoded, the lines of a key, the values of a bundle."""
    text = value.strip()
    if text.startswith(b"{"):
        for inner in _values(json.loads(text)):
            yield from forms(inner.encode())
        return
    if text.startswith(b"-----BEGIN"):
        # The first lines say only what kind of key it is.
        yield from (line for line in text.splitlines()[2:-1] if len(line) >= SHORTEST)
        return
    yield text
    yield base64.b64encode(text).rstrip(b"=")[:-1]
    try:
        decoded = base64.b64decode(text, validate=True)
    except binascii.Error:
        return
    if len(decoded) == 32:  # a WireGuard key
        yield decoded


def _values(found: object) -> Iterator[str]:
    match found:
        case dict():
            for key, inner in found.items():
                if key != "selector":
                    yield from _values(inner)
        case list():
            for inner in found:
                yield from _values(inner)
        case str():
            yield found
        case _:
            return


def _chunks(file: Path, overlap: int) -> Iterator[bytes]:
    """The file's data without its holes, in pieces that overlap."""
    handle = os.open(file, os.O_RDONLY)
    try:
        end = os.fstat(handle).st_size
        position = 0
        while position < end:
            try:
                position = os.lseek(handle, position, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # only a hole is left
                    return
                raise
            piece = os.pread(handle, CHUNK + overlap, position)
            yield piece
            position += CHUNK
    finally:
        os.close(handle)
