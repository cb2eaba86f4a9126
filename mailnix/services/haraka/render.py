"""Haraka's two configuration folders, the same texts on both systems.

`files_in` and `files_out` give relative path → text below the folder that `haraka -c` is started with; they know
nothing of a plan. `incoming` and `outgoing` read their values from one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import asdict, evolve

from mailnix.formats.text import template
from mailnix.model import ports
from mailnix.plan import Plan, ProxyPlan, TunnelLink, reports
from mailnix.services.haraka.values import LOOPBACK, SMARTHOSTS, HarakaIn, HarakaOut, Limits, Smarthost
from mailnix.services.unbound import render as unbound

SERVICE: Final = "haraka"
_OWN_PLUGINS: Final = Path(__file__).parent / "plugins"
DHPARAMS: Final = Path(__file__).parent / "dhparams.pem"  # RFC 7919's ffdhe2048; Haraka would make one at every start


def incoming(plan: Plan, host: ProxyPlan) -> HarakaIn:
    """haraka-in of a proxy. `[::]` takes IPv4 clients too, and a second socket for them would clash with it."""
    address = "[::]" if host.ipv6 else "0.0.0.0"
    return HarakaIn(
        hostname=host.hostname,
        listen=(f"{address}:{ports.SMTP}",),
        backend_host=str(host.tunnel.internal.ipv4),
        backend_port=ports.SMTP,
        domains=plan.domain_names,
        postmaster=postmaster(plan),
        own_address=str(host.ipv4),
        former_hostnames=plan.topology.former_hostnames,
    )


def postmaster(plan: Plan) -> str:
    """Who gets mail to <postmaster> without a domain: the first domain's postmaster, or the contact if it is ours."""
    first = plan.topology.domains[0]
    ours = plan.contact.rpartition("@")[2] in plan.domain_names
    has_one = reports.has_postmaster(plan.topology, first)
    return plan.contact if ours and not has_one else f"{reports.POSTMASTER}@{first.name}"


def outgoing(plan: Plan, host: ProxyPlan) -> HarakaOut:
    """haraka-out of a proxy: on the tunnel, for the machine at its other end."""
    link: TunnelLink = host.tunnel
    return HarakaOut(
        hostname=host.hostname,
        own_address=str(host.ipv4),
        own_address6=str(host.ipv6) if host.ipv6 else "",
        listen=(f"{link.proxy.ipv4}:{ports.RELAY}",),
        clients=(f"{link.internal.ipv4}/32",),
        inbound_host=LOOPBACK,
        inbound_port=ports.SMTP,
        domains=plan.domain_names,
        validator=unbound.ADDRESS,
        smarthosts=smarthosts(plan),
    )


def smarthosts(plan: Plan) -> tuple[Smarthost, ...]:
    """The relays of the description."""
    return tuple(
        Smarthost(relay.host, relay.port, relay.begins, relay.user or "", relay.domains)
        for relay in plan.topology.relays
    )


def files_in(haraka: HarakaIn) -> Mapping[str, str]:
    """Every file of haraka-in's folder, sorted by path."""
    return _sorted(
        {
            **_common(haraka),
            "config/connection.ini": _connection(haraka.limits, add_received=True),
            "config/host_list": _lines(haraka.domains),
            **({"config/certificate_names": _lines(haraka.former_hostnames)} if haraka.former_hostnames else {}),
            "config/queue/smtp_proxy.timeout": f"{haraka.timing.proxy}\n",
            "config/postmaster.ini": _config(
                "postmaster.ini", address=haraka.postmaster or f"postmaster@{haraka.domains[0]}"
            ),
            "config/sessions.ini": _config("sessions.ini", limits=haraka.limits, timing=haraka.timing),
            "config/smtp_proxy.ini": _config(
                "smtp_proxy.ini", backend_host=haraka.backend_host, backend_port=haraka.backend_port
            ),
            "config/xclient_upstream.ini": _config(
                "xclient_upstream.ini",
                connect_seconds=haraka.timing.connect,
                ready_seconds=haraka.timing.ready,
                dns_seconds=haraka.timing.dns,
                keep_seconds=haraka.timing.keep,
                own_address=haraka.own_address,
                nameserver=haraka.nameserver,
            ),
        }
    )


def files_out(haraka: HarakaOut) -> Mapping[str, str]:
    """Every file of haraka-out's folder, sorted by path."""
    if haraka.smarthosts:
        haraka = evolve(haraka, plugins=(*haraka.plugins, SMARTHOSTS))
    return _sorted(
        {
            **_common(haraka),
            **({f"config/{SMARTHOSTS}.json": _smarthosts(haraka)} if haraka.smarthosts else {}),
            "config/connection.ini": _connection(haraka.limits, add_received=False),
            "config/deliveries.ini": _config(
                "deliveries.ini",
                port=ports.SMTP,
                own_address=haraka.own_address,
                own_address6=haraka.own_address6,
                nameserver=haraka.nameserver,
                timing=haraka.patience,
                limits=haraka.limits,
            ),
            "config/outbound.ini": _config("outbound.ini", retries=haraka.retries),
            "config/queue_dir": f"{haraka.queue_dir}\n",
            "config/relay.ini": _config("relay.ini"),
            "config/relay_acl_allow": _lines(haraka.clients),
            "config/relay_dest_domains.ini": _config(
                "relay_dest_domains.ini",
                domains=haraka.domains,
                inbound_host=haraka.inbound_host,
                inbound_port=haraka.inbound_port,
            ),
            "config/tls_policy.ini": _config(
                "tls_policy.ini", validator=haraka.validator, folder=haraka.policy_dir, roots=haraka.roots
            ),
        }
    )


def _smarthosts(haraka: HarakaOut) -> str:
    servers = [asdict(smarthost) for smarthost in haraka.smarthosts]
    return json.dumps({"roots": haraka.roots, "smarthosts": servers}, indent=2) + "\n"


def _common(haraka: HarakaIn | HarakaOut) -> dict[str, str]:
    timing = haraka.timing
    return {
        "config/me": f"{haraka.hostname}\n",
        "config/plugins": _lines(haraka.plugins),
        "config/dhparams.pem": DHPARAMS.read_text(),
        "config/log.ini": _config("log.ini"),
        "config/smtp.ini": _config(
            "smtp.ini",
            listen=haraka.listen,
            own_address=haraka.own_address,
            inactivity_seconds=timing.inactivity,
            shutdown_seconds=timing.shutdown,
        ),
        "config/messages.ini": _config(
            "messages.ini",
            header_bytes=haraka.limits.header,
            memory=haraka.limits.memory,
            spool_after=haraka.limits.spool_after,
            spool_dir=haraka.limits.spool_dir,
        ),
        "config/sockets.ini": _config("sockets.ini", patience_seconds=timing.patience),
        "config/tls.ini": _config(
            "tls.ini",
            key=f"{haraka.certificate_folder}/key.pem",
            certificate=f"{haraka.certificate_folder}/cert.pem",
        ),
        **_own_plugins(haraka.plugins),
    }


def _own_plugins(names: Iterable[str]) -> dict[str, str]:
    """Those of `names` that are ours, each NAME.js and the modules in its folder NAME/, for Haraka's folder."""
    paths = [path for name in names for path in (_OWN_PLUGINS / f"{name}.js", *(_OWN_PLUGINS / name).glob("*.js"))]
    return {f"plugins/{path.relative_to(_OWN_PLUGINS)}": path.read_text() for path in paths if path.exists()}


def _connection(limits: Limits, *, add_received: bool) -> str:
    return _config(
        "connection.ini",
        add_received=add_received,
        max_bytes=limits.message,
    )


def _config(name: str, **values: object) -> str:
    return template(SERVICE, f"config/{name}.j2", **values)


def _lines(items: Iterable[str]) -> str:
    return "".join(f"{item}\n" for item in items)


def _sorted(files: Mapping[str, str]) -> Mapping[str, str]:
    return {path: files[path] for path in sorted(files)}
