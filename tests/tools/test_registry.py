"""From a registry to the pin, and from the pin to a machine that pulls by it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailnix.plan import derive
from mailnix.services.mailcow.guest.machine import Paths, SetupError
from mailnix.services.mailcow.guest.setup import have_images
from mailnix.services.mailcow.pinned_images import Image
from mailnix.services.mailcow.render import machine_json
from tests.descriptions import sound
from tests.tools.registries import Docker, Registry, registry
from tools.pin_images import main
from tools.registry import address, manifest


@pytest.fixture
def there() -> Iterator[Registry]:
    with registry() as found:
        yield found


class Pinned:
    """A tree with two images, one of them by a tag that moves; what is pinned of them; a machine."""

    def __init__(self, there: Registry, folder: Path) -> None:
        self.there, self.folder = there, folder
        self.unbound, self.memcached = f"{there.host}/mailcow/unbound:1.25", f"{there.host}/memcached:alpine"
        compose = f"services:\n  a:\n    image: {self.unbound}\n  b:\n    image: {self.memcached}\n"
        (folder / "docker-compose.yml").write_text(compose)
        self.digests = {name: there.push(name, "first") for name in (self.unbound, self.memcached)}
        self.docker = Docker([self.unbound, self.memcached, "elsewhere.example/not-pinned:1"])
        self.paths = Paths(root=folder / "mailcow")
        self.pinned = self.pin()

    def pin(self) -> tuple[Image, ...]:
        """What an owner runs who has a registry."""
        assert main([str(self.folder)], self.folder / "images.toml") == 0
        return tuple(Image(**each) for each in tomllib.loads((self.folder / "images.toml").read_text())["image"])

    def start(self, came: tuple[str, ...] = ()) -> list[str]:
        """What a machine with that pin pulls at a start of Mailcow."""
        told = json.loads(machine_json(derive(sound()), images=self.pinned))["images"]
        self.docker.pulled.clear()
        have_images(told, self.paths, came, self.docker)
        return list(self.docker.pulled)


@pytest.fixture
def case(there: Registry, tmp_path: Path) -> Pinned:
    return Pinned(there, tmp_path)


def test_every_image_of_the_tree_is_pinned_by_its_digest(case: Pinned) -> None:
    assert {image.name: image.digest for image in case.pinned} == case.digests
    for image in case.pinned:
        assert image.config == {"amd64": "sha256:first-amd64", "arm64": "sha256:first-arm64"}


def test_a_machine_pulls_by_digest_and_once(case: Pinned) -> None:
    by_digest = [f"{name.rpartition(':')[0]}@{digest}" for name, digest in case.digests.items()]
    assert case.start() == by_digest
    assert case.docker.images[case.memcached]["RepoDigests"] == [by_digest[1]]
    case.there.held.clear()  # as good as no network
    assert case.start() == []


def test_a_tag_that_moves_moves_no_machine_and_a_new_pin_does(case: Pinned) -> None:
    case.start()
    newer = case.there.push(case.memcached, "second")
    assert case.start() == []
    case.docker.images.clear()
    assert case.digests[case.memcached] in case.start()[1]
    case.pinned = case.pin()
    assert case.start() == [f"{case.there.host}/memcached@{newer}"]


def test_another_image_under_a_digest_is_refused(case: Pinned) -> None:
    digest = case.digests[case.memcached]
    case.there.held["memcached"][digest] = b'{"manifests": []}'
    with pytest.raises(SetupError, match=f"manifest verification failed for digest {digest}"):
        case.start()
    assert case.memcached not in case.docker.images
    (case.folder / "images.toml").unlink()
    its = case.there.held["mailcow/unbound"]
    amd64 = json.loads(its["1.25"])["manifests"][0]["digest"]
    its[amd64] = b'{"config": {"digest": "sha256:evil"}}'
    with pytest.raises(ValueError, match="the manifest for amd64 is not what its digest says"):
        case.pin()
    assert not (case.folder / "images.toml").exists()


def test_what_came_with_a_disk_or_is_there_is_not_pulled(case: Pinned) -> None:
    case.docker.images[case.memcached] = {"Id": "of a disk", "RepoDigests": []}
    reference = f"{case.unbound.rpartition(':')[0]}@{case.digests[case.unbound]}"
    case.docker.images[case.unbound] = {"Id": "pulled by its tag before", "RepoDigests": [reference]}
    assert case.start(came=(f"docker.io/library/{case.memcached}",)) == []
    assert case.start() == []  # the disk was taken out
    case.docker.images[case.memcached] = {"Id": "of somebody", "RepoDigests": []}
    assert len(case.start()) == 1


def test_what_another_tree_does_not_run_is_not_pulled(case: Pinned) -> None:
    case.docker.run.remove(case.memcached)
    assert len(case.start()) == 1


def test_images_without_a_digest_are_left_to_compose(case: Pinned) -> None:
    case.pinned = tuple(Image(image.name) for image in case.pinned)
    assert case.start() == []


def test_names_without_a_registry_are_docker_hubs() -> None:
    hub = "https://registry-1.docker.io/v2"
    assert address("mariadb:10.11") == f"{hub}/library/mariadb/manifests/10.11"
    assert address("mcuadros/ofelia@sha256:a") == f"{hub}/mcuadros/ofelia/manifests/sha256:a"
    assert address("ghcr.io/mailcow/acme:1") == "https://ghcr.io/v2/mailcow/acme/manifests/1"


def test_an_image_that_is_not_there_is_an_error(there: Registry) -> None:
    with pytest.raises(OSError, match="404"):
        manifest(f"{there.host}/nothing:1")
