"""The plan: everything decided about a topology, derived purely, read by services, tests and people."""

from mailnix.plan.derive import derive, with_keys
from mailnix.plan.types import (
    Certificate,
    Credential,
    DnsRecord,
    Forward,
    HostPlan,
    InternalPlan,
    Listener,
    Login,
    Need,
    Plan,
    ProxyPlan,
    PublicKeys,
    Reach,
    SecretKind,
    Transport,
    TunnelEnd,
    TunnelLink,
)

__all__ = [
    "Certificate",
    "Credential",
    "DnsRecord",
    "Forward",
    "HostPlan",
    "InternalPlan",
    "Listener",
    "Login",
    "Need",
    "Plan",
    "ProxyPlan",
    "PublicKeys",
    "Reach",
    "SecretKind",
    "Transport",
    "TunnelEnd",
    "TunnelLink",
    "derive",
    "with_keys",
]
