"""What the image builder is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailnix import Proxy
from mailnix.debian.packages import KERNEL
from mailnix.errors import BuildError
from mailnix.image.hosts import host_builds, pin_of
from mailnix.image.values import ExtraTree
from mailnix.model.architecture import Architecture
from mailnix.nar import nar_hash
from mailnix.plan import derive
from mailnix.services.mailcow.debian import SOURCE
from mailnix.services.mailcow.pin import PIN
from tests.descriptions import PUBLIC4, sound


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "docker-compose.yml").write_text("services: {}\n")
    return tmp_path


def test_every_machine_gets_the_kernel_with_all_drivers_for_rented_ones_emulate_real_cards_too() -> None:
    assert {host.kernel for host in host_builds(derive(sound()))} == {KERNEL}


def test_a_machine_gets_the_kernel_of_its_processor() -> None:
    topology = sound(proxies=[Proxy("proxy", PUBLIC4, architecture="arm64")])
    proxy, internal = host_builds(derive(topology))
    assert (proxy.kernel, proxy.base.architecture) == ("linux-image-arm64", Architecture.ARM64)
    assert (internal.kernel, internal.base.architecture) == ("linux-image-amd64", Architecture.AMD64)


def test_only_the_proxy_has_haraka() -> None:
    proxy, internal = host_builds(derive(sound()))
    assert (proxy.npm_tree, internal.npm_tree) == (True, False)


def test_a_tree_of_mailcow_that_is_given_goes_into_the_internal_hosts_image_alone(tree: Path) -> None:
    proxy, internal = host_builds(derive(sound()), tree)
    assert proxy.extra_trees == ()
    assert internal.extra_trees == (ExtraTree(tree, SOURCE),)


def test_a_tree_of_mailcow_that_is_given_is_known_by_its_own_hash(tree: Path) -> None:
    pin = pin_of(tree)
    assert pin.nar_hash == nar_hash(tree) != PIN.nar_hash


def test_a_folder_that_is_no_tree_of_mailcow_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match="is not a tree of Mailcow"):
        host_builds(derive(sound()), tmp_path)
