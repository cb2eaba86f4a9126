"""Whether KVM really works here, found out by booting a guest with it.

/dev/kvm may exist, may even run a boot sector, and still stop in the first lines of a stock kernel (a nested KVM that
does not know every instruction). So the only proof is a guest that reaches systemd; it takes seconds where KVM works.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from mailnix import run
from mailnix.errors import LabError
from mailnix.lab.disks import overlay
from mailnix.lab.machine import Machine, paths_for
from mailnix.lab.qemu_argv import QEMU
from mailnix.lab.spec import Accel, DiskFormat, MachineSpec
from mailnix.lab.waiting import attempts

DEVICE = Path("/dev/kvm")
PROOFS = ("systemd[1]:", "Welcome to ", " login:")
PROOF_TIMEOUT = 40.0
"""Seconds; with KVM that works a Debian image shows a proof in under 10."""
TRUST_NO_FOR = 24 * 3600.0
"""Seconds that a "no" is believed: it may have come from a busy host."""

Probe = Callable[[Path], str]
"""Boot this disk (qcow2) with KVM; gives "" where that works, else why not."""


@frozen
class Verdict:
    """What to run guests with, and why."""

    accel: Accel
    reason: str


def choose_accel(
    disk: Path, cache: Path, progress: Callable[[str], None], *, device: Path = DEVICE, probe: Probe | None = None
) -> Accel:
    """KVM where it boots the qcow2 image `disk`, else TCG; says which and why. `cache` keeps the verdict."""
    verdict = _without_booting(device) or _remembered(cache) or _probed(disk, cache, probe or why_not)
    names = {Accel.KVM: "with KVM", Accel.TCG: "in software emulation (TCG)"}
    progress(f"running guests {names[verdict.accel]}: {verdict.reason}")
    return verdict.accel


def why_not(disk: Path, accel: Accel = Accel.KVM) -> str:
    """Boot a throw-away copy of a disk; "" where systemd was reached, else what happened instead."""
    with tempfile.TemporaryDirectory(prefix="mailnix-kvm-") as name:
        folder = Path(name)
        copy = overlay(disk, folder / "disk.qcow2", base_format=DiskFormat.QCOW2)
        machine = Machine(MachineSpec("probe", copy), paths_for("probe", folder, folder), accel)
        try:
            with machine:
                return _await_proof(machine)
        except LabError as error:
            return error.message


def plain(message: str) -> str:
    """Why a machine did not start with KVM, without the C of an assertion in QEMU."""
    if found := re.search(r"\b(\w+): Assertion ", message):
        return f"{DEVICE} exists, but QEMU's KVM does not work on this host ({found[1]} failed)"
    return message.removeprefix("probe: ").replace(
        "QEMU did not start: qemu-system-x86_64: ", "QEMU does not start with it: "
    )


def _await_proof(machine: Machine) -> str:
    for _ in attempts(PROOF_TIMEOUT):
        machine.check()
        text = machine.console.text()
        if any(proof in text for proof in PROOFS):
            return ""
        if "KVM internal error" in machine.paths.qemu_log.read_text(errors="replace"):
            return f"{DEVICE} cannot run a stock kernel (KVM internal error)"
    return f"a guest with KVM did not reach systemd in {PROOF_TIMEOUT:.0f} s"


def _without_booting(device: Path) -> Verdict | None:
    if not device.exists():
        return Verdict(Accel.TCG, f"there is no {device}")
    if not os.access(device, os.R_OK | os.W_OK):
        return Verdict(Accel.TCG, f"no permission to use {device} (add yourself to its group)")
    return None


def _probed(disk: Path, cache: Path, probe: Probe) -> Verdict:
    trouble = probe(disk)
    verdict = Verdict(Accel.TCG, plain(trouble)) if trouble else Verdict(Accel.KVM, "a guest booted with it")
    cache.mkdir(parents=True, exist_ok=True)
    found = {"accel": verdict.accel, "reason": verdict.reason, "time": time.time()}
    _memory(cache).write_text(json.dumps(found) + "\n")
    return verdict


def _remembered(cache: Path) -> Verdict | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(_memory(cache).read_text())
        verdict = Verdict(Accel(found["accel"]), plain(str(found["reason"])))
        if verdict.accel is Accel.KVM or time.time() - found["time"] < TRUST_NO_FOR:
            return verdict
    return None


def _memory(cache: Path) -> Path:
    """The verdict's file: another one for another host kernel or another QEMU."""
    version = run.run([run.require(QEMU, "qemu-system-x86"), "--version"]).stdout
    key = hashlib.sha256(f"{platform.release()}\n{version}".encode()).hexdigest()[:16]
    return cache / f"kvm-{key}.json"
