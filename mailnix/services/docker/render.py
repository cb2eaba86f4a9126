"""Docker's daemon settings: one mapping, dumped to /etc/docker/daemon.json on Debian, an option value on NixOS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from mailnix.plan import InternalPlan

DAEMON: Final[Mapping[str, object]] = {
    # docker-proxy would hand connections over under the bridge's own address, which Postfix trusts (mynetworks):
    # an open relay, and every client address lost. Without it the kernel translates, and addresses stay.
    "userland-proxy": False,
    # IPv6 ports are published by the kernel too; Docker before 27 wants "experimental" for it.
    "ip6tables": True,
    "experimental": True,
    # One log for the machine: journalctl CONTAINER_NAME=mailcowdockerized-postfix-mailcow-1
    "log-driver": "journald",
    # Off: mailcow.service follows every restart of the daemon, so containers never run under rules of an older one.
    "live-restore": False,
}


def daemon_json() -> str:
    """/etc/docker/daemon.json."""
    return json.dumps(DAEMON, indent=2, sort_keys=True) + "\n"


def gateway(internal: InternalPlan) -> str:
    """The bridge's own address, which programs on the host have when they speak to a container."""
    return str(internal.docker_subnet[1])
