"""What a build made, as values and as manifest.json beside the images."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import cattrs
from attrs import asdict, frozen

from mailnix.errors import BuildError
from mailnix.image.values import Format
from mailnix.write import write_file

VERSION = 1
NAME = "manifest.json"


@frozen
class ManifestEntry:
    """One image: sizes in bytes, `file` relative to the manifest, `sha256` of that file.

    `inputs` names what went in: equal inputs, equal image. `packages` are Debian's versions by name.
    """

    host: str
    file: str
    format: Format
    size: int
    virtual_size: int
    sha256: str
    base: str
    inputs: str
    packages: Mapping[str, str]


@frozen
class Manifest:
    """The images in one folder, by host name and format."""

    images: tuple[ManifestEntry, ...]
    version: int = VERSION

    def image(self, host: str) -> ManifestEntry:
        """The first image of `host`; raises KeyError where there is none."""
        for entry in self.images:
            if entry.host == host:
                return entry
        raise KeyError(host)


def with_entries(old: Manifest | None, entries: Iterable[ManifestEntry]) -> Manifest:
    """A manifest in which `entries` take the place of those with the same file."""
    by_file = {entry.file: entry for entry in (*(old.images if old else ()), *entries)}
    return Manifest(tuple(by_file[file] for file in sorted(by_file)))


def write_manifest(folder: Path, manifest: Manifest) -> Path:
    """Write manifest.json into `folder`, whole or not at all."""
    path = folder / NAME
    write_file(path, (json.dumps(asdict(manifest), indent=2) + "\n").encode(), 0o644)
    return path


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest in `folder`; None where there is none. Raises BuildError where it cannot be read."""
    path = folder / NAME
    try:
        manifest = cattrs.Converter(forbid_extra_keys=True).structure(json.loads(path.read_text()), Manifest)
        if manifest.version != VERSION:
            raise ValueError(f"version {manifest.version}")
        return manifest
    except FileNotFoundError:
        return None
    except Exception as error:  # cattrs raises groups, json ValueError: both mean the same to a user
        raise BuildError(f"{path} cannot be read by this mailnix", "remove it, or build into another folder") from error
