"""mailnix: private email that anyone can host, from one typed value.

from mailnix import Alias, Domain, Internal, Mailbox, Proxy, Topology
"""

from mailnix.model import (
    Alias,
    Alignment,
    AppPassword,
    Backup,
    DmarcPolicy,
    Domain,
    Family,
    Internal,
    Mailbox,
    MtaStsMode,
    Protocol,
    Proxy,
    Relay,
    RelayTls,
    State,
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
__version__ = "0.1.0"
