"""A machine's own home: the far end of a proxy's tunnel in a network namespace of the proxy, with a mail server there.

The tunnel is WireGuard's of the machine's own kernel, at both ends. The home's socket stays where it was made, outside
of the namespace (https://www.wireguard.com/netns/), so that it reaches the proxy by loopback, and needs no card.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from mailnix import secrets
from mailnix.lab.machine import Machine
from mailnix.model import ports
from mailnix.plan import Plan, ProxyPlan
from mailnix.services.credentials.names import CREDSTORE
from rig.waiting import free_port

NAME: Final = "home"  # of the namespace, the card in it, and the unit
FOLDER: Final = "/run/home"
WRITTEN: Final = f"{FOLDER}/written"
HANDSHAKE: Final = 60  # seconds
SERVER: Final = (Path(__file__).parent / "guest" / "mail_server.py").read_text()

# Key files are read by `wg`, whose arguments everybody may see.
TUNNEL: Final = f"""\
ip link add {NAME} type wireguard
wg set {NAME} private-key {FOLDER}/private peer "$(wg show {{near}} public-key)" preshared-key {FOLDER}/preshared \
  endpoint 127.0.0.1:{{port}} persistent-keepalive 5 allowed-ips {{proxy}}/32
ip netns add {NAME}
ip link set {NAME} netns {NAME}
ip -n {NAME} address add {{home}}/32 dev {NAME}
ip -n {NAME} link set {NAME} up
ip -n {NAME} route add {{proxy}}/32 dev {NAME}
"""


def live_in(machine: Machine, plan: Plan, proxy: ProxyPlan, keys: Path, known: str) -> None:
    """Give a proxy that has its credentials this home, with the internal machine's from `keys`.

    The mail server takes mail for the address `known` alone; what it is told is in the file WRITTEN.
    """
    link = proxy.tunnel
    for file, name in (("private", link.internal.private_key), ("preshared", link.internal.preshared_key)):
        machine.write_file(f"{FOLDER}/{file}", _credential(plan, keys, name), 0o600)
    machine.write_file(f"{FOLDER}/mail_server.py", SERVER)
    near, there = link.proxy.interface, link.internal.ipv4
    machine.succeed(TUNNEL.format(near=near, port=link.port, proxy=link.proxy.ipv4, home=there))
    server = f"python3 {FOLDER}/mail_server.py {there} {ports.SMTP} {known} {WRITTEN}"
    machine.succeed(f"systemd-run --quiet --unit={NAME} ip netns exec {NAME} {server}")
    listening = f"ip netns exec {NAME} ss -Hltn sport = :{ports.SMTP} | grep -q ."
    machine.wait_until_succeeds(listening, subject="its mail server")


def shook_hands(machine: Machine, proxy: ProxyPlan) -> None:
    """Wait until both ends of the tunnel have said who they are, the proxy's by its own account."""
    seen = f"wg show {proxy.tunnel.proxy.interface} latest-handshakes | awk '{{ exit $2 == 0 }}'"
    machine.wait_until_succeeds(seen, HANDSHAKE, subject="a handshake")


def way_in(machine: Machine, port: int) -> int:
    """One more port of our loopback that leads to a TCP port of a machine with an inlet."""
    ours = free_port()
    with machine.qmp() as control:
        words = f"hostfwd_add inlet tcp:127.0.0.1:{ours}-:{port}"
        refused = str(control.execute("human-monitor-command", {"command-line": words})).strip()
    assert not refused, refused
    return ours


def _credential(plan: Plan, keys: Path, name: str) -> bytes:
    """As the internal machine's seed disk has it, of which no file is written."""
    found: dict[str, bytes] = {}

    def take(files: Mapping[str, bytes], _out: Path, _label: str) -> None:
        found.update(files)

    secrets.seed(plan, plan.internal.name, keys, keys / "never", make_disk=take)
    return found[f"{CREDSTORE}/{name}"]
