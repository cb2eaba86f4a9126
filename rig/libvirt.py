"""A host of virtual machines as Debian's packages of libvirt make one, in namespaces: its files, network and processes.

Nothing of this machine's libvirt is read, asked or changed, and nothing is left. No systemd starts it: there `libvirtd`
has a scope for each machine, which here is told to do without groups of processes.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from mailnix.lab import signs
from mailnix.lab.console import Console
from mailnix.lab.waiting import Wait
from mailnix.run import Completed, run, spawn
from rig.waiting import until

PROGRAMS: Final = {
    "libvirtd": "libvirt-daemon-system",
    "virsh": "libvirt-clients",
    "virt-install": "virtinst",
    "dnsmasq": "dnsmasq-base",
    "script": "bsdutils",
}
EMULATED: Final = "--virt-type qemu --cpu qemu64,disable=cx16"
"""More words for virt-install: no KVM, which is not everywhere, and QEMU's processor without what emulation breaks
(see `mailnix.lab.qemu_argv.TCG_CPU`)."""
ROUTER: Final = "192.168.1.1"
LEASE: Final = "192.168.1.20"
"""The address that the home's router gives; pages call a machine at home so."""
SPACES: Final = {"mount": "mnt", "net": "net", "pid": "pid_for_children"}
SILENT: Final = 600.0  # seconds without a word on the console: emulated ones take their time
PATIENCE: Final = 1200.0  # seconds for a command

BEGIN: Final = f"""\
set -eu
for each in etc/libvirt var/lib/libvirt var/log/libvirt var/cache/libvirt; do
    mkdir -p "/$each" "$1/$each"
    mount --bind "$1/$each" "/$each"
done
mkdir -m 711 /var/lib/libvirt/images
echo 'cgroup_controllers = []' > /etc/libvirt/qemu.conf
mount -t tmpfs none /run
mkdir /run/lock
ip link set lo up
ip link add br0 type bridge
ip address add {ROUTER}/24 dev br0
ip link set br0 up
dnsmasq --conf-file=/dev/null --port=0 --user=root --interface=br0 --bind-interfaces --pid-file \\
    --dhcp-leasefile=/run/leases --dhcp-range={LEASE},{LEASE}
virtlogd -d
libvirtd -d
sleep infinity &
wait # and so reap what daemons leave: libvirtd asks whether its processes are gone
"""


def missing() -> str:
    """Why there can be none here, or an empty text."""
    if os.geteuid() != 0:
        return "a host of virtual machines is made by root"
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None and not Path("/usr/sbin", program).exists():
            return f"{program} is not installed ({package})"
    return ""


@frozen
class Host:
    """One that runs. `programs` is a folder that its PATH begins with; commands are typed in `folder`, as root."""

    leader: int
    folder: Path
    programs: Path

    def inside(self, command: str) -> list[str]:
        """How a command is run there from here."""
        spaces = (f"--{kind}=/proc/{self.leader}/ns/{file}" for kind, file in SPACES.items())
        path = f"PATH={shlex.quote(str(self.programs))}:$PATH:/usr/sbin"
        return ["nsenter", *spaces, "sh", "-c", f"cd {shlex.quote(str(self.folder))} && {path} && {command}"]

    def type(self, command: str, *, check: bool = True) -> Completed:
        """Run a command to its end, which must be a good one unless that is not to be checked."""
        ended = run(self.inside(command), timeout=PATIENCE, check=False)
        assert ended.status == 0 or not check, ended.stdout + ended.stderr
        return ended

    @contextlib.contextmanager
    def watch(self, command: str, log: Path) -> Iterator[Console]:
        """Run a command at a terminal, meanwhile; gives what it shows."""
        with spawn(self.inside(f"tail -f /dev/null | script -qfc {shlex.quote(command)} /dev/null"), log):
            yield Console(log)


@contextlib.contextmanager
def host(folder: Path, programs: Path, state: Path) -> Iterator[Host]:
    """Start one, whose files are in the empty folder `state`; its logs stay there."""
    begun = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    log = state / "log"
    try:
        with spawn([*begun, "sh", "-c", BEGIN, "libvirt", state], log) as spawned:
            made = Host(spawned.pid, folder, programs)
            until(lambda: made.type("virsh version", check=False).status == 0, "libvirtd", said=log.read_text)
            yield made
    finally:
        shutil.rmtree(state / "var/lib", ignore_errors=True)


def wait_for(console: Console, words: str) -> None:
    """Wait until a console shows something, as long as it shows anything."""
    wait = Wait(SILENT, signs=lambda: signs.read(None, console.log))
    for _ in wait.attempts():
        if words in console.text():
            return
        assert not console.dead_end(), console.tail()
    raise AssertionError(f"{words!r} does not appear on the console:\n{console.tail()}")
