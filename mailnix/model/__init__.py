"""The description: frozen values that a user writes, and the check that finds every mistake in them."""

from mailnix.model.mail import Alias, AppPassword, Mailbox, Protocol, State
from mailnix.model.policies import Alignment, DmarcPolicy, MtaStsMode
from mailnix.model.relays import Relay, RelayTls
from mailnix.model.topology import (
    Backup,
    Domain,
    Family,
    Internal,
    Proxy,
    Topology,
    Tunnel,
)

__all__ = [
    "Alias",
    "Alignment",
    "AppPassword",
    "Backup",
    "DmarcPolicy",
    "Domain",
    "Family",
    "Internal",
    "Mailbox",
    "MtaStsMode",
    "Protocol",
    "Proxy",
    "Relay",
    "RelayTls",
    "State",
    "Topology",
    "Tunnel",
]
