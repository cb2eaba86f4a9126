from pathlib import Path

import pytest

from mailnix.errors import LabError
from mailnix.lab import records
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.spec import Accel, Disk, DiskFormat, Firmware, Kernel, MachineSpec, Nic

SPEC = MachineSpec(
    "proxy",
    Path("/lab/proxy.qcow2"),
    memory=1024,
    cpus=2,
    extra_disks=(Disk(Path("/lab/seed.img"), serial="seed"), Disk(Path("/x"), DiskFormat.QCOW2, read_only=False)),
    nics=(Nic("wan", "proxy", "internet"),),
    firmware=Firmware.UEFI,
    kernel=Kernel(Path("/vmlinuz"), None, "quiet"),
)


def test_machines_come_back_as_they_were_written(tmp_path: Path) -> None:
    plain = MachineSpec("internet", Path("/lab/internet.qcow2"))
    machines = [
        Machine(plain, paths_for("internet", tmp_path, tmp_path / "s")),
        Machine(SPEC, paths_for("proxy", tmp_path, tmp_path / "s"), Accel.KVM),
    ]
    record = records.of(machines, key="abc", state="mailnix")
    records.write(tmp_path, record)
    assert records.read(tmp_path) == record
    again = records.machines_of(record, tied=False)
    assert [(name, each.spec, each.accel, each.tied) for name, each in again.items()] == [
        ("internet", plain, Accel.TCG, False),
        ("proxy", SPEC, Accel.KVM, False),
    ]


def test_no_lab_has_no_record_and_nothing_to_stop(tmp_path: Path) -> None:
    assert records.read(tmp_path) is None
    assert records.stop(tmp_path) == ()


@pytest.mark.parametrize("text", ["", "[]", '{"machines": [{}]}', '{"machines": 1}'])
def test_a_record_of_another_version_is_one_clear_line(tmp_path: Path, text: str) -> None:
    (tmp_path / records.FILE).write_text(text)
    with pytest.raises(LabError, match="not from this version"):
        records.read(tmp_path)
