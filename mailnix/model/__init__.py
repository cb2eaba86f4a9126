"""The description: frozen values that a user writes, and the check that finds every mistake in them."""

from mailnix.model.topology import (
    Alias,
    Backup,
    DmarcPolicy,
    Domain,
    Family,
    Internal,
    Mailbox,
    MtaStsMode,
    Proxy,
    Topology,
    Tunnel,
)

__all__ = [
    "Alias",
    "Backup",
    "DmarcPolicy",
    "Domain",
    "Family",
    "Internal",
    "Mailbox",
    "MtaStsMode",
    "Proxy",
    "Topology",
    "Tunnel",
]
