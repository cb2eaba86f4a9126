"""The machines of all places as what they are built from: the proxy as it is, the one at home without Mailcow."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from attrs import evolve

from mailnix.debian.host import COMMON, DebianHost, assemble, debian_host
from mailnix.debian.packages import CLOUD_KERNEL, package_set
from mailnix.formats.debian_part import DebianPart
from mailnix.image.values import HostBuild
from mailnix.lab.internet import zones
from mailnix.lab.internet.machine import PACKAGES
from mailnix.lab.places import outside, router
from mailnix.lab.spec import Nic
from mailnix.plan import Plan
from mailnix.services.base.debian import TIMEOUTS
from mailnix.tree import File

ROUTER: Final = "router"
MASKED: Final = (
    *("apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service"),
    *("caddy.service", "caddy-api.service", "named.service", "named-resolvconf.service", "postfix.service"),
    *("postfix-resolvconf.path", "opendkim.service", "opendmarc.service", "ssh.service"),
    *("systemd-networkd.service", "systemd-networkd-wait-online.service"),
    *("systemd-logind.service", "systemd-resolved.service", "systemd-timesyncd.service"),
)
"""What the router's packages bring and no place needs."""
APPARMOR: Final = "apparmor.service"  # minutes of compiling profiles, in emulation, for what no place is about
NO_MAILCOW: Final = ("docker.service", "docker.socket", "containerd.service", APPARMOR)


def proxy(plan: Plan) -> DebianHost:
    """The proxy, whole."""
    return debian_host(plan, plan.proxies[0])


def home(plan: Plan) -> DebianHost:
    """The machine at home with everything but Docker and Mailcow.

    Its packages are all of them: so it is of the base that the whole machine is of.
    """
    whole = debian_host(plan, plan.internal)
    parts = tuple(place(plan, plan.internal) for place in COMMON)
    return evolve(assemble(whole.name, (*parts, DebianPart(masked=NO_MAILCOW))), packages=whole.packages)


def builds(plan: Plan) -> tuple[HostBuild, ...]:
    """All three images."""
    near, far = proxy(plan), home(plan)
    return (
        router_build(),
        HostBuild(near.name, package_set(near.packages), near.tree, npm_tree=near.npm_tree),
        HostBuild(far.name, package_set(far.packages), far.tree),
    )


def router_build() -> HostBuild:
    """The router, of the lab's internet's base."""
    part = DebianPart(
        packages=PACKAGES,
        masked=MASKED,
        entries=(
            TIMEOUTS,
            File("/etc/hostname", f"{ROUTER}\n"),
            File("/etc/hosts", "127.0.0.1 localhost\n"),
            File("/etc/resolv.conf", f"nameserver {outside.DNS4}\n"),
            File(f"{outside.FOLDER}/forward.conf", router.FORWARD),
            File(f"{outside.FOLDER}/ssh_config", SSH),
            File(outside.ZONE, outside.root_zone()),
            File(outside.NAMED_CONF, zones.NAMED),
            File(router.ADVERTISE, _program("places", "advertise.py"), 0o755),
            File(router.SINK, _program("places", "sink.py"), 0o755),
            File(router.SIGN, _program("internet", "sign.py"), 0o755),
            File(router.PORTS, _program("places", "ports.py"), 0o755),
        ),
    )
    host = assemble(ROUTER, (part,))
    return HostBuild(ROUTER, package_set(host.packages), host.tree, kernel=CLOUD_KERNEL)


SSH: Final = f"""\
Host *
    User root
    IdentityFile {router.KEY}
    IdentitiesOnly yes
    BatchMode yes
    ConnectTimeout 60
    StrictHostKeyChecking no
    UserKnownHostsFile /dev/null
    LogLevel ERROR
"""


def _program(package: str, name: str) -> str:
    return files(f"mailnix.lab.{package}").joinpath("guest", name).read_text()


def near_nics(machine: str) -> tuple[Nic, ...]:
    """The router's ends of a machine's cables."""
    return tuple(Nic(link, ROUTER, machine) for link in router.SIDES[machine])


def far_nics(machine: str) -> tuple[Nic, ...]:
    """The machine's own cards."""
    return tuple(Nic(link, machine, ROUTER) for link in router.SIDES[machine])
