"""The described relays, played by the internet: one small server for each, which knows its user and nobody else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from mailnix.lab.internet.layout import TLS, Layout
from mailnix.lab.internet.outside import included
from mailnix.model.relays import Relay
from mailnix.model.spf import normal
from mailnix.plan.types import Plan
from mailnix.tree import Entry, File

PROGRAM: Final = "/usr/lib/mailnix-internet/smarthost.py"
CONF: Final = "/etc/mailnix-internet/smarthosts.json"
PASSWORDS: Final = "/run/mailnix-internet/relays.json"
UNIT: Final = "mailnix-internet-smarthosts.service"
CERTIFICATE: Final = "relays"
"""The name of the certificate's files."""

_SERVICE: Final = f"""\
[Unit]
Description=Servers of others that mail leaves by

[Service]
ExecStart={PROGRAM}
Restart=on-failure
"""


def entries(plan: Plan, layout: Layout) -> Iterator[Entry]:
    """What they are run by; nothing where none is described."""
    if layout.relays:
        yield File(CONF, json.dumps(conf(plan, layout), indent=1) + "\n")
        yield File(f"/etc/systemd/system/{UNIT}", _SERVICE)


def conf(plan: Plan, layout: Layout) -> dict[str, object]:
    """What the program reads: its certificate, and each server, by name and port."""
    relays = {(relay.host, relay.port): relay for relay in plan.topology.relays}
    hosts = [_host(relay, layout) for relay in relays.values()]
    return {"certificate": f"{TLS}/{CERTIFICATE}.pem", "key": f"{TLS}/{CERTIFICATE}.key", "hosts": hosts}


def _host(relay: Relay, layout: Layout) -> dict[str, object]:
    address = next(identity.ipv4 for identity in layout.relays if identity.name == relay.host)
    return {
        "name": relay.host,
        "address": str(address),
        "port": relay.port,
        "tls": relay.begins,
        "user": relay.user or "",
        "next": str(layout.mx.ipv4),
    }


def vouched(plan: Plan, relay: Relay) -> bool:
    """Whether SPF passes for a relay in the lab, where it has another address than in the world: where the description
    names it by its host name, or includes what it publishes, which is the lab's to answer; not by addresses.
    """
    published = {record.name for record in plan.records}
    passing = {normal(text.strip().removeprefix("+")) for text in relay.spf}
    return f"a:{relay.host}" in passing or any(
        name not in published for text in passing if text.startswith("include:") for name in included((text,))
    )


def zone_lines(plan: Plan, layout: Layout) -> Iterator[str]:
    """What their owners publish, so that our domains can include it; and others whom our domains let send."""
    published, told = {record.name for record in plan.records}, set[str]()
    allowed = " ".join(f"ip4:{identity.ipv4}" for identity in layout.relays)
    names = [(name, allowed) for relay in plan.topology.relays for name in included(relay.spf)]
    names += [(name, "") for domain in plan.topology.domains for name in included(domain.spf)]
    for name, who in names:
        if name not in published | told:
            told.add(name)
            yield f'{name}. IN TXT "v=spf1 {who} -all"'.replace("  ", " ")
