"""The description: frozen values that a user writes, and the check that finds every mistake in them."""

from mailnix.model.policies import Alignment, DmarcPolicy, MtaStsMode
from mailnix.model.relays import Relay, RelayTls
from mailnix.model.topology import (
    Alias,
    Backup,
    Domain,
    Family,
    Internal,
    Mailbox,
    Proxy,
    Topology,
    Tunnel,
)

__all__ = [
    "Alias",
    "Alignment",
    "Backup",
    "DmarcPolicy",
    "Domain",
    "Family",
    "Internal",
    "Mailbox",
    "MtaStsMode",
    "Proxy",
    "Relay",
    "RelayTls",
    "Topology",
    "Tunnel",
]
