"""unbound's settings, the same mapping on both systems, small enough for a proxy of 512 MB.

haraka-out asks it always. Everything else asks it where the description says so (`nameservers=["127.0.0.1"]`) or where
nobody names a resolver; else it keeps the network's, so that a network in which nobody but the provider's resolver is
reached on port 53 costs the proxy DANE, and nothing else. It goes to the root itself: its word about DNSSEC is its own,
and block lists do not count it among the provider's other customers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from mailnix.model import resolvers
from mailnix.plan import ProxyPlan

Value: TypeAlias = bool | int | str | tuple[str, ...]

SERVICE: Final = "unbound.service"
ADDRESS: Final = resolvers.LOCAL  # resolved has 127.0.0.53 and .54
TIME: Final = "pool.ntp.org"  # timesyncd's servers, on Debian and on NixOS; the zone is not signed
MEMORY_MAX: Final = "96M"  # it lives in a third of that; beyond something is wrong, and systemd starts it anew

_CACHES: Final[Mapping[str, Value]] = {
    # One thread, few slabs; a proxy asks for what its own mails need.
    "num-threads": 1,
    "msg-cache-size": "2m",
    "rrset-cache-size": "4m",
    "key-cache-size": "1m",
    "neg-cache-size": "512k",
    "msg-cache-slabs": 1,
    "rrset-cache-slabs": 1,
    "infra-cache-slabs": 1,
    "key-cache-slabs": 1,
    "infra-cache-numhosts": 2000,
    "outgoing-range": 256,
    "num-queries-per-thread": 128,
}


def server(host: ProxyPlan) -> Mapping[str, Value]:
    """The keys of unbound.conf's server section (unbound.conf(5)); a tuple repeats its key."""
    return {
        "interface": (ADDRESS,),
        "access-control": ("127.0.0.0/8 allow",),
        "module-config": '"validator iterator"',  # Debian's default has a third, which is of no use here
        "do-ip6": host.ipv6 is not None,
        # A machine whose clock is wrong would take every signature for one of another time, and never learn the time.
        # Nor may it give up on the root's servers for 15 minutes because the network came later than itself.
        "infra-keep-probing": True,
        "domain-insecure": (f'"{TIME}"',),
        "hide-identity": True,
        "hide-version": True,
        "prefetch": True,
        "val-log-level": 1,
        **_CACHES,
    }


def text(settings: Mapping[str, Value]) -> str:
    """A server section as unbound reads it."""
    lines = ["server:"]
    for key, value in settings.items():
        words = value if isinstance(value, tuple) else (_word(value),)
        lines += [f"  {key}: {word}" for word in words]
    return "\n".join(lines) + "\n"


def _word(value: bool | int | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
