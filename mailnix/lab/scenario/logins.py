"""Who gets in by SSH: an admin by way of the proxy where that is described; nobody from the tunnel or a container."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from mailnix.lab.scenario.evidence import require
from mailnix.lab.scenario.scene import COMMAND, Done, Guest, Scene
from mailnix.model import ports
from mailnix.plan.types import Address, Plan, ProxyPlan
from mailnix.services.ssh.debian import KEYS

FOLDER: Final = "/run/mailnix-admin"  # on the internet's machine
CONNECT: Final = 60  # seconds for ssh, in emulation
_CONFIG: Final = """\
Host {jump}
  BindAddress {source}
Host {home}
  ProxyJump root@{jump}
Host *
  IdentitiesOnly yes
  BatchMode yes
  StrictHostKeyChecking accept-new
  UserKnownHostsFile {folder}/known_hosts
  ConnectTimeout {seconds}
"""
_CONTAINERS: Final = "docker ps -q | xargs -r docker inspect -f '{{.State.Pid}}'"


def has_jump_host(plan: Plan) -> bool:
    """Whether anybody on the internet may come to a proxy that leads home."""
    return bool(_jumps(plan))


def _jumps(plan: Plan) -> list[ProxyPlan]:
    return [proxy for proxy in plan.proxies if proxy.name in plan.internal.jump_hosts and not proxy.admin_networks]


def admin_comes_home_by_way_of_a_proxy(scene: Scene) -> str:
    """OpenSSH's client on the internet: the admin's key opens both machines, another one neither, no other port."""
    proxy, home = _jumps(scene.plan)[0], scene.plan.internal
    with _keys(scene, proxy):
        name = _ssh(scene, "admin", f"root@{home.ipv4}", "uname -n")
        require(name.status == 0 and name.stdout.strip() == home.name, "no way home", name.stdout + name.stderr)
        stranger = _ssh(scene, "stranger", f"root@{home.ipv4}", "uname -n")
        require("Permission denied (publickey)" in stranger.stderr, "a stranger's key", stranger.stderr)
        other = _ssh(scene, "admin", "-W", f"{home.ipv4}:{ports.SMTP}", f"root@{proxy.ipv4}")
        require("administratively prohibited" in other.stderr, f"{proxy.name} leads to port 25", other.stderr)
    return f"{proxy.name} leads to {home.name}; Permission denied to a stranger; no way to port {ports.SMTP}"


def nobody_else_reaches_ssh_at_home(scene: Scene) -> str:
    """SSH at home is silent to containers, and to proxies that lead nowhere."""
    home, silent = scene.plan.internal, []
    for link in scene.plan.tunnels:
        proxy = scene.guest(link.proxy.host)
        require(_connects(proxy, home.ipv4, ports.SMTP), f"no tunnel from {link.proxy.host}, which says nothing")
        if link.proxy.host not in home.jump_hosts:
            require(not _connects(proxy, home.ipv4, ports.SSH), f"SSH at home is open to {link.proxy.host}")
            silent.append(link.proxy.host)
    processes = scene.internal.succeed(_CONTAINERS).split()
    require(processes, "no container runs at home")
    for target in (home.docker_subnet[1], home.ipv4, scene.layout.home.host4):
        inside = _connects(scene.internal, target, ports.SSH, before=f"nsenter -t {processes[0]} -n")
        require(not inside, f"SSH at home is open to a container, at {target}")
    return f"silent to {', '.join((*silent, 'a container'))}"


def _connects(guest: Guest, target: Address, port: int, before: str = "") -> bool:
    """Whether something accepts a connection there; bash and timeout are on every machine."""
    words = shlex.join(("timeout", "10", "bash", "-c", f"exec 3<>/dev/tcp/{target}/{port}"))
    return guest.execute(f"{before} {words}".strip(), timeout=COMMAND).status == 0


@contextmanager
def _keys(scene: Scene, proxy: ProxyPlan) -> Iterator[None]:
    """A key of the admin's that both machines take, for as long as it is tried, and a stranger's."""
    home = scene.plan.internal
    make = "".join(f" && ssh-keygen -q -t ed25519 -N '' -C {who} -f {FOLDER}/{who}" for who in ("admin", "stranger"))
    scene.internet.succeed(f"rm -rf {FOLDER} && install -d -m 0700 {FOLDER}{make}", timeout=COMMAND)
    source = scene.layout.client.ipv4
    config = _CONFIG.format(jump=proxy.ipv4, home=home.ipv4, source=source, folder=FOLDER, seconds=_seconds(scene))
    for who in ("admin", "stranger"):
        text = shlex.quote(f"{config}  IdentityFile {FOLDER}/{who}\n")
        scene.internet.succeed(f"printf %s {text} > {FOLDER}/{who}.conf")
    key = shlex.quote(scene.internet.succeed(f"cat {FOLDER}/admin.pub").strip())
    guests = [scene.guest(name) for name in (proxy.name, home.name)]
    try:
        for guest in guests:
            guest.succeed(
                f"install -d -m 0700 /root/.ssh; [ ! -e {KEYS} ] || cp -a {KEYS} {KEYS}.kept; echo {key} >> {KEYS}"
            )
        yield
    finally:
        for guest in guests:
            guest.execute(f"if [ -e {KEYS}.kept ]; then mv {KEYS}.kept {KEYS}; else rm -f {KEYS}; fi")


def _ssh(scene: Scene, who: str, *words: str) -> Done:
    command = shlex.join(("ssh", "-T", "-F", f"{FOLDER}/{who}.conf", *words))
    return scene.internet.execute(f"{command} </dev/null", timeout=3 * _seconds(scene))


def _seconds(scene: Scene) -> int:
    return round(CONNECT * scene.pace())
