"""write-disk.sh, run for real on loop devices: the right disk and its neighbours, and what breaks while it writes."""

from __future__ import annotations

import gzip
import re
import shutil
import struct
from collections.abc import Callable, Iterator

import pytest

from mailnix.image.gpt import SECTOR
from mailnix.image.values import MIB
from mailnix.run import run
from tests.image.bench import BROKEN, LOST, SIZE, WRITER, Bench

LEFT_ALONE = 2  # blkid(8): nothing was found
CODE = 440  # bytes of the boot loader, before the protective table (UEFI specification 2.10, 5.2.3)


def but_for_the_disks_end(content: bytes) -> bytes:
    """An image, or what a disk begins with, without where both tables say that the disk ends."""
    return content[:CODE] + content[2 * SECTOR : SIZE]


def test_the_disk_that_was_named_gets_the_image_and_its_neighbours_stay(bench: Bench) -> None:
    before, target, after = (bench.disk(name) for name in ("before", "target", "after"))
    image, untouched = bench.image(), (before.digest, after.digest)
    ended = bench.write(image, answer=f"{target.name}\n")
    assert ended.status == 0, ended.stdout + ended.stderr
    assert but_for_the_disks_end(target.file.read_bytes()) == but_for_the_disks_end(image.read_bytes())
    assert (before.digest, after.digest) == untouched
    assert f"/dev/{target.name} holds the image: all {SIZE} bytes were read back" in ended.stdout


def test_the_second_table_moves_to_the_end_of_a_larger_disk(bench: Bench) -> None:
    target = bench.disk("target")
    assert bench.write(bench.image(), answer=f"{target.name}\n").status == 0
    assert target.file.read_bytes()[-SECTOR:].startswith(b"EFI PART")
    assert re.search(r"No errors detected", run(["sfdisk", "--verify", target.device]).stdout)
    assert len(re.findall(r"^\S+ : start=", run(["sfdisk", "--dump", target.device]).stdout, re.M)) == 3


def test_what_another_system_left_at_the_disks_end_is_gone(bench: Bench) -> None:
    target = bench.disk("target")
    run(["sfdisk", "--quiet", "--label", "gpt", target.device], stdin=b"size=10M, name=old\n")
    assert bench.write(bench.image("seed.img", table=False), answer=f"{target.name}\n").status == 0
    assert b"EFI PART" not in target.file.read_bytes()


AFTER = 33 * SECTOR  # bytes of the second table, at a disk's end (UEFI specification 2.10, 5.3.2)
ROOMY = 80 * MIB  # blkid looks for ZFS in nothing below 64 MiB
OLD = 4 * MIB  # where the partition of another system began, which went as far as a partition can
Signatures = Iterator[tuple[int, bytes]]  # where in that partition, and what


def of_zfs(size: int) -> Signatures:
    """The third and fourth label: in each a ring of uberblocks (OpenZFS, vdev_label.c)."""
    end = size // (256 * 1024) * 256 * 1024
    for label in (end - 512 * 1024, end - 256 * 1024):
        for number in range(128):
            yield label + 128 * 1024 + number * 1024, struct.pack("<3Q", 0x00BAB10C, 5000, 1 + number)


def of_raid(size: int) -> Signatures:
    """Linux's, in version 1.0 of its superblock: 8 KiB before the end (md(4), linux/raid/md_p.h)."""
    sector = (size // SECTOR - 16) // 8 * 8
    block = bytearray(256)
    struct.pack_into("<2I", block, 0, 0xA92B4EFC, 1)
    struct.pack_into("<Q", block, 144, sector)
    total = sum(struct.unpack("<64I", block))
    struct.pack_into("<I", block, 216, (total & 0xFFFFFFFF) + (total >> 32))
    yield sector * SECTOR, bytes(block)


@pytest.mark.parametrize("left", [of_zfs, of_raid])
def test_what_lay_in_an_old_partition_is_not_found_in_the_grown_one(
    bench: Bench, left: Callable[[int], Signatures]
) -> None:
    """A machine whose root looks like something else besides ("ambivalent", says blkid) does not start again."""
    target, size = bench.disk("target", ROOMY), ROOMY - AFTER - OLD
    with target.file.open("r+b") as disk:
        for offset, content in left(size):
            disk.seek(OLD + offset)
            disk.write(content)
    grown = (ROOMY - AFTER) // 4096 * 4096 - OLD  # as systemd-repart makes it
    probe = ["blkid", "--probe", "--offset", str(OLD), "--size", str(grown), target.device]
    assert run(probe, check=False).status != LEFT_ALONE
    assert bench.write(bench.image(), answer=f"{target.name}\n").status == 0
    assert run(probe, check=False).status == LEFT_ALONE
    assert target.file.read_bytes()[-SECTOR:].startswith(b"EFI PART")


def test_a_disk_of_the_images_own_size_is_large_enough(bench: Bench) -> None:
    target, image = bench.disk("target", SIZE), bench.image()
    assert bench.write(image, answer=f"{target.name}\n").status == 0
    assert target.file.read_bytes() == image.read_bytes()


def test_busyboxs_programs_do_where_those_for_disks_are_there(bench: Bench) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("busybox is not installed: busybox-static")
    for name in ("sh", "awk", "basename", "cat", "cut", "dd", "dirname", "gzip", "head", "id", "sha256sum", "tr", "wc"):
        bench.program(name, f'#!/bin/dash\nexec {busybox} {name} "$@"\n')
    target, image = bench.disk("target"), bench.image("proxy.raw.gz")
    assert bench.write(image, answer=f"{target.name}\n").status == 0
    sent = gzip.decompress(image.read_bytes())
    assert but_for_the_disks_end(target.file.read_bytes()) == but_for_the_disks_end(sent)


def test_a_live_systems_iso_stays_as_it_is(bench: Bench) -> None:
    target, image = bench.disk("target"), bench.image("live.iso")
    assert bench.write(image, answer=f"{target.name}\n").status == 0
    assert target.file.read_bytes()[:SIZE] == image.read_bytes()


def test_a_packed_image_is_unpacked_on_the_way(bench: Bench) -> None:
    target, image = bench.disk("target"), bench.image("proxy.raw.gz")
    assert bench.write(image, answer=f"/dev/{target.name}\n").status == 0
    sent = gzip.decompress(image.read_bytes())
    assert but_for_the_disks_end(target.file.read_bytes()) == but_for_the_disks_end(sent)


def test_a_serial_number_is_an_answer(bench: Bench) -> None:
    other, target = bench.disk("other", serial="S3Z8 0001"), bench.disk("target", serial="S3Z8 0002")
    untouched = other.digest
    assert bench.write(bench.image(), answer="S3Z8 0002\n").status == 0
    assert target.file.read_bytes()[SECTOR:].startswith(b"EFI PART")
    assert other.digest == untouched


def test_nothing_is_asked_where_the_serial_number_was_given(bench: Bench) -> None:
    other, target = bench.disk("other", serial="QM00001"), bench.disk("target", serial="QM00002")
    untouched = other.digest
    ended = bench.write("--serial", "QM00002", bench.image())
    assert (ended.status, "Its serial number" in ended.stdout) == (0, False)
    assert target.file.read_bytes()[SECTOR:].startswith(b"EFI PART")
    assert other.digest == untouched


def test_the_list_shows_the_disks_and_writes_nothing(bench: Bench) -> None:
    disk = bench.disk("disk", serial="QM00001")
    untouched = disk.digest
    ended = bench.write("--list")
    assert (ended.status, disk.name in ended.stdout, disk.digest) == (0, True, untouched)


def test_what_is_shown_is_shown_whole_on_a_narrow_terminal(bench: Bench) -> None:
    """lsblk shortens serial numbers, models and places to a terminal's width, and a shortened number is no answer."""
    disk, place = bench.disk("disk"), bench.folder / ("long" * 30)
    run(["mkfs.ext4", "-q", disk.device])
    place.mkdir()
    typed = f"stty cols 80 && sh {WRITER} --list"
    mounted = f"mount {disk.device} {place} && exec script --quiet --return --command '{typed}' /dev/null"
    assert str(place) in run(["unshare", "--mount", "sh", "-c", mounted], env=bench.env).stdout


def test_what_can_be_written_is_said_before_the_question(bench: Bench) -> None:
    fits, small = bench.disk("fits"), bench.disk("small", 8 * MIB)
    said = bench.write(bench.image()).stdout
    assert f"write-disk: {fits.name} can be written" in said
    assert f"write-disk: {small.name} cannot be written: it has {8 * MIB} bytes, and the image {SIZE}" in said


def test_an_image_that_no_list_names_is_written_and_that_is_said(bench: Bench) -> None:
    target = bench.disk("target")
    ended = bench.write(bench.image(listed=False), answer=f"{target.name}\n")
    assert (ended.status, "whether it came here whole is not known" in ended.stdout) == (0, True)


def test_an_unpacker_that_dies_half_way_is_noticed(bench: Bench) -> None:
    """dd ends well where its pipe does: what is on the disk tells."""
    disk, image = bench.disk("disk", serial="S"), bench.image("proxy.raw.gz")
    count = bench.folder / "count"
    half = f'[ "$(wc -l < {count})" -lt 4 ] || {{ /bin/gzip "$@" | head -c {SIZE // 2}; exit 1; }}'
    bench.program("gzip", f'#!/bin/sh\necho >> {count}\n{half}\nexec /bin/gzip "$@"\n')
    ended = bench.write("--serial", "S", image)
    assert (ended.status, f"other bytes came back than the image has: /dev/{disk.name} {LOST}" in ended.stderr) == (
        BROKEN,
        True,
    )


def test_a_disk_that_takes_no_more_is_noticed(bench: Bench) -> None:
    disk = bench.disk("disk", serial="S")
    bench.program("dd", '#!/bin/sh\ncase $* in *of=*) head -c 1000 > /dev/null; exit 1 ;; esac\nexec /bin/dd "$@"\n')
    ended = bench.write("--serial", "S", bench.image())
    assert (ended.status, f"writing has failed: /dev/{disk.name} {LOST}" in ended.stderr) == (BROKEN, True)


def test_a_disk_that_keeps_other_bytes_is_noticed(bench: Bench) -> None:
    disk = bench.disk("disk", serial="S")
    bench.program("dd", '#!/bin/sh\ncase $* in *of=*) exec tr A B > ${1#of=} ;; esac\nexec /bin/dd "$@"\n')
    ended = bench.write("--serial", "S", bench.image())
    assert (ended.status, f"/dev/{disk.name} {LOST}" in ended.stderr) == (BROKEN, True)


def test_a_system_that_cannot_move_the_second_table_says_who_will(bench: Bench) -> None:
    target = bench.disk("target", serial="S")
    for name in ("sfdisk", "sgdisk"):
        bench.program(name, "#!/bin/sh\nexit 1\n")
    ended = bench.write("--serial", "S", bench.image())
    assert ended.status == 0
    assert "the machine moves it when it starts" in ended.stdout
    assert target.file.read_bytes()[:SIZE] == (bench.folder / "proxy.raw").read_bytes()
