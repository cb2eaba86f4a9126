import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mailnix.errors import LabError
from mailnix.lab import state
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.spec import MachineSpec
from mailnix.run import Completed


def answering(info: dict[str, Any]) -> Any:
    def runner(argv: Sequence[str], **_more: object) -> Completed:
        return Completed(tuple(argv), 0, json.dumps(info), "")

    return runner


def machine(folder: Path) -> Machine:
    return Machine(MachineSpec("one", folder / "one.qcow2"), paths_for("one", folder, folder / "s"))


@pytest.mark.qemu
def test_the_states_of_a_disk_are_read_from_qemu_img(tmp_path: Path) -> None:
    runner = answering({"snapshots": [{"name": "mailnix"}, {"name": "other"}]})
    assert state.snapshots(tmp_path / "x", runner) == ("mailnix", "other")
    assert state.snapshots(tmp_path / "x", answering({})) == ()


def test_a_disk_that_is_gone_has_no_state(tmp_path: Path) -> None:
    assert not state.has_state(machine(tmp_path))


def test_a_machine_that_is_off_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="one: QEMU does not answer"):
        state.save([machine(tmp_path)])
