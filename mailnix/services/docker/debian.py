"""Docker on Debian 13: docker.io 26.1 with the compose plugin, and our daemon settings."""

from __future__ import annotations

from mailnix.formats.debian_part import DebianPart, Wanted
from mailnix.plan import HostPlan, InternalPlan, Plan
from mailnix.services.docker.render import daemon_json
from mailnix.tree import File

# docker.io only recommends the client; apparmor gives containers their default profile.
PACKAGES = ("apparmor", "ca-certificates", "docker-cli", "docker-compose", "docker.io", "iptables")


def debian(_plan: Plan, host: HostPlan) -> DebianPart:
    """What Docker adds to the internal host; nothing elsewhere."""
    if not isinstance(host, InternalPlan):
        return DebianPart()
    return DebianPart(
        packages=PACKAGES,
        entries=(File("/etc/docker/daemon.json", daemon_json()),),
        packaged=(Wanted("docker.service"),),
    )
