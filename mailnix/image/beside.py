"""What stands beside the images: their checksums, and the program that writes one onto a disk."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from mailnix.image.bootstrap import script
from mailnix.image.manifest import Manifest
from mailnix.write import write_file

SUMS: Final = "SHA256SUMS"
"""As sha256sum writes it and `sha256sum -c` reads it; the writer looks for it beside an image."""

WRITER: Final = "write-disk.sh"


def lay_beside(out: Path, manifest: Manifest) -> None:
    """Write both into the folder of the images."""
    write_file(out / SUMS, sums(manifest).encode())
    write_file(out / WRITER, script("write-disk").encode(), 0o755)


def sums(manifest: Manifest) -> str:
    """A line for each image."""
    return "".join(f"{entry.sha256}  {entry.file}\n" for entry in manifest.images)
