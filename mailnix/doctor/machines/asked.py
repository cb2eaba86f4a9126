"""What each machine is asked, from the plan: for each question what its program needs to know, as JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, TypeAlias

from mailnix.debian.host import parts
from mailnix.model import paths, ports
from mailnix.plan import HostPlan, InternalPlan, Plan, ProxyPlan, credentials
from mailnix.plan.types import TunnelEnd, TunnelLink
from mailnix.services.activation.names import LIST
from mailnix.services.caddy.debian import STORAGE
from mailnix.services.credentials import names
from mailnix.services.dane import values as dane
from mailnix.services.firewall.render import FAMILY, TABLE, script
from mailnix.services.generations.names import RUN, STATE
from mailnix.services.haraka.render import outgoing
from mailnix.services.mailcow import units as mailcow
from mailnix.services.mailcow.render import SETTINGS, api, backup_of

RECEIVERS: Final = (
    "gmail-smtp-in.l.google.com",
    "mx00.gmx.net",
    "in1-smtp.messagingengine.com",
    "mx01.mail.icloud.com",
)
"""Mail servers of large providers, none of which depends on another. One that greets is enough."""

LATE: Final[Mapping[str, float]] = {"proxy": 3600.0, "internal": 3600.0}
"""Seconds after which a mail in a queue is late. Greylisting, the usual reason, is over after a quarter of an hour."""

MOST_SHOWN: Final = 30
"""Names whose certificates a proxy is asked for, those of its own first; with hundreds of domains it would have much to
do, and a Caddy that has not taken one of them up shows it on the first as well. Files are looked at for every name."""

INSIDE: Final = "mailcow"  # below the folder of the description: guest/backup.py of Mailcow
WHOLE: Final = "SHA256SUMS"
DRILL: Final = "restored"
"""A file beside the backups that whoever has tried one touches: docs/howto/backups.md."""

ON_NIXOS: Final[Mapping[str, str]] = {
    "mailnix-firewall.service": "nftables.service",
    "haraka-certificate.path": "haraka-in-tls.path",
    "haraka-certificate.timer": "haraka-in-tls.timer",
    "mailcow-provision.path": "mailcow-provision.service",  # a switch restarts it
}
"""Units that NixOS' modules call otherwise."""

Told: TypeAlias = Any
_Told: TypeAlias = Callable[[Plan, HostPlan, "More"], Told]
More: TypeAlias = Mapping[str, Any]
"""What the plan does not say: the receivers to try."""


def asked(plan: Plan, host: HostPlan, questions: Collection[str], receivers: Iterable[str] = RECEIVERS) -> More:
    """What a machine is told for each of these questions that are for machines of its kind."""
    more = {"receivers": [*receivers]}
    return {name: tell(plan, host, more) for name, tell in _of(host).items() if name in questions}


def questions(host: HostPlan) -> tuple[str, ...]:
    """All that machines of this kind can be asked."""
    return tuple(_of(host))


def _of(host: HostPlan) -> Mapping[str, _Told]:
    return {**_EVERY, **(_PROXY if isinstance(host, ProxyPlan) else _HOME)}


def wanted_units(plan: Plan, host: HostPlan) -> tuple[str, ...]:
    """The units that are there as long as a Debian machine of ours is; the provisioner is looked at by itself."""
    found = {
        unit
        for part in parts(plan, host)
        for unit in (*part.enabled, *(each.unit for each in (*part.wanted, *part.packaged)))
    }
    return tuple(sorted(found - {f"{mailcow.PROVISION}.service"}))


def _units(plan: Plan, host: HostPlan, _more: More) -> Told:
    wanted = wanted_units(plan, host)
    return [*wanted, *(ON_NIXOS[unit] for unit in wanted if unit in ON_NIXOS)]


def tunnels(host: HostPlan) -> tuple[tuple[TunnelLink, TunnelEnd, TunnelEnd], ...]:
    """Each tunnel of a machine, its own end, the other one."""
    match host:
        case ProxyPlan():
            return ((host.tunnel, host.tunnel.proxy, host.tunnel.internal),)
        case InternalPlan():
            return tuple((link, link.internal, link.proxy) for link in host.tunnels)


def _disks(_plan: Plan, host: HostPlan, _more: More) -> Told:
    mine = [paths.DOCKER, paths.MAILCOW, backup_of(host).folder] if isinstance(host, InternalPlan) else []
    return ["/", "/boot", "/var", "/var/tmp", *mine]


def _credentials(_plan: Plan, host: HostPlan, _more: More) -> Told:
    return {"store": names.STORE, "names": sorted(each.name for each in host.credentials)}


def _firewall(_plan: Plan, host: HostPlan, _more: More) -> Told:
    # The two lists of a proxy that are written in the table itself; others are filled while it runs.
    sets = ["nobody4", "nobody6", "private4", "private6"] if isinstance(host, ProxyPlan) else []
    return {"table": f"{FAMILY} {TABLE}", "rules": script(host), "sets": sets}


def _port25(_plan: Plan, host: HostPlan, more: More) -> Told:
    families = ["ipv4"] + ["ipv6"] * (isinstance(host, ProxyPlan) and host.ipv6 is not None)
    return {"families": families, "receivers": more["receivers"], "port": ports.SMTP}


def _queue(plan: Plan, host: HostPlan, _more: More) -> Told:
    assert isinstance(host, ProxyPlan)
    return {"folder": outgoing(plan, host).queue_dir, "late": LATE["proxy"]}


def _xclient(plan: Plan, host: HostPlan, _more: More) -> Told:
    assert isinstance(host, ProxyPlan)
    others = [[each.port, not each.starttls] for each in plan.internal.client_ports if each.sends]
    home = str(host.tunnel.internal.ipv4)
    return {"host": home, "port": ports.SMTP, "name": host.hostname, "elsewhere": others}


def _served(plan: Plan, host: HostPlan, _more: More) -> Told:
    match host:
        case ProxyPlan():
            places = [_place("127.0.0.1", ports.SMTP, host.hostname, "smtp")]
            places += [_place("127.0.0.1", ports.HTTPS, name, "") for name in host.certificate.names[:MOST_SHOWN]]
        case InternalPlan():
            address, name = str(host.ipv4), plan.topology.hostname
            places = [_place(address, ports.SMTP, name, "smtp")]
            places += [_place(address, each.port, name, each.starttls) for each in host.client_ports]
    return {"anchors": names.NIXOS_BUNDLE, "places": places}


def _place(host: str, port: int, name: str, starttls: str) -> Told:
    return {"host": host, "port": port, "name": name, "starttls": starttls}


def _files(plan: Plan, host: HostPlan, _more: More) -> Told:
    match host:
        case ProxyPlan():
            stem = f"{STORAGE}/certificates/*"
            own = [{"name": host.hostname, "path": dane.CERTIFICATE}] if host.dane else []
            return [{"name": name, "path": f"{stem}/{name}/{name}.crt"} for name in host.certificate.names] + own
        case InternalPlan():
            return [{"name": plan.topology.hostname, "path": f"{paths.MAILCOW}/data/assets/ssl/cert.pem"}]


PROJECT: Final = SETTINGS["values"]["COMPOSE_PROJECT_NAME"]


def _mailq(_plan: Plan, _host: HostPlan, _more: More) -> Told:
    # main.cf is in Mailcow's own place; queue_directory in it is the usual one.
    return {
        "project": PROJECT,
        "service": "postfix-mailcow",
        "config": "/opt/postfix/conf",
        "late": LATE["internal"],
    }


def _containers(_plan: Plan, _host: HostPlan, _more: More) -> Told:
    return {"project": PROJECT, "tree": paths.MAILCOW, "record": f"{paths.MAILCOW}/.mailnix.json"}


def _backup(_plan: Plan, host: HostPlan, _more: More) -> Told:
    assert isinstance(host, InternalPlan)
    folder = f"{backup_of(host).folder}/{INSIDE}"
    return {
        "folder": folder,
        "prefix": "mailcow-",
        "sums": WHOLE,
        "unit": f"{mailcow.BACKUP}.service",
        "drill": f"{folder}/{DRILL}",
        "born": names.HOST_KEY,
    }


def _admin(plan: Plan, host: HostPlan, _more: More) -> Told:
    assert isinstance(host, InternalPlan)
    return {
        "admin": "admin",
        "api": api(host),
        "hostname": plan.topology.hostname,
        "key": f"{names.STORE}/{credentials.MAILCOW_API_KEY}",
        "password": f"{names.STORE}/{credentials.MAILCOW_ADMIN}",
        "fingerprint": f"/var/lib/{mailcow.PROVISION}/admin.json",
        "project": PROJECT,
        "database": "mysql-mailcow",
        "php": "php-fpm-mailcow",
    }


_EVERY: Final[Mapping[str, _Told]] = {
    "units": _units,
    "clock": lambda _plan, _host, _more: {},
    "disks": _disks,
    "memory": lambda _plan, _host, _more: {},
    "updates": lambda _plan, _host, _more: {"born": names.HOST_KEY},
    "reboot": lambda _plan, _host, _more: {},
    "credentials": _credentials,
    "tunnels": lambda _plan, host, _more: [mine.interface for _link, mine, _peer in tunnels(host)],
    "mtu": lambda _plan, host, _more: [
        {"interface": mine.interface, "peer": str(peer.ipv4), "mtu": link.mtu} for link, mine, peer in tunnels(host)
    ],
    "firewall": _firewall,
    "served": _served,
    "files": _files,
    "generation": lambda _plan, _host, _more: {"state": STATE, "run": RUN},
    "drift": lambda _plan, _host, _more: {"list": LIST},
}
_PROXY: Final[Mapping[str, _Told]] = {"port25": _port25, "queue": _queue, "xclient": _xclient}
_HOME: Final[Mapping[str, _Told]] = {
    "mailq": _mailq,
    "containers": _containers,
    "backup": _backup,
    "provision": lambda _plan, _host, _more: {"unit": f"{mailcow.PROVISION}.service"},
    "admin": _admin,
}
