"""Mailcow's settings from a plan, as text that both systems read. No secret: those are added on the machine.

`files` gives what lies on top of Mailcow's own tree (relative path to text); `machine_json` tells our program on the
machine which tree to lay. What Mailcow shall hold is in `contents`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from mailnix.errors import BuildError
from mailnix.formats.text import data, template
from mailnix.model import Backup, ports
from mailnix.model.clientport import KNOWN
from mailnix.model.mailcow import EXTRA_CF, RSPAMD_LOCAL
from mailnix.plan import InternalPlan, Plan, credentials
from mailnix.services.docker.render import gateway
from mailnix.services.generations.names import CHANGES
from mailnix.services.haraka.values import MAX_HEADER
from mailnix.services.mailcow.pin import PIN, Pin
from mailnix.services.mailcow.pinned_images import IMAGES, Image, digests, release

SERVICE: Final = "mailcow"
CONF: Final = "mailcow.conf"
COMPOSE_OVERRIDE: Final = "docker-compose.override.yml"
CONF_FOLDER: Final = "data/conf"
EXTRA_CF_PATH: Final = f"{CONF_FOLDER}/{EXTRA_CF}"
POSTSCREEN: Final = f"{CONF_FOLDER}/postfix/custom_postscreen_whitelist.cidr"
UNBOUND: Final = "data/conf/unbound/unbound.conf"  # mounted alone: no folder for more beside it
HOOK: Final = "data/hooks/postfix/mailnix-xclient.sh"
PLUGIN: Final = "mailnix_spam_flag"
SPAM_FLAG: Final = f"{CONF_FOLDER}/rspamd/plugins.d/{PLUGIN}.lua"
RSPAMD_LOCAL_PATH: Final = f"{CONF_FOLDER}/{RSPAMD_LOCAL}"
EXECUTABLE: Final = frozenset({HOOK})
LOOPBACK: Final = "127.0.0.1"
ANYWHERE: Final = "0.0.0.0"
"""Every IPv4 address of the machine, also one that the home router gives. Written out, it keeps Docker off IPv6."""
NGINX: Final = "nginx-mailcow"

SECRETS: Final[Mapping[str, str]] = {
    "DBPASS": credentials.MAILCOW_DBPASS,
    "DBROOT": credentials.MAILCOW_DBROOT,
    "REDISPASS": credentials.MAILCOW_REDISPASS,
    "SOGO_URL_ENCRYPTION_KEY": credentials.MAILCOW_SOGO_KEY,
    "API_KEY": credentials.MAILCOW_API_KEY,
}
"""Variables of mailcow.conf that come from credentials."""

SERVER_NAMES: Final = "ADDITIONAL_SERVER_NAMES"
SETTINGS: Final = data(f"{SERVICE}/settings.toml")
"""Variables of mailcow.conf that depend on no description."""

_PLAIN: Final = re.compile(r"[A-Za-z0-9._:/,@+*-]*")


def files(plan: Plan) -> dict[str, str]:
    """What lies on top of Mailcow's tree; those in `EXECUTABLE` are programs."""
    lines = {each.file: each.lines for each in plan.topology.internal.extra_lines}
    texts = {
        CONF: _conf_text(conf(plan)),
        EXTRA_CF_PATH: template(
            SERVICE,
            "extra.cf.j2",
            extra=lines.pop(EXTRA_CF, ""),
            relays=_relays(plan),
            proxies=_proxies(plan),
            header_size=MAX_HEADER,
        ),
        POSTSCREEN: template(SERVICE, "postscreen_whitelist.cidr.j2", proxies=_proxies(plan)),
        HOOK: template(SERVICE, "xclient-hook.sh.j2", proxies=_proxies(plan)),
        SPAM_FLAG: template(SERVICE, "spam-flag.lua.j2"),
        RSPAMD_LOCAL_PATH: f"{PLUGIN} {{ enabled = true; }}\n" + lines.pop(RSPAMD_LOCAL, ""),
    }
    texts |= {f"{CONF_FOLDER}/{file}": text for file, text in lines.items()}
    internal = plan.internal
    if internal.forwarders:
        networks = {"docker4": internal.docker_subnet, "docker6": internal.docker_subnet6}
        texts[UNBOUND] = template(SERVICE, "unbound.conf.j2", forwarders=internal.forwarders, **networks)
    override = compose_override(plan)
    if override:
        texts[COMPOSE_OVERRIDE] = override
    return texts


def conf(plan: Plan) -> dict[str, str]:
    """The variables of mailcow.conf, without secrets. Raises BuildError for a value that would need quoting."""
    internal = plan.internal
    values = {
        **{name: text_of(value) for name, value in SETTINGS["values"].items()},
        **_identity(plan),
        **_listeners(internal),
        **_certificates(plan),
        **_sizes(plan),
        **_networks(plan),
    }
    for name, value in values.items():
        if not _PLAIN.fullmatch(value):
            raise BuildError(f"{name}={value!r} cannot stand in mailcow.conf", "both Docker and a shell read that file")
    chosen = {each.name: text_of(each.value) for each in plan.topology.internal.settings}
    chosen |= _server_names(plan, chosen.get(SERVER_NAMES, ""))
    return values | {name: _quoted(value) for name, value in chosen.items()}


def _server_names(plan: Plan, more: str) -> dict[str, str]:
    """Mailcow's web server answers to our former names too, and to what a setting names."""
    former = plan.topology.former_hostnames
    names = (*former, *more.replace(" ", "").split(","))
    return {SERVER_NAMES: ",".join(filter(None, names))} if former else {}


def _quoted(value: str) -> str:
    """A value for both readers of mailcow.conf, to whom single quotes mean the same: every letter stands for itself."""
    return value if _PLAIN.fullmatch(value) else f"'{value}'"


def _identity(plan: Plan) -> dict[str, str]:
    return {
        "MAILCOW_HOSTNAME": plan.topology.hostname,
        "TZ": plan.topology.timezone,
    }


def _listeners(internal: InternalPlan) -> dict[str, str]:
    """Mail ports on the tunnel's address, the rest on loopback. An IPv4 address also keeps Docker off IPv6 there."""
    tunnel = str(internal.ipv4)
    clients = ANYWHERE if internal.lan_client_networks else tunnel  # from where, says the firewall
    offered = {client.variable: client.port for client in internal.client_ports}
    on_loopback = {client.variable: client.port for client in KNOWN if client.variable not in offered}
    on_loopback |= SETTINGS["ports_on_loopback"]
    return {
        **{name: f"{tunnel}:{port}" for name, port in SETTINGS["ports_on_address"].items()},
        **{name: f"{clients}:{port}" for name, port in offered.items()},
        **{name: f"{LOOPBACK}:{port}" for name, port in on_loopback.items()},
        "HTTP_BIND": tunnel,
        "HTTPS_BIND": LOOPBACK,
    }


def _certificates(plan: Plan) -> dict[str, str]:
    """One certificate, for the names that clients use, by HTTP-01 through Caddy; Caddy has those of the other names."""
    former = ",".join(plan.topology.former_hostnames)
    return {
        "SKIP_LETS_ENCRYPT": "n",
        "SKIP_IP_CHECK": "y",  # the name is the proxy's address, not ours
        # Mailcow would look first, over IPv6 alone where the name has an AAAA record: a home often has no IPv6.
        "SKIP_HTTP_VERIFICATION": "y",
        "ONLY_MAILCOW_HOSTNAME": text_of(not former),
        "AUTODISCOVER_SAN": "n",
        "ADDITIONAL_SAN": former,
        "ENABLE_SSL_SNI": "n",
        "ACME_DNS_CHALLENGE": "n",
        "ACME_ACCOUNT_EMAIL": plan.contact,
    }


def _sizes(plan: Plan) -> dict[str, str]:
    internal = plan.topology.internal
    return {
        "SKIP_CLAMD": text_of(not internal.antivirus),
        "SKIP_OLEFY": text_of(not internal.antivirus),
        "SKIP_FTS": text_of(not internal.full_text_search),
        "FTS_HEAP": "128",
        "FTS_PROCS": "1",
        "SKIP_SOGO": "n",
        "SKIP_UNBOUND_HEALTHCHECK": text_of(not plan.internal.resolver_check),
        "WATCHDOG_NOTIFY_BAN": "n",
        "WATCHDOG_NOTIFY_START": "n",
        "WATCHDOG_EXTERNAL_CHECKS": "n",
        "ALLOW_ADMIN_EMAIL_LOGIN": "n",
    }


def _networks(plan: Plan) -> dict[str, str]:
    """Docker's networks, who may call the API (only this host), and whose X-Forwarded-For counts.

    That is the proxies', and that of Mailcow's nginx itself: it asks its own loopback about logins of ActiveSync, DAV
    and SOGo, hands the header on, and without this each of them would fail "by 127.0.0.1", which is never banned.
    """
    internal = plan.internal
    return {
        "IPV4_NETWORK": str(internal.docker_subnet.network_address).rpartition(".")[0],
        "IPV6_NETWORK": str(internal.docker_subnet6),
        "ENABLE_IPV6": "true" if internal.has_ipv6 else "false",
        "DISABLE_NETFILTER_ISOLATION_RULE": "n",
        "TRUSTED_PROXIES": ",".join((*_proxies(plan), LOOPBACK)),
        "API_ALLOW_FROM": f"{gateway(internal)},{LOOPBACK}",
    }


def text_of(value: str | int | bool) -> str:
    """A value as mailcow.conf has it: booleans are y and n."""
    return ("y" if value else "n") if isinstance(value, bool) else str(value)


def _conf_text(values: Mapping[str, str]) -> str:
    return template(SERVICE, "mailcow.conf.j2", values=values, secrets=sorted(SECRETS))


def compose_override(plan: Plan) -> str:
    """docker-compose.override.yml with what `published` says; "" where that is nothing."""
    services = published(plan)
    return template(SERVICE, "docker-compose.override.yml.j2", services=services) if services else ""


def published(plan: Plan) -> dict[str, list[str]]:
    """What mailcow.conf has no variable for, by container, as compose writes it.

    Client ports on the tunnel's IPv6 address too, where there is one; not port 25, for Haraka speaks to it over IPv4
    and passes IPv6 clients on by XCLIENT. And the web for browsers of the home network, where they come directly.
    """
    internal = plan.internal
    services: dict[str, list[str]] = {}
    for client in internal.client_ports if internal.has_ipv6 else ():
        services.setdefault(client.container, []).append(f"[{internal.ipv6}]:{client.port}:{client.port}")
    if internal.lan_client_networks:
        services.setdefault(NGINX, []).append(f"{ANYWHERE}:{ports.HTTPS}:{ports.MAILCOW_HTTPS}")
    return services


def _proxies(plan: Plan) -> tuple[str, ...]:
    """The proxies' tunnel addresses, in MX order."""
    return tuple(str(link.proxy.ipv4) for link in plan.tunnels)


def _relays(plan: Plan) -> tuple[str, ...]:
    return tuple(f"[{address}]:{ports.RELAY}" for address in _proxies(plan))


def machine_json(plan: Plan, pin: Pin = PIN, images: Iterable[Image] = IMAGES) -> str:
    """/etc/mailnix/mailcow.json: which tree to lay and which settings, which credential is which variable, backups; by
    which digests its images are pulled, and which Mailcow that makes it; and where the machine writes how changes of
    its generations ended.
    """
    source = {"tag": pin.tag, "rev": pin.rev, "nar_hash": pin.nar_hash, "url": pin.url}
    backup = backup_of(plan.internal)
    wanted = {"folder": backup.folder, "keep_days": backup.keep_days}
    return _json(
        {
            "backup": wanted,
            "changes": CHANGES,
            "images": digests(images),
            "release": release(pin.rev, images),
            "hostname": plan.topology.hostname,
            "secrets": dict(SECRETS),
            "settings": sorted(files(plan)),
            "source": source,
        },
    )


def backup_of(internal: InternalPlan) -> Backup:
    """Where backups go, also those that somebody makes by hand where none are described."""
    return internal.backup or Backup()


def bans_json(plan: Plan) -> str:
    """/etc/mailnix/bans.json: whom to tell of those that Mailcow has banned."""
    asked = {"api": api(plan.internal), "hostname": plan.topology.hostname}
    return _json({**asked, "proxies": list(_proxies(plan)), "port": ports.BANS})


def api(internal: InternalPlan) -> str:
    """Where this machine's programs reach Mailcow's API."""
    return f"http://{internal.ipv4}:{ports.MAILCOW_HTTP}/api/v1"


def _json(data: object) -> str:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
