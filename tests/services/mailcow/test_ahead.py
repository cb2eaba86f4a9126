"""Another Mailcow's tree and images are had while the one before still runs; then it is laid, and taken back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from mailnix.services.mailcow.guest import ahead
from mailnix.services.mailcow.guest.databases import Hands
from mailnix.services.mailcow.guest.machine import SetupError
from mailnix.services.mailcow.guest.nar import nar_hash
from mailnix.services.mailcow.guest.tree import read_record
from tests.services.mailcow.machine import Machine, upstream

IMAGES = ("ghcr.io/mailcow/phpfpm:2", "mariadb:10.11", "redis:7")


class Docker:
    """Has some images, and what those it pulls are called; a registry that is away has none."""

    def __init__(self, have: Sequence[str], *, away: bool = False) -> None:
        self.have, self.away = {*have}, away
        self.pulled: list[str] = []
        self.tagged: list[str] = []

    def __call__(self, argv: Sequence[str]) -> str:
        match argv:
            case ["docker", "compose", *_, "config", "--images"]:
                return "\n".join(IMAGES)
            case ["docker", "image", "ls", "--quiet", name]:
                return "sha256:1\n" if name in self.have else ""
            case ["docker", "pull", "--quiet", name]:
                if self.away:
                    raise SetupError("docker pull: no such host")
                self.pulled.append(name)
            case ["docker", "tag", _, name]:
                self.tagged.append(name)
            case ["docker", "image", "inspect", name] if name not in self.have:
                raise SetupError("no such image")
        return ""


class Volumes(Hands):
    """None, or those in a folder."""

    def __init__(self, *folders: Path) -> None:
        self.found = folders

    def free(self, folder: Path) -> int:
        return 2**30

    def folders(self, root: Path) -> tuple[Path, ...]:
        return self.found


@pytest.fixture
def upgrading(machine: Machine) -> Machine:
    """Mailcow one runs; two is to come, from upstream's repository."""
    machine.ship("one")
    machine.set_up()
    subprocess.run(["rm", "-r", machine.paths.source], check=True)
    published(machine, "two")
    return machine


def published(machine: Machine, release: str) -> None:
    """Upstream has it."""
    tree = upstream(machine.folder / "published", release=release)
    git = ["git", "-C", str(tree), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run([*git, "init", "--quiet"], check=True)
    subprocess.run([*git, "add", "--all"], check=True)
    subprocess.run([*git, "commit", "--quiet", "--message", release], check=True)
    rev = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    work = machine.folder / "bare"
    work.mkdir()
    subprocess.run(f"git -C {tree} archive {rev} | tar -x -C {work}", shell=True, check=True)
    url = f"file://{tree}/.git"
    machine.config["source"] = {"tag": release, "rev": rev, "nar_hash": nar_hash(work), "url": url}


def get_ready(
    machine: Machine, docker: Docker, hands: Hands | None = None, digests: Mapping[str, str] | None = None
) -> None:
    config = {**machine.config, **({"images": digests} if digests else {})}
    ahead.get_ready(config, machine.paths, docker, hands or Volumes())


def test_the_tree_and_the_images_that_are_missing_are_fetched_and_what_runs_is_left_alone(upgrading: Machine) -> None:
    docker = Docker(["mariadb:10.11", "redis:7"])
    get_ready(upgrading, docker)
    assert docker.pulled == ["ghcr.io/mailcow/phpfpm:2"]
    record = read_record(upgrading.root)
    assert record is not None
    assert record.rev == "rev-of-one"


def test_then_it_is_laid_without_a_network(upgrading: Machine) -> None:
    get_ready(upgrading, Docker(IMAGES))
    subprocess.run(["rm", "-r", upgrading.folder / "published"], check=True)
    upgrading.set_up()
    assert (upgrading.root / "docker-compose.yml").read_text() == "# two\n"
    assert not upgrading.paths.beside("next").exists()


def test_what_is_pinned_by_digest_is_pulled_by_it(upgrading: Machine) -> None:
    docker = Docker([])
    get_ready(upgrading, docker, digests={"redis:7": "sha256:ab", "other:1": "sha256:cd"})
    assert docker.pulled == ["ghcr.io/mailcow/phpfpm:2", "mariadb:10.11", "redis@sha256:ab"]


def test_a_tag_that_moves_stays_on_the_image_that_runs_meanwhile(upgrading: Machine) -> None:
    docker = Docker(IMAGES)
    get_ready(upgrading, docker, digests={"redis:7": "sha256:ab"})
    assert docker.pulled == ["redis@sha256:ab"]
    assert docker.tagged == []


def test_what_is_here_by_its_digest_is_not_pulled(upgrading: Machine) -> None:
    docker = Docker([*IMAGES, "redis@sha256:ab"], away=True)
    get_ready(upgrading, docker, digests={"redis:7": "sha256:ab"})
    assert docker.pulled == []


def test_where_the_same_comes_again_nobody_is_asked(upgrading: Machine) -> None:
    upgrading.ship("one")
    docker = Docker([], away=True)
    get_ready(upgrading, docker)
    assert docker.pulled == []


def test_the_same_tree_with_other_images_is_another_one(upgrading: Machine) -> None:
    upgrading.ship("one")
    upgrading.config["release"] = "rev-of-one+abc"
    docker = Docker(IMAGES)
    get_ready(upgrading, docker, digests={"mariadb:10.11": "sha256:ab"})
    assert docker.pulled == ["mariadb@sha256:ab"]
    upgrading.set_up()
    again = Docker([], away=True)
    get_ready(upgrading, again, digests={"mariadb:10.11": "sha256:ab"})
    assert again.pulled == []


def test_a_first_one_loads_its_images_by_itself(machine: Machine) -> None:
    machine.ship("one")
    get_ready(machine, Docker([], away=True))


def test_a_registry_that_is_away_is_said_before_anything_changes(upgrading: Machine) -> None:
    with pytest.raises(SetupError, match="no such host"):
        get_ready(upgrading, Docker([], away=True))


def test_so_is_a_disk_without_room(upgrading: Machine) -> None:
    docker = Docker(["redis:7"])
    with pytest.raises(SetupError, match=r"1024 MiB left, and 1280 are needed to keep the database and to load"):
        get_ready(upgrading, docker, Volumes(upgrading.paths.credentials.parent / "none"))
    assert docker.pulled == []


def test_the_program_reads_the_description_of_the_generation_that_comes(
    upgrading: Machine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = {**upgrading.config, "paths": {"root": str(upgrading.root), "source": str(upgrading.paths.source)}}
    told["source"] = {**told["source"], "url": "file:///nowhere.git"}
    place = tmp_path / "unpacked/etc/mailnix/mailcow.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(told))
    assert ahead.main(str(tmp_path / "unpacked")) == 1
    assert "mailnix: Mailcow cannot come: git" in capsys.readouterr().out


def test_a_tree_that_comes_in_a_package_is_not_fetched(upgrading: Machine, tmp_path: Path) -> None:
    two = upstream(tmp_path / f"unpacked{upgrading.paths.source}", release="two")
    upgrading.pin(two, "two", "rev-of-two")
    assert ahead.coming(tmp_path, upgrading.paths) == upgrading.paths
    upgrading.paths = ahead.coming(tmp_path / "unpacked", upgrading.paths)
    assert upgrading.paths.source == two
    get_ready(upgrading, Docker(IMAGES))
    assert not upgrading.paths.beside("next").exists()


def test_one_that_is_taken_back_is_as_it_was(upgrading: Machine) -> None:
    two = upgrading.config["source"]
    state = upgrading.folder / "state.json"
    upgrading.config["changes"] = str(state)
    pending = {"id": "x", "step": "installing"}
    state.write_text(json.dumps({"pending": pending, "last": None}))
    upgrading.set_up()
    state.write_text(json.dumps({"pending": {**pending, "step": "back"}, "last": None}))
    upgrading.config["source"] = {**two, "tag": "one", "rev": "rev-of-one"}
    upgrading.docker()
    upgrading.set_up()
    assert (upgrading.root / "docker-compose.yml").read_text() == "# one\n"
    assert "mailcow compose down" in upgrading.docker()
