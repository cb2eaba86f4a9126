"""The commented `mail.py` that `mailnix init` writes: short, complete, and sound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

from attrs import field, fields, frozen

from mailnix.formats.python import Notes, classes, comment, quoted, source
from mailnix.model import paths
from mailnix.model.mail import Alias, Mailbox
from mailnix.model.mailcow import Setting
from mailnix.model.relays import Relay
from mailnix.model.topology import Backup, Domain, Internal, Proxy, Topology

_HEAD: Final = '''"""A private mail system, for mailnix.

mailnix check mail.py          every mistake at once
mailnix plan mail.py           what follows from this: addresses, ports, DNS records
mailnix secrets init mail.py   keys and passwords, into secrets/ beside this file
mailnix build mail.py --out images
"""
'''

TIMEZONE: Final = str(fields(Topology).timezone.default)
KEEP_DAYS: Final = 3  # whole copies, on the disk that the mail is on until the owner names another


class Reach(StrEnum):
    """How people come to the machine at home by SSH."""

    HOME = "home"
    PROXY = "proxy"
    BOTH = "both"


@frozen
class Answers:
    """What a new description must know. `lan` is the home network, "" for any; `sealed`: nobody shall log in at all.

    `domains` stand in the place of `domain` and `mailboxes`, `home` has further fields of Internal, and `relays` are
    those that mail leaves by, where there is a Mailcow already.
    """

    domain: str
    hostname: str
    ipv4: str
    ipv6: str = ""
    mailboxes: tuple[str, ...] = ("me",)
    admin_keys: tuple[str, ...] = ()
    reach: Reach = Reach.HOME
    lan: str = ""
    sealed: bool = False
    domains: tuple[Domain, ...] = ()
    home: Mapping[str, Any] = field(factory=dict)
    timezone: str = TIMEZONE
    relays: tuple[Relay, ...] = ()


def topology(answers: Answers) -> Topology:
    """The value that the script will have, for checking before anything is written."""
    internal: dict[str, Any] = {name: value for _, name, value in _ways_home(answers)}
    return Topology(
        hostname=answers.hostname,
        proxies=(Proxy("proxy", ipv4=answers.ipv4, ipv6=answers.ipv6 or None, sealed=answers.sealed),),
        internal=Internal("internal", backup=Backup(keep_days=KEEP_DAYS), **internal, **answers.home),
        admin_keys=answers.admin_keys,
        domains=answers.domains or (_first_domain(answers),),
        timezone=answers.timezone,
        relays=answers.relays,
    )


def _first_domain(answers: Answers) -> Domain:
    first = answers.mailboxes[0] if answers.mailboxes else ""
    postmaster = () if "postmaster" in answers.mailboxes else (Alias("postmaster", to=(first,)),)
    return Domain(answers.domain, tuple(Mailbox(name) for name in answers.mailboxes), postmaster)


def _ways_home(answers: Answers) -> Iterator[tuple[str, str, Any]]:
    """Fields of Internal that say who may log in, each with the comment above it."""
    if answers.lan:
        yield "The home network, so that no network of ours overlaps it.", "lan", answers.lan
    if answers.sealed:
        yield "Nobody logs in to it, not even you.", "sealed", True
        return
    if answers.reach is Reach.PROXY:
        yield "Nobody logs in from the home network.", "lan_admin_cidrs", ()
    elif answers.lan:
        yield "You log in from this network, with a key.", "lan_admin_cidrs", (answers.lan,)
    if answers.reach is not Reach.HOME:
        yield "You log in by way of the proxy, with a key that it never sees (ssh -J).", "ssh_via_proxy", True


def script(answers: Answers, notes: Notes | None = None, remarks: Sequence[str] = ()) -> str:
    """The script's text. `notes` are comments by path, in an answer's `domains`; `remarks` are those of all of it."""
    ipv6 = f", ipv6={quoted(answers.ipv6)}" if answers.ipv6 else ""
    router = (
        '    # Where the network advertises no IPv6 router, as at Hetzner, write gateway6="fe80::1", too.\n'
        if ipv6
        else ""
    )
    names = sorted(classes((*topology(answers).domains, *answers.relays)) | {"Backup", "Internal", "Proxy", "Topology"})
    sealed = ", sealed=True" if answers.sealed else ""
    timezone = "" if answers.timezone == TIMEZONE else f"    timezone={quoted(answers.timezone)},\n"
    said = "".join(f"{line}\n" for remark in remarks for line in ("", *comment(remark)))
    return f"""{_HEAD}{said}
from mailnix import {", ".join(names)}

topology = Topology(
    # What mail programs and browsers connect to.
    hostname={quoted(answers.hostname)},
    # The public machine: a small VPS with a static address. It holds no mail.
{router}    proxies=[Proxy("proxy", ipv4={quoted(answers.ipv4)}{ipv6}{sealed})],
    # The machine at home, behind any NAT.
    internal=Internal(
        "internal",
{_internal_lines(answers)}        # Each backup is a whole copy of the mail. Better: to another disk, and copied away.
        backup=Backup({quoted(paths.BACKUPS)}, at="03:30", keep_days={KEEP_DAYS}),
    ),
{_keys(answers)}{timezone}{_relay_lines(answers)}{_domain_lines(answers, notes)})
"""


def _relay_lines(answers: Answers) -> str:
    if not answers.relays:
        return ""
    above = '    # Mail leaves by these. Their providers say what SPF must allow: spf=["include:…"] in each.\n'
    return f"{above}    relays={source(answers.relays, depth=1)},\n"


def _domain_lines(answers: Answers, notes: Notes | None) -> str:
    if answers.domains:
        return f"    domains={source(answers.domains, notes, 'domains', 1)},\n"
    domain = _first_domain(answers)
    mailboxes = source(domain.mailboxes, depth=3)
    aliases = f"            aliases={source(domain.aliases, depth=3)},\n" if domain.aliases else ""
    return f"""    domains=[
        Domain(
            {quoted(answers.domain)},
            # Each has a quota of 3 GiB unless it says otherwise: Mailbox("me", quota="10 GiB")
            mailboxes={mailboxes},
{aliases}        ),
    ],
"""


def _internal_lines(answers: Answers) -> str:
    ways = list(_ways_home(answers))
    lines = []
    if not answers.sealed and not any(name == "lan_admin_cidrs" for _, name, _ in ways):
        lines += ['# You log in from any home network, with a key. From one alone: lan_admin_cidrs=["192.168.1.0/24"]']
    for above, name, value in ways:
        lines += [f"# {above}", f"{name}={source(value)},"]
    if answers.home:
        lines += ["# As it is in that Mailcow."]
    lines += [f"{name}={source(_table(value))}," for name, value in answers.home.items()]
    return "".join(f"        {line}\n" for line in lines)


def _table(value: Any) -> Any:
    """Settings as they are written: names and values."""
    is_settings = isinstance(value, tuple) and all(isinstance(each, Setting) for each in value)
    return {each.name: each.value for each in value} if is_settings else value


def _keys(answers: Answers) -> str:
    if answers.sealed:
        return "    # Nobody logs in to any machine. To change that: no sealed=True, and admin_keys=[…].\n"
    keys = "".join(f"        {quoted(key)},\n" for key in answers.admin_keys)
    head = "    # SSH public keys that may log in as root, one a line. How: mailnix plan mail.py\n"
    return f"{head}    admin_keys=[\n{keys}    ],\n"
