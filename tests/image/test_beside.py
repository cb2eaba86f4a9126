"""What a build lays beside its images is what other programs read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from mailnix.image.beside import SUMS, WRITER, lay_beside
from mailnix.image.manifest import Manifest, ManifestEntry
from mailnix.image.values import Format
from mailnix.run import run


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with two images, and what stands beside them."""
    entries = []
    for name in ("internal", "proxy"):
        image = tmp_path / f"{name}.raw"
        image.write_bytes(name.encode())
        digest = hashlib.sha256(name.encode()).hexdigest()
        entries.append(ManifestEntry(name, image.name, Format.RAW, 1, 1, digest, "base", "in", {}))
    lay_beside(tmp_path, Manifest(tuple(entries)))
    return tmp_path


def test_sha256sum_finds_every_image_whole(out: Path) -> None:
    assert run(["sha256sum", "-c", SUMS], cwd=out).stdout == "internal.raw: OK\nproxy.raw: OK\n"


def test_sha256sum_finds_one_that_was_damaged(out: Path) -> None:
    (out / "proxy.raw").write_bytes(b"Proxy")
    assert run(["sha256sum", "-c", SUMS], cwd=out, check=False).status == 1


def test_the_writer_is_a_program(out: Path) -> None:
    asked = run([out / WRITER], check=False)
    assert (asked.status, asked.stderr.splitlines()[0]) == (2, "write-disk: name the image")
