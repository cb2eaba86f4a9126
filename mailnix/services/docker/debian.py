"""Docker on Debian 13: docker.io 26.1 with the compose plugin, and our daemon settings."""

from __future__ import annotations

from typing import Final

from mailnix.formats.debian_part import DebianPart, Follows, Wanted
from mailnix.plan import HostPlan, InternalPlan, Plan
from mailnix.services.docker.render import daemon_json
from mailnix.tree import File

# docker.io only recommends the client; apparmor gives containers their default profile.
PACKAGES = ("apparmor", "ca-certificates", "docker-cli", "docker-compose", "docker.io", "iptables")

DAEMON: Final = "/etc/docker/daemon.json"


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """What Docker adds to the internal host; nothing elsewhere."""
    if not isinstance(host, InternalPlan):
        return DebianPart()
    return DebianPart(
        packages=PACKAGES,
        entries=(File(DAEMON, daemon_json()),),
        packaged=(Wanted("docker.service"),),
        follows=(Follows("docker.service", DAEMON),),
    )
