"""What a machine is before it is ours to change: asked of a plain shell, judged here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from attrs import frozen

from mailnix.errors import DeployError
from mailnix.formats.backend import Backend
from mailnix.plan import HostPlan
from mailnix.plan.types import Transport
from mailnix.services.activation.names import ASIDE
from mailnix.services.credentials.names import RECEIVE, SCRIPTS
from mailnix.services.generations.names import PACKAGE
from mailnix.services.network.debian import HOSTNAME
from mailnix.ssh import Way

DEBIAN: Final = "13"
ARCHITECTURE: Final = "amd64"
MACHINE: Final = "x86_64"
"""As uname(1) calls it."""

RULES: Final = "nftables"
FIREWALLS: Final = {
    "ufw": "apt purge ufw",
    "firewalld": "apt purge firewalld",
    "netfilter-persistent": "netfilter-persistent flush; apt purge netfilter-persistent",
    RULES: f"systemctl disable --now {RULES}; nft flush ruleset",
}
"""What has rules that would stand beside ours, and close what we open, and how one is rid of them: units, and, where
none of those, rules for what comes in that anything else has loaded. fail2ban's shut out single guests."""

SCRIPT: Final = rf"""
{{ . /etc/os-release; }} 2>/dev/null
echo "os=$ID" "version=$VERSION_ID" "name=$PRETTY_NAME"
echo "host=$(uname -n)"
echo "arch=$(dpkg --print-architecture 2>/dev/null || uname -m)"
sudo=
if [ "$(id -u)" != 0 ]; then sudo='sudo -n'; fi
if $sudo true 2>/dev/null; then echo root=yes; else echo root=no; fi
echo "sudo=$sudo"
if [ "$ID" = nixos ] && [ -n "$sudo" ]; then
    for each in info ping; do
        nix --extra-experimental-features nix-command store "$each" --json 2>/dev/null < /dev/null
    done | grep -qE '"trusted": ?(1|true)' && echo trusted=yes
fi
echo "program=$(dpkg-query -W -f '${{Version}}' {PACKAGE} 2>/dev/null)"
if [ -x {SCRIPTS}/{RECEIVE} ]; then echo image=yes; fi
if [ -e {HOSTNAME}{ASIDE} ]; then echo was=yes; fi
closes=
for each in {" ".join(name for name in FIREWALLS if name != RULES)}; do
    if systemctl --quiet is-active "$each" 2>/dev/null; then echo "firewall=$each" && closes=known; fi
done
if [ -z "$closes" ] && $sudo nft list ruleset 2>/dev/null < /dev/null | awk '
    /^table/ {{ counts = $3 !~ /^f2b/ }}
    /hook input/ {{ input = counts }}
    input && /(^|[^a-z])(drop|reject)([^a-z]|$)/ {{ found = 1 }}
    /^\t}}/ {{ input = 0 }}
    END {{ exit !found }}'; then echo "firewall={RULES}"; fi
getent passwd | while IFS=: read -r name _ id _ _ home _; do
    if [ "$id" -ge 1000 ] && $sudo test -s "$home/.ssh/authorized_keys" < /dev/null; then
        case " $(id -nG "$name") " in *" sudo "*) may=" (sudo)" ;; *) may= ;; esac
        if $sudo grep -qsrE "^$name[[:space:]]" /etc/sudoers.d < /dev/null; then may=" (sudo)"; fi
        echo "account=$name$may"
    fi
done 2>/dev/null
$sudo ss -Hltnp 2>/dev/null | sed 's/^/listens=/'
$sudo ss -Hlunp 2>/dev/null | sed 's/^/udp=/'
exit 0
"""


@frozen
class Listens:
    """A port that a program listens on, not on loopback alone."""

    port: int
    program: str
    transport: Transport = Transport.TCP


@frozen
class Probe:
    """What a machine said. `program` is the version of ours that keeps generations; `image`: mailnix made it.

    `was`: the server that it was before is kept there; one that an image made was none.
    `trusted`: the nix of a NixOS takes systems from who logged in and is root by sudo alone (nix.conf(5)).
    `accounts` are those beside root that have keys, and which of them may use sudo.
    """

    os: str
    version: str
    name: str
    host: str
    architecture: str
    is_root: bool
    sudo: bool
    program: str
    image: bool
    listens: tuple[Listens, ...] = ()
    firewalls: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    was: bool = False
    trusted: bool = False

    @property
    def is_nixos(self) -> bool:
        """Whether it keeps generations by itself, and takes our program with each call."""
        return self.os == "nixos"

    @property
    def has_program(self) -> bool:
        """Whether its generations can be asked for."""
        return self.is_nixos or bool(self.program)

    @property
    def is_ours(self) -> bool:
        """Whether files of a machine of ours are there; a deploy that came no further brought the program alone."""
        return self.image


def answered(said: str) -> bool:
    """Whether SCRIPT was run, and not a command in its place (sshd(8), command=)."""
    return re.search(r"^os=", said, re.M) is not None


def read(said: str) -> Probe:
    """From what SCRIPT prints; lines that are not ours (a shell's greeting) are passed by."""
    first = re.search(r"^os=(\S*) version=(\S*) name=(.*)$", said, re.M)
    values: dict[str, str] = dict(re.findall(r"^(host|arch|root|sudo|program|image|was|trusted)=(.*)$", said, re.M))
    return Probe(
        os=first[1] if first else "",
        version=first[2] if first else "",
        name=first[3] if first else "",
        host=values.get("host", ""),
        architecture=values.get("arch", ""),
        is_root=values.get("root") == "yes",
        sudo=bool(values.get("sudo")),
        program=values.get("program", ""),
        image="image" in values,
        was="was" in values,
        trusted="trusted" in values,
        listens=(
            *_listens(re.findall(r"^listens=(.*)$", said, re.M), Transport.TCP, "a program"),
            *_listens(re.findall(r"^udp=(.*)$", said, re.M), Transport.UDP, "the kernel: another WireGuard"),
        ),
        firewalls=tuple(re.findall(r"^firewall=(.*)$", said, re.M)),
        accounts=tuple(re.findall(r"^account=(.*)$", said, re.M)),
    )


def _listens(lines: Iterable[str], transport: Transport, nobody: str) -> Iterable[Listens]:
    """From lines of ss(8): state, queues, local address, peer, programs; `nobody` is what has none."""
    for line in lines:
        words = line.split(None, 5)
        address, _, port = words[3].rpartition(":") if len(words) > 4 else ("", "", "")
        if port.isdigit() and not address.startswith(("127.", "[::1]", "[::ffff:127.")):
            program = re.search(r'\(\("([^"]+)"', words[5]) if len(words) > 5 else None
            yield Listens(int(port), program[1] if program else nobody, transport)


def refuse(found: Probe, host: HostPlan, way: Way, wanted: Backend | None, anywhere: str) -> None:
    """Raise DeployError where nothing can be done with this machine.

    `wanted` is the system that it is said to run, if any; `anywhere` is what to type to have NixOS on it.
    """
    if found.is_nixos and wanted is Backend.DEBIAN:
        raise DeployError(f"{host.name} ({way}) runs NixOS", "leave --backend out: a machine's own system counts")
    if not found.is_nixos:
        if wanted is Backend.NIXOS:
            raise DeployError(f"{host.name} ({way}) runs {found.name or 'another system'}, not NixOS", anywhere)
        if (found.os, found.version) != ("debian", DEBIAN):
            what = f"runs {found.name or 'no Debian'}; it must be Debian {DEBIAN}, or NixOS"
            raise DeployError(f"{host.name} ({way}) {what}", _other(found))
    if found.architecture not in (ARCHITECTURE, MACHINE):
        what = f"is a machine of {found.architecture}; mailnix's packages are for {ARCHITECTURE}"
        raise DeployError(f"{host.name} ({way}) {what}", "order one with an Intel or AMD processor")
    if not found.is_root:
        hint = "log in as root, or let the user do so: echo 'USER ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/USER"
        raise DeployError(f"{way} is neither root nor allowed to become root without a password", hint)


def _other(found: Probe) -> str:
    if found.os == "debian" and found.version < DEBIAN:
        return (
            f"have the server installed anew with Debian {DEBIAN}, or upgrade it, release after release: "
            "https://www.debian.org/releases/stable/release-notes/upgrading.html"
        )
    return f"have the server installed anew with Debian {DEBIAN}: providers offer it as an image"


def in_the_way(found: Probe, host: HostPlan) -> tuple[Listens, ...]:
    """Programs on a server that is not ours yet whose ports our services need.

    SSH is no other than before, and who has Debian's Caddy there already will have ours.
    """
    wanted = {(each.transport, each.port): each.service for each in host.listeners}
    taken = ((wanted.get((each.transport, each.port), "ssh"), each) for each in found.listens)
    return tuple(each for service, each in taken if service not in ("ssh", each.program))


def taken_over(found: Probe, host: HostPlan, way: Way) -> str:
    """What becomes of a server that is not ours yet, for whoever is asked."""
    begin = f"{way} is {found.host} ({found.name}), which mailnix has not set up. It becomes {host.name}: "
    if found.is_nixos:
        return (
            f"{begin}all of its configuration will be what is described, with what you have in local/{host.name}.nix; "
            "NixOS keeps the generation that runs now"
        )
    others = ", ".join(found.accounts)
    stay = f"; beside root, these accounts keep their keys: {others}" if others else ""
    return (
        f"{begin}its name, network, firewall, SSH keys of root and packages will be as described; "
        f"purging its package gives back what was there{stay}"
    )


def refuse_taken(found: Probe, host: HostPlan, way: Way) -> None:
    """Raise DeployError where a server's own programs have the ports of ours, or close them.

    Those of NixOS end with the generation that they are of.
    """
    if found.is_nixos:
        return
    if found.firewalls:
        what, remove = " and ".join(found.firewalls), "; ".join(FIREWALLS[each] for each in found.firewalls)
        raise DeployError(f"{way} has a firewall of its own: {what}", f"remove it first: {remove}")
    taken = in_the_way(found, host)
    if taken:
        listed = ", ".join(f"{each.port} ({each.program})" for each in taken)
        hint = "remove what listens there (apt purge exim4-base, …), or take another server"
        if any(each.transport is Transport.UDP for each in taken):
            hint += "; the tunnel may have another port: Tunnel(port=…)"
        raise DeployError(f"{way} uses ports that {host.name} needs: {listed}", hint)
