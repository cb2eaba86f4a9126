"""Descriptions that many tests begin from."""

from __future__ import annotations

from typing import Any

from mailnix import Alias, Backup, Domain, Internal, Mailbox, Proxy, Topology

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs you@example.org"
PUBLIC4 = "5.9.100.1"
PUBLIC6 = "2a01:4f8:10::1"


def sound(**changed: Any) -> Topology:
    """A description in which nothing is wrong, not even a warning; keyword arguments replace its fields."""
    fields: dict[str, Any] = {
        "hostname": "mail.example.org",
        "proxies": [Proxy("proxy", ipv4=PUBLIC4, ipv6=PUBLIC6)],
        "internal": Internal("internal", backup=Backup()),
        "admin_keys": [KEY],
        "domains": [
            Domain("example.org", [Mailbox("alice"), Mailbox("bob", "2 GiB")], [Alias("postmaster", ["alice"])])
        ],
    }
    return Topology(**{**fields, **changed})


def many(domains: int, mailboxes: int = 10) -> Topology:
    """A large one."""
    return sound(
        domains=[
            Domain(
                f"d{number}.example.net",
                [Mailbox(f"m{box}") for box in range(mailboxes)],
                [Alias("postmaster", ["m0"])],
            )
            for number in range(domains)
        ]
    )
