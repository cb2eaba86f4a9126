"""Plain servers become the plan's machines: furnished as their owners would, then brought by `mailnix deploy`."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from mailnix.deploy import deploying, start
from mailnix.deploy.values import Report
from mailnix.image.values import Progress
from mailnix.lab.internet.authority import Authority
from mailnix.lab.internet.cards import INTERNET, uplink_nic
from mailnix.lab.internet.layout import Layout
from mailnix.lab.machine import Machine
from mailnix.lab.servers.build import SERIAL
from mailnix.lab.servers.plain import HOST_KEY, Server, server, where
from mailnix.lab.spec import INLET_MAC
from mailnix.model import ports
from mailnix.plan import HostPlan, Plan, derive
from mailnix.run import require, run
from mailnix.services.ssh.debian import KEYS
from mailnix.tree import Tree

KEY: Final = "admin"
"""The private key of whoever deploys, in the lab's folder: one of the plan's admin keys."""
WITHIN: Final = 900
"""Seconds in which a change is to be confirmed: emulated machines are slow."""
INLET: Final = "10.0.2.15/24"
"""What QEMU's user network takes its guest for."""
ARCHIVE: Final = "/srv/archive"
_CARD: Final = 'basename "$(dirname "$(grep -l {mac} /sys/class/net/*/address)")"'

# Root's door for whoever comes by the inlet, who then goes on to the others as from anywhere on the internet.
OPEN: Final = f"""\
set -e
card=$({_CARD.format(mac=INLET_MAC)})
ip address replace {INLET} dev "$card"
ip link set "$card" up
mkdir -p {ARCHIVE}
mount -o ro /dev/disk/by-id/virtio-{SERIAL} {ARCHIVE}
systemd-run --quiet --unit=archive python3 -m http.server {ports.HTTP} --bind {{address}} --directory {ARCHIVE}
ls /etc/ssh/ssh_host_*_key >/dev/null 2>&1 || {HOST_KEY}
systemctl unmask --quiet ssh.service
systemctl start ssh.service
"""
SSH_CONFIG: Final = f"""\
Host {INTERNET}
  HostName 127.0.0.1
  Port {{port}}
  User root
Host * !{INTERNET}
  ProxyJump {INTERNET}
Host *
  IdentityFile {{folder}}/{KEY}
  IdentitiesOnly yes
  StrictHostKeyChecking accept-new
  UserKnownHostsFile {{folder}}/known_hosts
  LogLevel ERROR
"""


@frozen
class Town:
    """Machines that run, by name, and who deploys them from the lab's `folder` with `secrets`."""

    plan: Plan
    layout: Layout
    machines: Mapping[str, Machine]
    folder: Path
    secrets: Path

    @property
    def ssh_config(self) -> Path:
        """How this machine reaches all of them: by way of the internet."""
        return self.folder / "ssh_config"

    @property
    def targets(self) -> dict[str, str]:
        """Where each is before it is ours."""
        return where(self.plan, self.layout)


def _no_flake() -> Tree:
    """No machine here is NixOS."""
    return Tree.of(())


def with_key(plan: Plan, folder: Path) -> Plan:
    """The plan with one more admin key, whose private half is in the lab's folder, made where it is not there yet."""
    private = folder / KEY
    if not private.exists():
        folder.mkdir(parents=True, exist_ok=True)
        run((require("ssh-keygen", "openssh-client"), "-q", "-t", "ed25519", "-N", "", "-C", KEY, "-f", private))
    public = private.with_suffix(".pub").read_text().strip()
    known = plan.topology.admin_keys
    return plan if public in known else derive(evolve(plan.topology, admin_keys=[*known, public]))


def furnish(town: Town, authority: Authority, progress: Progress) -> None:
    """Open a way into the internet, and give each machine what its owner or provider gives it."""
    internet = town.machines[INTERNET]
    public = (town.folder / KEY).with_suffix(".pub").read_text().strip()
    internet.write_file(KEYS, f"{public}\n", mode=0o600)
    internet.succeed(OPEN.format(address=town.layout.archive.ipv4))
    (town.folder / "known_hosts").unlink(missing_ok=True)
    write_ssh_config(town)
    with ThreadPoolExecutor() as pool:
        for line in pool.map(lambda host: _furnished(town, host, public, authority), town.plan.hosts):
            progress(line)


def write_ssh_config(town: Town) -> None:
    """Say how the machines are reached: QEMU takes another port each time that it starts the internet."""
    port = town.machines[INTERNET].inlet_port()
    town.ssh_config.write_text(SSH_CONFIG.format(port=port, folder=town.folder))


def _furnished(town: Town, host: HostPlan, public: str, authority: Authority) -> str:
    machine = town.machines[host.name]
    machine.wait_for_boot()
    card = machine.succeed(_CARD.format(mac=shlex.quote(uplink_nic(host).mac))).strip()
    _lay(machine, server(host, town.layout, card, public, authority.certificate))
    return f"{host.name}: a plain server, reached as {town.targets[host.name]}"


def _lay(machine: Machine, given: Server) -> None:
    for file in given.files.files:
        machine.write_file(file.path, file.data, mode=file.mode)
    machine.succeed(given.script)


def deploy(town: Town, mailcow_source: Path | None, progress: Progress) -> Report:
    """What `mailnix deploy` does, from nothing. Raises DeployError."""
    wish = start.Wish("CONFIG", (), WITHIN, mailcow_source=mailcow_source)
    reach = start.Reach(town.targets, town.ssh_config)
    with start.started(town.plan, town.secrets, wish, reach, lambda _: True, progress, _no_flake) as given:
        return deploying.deploy(given)
