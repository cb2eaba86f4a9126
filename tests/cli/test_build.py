"""What `mailnix build` hands on: to nix the flake, with its owner's modules; Mailcow's images; and what comes next."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import click
import pytest

from mailnix.cli.build import command
from mailnix.cli.installing import PAGES
from mailnix.image import Format
from mailnix.image.live import COLLECTED, FILES
from mailnix.run import run
from tests.cli.conftest import Run
from tests.image.fake_live import CORE
from tests.image.test_archives import NAMES, archive, old

# Keeps the flake that it is asked to build, and goes no further.
NIX = """\
#!/bin/sh
case "$*" in
  --version) echo "nix (Nix) 2.26.3" ;;
  *--raw*) for word; do case $word in path:*) flake=${word#path:}; cp -r "${flake%%#*}" @seen@ ;; esac; done; exit 1 ;;
esac
"""


# Builds a disk of four bytes.
BUILDING_NIX = """\
#!/bin/sh
case "$*" in
  --version) echo "nix (Nix) 2.26.3" ;;
  *--raw*) echo /nix/store/0-disk.drv ;;
  build*) while [ "$1" != --out-link ]; do shift; done; mkdir "$2"; printf disk > "$2/disk.raw" ;;
esac
"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for images that are made in no time."""
    nix = tmp_path / "bin/nix"
    nix.parent.mkdir()
    nix.write_text(BUILDING_NIX)
    nix.chmod(0o755)
    monkeypatch.setenv("PATH", f"{nix.parent}:{os.environ['PATH']}")
    return tmp_path / "my images"


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the flake is that nix was asked to build."""
    nix = tmp_path / "bin/nix"
    nix.parent.mkdir()
    nix.write_text(NIX.replace("@seen@", str(tmp_path / "seen")))
    nix.chmod(0o755)
    monkeypatch.setenv("PATH", f"{nix.parent}:{os.environ['PATH']}")
    return tmp_path / "seen"


def additions(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "proxy.nix").write_text("{ networking.firewall.allowedTCPPorts = [ 8080 ]; }")
    return folder


def test_modules_beside_the_description_are_built_in(mailnix: Run, config: Path, tmp_path: Path, seen: Path) -> None:
    folder = additions(config.parent / "local")
    said = mailnix("build", config, "--backend", "nixos", "--out", tmp_path / "out")
    assert (seen / "local/proxy.nix").read_text() == (folder / "proxy.nix").read_text()
    assert (seen / "hosts/proxy/default.nix").is_file()
    assert f"with proxy.nix from {folder}" in said.err


def test_those_of_a_flake_that_was_emitted_are_named(mailnix: Run, config: Path, tmp_path: Path, seen: Path) -> None:
    machines = tmp_path / "machines"
    mailnix("emit", config, "--backend", "nixos", "--out", machines)
    folder = additions(machines / "local")
    assert mailnix("emit", config, "--backend", "nixos", "--out", machines).status == 0
    assert (folder / "proxy.nix").is_file()  # emission again leaves it
    mailnix("build", config, "--backend", "nixos", "--local", folder, "--out", tmp_path / "out")
    assert (seen / "local/proxy.nix").is_file()


def test_machines_without_modules_of_their_owner_are_said_to_have_none(
    mailnix: Run, config: Path, tmp_path: Path, seen: Path
) -> None:
    said = mailnix("build", config, "--backend", "nixos", "--out", tmp_path / "out")
    assert not (seen / "local").exists()
    assert "with no modules of yours" in said.err


def test_debians_machines_take_no_modules(mailnix: Run, config: Path, tmp_path: Path) -> None:
    said = mailnix("build", config, "--local", additions(tmp_path / "local"), "--out", tmp_path / "out")
    assert said.status == 2
    assert "--local is for --backend nixos" in said.err


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A Mailcow that runs two images."""
    folder = tmp_path / "tree"
    folder.mkdir()
    images = "".join(f"  s{number}:\n    image: {name}\n" for number, name in enumerate(NAMES))
    (folder / "docker-compose.yml").write_text(f"services:\n{images}")
    return folder


def test_images_that_were_saved_elsewhere_come_on_a_disk(
    mailnix: Run, config: Path, tmp_path: Path, seen: Path, tree: Path
) -> None:
    files = [archive(tmp_path / f"{number}.tar", old((name,))) for number, name in enumerate(NAMES)]
    words = [word for file in files for word in ("--mailcow-images", file)]
    how = ("--backend", "nixos", "--format", "raw", "--mailcow-source", tree, "--out", tmp_path / "out")
    said = mailnix("build", config, *how, *words)
    assert f"Mailcow's images are on {tmp_path / 'out/mailcow-images.raw'}: attach it to internal" in said.err
    assert "no digest is pinned of 2 images" in said.err
    assert seen.is_dir()  # the machines come next


def test_nothing_is_built_where_an_image_is_missing(
    mailnix: Run, config: Path, tmp_path: Path, seen: Path, tree: Path
) -> None:
    file = archive(tmp_path / "0.tar", old(NAMES[:1]))
    how = ("--backend", "nixos", "--mailcow-source", tree, "--out", tmp_path / "out", "--mailcow-images", file)
    said = mailnix("build", config, *how)
    assert (said.status, f"lack 1 of 2 images: {NAMES[1]}" in said.err) == (1, True)
    assert not seen.exists()


ARM = ', architecture="arm64"'


def arm(config: Path, *fields: str) -> Path:
    """A description that says so of the machines with these fields."""
    text = config.read_text()
    for field in fields:
        assert field in text
        text = text.replace(field, f"{field}{ARM}")
    config.write_text(text)
    return config


PROXY, HOME = 'ipv4="5.9.100.1"', "keep_days=30)"


@pytest.mark.parametrize(
    ("fields", "how", "what"),
    [
        ((PROXY,), ("--backend", "nixos"), "proxy is arm64, and NixOS's machines are"),
        ((PROXY, HOME), ("--format", "iso"), "proxy is arm64, internal is arm64, and media that install (iso) are"),
    ],
)
def test_what_no_machine_with_arm_has_is_refused_before_any_disk_is_made(
    mailnix: Run, config: Path, tmp_path: Path, tree: Path, fields: tuple[str, ...], how: tuple[str, ...], what: str
) -> None:
    arm(config, *fields)
    images = ("--mailcow-source", tree, "--mailcow-images", archive(tmp_path / "all.tar", old(NAMES)))
    said = mailnix("build", config, *how, *images, "--out", tmp_path / "out")
    assert (said.status, (tmp_path / "out").exists()) == (1, False)
    assert f"{what} for amd64 alone" in said.err
    assert "make its image, of Debian: mailnix build CONFIG" in said.err


@pytest.mark.parametrize(("saved", "field"), [("arm64", PROXY), ("amd64", HOME)])
def test_images_of_another_processor_than_homes_are_refused_with_how_to_get_the_others(
    mailnix: Run, config: Path, tmp_path: Path, tree: Path, saved: str, field: str
) -> None:
    home = {"arm64": "amd64", "amd64": "arm64"}[saved]
    images = ("--mailcow-source", tree, "--mailcow-images", archive(tmp_path / "all.tar", old(NAMES, saved)))
    said = mailnix("build", arm(config, field), *images, "--out", tmp_path / "out")
    assert said.status == 1
    assert f"{NAMES[0]} is for {saved}, the machine is {home}" in said.err
    assert f"docker pull --platform linux/{home} NAME" in said.err
    assert list((tmp_path / "out").glob("[!.]*")) == []


def test_archives_are_for_mailcow_itself(mailnix: Run, config: Path, tmp_path: Path) -> None:
    said = mailnix("lab", "run", config, "--mailcow-images", tmp_path / "a.tar")
    assert (said.status, "--mailcow-images is for --mailcow real" in said.err) == (2, True)


def test_every_format_is_offered() -> None:
    (kind,) = (each.type for each in command.params if each.name == "form")
    assert isinstance(kind, click.Choice)
    assert list(kind.choices) == [*Format]


def test_images_come_with_their_checksums_and_with_what_writes_them(mailnix: Run, config: Path, built: Path) -> None:
    said = mailnix("build", config, "--backend", "nixos", "--out", built)
    assert said.status == 0, said.err
    names = ["SHA256SUMS", "internal.raw.gz", "manifest.json", "proxy.raw.gz", "write-disk.sh"]
    assert sorted(path.name for path in built.iterdir()) == names
    assert run(["sha256sum", "-c", "SHA256SUMS"], cwd=built).stdout == "internal.raw.gz: OK\nproxy.raw.gz: OK\n"
    assert [line.split()[:2] for line in said.out.splitlines()[1:]] == [["internal", "raw.gz"], ["proxy", "raw.gz"]]


def test_the_next_step_of_each_machine_is_said(mailnix: Run, config: Path, built: Path) -> None:
    said = mailnix("build", config, "--backend", "nixos", "--out", built)
    files = f"'{built}/proxy.raw.gz' '{built}/SHA256SUMS' '{built}/write-disk.sh'"
    lines = [line.strip() for line in said.err.splitlines()]
    for each in (
        f"scp {files} root@5.9.100.1:",
        "ssh -t root@5.9.100.1 sh write-disk.sh proxy.raw.gz",
        f"mailnix secrets seed {config} proxy",
        f"mailnix secrets push {config} proxy",
        "sh write-disk.sh internal.raw.gz",
        f"or build with --format iso: a USB stick that needs no live system ({PAGES}/bare-pc.md)",
        f"mailnix secrets seed {config} internal",
        f"mailnix secrets push {config} internal --to root@ADDRESS",
    ):
        assert each in lines


def test_commands_that_follow_have_the_secrets_folder_that_was_named(mailnix: Run, config: Path, built: Path) -> None:
    keys = config.parent / "keys"
    said = mailnix("build", config, "--secrets", keys, "--backend", "nixos", "--out", built)
    assert f"mailnix secrets push {config} --secrets {keys} proxy" in [line.strip() for line in said.err.splitlines()]


def test_a_machine_that_is_reached_by_its_tunnel_alone_takes_a_seed_disk(
    mailnix: Run, config: Path, built: Path
) -> None:
    config.write_text(config.read_text().replace("backup=", "ssh_via_proxy=True, lan_admin_cidrs=[], backup="))
    said = mailnix("build", config, "--backend", "nixos", "--out", built)
    about = [line for line in said.err.splitlines() if line.endswith(" internal") or " internal --to" in line]
    assert [line.split()[2] for line in about] == ["seed"]


@pytest.mark.parametrize("form", [form for form in Format if form is not Format.ISO])
def test_the_next_step_is_on_a_page_that_there_is(mailnix: Run, config: Path, built: Path, form: Format) -> None:
    said = mailnix("build", config, "--backend", "nixos", "--format", form, "--out", built)
    pages = re.findall(rf"{PAGES}/[\w.-]+\.md", said.err)
    root = Path(__file__).parents[2]
    assert len(pages) >= 2
    assert [page for page in pages if not (root / page).is_file()] == []


def test_programs_read_the_manifest_alone(mailnix: Run, config: Path, built: Path) -> None:
    said = mailnix("build", config, "--backend", "nixos", "--json", "--out", built)
    assert [image["file"] for image in said.json["images"]] == ["internal.raw.gz", "proxy.raw.gz"]
    assert "next" not in said.err


# Writes the files of a live system where it is told to.
MMDEBSTRAP = f"""\
#!/bin/sh
for word; do case $word in *"sync-out {COLLECTED} "*) out=${{word##* }} ;; esac; done
for name in {" ".join(FILES)}; do head -c {CORE} /dev/zero > "$out/$name"; done
"""

WITH_A_TABLE = "printf '%-512sEFI PART%-504s' boot table"


@pytest.fixture
def media(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for media whose images and live system are made in no time."""
    if not all(map(shutil.which, ("xorrisofs", "mcopy"))):
        pytest.skip("programs are missing: xorriso, mtools")
    (tmp_path / "bin/nix").write_text(BUILDING_NIX.replace("printf disk", WITH_A_TABLE))
    (tmp_path / "bin/mmdebstrap").write_text(MMDEBSTRAP)
    (tmp_path / "bin/mmdebstrap").chmod(0o755)
    monkeypatch.setenv("MAILNIX_CACHE", str(tmp_path / "cache"))
    return built


def test_media_come_with_what_writes_them_onto_sticks(mailnix: Run, config: Path, media: Path) -> None:
    said = mailnix("build", config, "--backend", "nixos", "--format", "iso", "--out", media)
    assert said.status == 0, said.err
    names = ["SHA256SUMS", "internal.iso", "manifest.json", "proxy.iso", "write-disk.sh"]
    assert sorted(path.name for path in media.glob("[!.]*")) == names
    lines = [line.strip() for line in said.err.splitlines()]
    assert f"sh '{media}/write-disk.sh' '{media}/internal.iso'" in lines
    assert f"mailnix secrets seed {config} internal" in lines
    pages = set(re.findall(rf"{PAGES}/[\w.-]+\.md", said.err))
    assert [page for page in pages if not (Path(__file__).parents[2] / page).is_file()] == []


# As MMDEBSTRAP; a machine's base it notes, and makes none.
NOTING = """\
case "$*" in *sync-out\\ @collected@*) ;; *) echo "$*" >> @noted@; echo "E: No space left on device" >&2; exit 1 ;; esac
"""


def test_of_two_processors_the_usual_ones_machine_gets_its_medium(
    mailnix: Run, config: Path, media: Path, tmp_path: Path
) -> None:
    begin, rest = MMDEBSTRAP.split("\n", 1)
    note = NOTING.replace("@collected@", COLLECTED).replace("@noted@", str(tmp_path / "noted"))
    (tmp_path / "bin/mmdebstrap").write_text(f"{begin}\n{note}{rest}")
    said = mailnix("build", arm(config, PROXY), "--format", "iso", "--out", media)
    assert "no medium: proxy is arm64, and media that install (iso) are for amd64 alone" in said.err
    assert "the disk is full" in said.err  # as far as internal's base
    assert ["--architectures=amd64" in call for call in (tmp_path / "noted").read_text().splitlines()] == [True]


def test_the_disk_of_a_medium_is_named_with_its_machine(mailnix: Run, config: Path, media: Path) -> None:
    how = ("build", config, "--backend", "nixos", "--format", "iso", "--out", media)
    said = mailnix(*how, "--disk-serial", "internal=S4-X")
    assert said.status == 0, said.err
    assert b"\ndisk_serial=S4-X\n" in (media / "internal.iso").read_bytes()
    assert b"disk_serial=S4-X" not in (media / "proxy.iso").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "iso", "--disk-serial", "S4-X"), "'S4-X' is not MACHINE=SERIAL"),
        (("--format", "iso", "--disk-serial", "proxy=1", "--disk-serial", "proxy=2"), "proxy has two disks"),
        (("--disk-serial", "proxy=1"), "--disk-serial is for --format iso"),
    ],
)
def test_a_disk_that_would_not_count_is_refused(
    mailnix: Run, config: Path, tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    said = mailnix("build", config, "--out", tmp_path / "out", *words)
    assert (said.status, message in said.err, (tmp_path / "out").exists()) == (2, True, False)
