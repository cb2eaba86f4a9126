"""The page for libvirt, followed word by word on a host of its own: with a seed disk, and with a push.

What is typed is the page's, but for `EMULATED`. Only `make hardware` does this: two machines at home start, emulated.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from mailnix import pipeline
from mailnix.image.values import MIB
from mailnix.plan import Plan
from mailnix.run import run
from mailnix.services.credentials.names import READY, STORE
from rig.administrator import Administrator
from rig.libvirt import EMULATED, LEASE, SILENT, Host, host, missing, wait_for
from rig.waiting import until
from tests import pages
from tests.hardware import ALL, SELDOM

pytestmark = [
    pytest.mark.skipif(not ALL, reason=SELDOM),
    pytest.mark.skipif(bool(missing()), reason=missing() or "runs"),
]

PAGE = pages.DOCS / "howto/install/libvirt.md"
TYPED = pages.commands(PAGE)
(CONSOLE,) = re.findall("`(virsh console .*?)`", PAGE.read_text())
SEED = "internal-seed.img"
GIB = 1024 * MIB


def typed(beginning: str) -> str:
    (found,) = (command for command in TYPED if command.startswith(beginning))
    return found


def without_the_seed_disk(command: str) -> str:
    """As the page says it."""
    return " ".join(word for word in command.replace("--disk path", "--disk=path").split(" ") if SEED not in word)


@frozen
class Home:
    """Who has followed the page's first block, and what was described."""

    admin: Administrator
    plan: Plan


@pytest.fixture(scope="module")
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    admin = Administrator(tmp_path_factory.mktemp("home"))
    admin.describe(Path(request.config.getoption("--mailnix-config")), LEASE)
    admin.as_pages_say(LEASE)
    for command in TYPED[:3]:
        assert command.startswith("mailnix ")
        run(["sh", "-c", command], cwd=admin.folder, env=admin.env)
    yield Home(admin, pipeline.plan(admin.config))
    shutil.rmtree(admin.folder / "out")


@pytest.fixture
def hypervisor(home: Home, tmp_path: Path) -> Iterator[Host]:
    """A host with libvirt, to whose user's questions SSH has an answer."""
    home.admin.say_yes(LEASE)
    state = tmp_path / "state"
    state.mkdir()
    with host(home.admin.folder, home.admin.programs, state) as started:
        yield started


def test_a_machine_starts_takes_its_seed_disk_and_has_that_taken_away(
    hypervisor: Host, home: Home, tmp_path: Path
) -> None:
    for beginning in ("cp ", "chmod ", "qemu-img "):
        hypervisor.type(typed(beginning))
    hypervisor.type(f"{typed('virt-install ')} {EMULATED}")
    with hypervisor.watch(CONSOLE, tmp_path / "console") as console:
        wait_for(console, f"took {len(home.plan.internal.credentials)} credentials")
        wait_for(console, f"its addresses are {LEASE}")
    grown = hypervisor.type(f"ssh root@{LEASE} df --output=size -B1 / | tail -n 1").stdout
    assert int(grown) > 64 * GIB * 0.85
    assert "vdb" in disks(hypervisor)

    hypervisor.type(typed("virsh "))
    hypervisor.type(typed("rm "))
    assert "vdb" not in disks(hypervisor, "--inactive")
    inside = f"ssh root@{LEASE} test -e /dev/vdb"
    until(lambda: hypervisor.type(inside, check=False).status == 1, "the machine lets go of its seed disk", SILENT)
    assert "vdb" not in disks(hypervisor)
    assert "Autostart:      enable" in hypervisor.type("virsh dominfo internal").stdout


def disks(hypervisor: Host, *words: str) -> str:
    return hypervisor.type(f"virsh domblklist internal {' '.join(words)}").stdout


def test_a_machine_without_a_seed_disk_takes_what_is_pushed(hypervisor: Host, home: Home, tmp_path: Path) -> None:
    for beginning in ("cp ", "qemu-img "):
        hypervisor.type(without_the_seed_disk(typed(beginning)))
    hypervisor.type(f"{without_the_seed_disk(typed('virt-install '))} {EMULATED}")
    with hypervisor.watch(CONSOLE, tmp_path / "console") as console:
        wait_for(console, f"waits for {len(home.plan.internal.credentials)} of its credentials")
        wait_for(console, f"its addresses are {LEASE}")
        hypervisor.type(typed("ssh "))
        wait_for(console, f"its SSH host key is {home.admin.fingerprint(LEASE)}")
    said = hypervisor.type(typed("mailnix secrets push ")).stdout
    assert f"internal has its {len(home.plan.internal.credentials)} credentials" in said
    ready = f"ssh root@{LEASE} systemctl is-active {READY}"
    until(lambda: hypervisor.type(ready, check=False).stdout == "active\n", f"{READY} is active", SILENT)
    there = hypervisor.type(f"ssh root@{LEASE} ls {STORE}").stdout.split()
    assert len(there) == len(home.plan.internal.credentials)
