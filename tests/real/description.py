"""What is described: two domains, one of them with an umlaut, ten mailboxes, aliases within and to the outside, and
settings of Mailcow's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from mailnix import Alias, Domain, Internal, Mailbox, Proxy, Relay, Topology

HOST: Final = "mail.example.org"
PROXY: Final = "203.0.113.10"
OUTSIDE: Final = "someone@elsewhere.example"
IDN: Final = "xn--bcher-kva.de"

SETTINGS: Final[Mapping[str, str | int | bool]] = {"LOG_LINES": 2000, "USE_WATCHDOG": False}
EXTRA_LINES: Final[Mapping[str, str]] = {
    "dovecot/extra.conf": "mail_max_userip_connections = 50",
    "mysql/more.cnf": "[mysqld]\nmax_connections = 500",
    "nginx/site.more.custom": "location = /of-our-own { return 204; }",
    "postfix/extra.cf": "smtpd_client_connection_rate_limit = 120",
    "rspamd/override.d/greylist.conf": "timeout = 7min;",
}

DESCRIPTION: Final = Topology(
    hostname=HOST,
    proxies=[Proxy("proxy", ipv4=PROXY, ipv6="2001:db8:10::10")],
    internal=Internal("internal", settings=SETTINGS, extra_lines=EXTRA_LINES),
    relays=[Relay("smtp.relay.example", domains=["picky.example"])],
    admin_keys=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs you@example.org"],
    domains=[
        Domain(
            "example.org",
            mailboxes=[
                Mailbox("alice", name="Alice Ångström"),
                Mailbox("bob", quota="2 GiB"),
                Mailbox("u3", quota="1 GiB", sends_per_hour=0),
                Mailbox("u4", name="Zoë 😀"),
                Mailbox("o.brien-x_y", name='O\'Brien & "Co"'),
                Mailbox("12345"),
            ],
            aliases=[
                Alias("postmaster", to=["alice"]),
                Alias("team", to=["alice", "bob"]),
                Alias("ext", to=[OUTSIDE]),
            ],
        ),
        Domain(
            "bücher.de",
            mailboxes=[Mailbox("carol"), Mailbox("dave", quota="500M"), Mailbox("erin"), Mailbox("frank")],
            aliases=[Alias("postmaster", to=["carol"]), Alias("info", to=["dave", "alice@example.org"])],
            dkim_selector="s2026",
        ),
    ],
)


def with_first_domain(**changes: Any) -> Topology:
    """The description with another example.org."""
    first, *others = DESCRIPTION.domains
    return evolve(DESCRIPTION, domains=[evolve(first, **changes), *others])
