"""The container image, as Docker would read it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from mailnix.lab.fake_mailcow.archive import IMAGE, write_image
from mailnix.services.mailcow.guest.images import tags


@pytest.fixture
def system(tmp_path: Path) -> Path:
    """A tar as mmdebstrap writes it, with the least that matters."""
    path = tmp_path / "system.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("./", "./usr/", "./etc/", "./var/", "./var/spool/postfix/", "./dev/"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        link = tarfile.TarInfo("./bin")
        link.type, link.linkname = tarfile.SYMTYPE, "usr/bin"
        tar.addfile(link)
        for name, text in (("./usr/bin/sh", "elf"), ("./etc/passwd", "root:x:0:0::/root:/bin/sh\n"), ("./dev/x", "")):
            file = tarfile.TarInfo(name)
            file.size = len(text)
            tar.addfile(file, io.BytesIO(text.encode()))
    return path


def layer(archive: Path) -> tarfile.TarFile:
    with tarfile.open(archive) as tar:
        (image,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        return tarfile.open(fileobj=io.BytesIO(tar.extractfile(image["Layers"][0]).read()))  # type: ignore[union-attr]


@pytest.fixture
def archive(system: Path, tmp_path: Path) -> Path:
    write_image(system, tmp_path / "fake-mailcow.tar")
    return tmp_path / "fake-mailcow.tar"


def test_its_names_are_the_hashes_of_what_they_name(archive: Path) -> None:
    with tarfile.open(archive) as tar:
        (image,) = json.load(tar.extractfile("manifest.json"))  # type: ignore[arg-type]
        config = tar.extractfile(image["Config"]).read()  # type: ignore[union-attr]
        data = tar.extractfile(image["Layers"][0]).read()  # type: ignore[union-attr]
    assert image["Config"] == hashlib.sha256(config).hexdigest() + ".json"
    assert json.loads(config)["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(data).hexdigest()]


def test_the_machine_knows_its_name_before_loading_it(archive: Path) -> None:
    ((name, identity, config),) = tags(archive)
    assert name == IMAGE
    assert identity.startswith("sha256:")
    assert config["rootfs"]["diff_ids"]


def test_equal_inputs_give_equal_images(system: Path, archive: Path, tmp_path: Path) -> None:
    write_image(system, tmp_path / "again.tar")
    assert (tmp_path / "again.tar").read_bytes() == archive.read_bytes()


def test_usr_is_an_empty_place_to_mount_something(archive: Path) -> None:
    with layer(archive) as tar:
        names = tar.getnames()
    assert "usr" in names
    assert not [name for name in names if name.startswith(("usr/", "dev/"))]


def test_the_mail_store_has_an_owner(archive: Path) -> None:
    with layer(archive) as tar:
        text = tar.extractfile("etc/passwd").read().decode()  # type: ignore[union-attr]
    assert "vmail:x:5000:5000:" in text
    assert text.startswith("root:")


def test_entry_points_can_be_run(archive: Path) -> None:
    with layer(archive) as tar:
        assert tar.getmember("fake-mailcow/postfix.sh").mode == 0o755
        assert tar.getmember("fake-mailcow/api/server.py").mode == 0o644
        assert not [name for name in tar.getnames() if "__pycache__" in name]
