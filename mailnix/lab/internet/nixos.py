"""The internet as a machine of NixOS's test driver: the same texts as on Debian, but for what Debian alone reads. Pure.

Units, accounts and packages are NixOS's own (vm-tests/nixos/exchange/internet.nix). The zone that holds the DKIM keys
is missing: keys are made when the check is built.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from mailnix.lab.internet.layout import layout
from mailnix.lab.internet.leases import served
from mailnix.lab.internet.machine import internet
from mailnix.lab.internet.zones import PUBLISHED
from mailnix.model import ports
from mailnix.plan.types import Plan
from mailnix.tree import File

TEXTS: Final = (
    "/etc/bind/",
    "/etc/caddy/",
    "/etc/mailnix-internet/",
    "/etc/opendkim.conf",
    "/etc/opendmarc.conf",
    "/etc/postfix/",
    "/etc/sysctl.d/",
    "/etc/systemd/network/",
)
"""Where the texts are that do not depend on the operating system: paths, or folders with a slash at their end."""
FACTS: Final = "/facts.json"


def files(plan: Plan) -> Iterator[File]:
    """The texts by their path on the machine, and `FACTS`: cards, where the time is, which bridges have DHCP."""
    for entry in internet(plan).entries:
        if isinstance(entry, File) and entry.path.startswith(TEXTS) and entry.path != PUBLISHED:
            yield entry
    found = layout(plan)
    facts = {"cards": cards(plan), "clock": f"{found.time.ipv4}:{ports.NTP}", "dhcp": sorted(served(found))}
    yield File(FACTS, json.dumps(facts, indent=2) + "\n")


def cards(plan: Plan) -> list[dict[str, str]]:
    """Both cards of each link, the internet's first: the link's name, the machine, and the card's address.

    The driver gives its cards other addresses; they take the place of these in the texts.
    """
    nics = (nic for link in layout(plan).links for nic in link)
    return [{"link": nic.link, "machine": nic.machine, "mac": nic.mac} for nic in nics]
