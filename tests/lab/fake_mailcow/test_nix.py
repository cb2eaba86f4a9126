"""The fake Mailcow has two packagings: Debian's and Nix's have the same tree, scripts and image."""

from __future__ import annotations

import json
import re
import tarfile
from pathlib import Path

import pytest

from mailnix.image.images_disk import LABEL
from mailnix.lab.fake_mailcow.archive import IMAGE, VMAIL, programs, write_image
from mailnix.lab.fake_mailcow.build import tree
from mailnix.lab.fake_mailcow.nix import ACCOUNTS, FOLDERS, LINKS, disk_argv, kib_of, main, write_disk, write_skeleton
from mailnix.run import run

REPOSITORY = Path(__file__).resolve().parents[3]
FAKE = (REPOSITORY / "vm-tests/nixos/exchange/fake-mailcow.nix").read_text()
COMPOSE = tree()["docker-compose.yml"].decode()
# Commands of the scripts → what nixpkgs has them in.
COMMANDS = {
    "doveadm": "dovecot_2_4",
    "dovecot": "dovecot_2_4",
    "grep": "gnugrep",
    "newaliases": "postfix",
    "nginx": "nginx",
    "openssl": "openssl",
    "postconf": "postfix",
    "postfix": "postfix",
    "python3": "python",
    "redis-server": "redis",
    "rspamd": "rspamd",
    "sed": "gnused",
    "uacme": "uacme",
}


@pytest.fixture
def image(tmp_path: Path) -> dict[str, tarfile.TarInfo]:
    """What is in the image's one layer, by path."""
    write_skeleton(tmp_path / "skeleton.tar")
    write_image(tmp_path / "skeleton.tar", tmp_path / "image.tar")
    with tarfile.open(tmp_path / "image.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        assert manifest[0]["RepoTags"] == [IMAGE]
        with tarfile.open(fileobj=archive.extractfile(manifest[0]["Layers"][0])) as layer:
            layer.extractall(tmp_path / "layer", filter="tar")
            return {member.name: member for member in layer}


def test_every_container_runs_the_image_that_both_packagings_name() -> None:
    assert set(re.findall(r"^\s+image: (\S+)", COMPOSE, re.MULTILINE)) == {IMAGE}


def test_every_container_runs_a_script_that_is_in_the_image(image: dict[str, tarfile.TarInfo]) -> None:
    scripts = re.findall(r'command: \["/(\S+?)"', COMPOSE)
    assert scripts
    assert all(image[script].mode == 0o755 for script in scripts)
    assert {f"fake-mailcow/{path}" for path in programs()} <= set(image)


def test_accounts_and_folders_of_debians_packages_are_there(image: dict[str, tarfile.TarInfo], tmp_path: Path) -> None:
    passwd = (tmp_path / "layer/etc/passwd").read_text()
    users = {line.split(":")[0]: int(line.split(":")[2]) for line in passwd.splitlines()}
    assert users == {**{account.name: account.number for account in ACCOUNTS}, "vmail": VMAIL}
    assert len(set(users.values())) == len(users)
    assert "postdrop:" in (tmp_path / "layer/etc/group").read_text()
    assert {path for path in FOLDERS if image[path].isdir()} == set(FOLDERS)
    assert {path: image[path].linkname for path in LINKS} == LINKS
    assert image["var/lib/postfix"].uid == users["postfix"]


def test_who_is_named_in_the_scripts_exists() -> None:
    text = b"\n".join(programs().values()).decode()
    named = set(re.findall(r"(?:chown (?:-R )?|--user=|^user )([\w$-]+)", text, re.MULTILINE))
    assert {name for name in named if "$" not in name} <= {a.name for a in ACCOUNTS} | {"vmail"}


def test_postfix_finds_its_folders_whoever_built_it() -> None:
    main_cf = tree()["data/conf/postfix/main.cf"].decode()
    queue = re.search(r"^queue_directory = (\S+)$", main_cf, re.MULTILINE)
    data = re.search(r"^data_directory = (\S+)$", main_cf, re.MULTILINE)
    assert queue
    assert data
    assert f"queue={queue[1]}\n" in programs()["postfix.sh"].decode()
    assert {queue[1][1:], data[1][1:]} <= set(FOLDERS)


def test_every_program_of_the_scripts_is_on_the_disk() -> None:
    text = b"\n".join(data for path, data in programs().items() if path.endswith((".sh", ".py"))).decode()
    listed = FAKE.split("paths = [")[1].split("];")[0]
    used = {command for command in COMMANDS if re.search(rf"(?<![\w/.-]){re.escape(command)}(?![\w.-])", text)}
    assert used == set(COMMANDS)
    assert all(re.search(rf"\b{package}\b", listed) for package in COMMANDS.values())


@pytest.mark.parametrize("path", sorted(set(re.findall(r"/usr/[\w./-]+", b"\n".join(programs().values()).decode()))))
def test_every_file_that_scripts_read_below_usr_is_on_the_disk(path: str) -> None:
    assert f'"$out/{path.removeprefix("/usr/")}"' in FAKE


def test_the_disk_has_the_label_that_compose_mounts_and_the_archive(tmp_path: Path) -> None:
    root = tmp_path / "usr"
    (root / "nix/store").mkdir(parents=True)
    (root / "bin").symlink_to("/nix/store/x/bin")
    write_disk(root, tmp_path / "disk")
    assert LABEL in disk_argv(root, tmp_path / "disk", 1)
    assert f"by-label/{LABEL}" in COMPOSE
    listed = run(["debugfs", "-R", "ls -p /", str(tmp_path / "disk")]).stdout
    assert "fake-mailcow.tar" in listed
    assert LABEL in run(["debugfs", "-R", "stats", str(tmp_path / "disk")]).stdout


def test_a_disk_of_many_small_files_takes_them_all(tmp_path: Path) -> None:
    root = tmp_path / "usr"
    root.mkdir()
    for number in range(3000):
        (root / f"file{number}").write_text("x")
    assert kib_of(root) > 3000 * 4
    run(disk_argv(root, tmp_path / "disk", kib_of(root)))


def test_the_tree_is_the_labs(tmp_path: Path) -> None:
    assert main(["tree", str(tmp_path / "tree")]) == 0
    there = {
        str(p.relative_to(tmp_path / "tree")): p.read_bytes() for p in (tmp_path / "tree").rglob("*") if p.is_file()
    }
    assert there == tree()


def test_words_that_mean_nothing_are_refused() -> None:
    assert main(["house"]) == 2
