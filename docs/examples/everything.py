"""Everything that a description can say of addresses, people and the ways of mail, in one private mail system.

Copy what you need; `mailnix init` writes a smaller beginning.
"""

from mailnix import Alias, AppPassword, Backup, Domain, Internal, Mailbox, Proxy, Relay, Topology

topology = Topology(
    hostname="mail.example.org",
    proxies=[Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:10::10", hostname="mx.example.org")],
    internal=Internal(
        "internal",
        ssh_via_proxy=True,
        # Mail programs at home reach Mailcow at its own address.
        lan_client_cidrs=["192.168.77.0/24"],
        backup=Backup(at="04:10", keep_days=14),
        settings={"SKIP_UNBOUND_HEALTHCHECK": True, "LOG_LINES": 4999},
        extra_lines={"postfix/extra.cf": "delay_warning_time = 2h"},
    ),
    admin_keys=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs you@example.org"],
    client_services=["imaps", "submissions", "submission", "pop3s", "managesieve"],
    # Mail to these domains leaves by another's server; all other mail leaves from the proxy.
    relays=[
        Relay(
            "smtp.relay.example",
            user="you@example.org",
            domains=["blocks-us.example"],
            spf=["include:_spf.relay.example"],
        )
    ],
    contact="postmaster@example.org",
    domains=[
        Domain(
            "example.org",
            mailboxes=[
                Mailbox("alice", name="Alice", quota="5 GiB"),
                Mailbox("bob", forward_to=["bob@friends.example"]),  # keeps a copy, and hands it on
                Mailbox("shop", send_as=["info"]),  # writes as others, too
                Mailbox(
                    "scanner", protocols=["smtp"], app_passwords=[AppPassword("copier", protocols=["smtp"])]
                ),  # sends only
                Mailbox("phone", app_passwords=[AppPassword("tablet", protocols=["imap"])]),
                Mailbox("carol", state="archived"),  # takes mail, lets nobody in
                Mailbox("dan", state="archived", forward_to=["alice"], keep_copy=False),  # has left: a colleague reads
                Mailbox("erin", state="inactive"),  # refuses mail
            ],
            aliases=[
                Alias("postmaster", to=["alice"]),
                Alias("info", to=["alice", "bob"]),
                Alias("noreply", discard=True),  # takes mail and throws it away
                Alias("band", to=["alice", "frank@friends.example"]),  # leads elsewhere: see the warning of `check`
            ],
            # Others who send for the domain, take mail for it when ours do not, sign for its other hosts.
            spf=["include:_spf.newsletter.example"],
            backup_mx=["backup-mx.friends.example"],
            caa=["letsencrypt.org"],
            adkim="r",
            aspf="r",
            dmarc="quarantine",
            sp="reject",
        ),
        Domain("example.net", alias_of="example.org"),  # the same addresses under another name
        Domain(
            "example.com",
            mailboxes=["grace"],
            aliases=[Alias("postmaster", to=["grace"])],
            catch_all=["grace"],  # what nobody has
            mta_sts="enforce",
        ),
    ],
)
