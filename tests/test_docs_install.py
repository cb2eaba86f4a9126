"""The pages about installing can be followed: what they say to type is what programs take, and does what they say."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from mailnix.cli.build import command as build
from mailnix.image import Format
from mailnix.image.beside import SUMS, WRITER, lay_beside
from mailnix.image.bootstrap import script
from mailnix.image.formats import convert
from mailnix.image.gpt import SECTOR
from mailnix.image.manifest import Manifest, ManifestEntry
from mailnix.image.seeddisk import make_labelled_disk
from mailnix.image.values import MIB
from mailnix.plan import derive
from mailnix.plan.types import Reach
from mailnix.run import Completed, run
from mailnix.services.credentials.names import LABEL
from tests import pages
from tests.descriptions import sound
from tests.image.bench import LARGER, SIZE, Bench, Disk, bench_in

PAGES = sorted((pages.DOCS / "howto/install").glob("*.md"))
WAYS = [page for page in PAGES if page.stem not in ("README", "order")]
RESCUE, BARE_PC, LIVE, ORDER = (
    pages.DOCS / f"howto/install/{name}.md" for name in ("rescue", "bare-pc", "live-system", "order")
)
IMAGE = re.compile(r"\b(?:proxy|internal)\.([a-z0-9.]*[a-z0-9])\b")
SEED = "-seed.img"


def names(found: list[Path]) -> list[str]:
    return [page.stem for page in found]


@pytest.mark.parametrize("page", PAGES, ids=names(PAGES))
def test_what_stands_behind_a_prompt_is_what_a_shell_reads(page: Path) -> None:
    for command in pages.commands(page):
        assert run(["sh", "-n"], stdin=f"{command}\n".encode(), check=False).status == 0, command


@pytest.mark.parametrize("page", WAYS, ids=names(WAYS))
def test_a_page_names_images_as_its_own_build_makes_them(page: Path) -> None:
    typed = pages.commands(page)
    (made,) = (words for command in typed for words in pages.called(command) if words[0] == "build")
    form = build.make_context("build", made[1:]).params["form"]
    blocks = re.findall(r"^```\w+\n(.*?)^```", page.read_text(), re.M | re.S)  # of PowerShell, too
    assert {ending for block in blocks for ending in IMAGE.findall(block)} == {form}


@pytest.mark.parametrize("page", WAYS, ids=names(WAYS))
def test_a_page_says_how_credentials_come_by_disk_and_by_ssh(page: Path) -> None:
    calls = [words[:2] for command in pages.commands(page) for words in pages.called(command)]
    assert ["secrets", "push"] in calls
    assert ["secrets", "seed"] in calls or "secrets seed" in page.read_text()


@pytest.mark.parametrize("page", WAYS, ids=names(WAYS))
def test_a_page_has_secrets_made_before_they_are_handed_over(page: Path) -> None:
    calls = [words[:2] for command in pages.commands(page) for words in pages.called(command)]
    assert next(verb for name, verb in calls if name == "secrets") == "init"


@pytest.mark.parametrize("page", WAYS, ids=names(WAYS))
def test_a_page_says_at_its_end_what_has_been_tried_and_what_not(page: Path) -> None:
    last = page.read_text().split("\n## ")[-1]
    assert last.startswith("Tried\n")
    assert re.search(r"\b[Nn]ot (tried|been)|\bNo (command|image)\b", last)


def test_the_overview_names_every_way_with_a_format_that_there_is() -> None:
    rows = re.findall(r"\| \[(\S+)\]\(\S+\) \| (.+?) \|$", (ORDER.parent / "README.md").read_text(), re.M)
    assert sorted(page for page, _ in rows) == sorted(page.name for page in WAYS)
    assert {form for _, cell in rows for form in re.findall(r"`(\S+?)`", cell)} <= {*Format}
    upload = (ORDER.parent / "upload.md").read_text()
    assert {*Format} - {form for form in Format if f"| `{form}` |" in upload} == {
        Format.VDI
    }  # nobody takes uploads of it


def test_the_ports_to_open_are_those_that_the_proxy_listens_on() -> None:
    listed = set(re.findall(r"^\| (TCP|UDP) (\d+) \|", ORDER.read_text(), re.M))
    (proxy,) = derive(sound()).proxies
    open_ = {
        (each.transport.upper(), str(each.port))
        for each in proxy.listeners
        if each.reach in (Reach.INTERNET, Reach.ADMIN)
    }
    forwarded = {("TCP", str(each.port)) for each in proxy.forwards}
    assert listed == open_ | forwarded


# --- followed word by word, with loop devices as disks ----------------------------------------------------------


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """Disks, and what a build and `mailnix secrets seed` leave in the folder where a page is followed."""
    with bench_in(tmp_path) as made:
        raw = made.image(listed=False)
        out = tmp_path / "home/out"
        out.mkdir(parents=True)
        entries = []
        for name in ("internal", "proxy"):
            image = out / f"{name}.raw.gz"
            convert(raw, image, Format.RAW_GZ)
            digest = run(["sha256sum", image]).stdout.split()[0]
            entries.append(ManifestEntry(name, image.name, Format.RAW_GZ, 1, SIZE, digest, "base", "in", {}))
            make_labelled_disk({"file": b"secret"}, tmp_path / f"home/secrets/{name}{SEED}")
        lay_beside(out, Manifest(tuple(entries)))
        (out / "manifest.json").touch()
        yield made


def followed(bench: Bench, typed: str, answers: Mapping[str, str]) -> str:
    """Type a page's commands, one after the other, in one shell; `answers` are for commands that end so."""
    script = ["set -e", f"cd {shlex.quote(str(bench.folder / 'home'))}"]
    for command in typed.splitlines():
        answer = next((each for end, each in answers.items() if command.endswith(end)), None)
        script.append(command if answer is None else f"echo {shlex.quote(answer)} | {command}")
    ended: Completed = run(
        ["unshare", "--mount", "sh", "-c", "\n".join(script)], env=bench.env, check=False, timeout=300
    )
    assert ended.status == 0, ended.stdout + ended.stderr
    return ended.stdout


def without_mailnix(page: Path) -> list[str]:
    return [command for command in pages.commands(page) if not command.startswith("mailnix ")]


def holds_the_image(bench: Bench, disk: Disk) -> bool:
    """Whether a disk has the image's partitions, and its second table at its own end."""
    content, image = disk.file.read_bytes(), (bench.folder / "proxy.raw").read_bytes()
    return content[2 * SECTOR : SIZE] == image[2 * SECTOR :] and content[-SECTOR:].startswith(b"EFI PART")


def test_the_page_for_rescue_systems_is_followed_word_by_word(bench: Bench) -> None:
    """What SSH would do on the server is done in a folder of this machine."""
    server = bench.folder / "server"
    server.mkdir()
    there = f'cd {server} && while [ "$1" != root@203.0.113.10 ]; do shift; done && shift && exec sh -c "$*"'
    bench.program("ssh", f"#!/bin/sh\n{there}\n")
    bench.program(
        "scp", f'#!/bin/sh\nwhile [ $# -gt 1 ]; do cp "$1" {server}; shift; done\n[ "$1" = root@203.0.113.10: ]\n'
    )
    bench.program("ssh-keygen", '#!/bin/sh\n[ "$*" = "-R 203.0.113.10" ]\n')
    asked, volume, by_hand = bench.disk("asked"), bench.disk("volume", 8 * MIB), bench.disk("by-hand")
    neighbour = bench.disk("neighbour")
    untouched = neighbour.digest
    typed = "\n".join(without_mailnix(RESCUE))
    assert typed.count("/dev/vda") > 3
    said = followed(
        bench,
        typed.replace("/dev/vda", by_hand.device),
        {f"{WRITER} proxy.raw.gz": asked.name, f"{WRITER} proxy{SEED}": volume.name},
    )
    assert holds_the_image(bench, asked)
    assert holds_the_image(bench, by_hand)
    assert run(["e2label", volume.device]).stdout.strip() == LABEL
    assert neighbour.digest == untouched
    counted, size, first, second = pages.numbers(said)
    assert (int(counted), int(size), first) == (SIZE, LARGER, second)
    assert "proxy.raw.gz: OK" in said


def test_the_page_for_pcs_is_followed_word_by_word(bench: Bench) -> None:
    """As far as its sticks: what they do then is tests/image/test_install.py's and vm-tests/test_installer.py's."""
    stick, seed = bench.disk("stick"), bench.disk("seed", 8 * MIB)
    medium = bench.image("internal.iso", listed=False)
    medium.rename(bench.folder / "home/out/internal.iso")
    written = (bench.folder / "home/out/internal.iso").read_bytes()
    bench.program("ssh", '#!/bin/sh\n[ "$*" = "root@192.168.1.20 true" ]\n')
    followed(bench, "\n".join(without_mailnix(BARE_PC)), {".iso": stick.name, SEED: seed.name})
    assert stick.file.read_bytes()[:SIZE] == written
    assert run(["e2label", seed.device]).stdout.strip() == LABEL


def test_what_the_page_for_pcs_shows_is_what_the_medium_says() -> None:
    (disks, end) = re.findall(r"^```text\n(.*?)^```", BARE_PC.read_text(), re.M | re.S)
    program = script("write-disk") + script("install").replace("$machine", "internal")
    for line in (*disks.splitlines()[2:], *end.splitlines()):
        assert line in program
    for word in ("again", "restart", "off"):
        assert f"`{word}`" in BARE_PC.read_text()
        assert word in script("install").partition("Type ")[2].splitlines()[0]


def test_the_page_for_live_systems_is_followed_word_by_word(bench: Bench) -> None:
    files, live, own = (bench.disk(name) for name in ("files", "live", "own"))
    seed = bench.disk("seed", 8 * MIB)
    image = bench.image("live.iso", listed=False)
    image.rename(bench.folder / "home/debian-live-13.9.0-amd64-standard.iso")
    bench.program("sudo", '#!/bin/sh\nexec "$@"\n')
    bench.program("poweroff", "#!/bin/sh\n")
    bench.program("ssh", '#!/bin/sh\n[ "$*" = "root@192.168.1.20 true" ]\n')
    typed = "\n".join(without_mailnix(LIVE)).replace("1900M", "48M")  # the images here are empty
    answers = {"files.img": files.name, ".iso": live.name, SEED: seed.name, "/internal.raw.gz": own.name}
    said = followed(bench, typed.replace("/mnt/files", str(bench.folder / "mnt")), answers)
    assert holds_the_image(bench, own)
    assert run(["e2label", seed.device]).stdout.strip() == LABEL
    assert f"{files.name} cannot be written: {files.name} is in use as {bench.folder / 'mnt'}" in said
    assert SUMS in run(["debugfs", "-R", "ls", files.device]).stdout


def test_virt_install_takes_the_line_of_the_page(tmp_path: Path) -> None:
    if shutil.which("virt-install") is None:
        pytest.skip("virt-install is not installed: virtinst")
    (typed,) = (each for each in pages.commands(ORDER.parent / "libvirt.md") if each.startswith("virt-install "))
    for name in ("internal.qcow2", f"internal{SEED}"):
        (tmp_path / name).touch()
    words = shlex.split(typed.replace("/var/lib/libvirt/images", str(tmp_path)))
    made = run([*words, "--connect", "test:///default", "--dry-run", "--print-xml"], timeout=120).stdout
    assert re.findall(r"<source file=\"\S+/(\S+)\"/>\s*<target dev=\"(\w+)\"", made) == [
        ("internal.qcow2", "vda"),
        (f"internal{SEED}", "vdb"),
    ]


QUOTED = re.findall(r"^\| `([^`]+)`(?:; for `\w+`[^|]*)? \|", RESCUE.read_text(), re.M)


@pytest.mark.parametrize("words", QUOTED)
def test_what_a_page_quotes_is_what_the_program_says(words: str) -> None:
    program = script("write-disk")
    fixed = [
        part.strip()
        for part in re.split(r"…|vda\d?|/mnt|\[SWAP\]|md127|raid1|/dev/|\d{4}|; nothing was written", words)
        if len(part.strip()) > 3
    ]
    assert fixed
    for part in fixed:
        assert part.strip("() :") in program, part
