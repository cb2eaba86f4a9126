"""What write-disk.sh does not write: each refusal leaves every disk as it was, and says what to do."""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.image.gpt import SECTOR
from mailnix.image.values import MIB
from mailnix.run import Completed, run
from tests.image.bench import LARGER, NOTHING_WRITTEN, SIZE, USAGE, WRITER, Bench, Disk


@pytest.mark.parametrize("answer", ["", "\n", "  \n", "\t\n", "yes\n", "sda\n", "loop\n", "/dev/\n", "*\n"])
def test_an_answer_that_names_no_disk_writes_nothing(bench: Bench, answer: str) -> None:
    disk = bench.disk("disk", serial="QM00001")
    untouched = disk.digest
    ended = bench.write(bench.image(), answer=answer)
    assert (ended.status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert "nothing was written" in ended.stderr


def test_a_name_is_no_serial_number(bench: Bench) -> None:
    disk = bench.disk("disk")
    untouched = disk.digest
    ended = bench.write("--serial", disk.name, bench.image())
    assert (ended.status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert f"no disk here is called {disk.name}" in ended.stderr


def test_a_serial_number_of_two_disks_names_neither(bench: Bench) -> None:
    disks = [bench.disk(name, serial="0") for name in ("one", "other")]
    untouched = [disk.digest for disk in disks]
    ended = bench.write("--serial", "0", bench.image())
    assert (ended.status, [disk.digest for disk in disks]) == (NOTHING_WRITTEN, untouched)
    assert f"{disks[0].name} and {disks[1].name} are both called 0" in ended.stderr


def test_no_number_at_all_is_nobodys(bench: Bench) -> None:
    """Most virtual disks have none."""
    disk = bench.disk("disk", serial="")
    untouched = disk.digest
    ended = bench.write("--serial", " ", bench.image())
    assert (ended.status, disk.digest) == (USAGE, untouched)


Unfit = Callable[[Bench], Disk]


def read_only(bench: Bench) -> Disk:
    return bench.disk("disk", LARGER, "--read-only", serial="S")


def too_small(bench: Bench) -> Disk:
    return bench.disk("disk", SIZE - MIB, serial="S")


def of_large_sectors(bench: Bench) -> Disk:
    return bench.disk("disk", LARGER, "--sector-size", "4096", serial="S")


UNFIT = {
    "it is read-only": read_only,
    f"it has {SIZE - MIB} bytes, and the image {SIZE}": too_small,
    "its sectors have 4096 bytes, and the image's 512": of_large_sectors,
}


@pytest.mark.parametrize(("why", "unfit"), UNFIT.items(), ids=UNFIT)
def test_a_disk_that_does_not_fit_is_refused_also_where_nothing_is_asked(bench: Bench, why: str, unfit: Unfit) -> None:
    disk = unfit(bench)
    untouched = disk.digest
    ended = bench.write("--serial", "S", bench.image())
    assert (ended.status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert f"{disk.name} cannot be written: {why}; nothing was written" in ended.stderr


def in_namespace(bench: Bench, mount: str, image: Path, answer: str) -> Completed:
    """Run it where `mount` has been done, which nobody else sees."""
    script = f"{mount} && exec sh {shlex.quote(str(WRITER))} {shlex.quote(str(image))}"
    return run(["unshare", "--mount", "sh", "-c", script], env=bench.env, stdin=answer.encode(), check=False)


def test_a_mounted_disk_is_refused(bench: Bench) -> None:
    disk, image = bench.disk("disk"), bench.image()
    run(["mkfs.ext4", "-q", disk.device])
    place = bench.folder / "place"
    place.mkdir()
    ended = in_namespace(bench, f"mount {disk.device} {place}", image, f"{disk.name}\n")
    assert ended.status == NOTHING_WRITTEN
    assert f"{disk.name} is in use as {place}: unmount it; nothing was written" in ended.stderr
    assert run(["e2fsck", "-fn", disk.device]).status == 0


def test_a_disk_of_which_a_partition_is_mounted_is_refused(bench: Bench) -> None:
    disk, image = bench.disk("disk", LARGER, "--partscan"), bench.image()
    part = Path(f"{disk.device}p1")
    if run(["addpart", disk.device, "1", "2048", str(40 * MIB // SECTOR)], check=False).status or not part.exists():
        pytest.skip("this machine's loop devices have no partitions")
    run(["mkfs.ext4", "-q", part])
    place = bench.folder / "place"
    place.mkdir()
    ended = in_namespace(bench, f"mount {part} {place}", image, f"{disk.name}\n")
    assert ended.status == NOTHING_WRITTEN
    assert f"{part.name} is in use as {place}" in ended.stderr
    assert run(["e2fsck", "-fn", part]).status == 0


def test_a_disk_that_is_used_where_it_is_not_seen_is_refused(bench: Bench) -> None:
    disk, image = bench.disk("disk"), bench.image()
    untouched = disk.digest
    holder = os.open(disk.device, os.O_RDONLY | os.O_EXCL)  # as a file system does that another namespace has mounted
    try:
        ended = bench.write(image, answer=f"{disk.name}\n")
    finally:
        os.close(holder)
    assert (ended.status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert f"/dev/{disk.name} is in use; nothing was written" in ended.stderr


def test_a_disk_that_is_in_use_by_way_of_a_loop_device_is_refused(bench: Bench) -> None:
    disk = bench.disk("disk", serial="S")
    untouched = disk.digest
    loop = run(["losetup", "--find", "--show", disk.device]).stdout.strip()
    try:
        ended = bench.write("--serial", "S", bench.image())
    finally:
        run(["losetup", "--detach", loop])
    assert (ended.status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert f"{disk.device} is in use as {Path(loop).name}: losetup --detach {loop}" in ended.stderr


def test_a_disk_that_something_is_made_of_is_refused(bench: Bench) -> None:
    disk = bench.disk("disk", serial="S")
    untouched = disk.digest
    lsblk = (bench.folder / "bin/lsblk").read_text()
    made_of = f'    "-nro NAME,TYPE,MOUNTPOINT /dev/{disk.name}") printf "{disk.name} loop \\nmd127 raid1 \\n" ;;\n'
    bench.program("lsblk", lsblk.replace("    *)", f"{made_of}    *)"))
    ended = bench.write("--serial", "S", bench.image())
    assert (ended.status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert "md127 (raid1) is made of it: stop that first" in ended.stderr


def absent(bench: Bench) -> Path:
    return bench.folder / "absent.raw"


def for_a_hypervisor(bench: Bench) -> Path:
    return bench.image("proxy.qcow2")


def damaged(bench: Bench) -> Path:
    image = bench.image()
    with image.open("r+b") as file:
        file.seek(SIZE // 2)
        file.write(b"another")
    return image


def listed(bench: Bench, line: str, name: str = "proxy.raw") -> Path:
    """A damaged image, and what SHA256SUMS says of the whole one."""
    whole = hashlib.sha256(bench.image(name).read_bytes()).hexdigest()
    image = damaged(bench).rename(bench.folder / name)
    (bench.folder / "SHA256SUMS").write_bytes(line.format(whole, name).encode())
    return image


def damaged_and_listed_by_windows(bench: Bench) -> Path:
    return listed(bench, "{}  {}\r\n")


def damaged_and_listed_as_binary(bench: Bench) -> Path:
    return listed(bench, "{} *{}\n")


def damaged_and_listed_with_a_space(bench: Bench) -> Path:
    return listed(bench, "{}  {}\n", "my proxy.raw")


def damaged_and_elsewhere(bench: Bench) -> Path:
    link = bench.folder / "elsewhere" / "proxy.raw"
    link.parent.mkdir()
    link.symlink_to(damaged(bench))
    (link.parent / "SHA256SUMS").write_text(f"{'0' * 64}  another.raw\n")  # of other files
    return link


def cut_off_and_listed(bench: Bench) -> Path:
    image = bench.image("proxy.raw.gz")
    os.truncate(image, image.stat().st_size // 2)
    return image


def cut_off(bench: Bench) -> Path:
    image = bench.image("proxy.raw.gz", listed=False)
    os.truncate(image, image.stat().st_size // 2)
    return image


def no_whole_sector(bench: Bench) -> Path:
    image = bench.image(listed=False)
    os.truncate(image, SIZE - 100)
    return image


def without_its_last_sector(bench: Bench) -> Path:
    image = bench.image(listed=False)
    os.truncate(image, SIZE - SECTOR)
    return image


def packed_otherwise(bench: Bench) -> Path:
    """Whatever archive it is, its bytes are nobody's disk."""
    image = bench.image("proxy.raw.gz", listed=False).rename(bench.folder / "proxy.raw")
    os.truncate(image, -(-image.stat().st_size // SECTOR) * SECTOR)
    return image


def empty(bench: Bench) -> Path:
    image = bench.folder / "empty.raw"
    image.touch()
    return image


WRONG_IMAGES = {
    "there is no file": absent,
    "is for a hypervisor": for_a_hypervisor,
    "is not what SHA256SUMS says": damaged,
    "is not what SHA256SUMS says: damaged or cut off": cut_off_and_listed,
    "proxy.raw is not what SHA256SUMS says": damaged_and_listed_by_windows,
    "/proxy.raw is not what SHA256SUMS says": damaged_and_listed_as_binary,
    "my proxy.raw is not what SHA256SUMS says": damaged_and_listed_with_a_space,
    "proxy.raw is not what SHA256SUMS says: damaged": damaged_and_elsewhere,
    "is damaged or cut off": cut_off,
    f"is no whole disk: {SIZE - 100} bytes": no_whole_sector,
    "is no whole disk: 0 bytes": empty,
    "is cut off: its partition table is of more bytes": without_its_last_sector,
    "has neither partitions nor a file system": packed_otherwise,
}


@pytest.mark.parametrize(("why", "wrong"), WRONG_IMAGES.items(), ids=WRONG_IMAGES)
def test_an_image_that_is_not_whole_is_refused_before_a_disk_is_asked_for(
    bench: Bench, why: str, wrong: Callable[[Bench], Path]
) -> None:
    disk = bench.disk("disk", serial="S")
    untouched = disk.digest
    ended = bench.write("--serial", "S", wrong(bench))
    assert (ended.status, disk.digest) == (NOTHING_WRITTEN, untouched)
    assert why in ended.stderr
    assert len(ended.stderr.splitlines()) == 2  # a sentence, and what to do


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--force", "a"],
        ["a", "b"],
        ["--serial"],
        ["--serial", ""],
        ["--serial", "S"],
        ["--serial", " \t", "a"],
        ["--list", "a"],
    ],
)
def test_wrong_words_are_told_which_are_right(words: list[str]) -> None:
    ended = run(["sh", WRITER, *words], check=False)
    assert (ended.status, "sh write-disk.sh [--serial SERIAL] IMAGE" in ended.stderr) == (USAGE, True)


def test_a_system_that_lacks_a_program_says_what_to_install(bench: Bench, tmp_path: Path) -> None:
    few = tmp_path / "few"
    few.mkdir()
    for name in ("sh", "id"):
        (few / name).symlink_to(run(["sh", "-c", f"command -v {name}"]).stdout.strip())
    script = tmp_path / "write-disk.sh"
    script.write_text(WRITER.read_text().replace("PATH=$PATH:/usr/sbin:/sbin\n", ""))
    ended = run([few / "sh", script, "a"], env={"PATH": str(few)}, check=False)
    assert (ended.status, "this system has no lsblk" in ended.stderr) == (NOTHING_WRITTEN, True)
