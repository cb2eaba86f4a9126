"""Paths that the packages' scripts, the program and the list of files agree on."""

from __future__ import annotations

from typing import Final

from mailnix.services.credentials.names import SCRIPTS

ACTIVATE: Final = f"{SCRIPTS}/activate"
KEEP_LEASE: Final = f"{SCRIPTS}/keep-lease"
LEASE: Final = "/etc/systemd/network/20-uplink.network.d/lease.conf"
"""By which name the machine asks for its address: that of the program before."""

LIST: Final = f"{SCRIPTS}/files.json"
"""What a generation has on a machine: each path's digest, and what is to be done for it."""

AHEAD: Final = f"{SCRIPTS}/ahead"
"""What a generation may bring to be run before it is switched to, while the one before runs: given the folder that its
files are unpacked in, it has what they need."""

STATE: Final = "/var/lib/mailnix"
ACTIVE: Final = f"{STATE}/active.json"
"""The list that was activated last."""

ASIDE: Final = ".before-mailnix"
"""What an owner's or another package's file is called while ours has its place."""

ENABLED: Final = f"{STATE}/enabled"
"""Units that were enabled for mailnix, a line each."""

LAYING: Final = f"{STATE}/laying"
"""Files that dpkg is just unpacking, a line each: what it laid, where it is interrupted."""

RESOLVERS: Final = f"{STATE}/resolv.conf{ASIDE}"
"""The /etc/resolv.conf of before."""
