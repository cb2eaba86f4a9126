import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mailnix.lab.accel import choose_accel, plain
from mailnix.lab.spec import Accel


@pytest.fixture
def device(tmp_path: Path) -> Path:
    path = tmp_path / "kvm"
    path.touch()
    return path


class Probe:
    def __init__(self, trouble: str) -> None:
        self.trouble = trouble
        self.asked = 0

    def __call__(self, disk: Path) -> str:
        self.asked += 1
        return self.trouble


@pytest.fixture
def choose(tmp_path: Path, device: Path) -> Callable[[Probe], tuple[Accel, str]]:
    def ask(probe: Probe) -> tuple[Accel, str]:
        said: list[str] = []
        found = choose_accel(tmp_path / "disk", tmp_path / "cache", said.append, device=device, probe=probe)
        return found, said[-1]

    return ask


def test_no_device_means_emulation_without_a_probe(tmp_path: Path) -> None:
    said: list[str] = []
    probe = Probe("")
    found = choose_accel(tmp_path, tmp_path, said.append, device=tmp_path / "none", probe=probe)
    assert (found, probe.asked) == (Accel.TCG, 0)
    assert said == [f"running guests in software emulation (TCG): there is no {tmp_path / 'none'}"]


@pytest.mark.qemu
def test_a_guest_that_boots_means_kvm(choose: Callable[[Probe], tuple[Accel, str]]) -> None:
    assert choose(Probe("")) == (Accel.KVM, "running guests with KVM: a guest booted with it")


@pytest.mark.qemu
def test_the_verdict_is_remembered(choose: Callable[[Probe], tuple[Accel, str]]) -> None:
    for trouble, expected in (("hangs", Accel.TCG), ("", Accel.TCG)):
        probe = Probe(trouble)
        found, said = choose(probe)
        assert (found, said) == (expected, "running guests in software emulation (TCG): hangs")
    assert probe.asked == 0


@pytest.mark.qemu
def test_an_old_no_is_asked_again(choose: Callable[[Probe], tuple[Accel, str]], tmp_path: Path) -> None:
    choose(Probe("hangs"))
    memory = next((tmp_path / "cache").glob("kvm-*.json"))
    memory.write_text(json.dumps({**json.loads(memory.read_text()), "time": 0}))
    assert choose(Probe(""))[0] is Accel.KVM


@pytest.mark.qemu
@pytest.mark.parametrize("text", ["", "{}", '{"accel": "xen", "reason": "", "time": 0}', "[1]"])
def test_a_damaged_memory_is_asked_again(
    choose: Callable[[Probe], tuple[Accel, str]], tmp_path: Path, text: str
) -> None:
    choose(Probe(""))
    next((tmp_path / "cache").glob("kvm-*.json")).write_text(text)
    assert choose(Probe("hangs"))[0] is Accel.TCG


def test_why_kvm_does_not_work_is_one_plain_line() -> None:
    said = (
        "probe: QEMU did not start: qemu-system-x86_64: ../../target/i386/kvm/kvm.c:3183: kvm_buf_set_msrs: "
        "Assertion `ret == cpu->kvm_msr_buf->nmsrs' failed."
    )
    assert plain(said) == "/dev/kvm exists, but QEMU's KVM does not work on this host (kvm_buf_set_msrs failed)"
    assert plain("probe: the kernel panicked") == "the kernel panicked"


@pytest.mark.qemu
def test_a_remembered_assertion_is_plain_too(choose: Callable[[Probe], tuple[Accel, str]]) -> None:
    assert "Assertion" not in choose(Probe("kvm.c:3183: kvm_buf_set_msrs: Assertion `ret' failed."))[1]
    assert choose(Probe(""))[1].endswith("(kvm_buf_set_msrs failed)")
