"""The network on Debian."""

from __future__ import annotations

from mailnix.formats.debian_part import DebianPart
from mailnix.formats.text import ini
from mailnix.plan import HostPlan, Plan
from mailnix.services.network.render import UPLINK_STEM, networkd, resolved, sysctls, uplink
from mailnix.tree import File

# The base image lets it wait for half a minute, then the boot goes on: late, which is no fault of the machine.
LATE = File(
    "/etc/systemd/system/systemd-networkd-wait-online.service.d/late.conf",
    ini((("Service", {"SuccessExitStatus": "1"}),)),
)


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """The uplink, the resolver, sysctls, and the machine's name."""
    settings = "".join(f"{key} = {value}\n" for key, value in sysctls(host).items())
    return DebianPart(
        packages=("systemd-resolved",),
        entries=(
            File(f"/etc/systemd/network/{UPLINK_STEM}.network", ini(uplink(host))),
            File("/etc/systemd/networkd.conf.d/mailnix.conf", ini(networkd())),
            File("/etc/systemd/resolved.conf.d/mailnix.conf", ini(resolved())),
            File("/etc/sysctl.d/60-mailnix.conf", settings),
            LATE,
            File("/etc/hostname", f"{host.name}\n"),
            File("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {host.name}\n::1 localhost ip6-localhost\n"),
        ),
    )
