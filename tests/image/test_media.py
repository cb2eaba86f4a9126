"""`--format iso`: a medium for each machine, all of them or none, with what it installs."""

from __future__ import annotations

import gzip
import json
import shutil
from pathlib import Path
from uuid import UUID

import pytest

from mailnix.errors import BuildError, CommandFailed
from mailnix.image.beside import SUMS, WRITER
from mailnix.image.gpt import layout, tables
from mailnix.image.iso import FOLDER, SETTINGS
from mailnix.image.loaders import LOADERS
from mailnix.image.manifest import Manifest, ManifestEntry, read_manifest, write_manifest
from mailnix.image.media import build_media
from mailnix.image.nix import sha256
from mailnix.image.values import MIB, Format
from mailnix.model.architecture import Architecture
from mailnix.run import run
from tests.image.fake_live import Debian

HOSTS = ("internal", "proxy")
IDS = {name: UUID(int=number) for number, name in enumerate(HOSTS, 1)}
SIZE = 44 * MIB

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("mmdebstrap", "xorrisofs", "mcopy"))),
    reason="programs are missing: mmdebstrap, xorriso, mtools",
)


def images(folder: Path) -> None:
    """What a build makes: packed disks, and a manifest."""
    entries = []
    for name in HOSTS:
        head, tail = tables(IDS[name], SIZE, layout(IDS[name], SIZE, LOADERS[Architecture.AMD64]), b"")
        image = folder / f"{name}.raw.gz"
        image.write_bytes(gzip.compress(head.ljust(SIZE - len(tail), b"\0") + tail, 1))
        size = image.stat().st_size
        entries.append(ManifestEntry(name, image.name, Format.RAW_GZ, size, SIZE, sha256(image), "base", "in", {}))
    write_manifest(folder, Manifest(tuple(entries)))


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def on_it(medium: Path, name: str, folder: Path) -> Path:
    target = folder / name
    run(["xorriso", "-osirrox", "on", "-indev", medium, "-extract", f"/{FOLDER}/{name}", target])
    return target


def test_each_machine_has_a_medium_that_the_manifest_knows(tmp_path: Path, out: Path) -> None:
    build_media(images, HOSTS, out, {}, cache=tmp_path / "cache", runner=Debian())
    assert sorted(path.name for path in out.glob("[!.]*")) == ["internal.iso", "manifest.json", "proxy.iso"]
    manifest = read_manifest(out)
    assert manifest is not None
    for entry in manifest.images:
        medium = out / entry.file
        assert (entry.format, entry.size, entry.sha256) == (Format.ISO, medium.stat().st_size, sha256(medium))
        assert (entry.virtual_size, entry.inputs) == (SIZE, "in")


def test_a_medium_has_its_image_whole_with_the_sum_that_the_writer_compares(tmp_path: Path, out: Path) -> None:
    build_media(images, HOSTS, out, {}, cache=tmp_path / "cache", runner=Debian())
    for name in (SUMS, WRITER, "internal.raw.gz"):
        on_it(out / "internal.iso", name, tmp_path)
    assert run(["sha256sum", "-c", SUMS], cwd=tmp_path).stdout == "internal.raw.gz: OK\n"


def test_a_medium_knows_its_machines_disk_and_no_other(tmp_path: Path, out: Path) -> None:
    build_media(images, HOSTS, out, {"proxy": "S4-X"}, cache=tmp_path / "cache", runner=Debian())
    shown = {name: on_it(out / f"{name}.iso", SETTINGS, tmp_path / name).read_text() for name in folders(tmp_path)}
    assert shown == {
        "internal": f"machine=internal\ndisk_id={IDS['internal']}\n",
        "proxy": f"machine=proxy\ndisk_id={IDS['proxy']}\ndisk_serial=S4-X\n",
    }


def folders(folder: Path) -> tuple[str, ...]:
    for name in HOSTS:
        (folder / name).mkdir()
    return HOSTS


def test_media_and_images_of_one_folder_are_in_one_manifest(tmp_path: Path, out: Path) -> None:
    out.mkdir()
    images(out)
    build_media(images, HOSTS, out, {}, cache=tmp_path / "cache", runner=Debian())
    listed = [image["file"] for image in json.loads((out / "manifest.json").read_text())["images"]]
    assert listed == ["internal.iso", "internal.raw.gz", "proxy.iso", "proxy.raw.gz"]


def test_where_an_image_cannot_be_made_nothing_is_left(tmp_path: Path, out: Path) -> None:
    def breaks(folder: Path) -> None:
        images(folder)
        raise CommandFailed(["debugfs"], 1, "no")

    with pytest.raises(CommandFailed):
        build_media(breaks, HOSTS, out, {}, cache=tmp_path / "cache", runner=Debian())
    assert [path.name for path in out.iterdir()] == [".mailnix.lock"]


def test_where_the_live_system_cannot_be_made_no_image_is(tmp_path: Path, out: Path) -> None:
    with pytest.raises(BuildError, match="the disk is full"):
        build_media(
            images, HOSTS, out, {}, cache=tmp_path / "cache", runner=Debian(fails=("E: No space left on device",))
        )
    assert [path.name for path in out.iterdir()] == [".mailnix.lock"]


@pytest.mark.parametrize("serial", ["two words", "", "ä", "line\nfeed"])
def test_what_is_no_serial_number_is_refused_before_anything_is_made(tmp_path: Path, out: Path, serial: str) -> None:
    with pytest.raises(BuildError, match="is no serial number"):
        build_media(images, HOSTS, out, {"proxy": serial}, cache=tmp_path / "cache", runner=Debian())
    assert not out.exists()


def test_a_disk_of_a_machine_that_has_no_medium_is_refused(tmp_path: Path, out: Path) -> None:
    with pytest.raises(BuildError, match="no medium is made for 'home'") as caught:
        build_media(images, HOSTS, out, {"home": "S4-X"}, cache=tmp_path / "cache", runner=Debian())
    assert caught.value.hint == "name one of internal, proxy"
