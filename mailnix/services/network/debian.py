"""The network on Debian."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Verb, Wanted
from mailnix.formats.text import Section, ini
from mailnix.plan import HostPlan, Plan
from mailnix.services.credentials.names import NETWORKD, SCRIPTS
from mailnix.services.network.render import (
    CHOICE,
    CHOOSER,
    OTHERS_STEM,
    UPLINK_STEM,
    chooser,
    chooser_unit,
    networkd,
    others,
    resolved,
    sysctls,
    uplink,
    wanted_card,
)
from mailnix.tree import File

_OF_NIXOS: Final = {
    "kernel.core_uses_pid": 1,
    "kernel.kptr_restrict": 1,
    "net.ipv4.ping_group_range": "0 2147483647",
}
"""What NixOS sets by itself, some with the priority of our own values there: they may not be set twice."""
_OF_EACH_CARD: Final = {"accept_source_route": 0, "promote_secondaries": 1, "rp_filter": 2}
"""Likewise of each interface: systemd's 50-default.conf, in a package that Debian's systemd only recommends. Of sources
those are taken to which there is a way, by whichever card (RFC 3704 2.4)."""
RESOLVED: Final = "systemd-resolved.service"
HOSTNAME: Final = "/etc/hostname"
HOSTS: Final = "/etc/hosts"
SYSCTLS: Final = "/etc/sysctl.d/60-mailnix.conf"
CHOOSE: Final = f"{SCRIPTS}/choose-card"

_WAIT: Final = "/usr/lib/systemd/systemd-networkd-wait-online"
# A network that is slow to come does not hold up the machine: one routable link is enough, and after half a minute the
# boot goes on: late, which is no fault of the machine.
LATE = File(
    "/etc/systemd/system/systemd-networkd-wait-online.service.d/late.conf",
    ini((("Service", {"ExecStart": ("", f"{_WAIT} --any --timeout=30"), "SuccessExitStatus": "1"}),)),
)


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """The cards, the resolver, sysctls, and the machine's name."""
    return DebianPart(
        packages=("systemd-resolved",),
        entries=(
            *(File(path, ini(sections)) for path, sections in units(host)),
            File(CHOOSE, chooser(), mode=0o755),
            File(SYSCTLS, "".join(_sysctls(host))),
            LATE,
            File(HOSTNAME, f"{host.name}\n"),
            File(HOSTS, f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n::1 localhost ip6-localhost\n"),
        ),
        wanted=(Wanted(f"{CHOOSER}.service", by=NETWORKD),),
        enabled=(NETWORKD, RESOLVED),
        follows=(
            Follows(NETWORKD, "/etc/systemd/networkd.conf.d/"),
            Follows(NETWORKD, "/etc/systemd/network/", Verb.RELOAD),
            Follows(RESOLVED, "/etc/systemd/resolved.conf.d/"),
            Follows("systemd-sysctl.service", SYSCTLS),
            Follows("systemd-networkd-wait-online.service", LATE.path, Verb.AT_BOOT),
        ),
    )


def _sysctls(host: HostPlan) -> Iterator[str]:
    """Lines of sysctl.d(5). `all` is left out of the pattern: together with each card's own value it would count."""
    for key, value in {**_OF_NIXOS, **sysctls(host)}.items():
        yield f"{key} = {value}\n"
    for key, value in _OF_EACH_CARD.items():
        of = "net.ipv4.conf"
        yield f"{of}.default.{key} = {value}\n{of}.*.{key} = {value}\n-{of}.all.{key}\n"


def units(host: HostPlan) -> Iterator[tuple[str, tuple[Section, ...]]]:
    """What is read by systemd and its network programs: path and sections."""
    yield f"/etc/systemd/network/{UPLINK_STEM}.network", uplink(host)
    yield f"/etc/systemd/network/{OTHERS_STEM}.network", others(host)
    yield "/etc/systemd/networkd.conf.d/mailnix.conf", networkd()
    yield "/etc/systemd/resolved.conf.d/mailnix.conf", resolved(host)
    yield f"/etc/systemd/system/{CHOOSER}.service", chooser_unit(f"{CHOOSE} {CHOICE} {wanted_card(host)}")
