"""A public proxy and a machine at home: the whole description of a private mail system."""

from mailnix import Alias, Domain, Internal, Mailbox, Proxy, Topology

topology = Topology(
    # What clients connect to: webmail, IMAP and submission.
    hostname="mail.example.org",
    # A small VPS with a static public address. It holds no mail.
    proxies=[Proxy("proxy", ipv4="203.0.113.10", ipv6="2001:db8:10::10")],
    # A machine at home, behind any NAT; it opens no port to the internet.
    # You log in to it from home, or by way of the proxy (ssh -J).
    internal=Internal("internal", ssh_via_proxy=True),
    # Who may log in by SSH (your own public key).
    admin_keys=["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKwBLL4jVYCnj4xTcV0FKcZTZ3LVdCxZxqkEMPdGIUBs you@example.org"],
    domains=[
        Domain(
            "example.org",
            mailboxes=[Mailbox("alice"), Mailbox("bob", quota="2 GiB")],
            aliases=[Alias("postmaster", to=["alice"]), Alias("team", to=["alice", "bob"])],
        ),
        Domain("example.net", mailboxes=[Mailbox("carol")], aliases=[Alias("postmaster", to=["carol"])]),
    ],
)
