"""Every directive that Debian's files of our machines contain, by the program that reads it.

Names only, no values: `Service.ProtectSystem` of systemd's units, `header` of a Caddyfile. What a program of another
version treats differently is looked up by these names (reviewed.toml).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Final, TypeAlias

from mailnix import Alias, Backup, Domain, Internal, Mailbox, MtaStsMode, Proxy, Topology, Tunnel
from mailnix.config import load
from mailnix.debian.host import debian_host
from mailnix.plan import derive
from mailnix.tree import File
from tests.descriptions import KEY

Directives: TypeAlias = dict[str, set[str]]
"""Program → names of what is said to it."""

EXAMPLE: Final = Path(__file__).resolve().parents[2] / "docs/examples/two_machines.py"
INI_LINE: Final = re.compile(r"^([A-Z][A-Za-z0-9-]*)=", re.M)
WORD: Final = re.compile(r"(?<![\w.:@$/-])[a-z][a-z0-9_-]*(?![\w.:/])")
DECLARED: Final = re.compile(r"\b(?:table(?: inet| ip6?| bridge)?|chain|set|map|counter|jump|goto) ([\w-]+)")


def wide() -> Topology:
    """A description with whatever brings further directives: several proxies, fixed addresses, SSH through a proxy."""
    return Topology(
        hostname="mail.example.org",
        proxies=[
            Proxy(
                "edge",
                ipv4="198.51.100.7",
                ipv6="2001:db8:7::7",
                admin_cidrs=["192.0.2.0/24"],
                card="52-54-00-AB-CD-EF",
                gateway="198.51.100.1",
                gateway6="fe80::1",
                prefix6=128,
                nameservers=["192.0.2.53"],
                extra_addresses=["192.168.133.7/17", "2001:db8:7::8/128"],
                private_networks=["10.20.0.0/16"],
                endpoint="vpn.example.org",
            ),
            Proxy("edge2", ipv4="203.0.113.9", floating=True, ipv6="2001:db8::9", hostname="mx2.example.org"),
            Proxy("edge3", ipv4="203.0.113.20", card_ipv4="10.1.0.5", sealed=True),
        ],
        internal=Internal(
            "home",
            lan_admin_cidrs=["192.168.3.0/24"],
            backup=Backup("/mnt/backups"),
            ssh_via_proxy=True,
            antivirus=True,
            ipv4="192.168.3.20",
            gateway="192.168.3.1",
            nameservers=["192.168.3.1"],
            forwarders=["192.168.3.1"],
            card="enp2s0",
        ),
        domains=[
            Domain("example.org", [Mailbox("alice")], [Alias("postmaster", ["alice"])], mta_sts=MtaStsMode.ENFORCE),
            Domain("example.net", [Mailbox("bob")], mta_sts=MtaStsMode.NONE),
        ],
        admin_keys=[KEY],
        tunnel=Tunnel(port=443),
        dane=True,
    )


def topologies() -> tuple[Topology, ...]:
    """The example, one proxy with nothing optional, and all that a description can say."""
    least = Topology(
        hostname="mx.post.example",
        proxies=[Proxy("vps", ipv4="198.51.100.20")],
        internal=Internal("cellar"),
        domains=[Domain("post.example", mailboxes=[Mailbox("a")])],
    )
    return load(EXAMPLE), least, wide()


def emitted(descriptions: Iterable[Topology]) -> Directives:
    """What all machines of these descriptions are told, on Debian."""
    found: Directives = {}
    for plan in map(derive, descriptions):
        for host in plan.hosts:
            for entry in debian_host(plan, host).tree:
                if isinstance(entry, File):
                    for program, name in _of(entry.path, entry.data):
                        found.setdefault(program, set()).add(name)
    return found


def unread(descriptions: Iterable[Topology]) -> set[str]:
    """Files that no reader here looks into."""
    paths = {
        entry.path
        for plan in map(derive, descriptions)
        for host in plan.hosts
        for entry in debian_host(plan, host).tree
        if isinstance(entry, File)
    }
    return {path for path in paths if not any(fnmatch(path, pattern) for pattern, _, _ in READERS)}


def _of(path: str, data: bytes) -> Iterator[tuple[str, str]]:
    for pattern, program, reader in READERS:
        if fnmatch(path, pattern):
            yield from ((program, name) for name in reader(data.decode()))
            return


def _ini(text: str) -> Iterator[str]:
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif key := INI_LINE.match(line):
            yield f"{section}.{key[1]}"


def _first_words(text: str) -> Iterator[str]:
    """Of `key value` lines, as sshd has them."""
    yield from (line.split()[0] for line in text.splitlines() if line.strip() and not line.startswith("#"))


def _before_equals(text: str) -> Iterator[str]:
    """Of `key = value` lines, as sysctl has them."""
    yield from (line.split("=")[0].strip() for line in text.splitlines() if "=" in line and not line.startswith("#"))


def _udev(text: str) -> Iterator[str]:
    """Of rules, what is compared or set."""
    rules = (line for line in text.splitlines() if not line.startswith("#"))
    yield from (key for line in rules for key in re.findall(r"([A-Z]+)(?:{\w+})?(?:[!=+]=|=)", line))


def _unbound(text: str) -> Iterator[str]:
    clause = ""
    for line in text.splitlines():
        key = line.split("#")[0].partition(":")[0]
        if key and not key.startswith(" "):
            clause = key
        elif key.strip():
            yield f"{clause}.{key.strip()}"


def _json(text: str) -> Iterator[str]:
    value: Mapping[str, Any] = json.loads(text)
    yield from value


def _nft(text: str) -> Iterator[str]:
    """Keywords: every word that is no name of our own, no comment and no string."""
    bare = re.sub(r"#.*|\"[^\"]*\"", "", text)
    yield from set(WORD.findall(bare)) - set(DECLARED.findall(bare))


def _compose(text: str) -> Iterator[str]:
    """Keys by their depth; services' names are Mailcow's."""
    for line in text.splitlines():
        if found := re.match(r"( *)([\w-]+):", line):
            yield "services.*" if len(found[1]) == 2 else found[2]


def _caddy(text: str) -> Iterator[str]:
    """First words inside blocks; of named matchers what they match by. Sites' and snippets' names are no directives."""
    bare = re.sub(r'"[^"]*"', '""', text)
    depth = 0
    for line in bare.splitlines():
        words = line.split("#")[0].split()
        if words and words[0] != "}" and depth:
            first = words[1:] if words[0].startswith("@") else words
            yield from (word for word in first[:1] if word != "{")
        depth += (words[-1:] == ["{"]) - (words[:1] == ["}"])


Reader: TypeAlias = Callable[[str], Iterator[str]]
READERS: Final[tuple[tuple[str, str, Reader], ...]] = (
    ("/etc/systemd/network/*", "systemd-networkd", _ini),
    ("/etc/systemd/networkd.conf.d/*", "systemd-networkd", _ini),
    ("/etc/systemd/system/*", "systemd", _ini),
    ("/etc/systemd/*.conf.d/*", "systemd", _ini),
    ("/etc/sysctl.d/*", "sysctl", _before_equals),
    ("/etc/udev/rules.d/*", "udev", _udev),
    ("/etc/ssh/sshd_config.d/*", "sshd", _first_words),
    ("/etc/unbound/unbound.conf.d/*", "unbound", _unbound),
    ("/etc/docker/daemon.json", "dockerd", _json),
    ("/etc/mailnix/mailcow/docker-compose.override.yml", "docker compose", _compose),
    ("/etc/caddy/Caddyfile", "caddy", _caddy),
    ("/etc/mailnix/firewall.nft", "nft", _nft),
)
