"""A saved lab is taken up again only where its machines would be made of the same again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import evolve

from mailnix.config import load
from mailnix.debian.host import debian_hosts
from mailnix.debian.package import generation
from mailnix.image.values import ExtraTree, HostBuild
from mailnix.lab import inputs
from mailnix.lab.prepare import Mailcow, Options
from mailnix.lab.servers import build as servers
from mailnix.lab.servers.plain import wanted
from mailnix.lab.spec import Firmware
from mailnix.plan import Plan, derive
from mailnix.secrets import init, rotate
from mailnix.tree import File, Link, Tree

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "docs/examples/two_machines.py"
PRINT_DIGEST = """
import sys
from pathlib import Path
from mailnix.config import load
from mailnix.lab import inputs
from mailnix.lab.prepare import Options
from mailnix.plan import derive
print(inputs.__file__, inputs.digest(derive(load(Path(sys.argv[1]))), Options(Path("/lab")), Path("/none")))
"""
BUILD = HostBuild("one", ("bash",), Tree.of([File("/etc/x", "x"), Link("/etc/y", "x")]))


@pytest.fixture(scope="module")
def plan() -> Plan:
    return derive(load(EXAMPLE))


@pytest.fixture(scope="module")
def digest_with(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The digest that a mailnix would give in which one file has an empty line more."""
    home = tmp_path_factory.mktemp("copy")
    package = shutil.copytree(REPOSITORY / "mailnix", home / "mailnix", ignore=shutil.ignore_patterns("__pycache__"))
    environment = {**os.environ, "PYTHONPATH": str(home), "PYTHONDONTWRITEBYTECODE": "1"}

    def digest(changed: str = "") -> str:
        before = (package / changed).read_bytes() if changed else b""
        if changed:
            (package / changed).write_bytes(before + b"\n")
        argv = [sys.executable, "-c", PRINT_DIGEST, str(EXAMPLE)]
        done = subprocess.run(argv, env=environment, cwd=home, capture_output=True, text=True, check=False)
        if changed:
            (package / changed).write_bytes(before)
        assert done.returncode == 0, done.stderr
        where, found = done.stdout.split()
        assert Path(where).is_relative_to(package)
        return found

    return digest


@pytest.fixture(scope="module")
def unchanged(digest_with: Callable[[str], str]) -> str:
    return digest_with("")


@pytest.mark.parametrize(
    "changed",
    [
        "services/mailcow/guest/setup.py",
        "services/credentials/templates/seed.sh.j2",
        "services/haraka/plugins/sockets.js",
        "services/haraka/npm/package-lock.json",
        "image/scripts/customize.sh",
        "lab/internet/guest/probe.py",
        "lab/fake_mailcow/rootfs/postfix.sh",
        "lab/fake_mailcow/tree/data/conf/postfix/main.cf",
        "lab/fake_mailcow/guest/api/aliases.py",
    ],
)
def test_code_that_runs_on_a_machine_makes_another_lab(
    changed: str, digest_with: Callable[[str], str], unchanged: str
) -> None:
    assert digest_with(changed) != unchanged


@pytest.mark.parametrize("changed", ["cli/output.py", "lab/scenario/outbound.py", "nixos/flake.py"])
def test_code_that_stays_on_this_side_does_not(changed: str, digest_with: Callable[[str], str], unchanged: str) -> None:
    assert digest_with(changed) == unchanged


@pytest.mark.parametrize(
    "other",
    [
        evolve(BUILD, name="two"),
        evolve(BUILD, packages=("bash", "git")),
        evolve(BUILD, npm_tree=True),
        evolve(BUILD, kernel="linux-image-cloud-amd64"),
        evolve(BUILD, disk_size=2**32),
        evolve(BUILD, tree=Tree.of([File("/etc/x", "y"), Link("/etc/y", "x")])),
        evolve(BUILD, tree=Tree.of([File("/etc/x", "x", mode=0o755), Link("/etc/y", "x")])),
        evolve(BUILD, tree=Tree.of([File("/etc/x", "x"), Link("/etc/y", "z")])),
        evolve(BUILD, extra_trees=(ExtraTree(Path(__file__).parent / "scenario", "/usr/share/x"),)),
    ],
)
def test_everything_that_an_image_is_made_of_counts(other: HostBuild) -> None:
    assert list(inputs.of_build(other)) != list(inputs.of_build(BUILD))


@pytest.mark.parametrize(
    "other",
    [
        Options(Path("/lab"), mailcow=Mailcow.REAL),
        Options(Path("/lab"), firmware=Firmware.UEFI),
        Options(Path("/lab"), servers=True),
    ],
)
def test_how_a_lab_is_made_counts(plan: Plan, tmp_path: Path, other: Options) -> None:
    assert inputs.digest(plan, other, tmp_path) != inputs.digest(plan, Options(Path("/lab")), tmp_path)


def test_plain_servers_with_other_packages_or_generations_are_another_lab(plan: Plan) -> None:
    found = list(inputs.software(plan, Options(Path("/lab"), servers=True)))
    assert servers.key(wanted(plan)) in found
    for host in debian_hosts(plan):
        assert generation(host, 1).digest in found


def test_other_images_of_mailcow_are_another_lab(plan: Plan, tmp_path: Path) -> None:
    file = tmp_path / "images.tar"
    file.write_bytes(b"one")
    options = Options(Path("/lab"), mailcow=Mailcow.REAL, mailcow_images=(file,))
    before = inputs.digest(plan, options, tmp_path)
    assert before == inputs.digest(plan, options, tmp_path)
    file.write_bytes(b"other")
    assert before != inputs.digest(plan, options, tmp_path)


def test_another_description_is_another_lab(plan: Plan, tmp_path: Path) -> None:
    other = derive(evolve(plan.topology, timezone="Europe/Paris"))
    options = Options(Path("/lab"))
    assert inputs.digest(other, options, tmp_path) != inputs.digest(plan, options, tmp_path)


def test_machines_that_hold_older_credentials_are_another_lab(plan: Plan, tmp_path: Path) -> None:
    folder, options = tmp_path / "secrets", Options(Path("/lab"))
    init(plan, folder)
    before = inputs.digest(plan, options, folder)
    init(plan, folder)
    assert inputs.digest(plan, options, folder) == before
    rotate(plan, folder, ["haraka.internalcmd"])
    assert inputs.digest(plan, options, folder) != before
