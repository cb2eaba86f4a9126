"""The commented `mail.py` that `mailnix init` writes: short, complete, and sound."""

from __future__ import annotations

import json
from typing import Final

from attrs import frozen

from mailnix.model import paths
from mailnix.model.topology import Alias, Backup, Domain, Internal, Mailbox, Proxy, Topology

_HEAD: Final = '''"""A private mail system, for mailnix.

mailnix check mail.py          every mistake at once
mailnix plan mail.py           what follows from this: addresses, ports, DNS records
mailnix secrets init mail.py   keys and passwords, into secrets/ beside this file
mailnix build mail.py --out images
"""
'''

KEEP_DAYS: Final = 3  # whole copies, on the disk that the mail is on until the owner names another


@frozen
class Answers:
    """What a new description must know."""

    domain: str
    hostname: str
    ipv4: str
    ipv6: str = ""
    mailboxes: tuple[str, ...] = ("me",)
    admin_keys: tuple[str, ...] = ()


def topology(answers: Answers) -> Topology:
    """The value that the script will have, for checking before anything is written."""
    first = answers.mailboxes[0] if answers.mailboxes else ""
    postmaster = () if "postmaster" in answers.mailboxes else (Alias("postmaster", to=(first,)),)
    return Topology(
        hostname=answers.hostname,
        proxies=(Proxy("proxy", ipv4=answers.ipv4, ipv6=answers.ipv6 or None),),
        internal=Internal("internal", backup=Backup(keep_days=KEEP_DAYS)),
        admin_keys=answers.admin_keys,
        domains=(Domain(answers.domain, tuple(Mailbox(name) for name in answers.mailboxes), postmaster),),
    )


def script(answers: Answers) -> str:
    """The script's text."""
    ipv6 = f", ipv6={_quoted(answers.ipv6)}" if answers.ipv6 else ""
    names = ["Alias", "Backup", "Domain", "Internal", "Mailbox", "Proxy", "Topology"]
    aliases = ""
    if topology(answers).domains[0].aliases:
        aliases = f'            aliases=[Alias("postmaster", to=[{_quoted(answers.mailboxes[0])}])],\n'
    else:
        names.remove("Alias")
    mailboxes = ", ".join(f"Mailbox({_quoted(name)})" for name in answers.mailboxes)
    keys = "".join(f"\n        {_quoted(key)}," for key in answers.admin_keys)
    keys += "\n    " if keys else ""
    return f"""{_HEAD}
from mailnix import {", ".join(names)}

topology = Topology(
    # What mail programs and browsers connect to.
    hostname={_quoted(answers.hostname)},
    # The public machine: a small VPS with a static address. It holds no mail.
    proxies=[Proxy("proxy", ipv4={_quoted(answers.ipv4)}{ipv6})],
    # The machine at home, behind any NAT.
    # To allow SSH from the home network: Internal("internal", lan_admin_cidrs=["192.168.1.0/24"], …)
    # Each backup is a whole copy of the mail. Better: a folder on another disk, and copied away from there.
    internal=Internal("internal", backup=Backup({_quoted(paths.BACKUPS)}, at="03:30", keep_days={KEEP_DAYS})),
    # SSH public keys that may log in as root, one a line.
    admin_keys=[{keys}],
    domains=[
        Domain(
            {_quoted(answers.domain)},
            # Each has a quota of 3 GiB unless it says otherwise: Mailbox("me", quota="10 GiB")
            mailboxes=[{mailboxes}],
{aliases}        ),
    ],
)
"""


def _quoted(text: str) -> str:
    """A Python string in double quotes; JSON's escapes are Python's too."""
    return json.dumps(text, ensure_ascii=False)
