"""Archives of `docker save`: all three forms are read, and nothing that is not what it says."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.errors import BuildError
from mailnix.image.archives import Saved, ensure, saved
from mailnix.image.images_disk import LABEL, disk_blocks, images_disk, images_of, room, unpacked, unpacked_size
from mailnix.image.values import Format
from mailnix.lab.fake_mailcow.archive import IMAGE, write_image
from mailnix.run import run
from mailnix.services.mailcow.guest.images import LABEL as LOOKED_FOR
from mailnix.services.mailcow.guest.images import tags
from mailnix.services.mailcow.pinned_images import IMAGES, Image, familiar, named

NAMES = ("ghcr.io/mailcow/unbound:1.25.1-1", "mariadb:10.11")
LAYERS = (b"first layer" * 1000, b"second layer")
Parts = dict[str, bytes]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def configuration(name: str, architecture: str = "amd64") -> bytes:
    layers = [f"sha256:{digest(layer)}" for layer in LAYERS]
    return json.dumps({"architecture": architecture, "comment": name, "rootfs": {"diff_ids": layers}}).encode()


def old(names: tuple[str, ...] = NAMES, architecture: str = "amd64") -> Parts:
    """As Docker 24 and earlier write it."""
    parts: Parts = {f"{number}/layer.tar": layer for number, layer in enumerate(LAYERS)}
    manifest = []
    for name in names:
        config = configuration(name, architecture)
        parts[f"{digest(config)}.json"] = config
        layers = [f"{number}/layer.tar" for number in range(len(LAYERS))]
        manifest.append({"Config": f"{digest(config)}.json", "RepoTags": [name], "Layers": layers})
    return {**parts, "manifest.json": json.dumps(manifest).encode()}


def new(names: tuple[str, ...] = NAMES, pack: Callable[[bytes], bytes] = bytes) -> Parts:
    """As Docker 25 and later write it; with layers packed, as they lie in containerd's store."""
    layers = [pack(layer) for layer in LAYERS]
    configs = {name: configuration(name) for name in names}
    parts = {f"blobs/sha256/{digest(blob)}": blob for blob in (*layers, *configs.values())}
    manifest = [
        {
            "Config": f"blobs/sha256/{digest(config)}",
            "RepoTags": [name if "/" in name else f"docker.io/library/{name}"],
            "Layers": [f"blobs/sha256/{digest(layer)}" for layer in layers],
        }
        for name, config in configs.items()
    ]
    index = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    return {**parts, "index.json": index, "oci-layout": b"{}", "manifest.json": json.dumps(manifest).encode()}


def packed(layer: bytes) -> bytes:
    return gzip.compress(layer, mtime=0)


FORMS = {"old": old(), "new": new(), "containerd": new(pack=packed)}


def archive(path: Path, parts: Parts) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, data in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return path


@pytest.fixture(params=FORMS)
def form(request: pytest.FixtureRequest) -> Parts:
    return dict(FORMS[request.param])


def test_an_image_is_known_by_its_configuration_however_it_was_saved(form: Parts, tmp_path: Path) -> None:
    expected = [Saved("a.tar", (name,), f"sha256:{digest(configuration(name))}", "amd64") for name in NAMES]
    assert list(saved(archive(tmp_path / "a.tar", form))) == expected


def test_the_machine_knows_the_same_images_by_the_same_digests(form: Parts, tmp_path: Path) -> None:
    file = archive(tmp_path / "a.tar", form)
    assert [(familiar(tag), identity) for tag, identity, _ in tags(file)] == [
        (image.names[0], image.config) for image in saved(file)
    ]


def test_each_byte_counts(form: Parts, tmp_path: Path) -> None:
    """A bit is turned in each part that an image is made of."""
    for name, data in form.items():
        if name in ("manifest.json", "index.json", "oci-layout"):
            continue
        spoiled = {**form, name: data[:-1] + bytes([data[-1] ^ 1])}
        with pytest.raises(BuildError, match=r"a\.tar"):
            saved(archive(tmp_path / "a.tar", spoiled))


def test_a_part_that_is_missing_is_named(form: Parts, tmp_path: Path) -> None:
    gone = json.loads(form["manifest.json"])[0]["Layers"][0]
    with pytest.raises(BuildError, match=f"it has no {gone[:40]}"):
        saved(archive(tmp_path / "a.tar", {path: data for path, data in form.items() if path != gone}))


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"{}", b"[]", b"[1]", b'[{"Config": 1}]', b"[" * 50_000, b'[{"Config": "x", "Layers": 1}]'],
    ids=lambda data: data[:20].decode(),
)
def test_a_manifest_that_is_none_is_refused(manifest: bytes, tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="was not made by docker save"):
        saved(archive(tmp_path / "a.tar", {**old(), "manifest.json": manifest}))


def test_what_is_no_archive_at_all_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"hello", b"\0" * 1024):
        (tmp_path / "a.tar").write_bytes(content)
        with pytest.raises(BuildError, match=r"a\.tar"):
            saved(tmp_path / "a.tar")


def test_a_layout_that_docker_does_not_load_is_told_from_what_is_none(tmp_path: Path) -> None:
    parts = new()
    del parts["manifest.json"]
    with pytest.raises(BuildError, match=r"a\.tar is an OCI layout \(index\.json\) without manifest\.json"):
        saved(archive(tmp_path / "a.tar", parts))
    del parts["index.json"]
    with pytest.raises(BuildError, match=r"a\.tar has neither manifest\.json nor index\.json"):
        saved(archive(tmp_path / "a.tar", parts))


def test_an_image_saved_by_its_id_has_no_name_to_run_it_by(tmp_path: Path) -> None:
    manifest = json.loads(old()["manifest.json"])
    manifest[0]["RepoTags"] = None
    with pytest.raises(BuildError, match="without a name"):
        saved(archive(tmp_path / "a.tar", {**old(), "manifest.json": json.dumps(manifest).encode()}))


def test_the_fake_mailcows_own_archive_is_one(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "debian.tar", "w") as tar:
        tar.addfile(tarfile.TarInfo("etc"))
    write_image(tmp_path / "debian.tar", tmp_path / "a.tar")
    assert [image.names for image in saved(tmp_path / "a.tar")] == [(IMAGE,)]


PINNED = tuple(Image(name, config={"amd64": f"sha256:{digest(configuration(name))}"}) for name in NAMES)


def test_the_images_of_the_pin_pass(form: Parts, tmp_path: Path) -> None:
    assert ensure(saved(archive(tmp_path / "a.tar", form)), PINNED, "amd64") == ()


def test_those_without_a_pinned_digest_are_said() -> None:
    found = [Saved("a.tar", (name,), "sha256:x", "amd64") for name in NAMES]
    assert ensure(found, [Image(name) for name in NAMES], "amd64") == NAMES


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (Saved("a.tar", (NAMES[0],), "sha256:other", "amd64"), f"{NAMES[0]} is sha256:other, the pin says sha256:"),
        (Saved("a.tar", (NAMES[0],), "sha256:x", "arm64"), f"{NAMES[0]} is for arm64, the machine is amd64"),
        (Saved("a.tar", ("mariadb:11",), "sha256:x", "amd64"), "mariadb:11 is no image of this Mailcow"),
        (Saved("a.tar", ("redis:latest",), "sha256:x", "amd64"), "redis:latest is no image of this Mailcow"),
    ],
    ids=["another image", "another architecture", "another version", "a stranger"],
)
def test_another_image_is_refused_with_its_name_and_both_digests(found: Saved, said: str) -> None:
    with pytest.raises(BuildError) as error:
        ensure([found], PINNED, "amd64")
    assert said in error.value.message


def test_images_that_are_missing_are_all_named_with_the_command_to_save_them() -> None:
    with pytest.raises(BuildError, match=f"lack 2 of 2 images: {', '.join(NAMES)}") as error:
        ensure([], PINNED, "amd64")
    assert error.value.hint == f"docker save {' '.join(NAMES)} > FILE, and name it, too"


def test_names_are_docker_hubs_or_others_with_their_tag() -> None:
    assert familiar("docker.io/library/redis") == familiar("redis:latest") == "redis:latest"
    assert familiar("docker.io/mcuadros/ofelia:latest") == "mcuadros/ofelia:latest"
    assert familiar("localhost:5000/x") == "localhost:5000/x:latest"


def test_a_tree_names_its_images_and_those_of_the_pin_have_its_digests(tmp_path: Path) -> None:
    compose = "services:\n  a:\n    image: mariadb:10.11 # the database\n  b:\n    image: 'redis'\n  #  image: no:1\n"
    (tmp_path / "docker-compose.yml").write_text(compose)
    assert named(compose) == ("mariadb:10.11", "redis:latest")
    assert [image.name for image in images_of(tmp_path)] == ["mariadb:10.11", "redis:latest"]
    assert images_of(None) == IMAGES
    with pytest.raises(BuildError, match="is not a tree of Mailcow"):
        images_of(tmp_path / "none")


@pytest.fixture(params=["tar", "gzip", "zstd"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An archive as people pack it."""
    plain = archive(tmp_path / "images.tar", old())
    if request.param == "gzip":
        (tmp_path / "images.tgz").write_bytes(gzip.compress(plain.read_bytes()))
        return tmp_path / "images.tgz"
    if request.param == "zstd":
        if shutil.which("zstd") is None:
            pytest.skip("zstd is not installed")
        run(["zstd", "-q", plain])
        return tmp_path / "images.tar.zst"
    return plain


def test_a_packed_archive_is_unpacked(file: Path, tmp_path: Path) -> None:
    unpacked(file, tmp_path / "out.tar")
    assert (tmp_path / "out.tar").read_bytes() == (tmp_path / "images.tar").read_bytes()


def test_one_that_is_cut_off_is_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BuildError) as error:
        images_disk([tmp_path / "cut"], PINNED, tmp_path / "out")
    assert "docker save" in error.value.hint


def test_the_disk_has_the_archives_where_the_machine_looks_for_them(file: Path, tmp_path: Path) -> None:
    if shutil.which("mkfs.ext4") is None:
        pytest.skip("e2fsprogs are not installed")
    said: list[str] = []
    disk = images_disk([file], PINNED, tmp_path / "out", progress=said.append)
    assert said == [f"{file.name}: reading it to its end"]
    assert LOOKED_FOR.name == LABEL
    assert f"Filesystem volume name:   {LABEL}" in run(["dumpe2fs", "-h", disk]).stdout
    run(["debugfs", "-R", f"dump /00.tar {tmp_path / 'back.tar'}", disk])
    assert (tmp_path / "back.tar").read_bytes() == (tmp_path / "images.tar").read_bytes()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["mailcow-images.raw"]


def test_the_space_for_a_disk_is_that_of_the_unpacked_archives(file: Path, tmp_path: Path) -> None:
    whole = (tmp_path / "images.tar").stat().st_size
    assert unpacked_size(file) == whole
    disk = disk_blocks(whole) * 1024
    copied = 0 if file.name == "images.tar" else whole  # a plain one is linked
    assert room([file], tmp_path, Format.RAW) == copied + disk
    assert room([file, file], tmp_path, Format.QCOW2) == 2 * copied + 2 * disk_blocks(2 * whole) * 1024


def test_an_archive_that_would_fill_the_disk_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zeros.tgz").write_bytes(gzip.compress(bytes(2**24)))
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda where: usage._replace(free=2**24))
    with pytest.raises(BuildError, match=r"has 16 MiB free, the image needs about (4|5)\d MiB"):
        images_disk([tmp_path / "zeros.tgz"], PINNED, tmp_path / "out")


def test_nothing_is_made_of_archives_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="lack 1 of 2"):
        images_disk([archive(tmp_path / "a.tar", old(NAMES[:1]))], PINNED, tmp_path / "out")
    with pytest.raises(BuildError, match="none does not exist"):
        images_disk([tmp_path / "none"], PINNED, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
