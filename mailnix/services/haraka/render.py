"""Haraka's two configuration folders, the same texts on both systems.

`files_in` and `files_out` give relative path → text below the folder that `haraka -c` is started with; they know
nothing of a plan. `incoming` and `outgoing` read their values from one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from attrs import evolve, frozen

from mailnix.formats.text import template
from mailnix.model import ports
from mailnix.plan import Plan, ProxyPlan, TunnelLink
from mailnix.plan.dns import report_address
from mailnix.services.unbound import render as unbound

SERVICE: Final = "haraka"
IN: Final = "haraka-in"
OUT: Final = "haraka-out"

LOOPBACK: Final = "127.0.0.1"
CERTIFICATE_FOLDER: Final = "/run/haraka-certificate"
PUBLIC_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"  # on Debian and on NixOS
MAX_MESSAGE: Final = 104_857_600  # bytes: Mailcow's message_size_limit
MAX_HEADER: Final = 1_048_576  # bytes, as Exim's header_maxsize; Postfix has a limit for each field (header_size_limit)
PROXY_TIMEOUT: Final = (
    690  # seconds for queue/smtp_proxy; beyond `Timing.patience`, so that the connection's end says why
)
RETRIES: Final = "1m,2m,5m,10m,15m,30m,1h*3,2h*4,4h*27"  # greylisting first; then, as Postfix, for five days

_PLUGINS_IN: Final = (
    "certificates",
    "starttls",
    "tls",
    "sockets",
    "parameters",
    "message_store",
    "whole_messages",
    "sessions",
    "xclient_upstream",
    "postmaster",
    "rcpt_to.in_host_list",
    "queue/smtp_proxy",
)
_PLUGINS_OUT: Final = (
    "certificates",
    "starttls",
    "tls",
    "sockets",
    "parameters",
    "message_store",
    "whole_messages",
    "relay",
    "deliveries",
    "tls_policy",
)
_OWN_PLUGINS: Final = Path(__file__).parent / "plugins"
DHPARAMS: Final = Path(__file__).parent / "dhparams.pem"  # RFC 7919's ffdhe2048; Haraka would make one at every start


@frozen
class Timing:
    """How long Haraka waits, in seconds.

    `connect` is for a backend that may be gone; `ready` for one that says nothing until MAIL is answered; `patience`
    for one that is thinking (RFC 5321 4.5.3.2.6 asks senders for 600); `inactivity` for a client to send the whole of
    a command (RFC 5321 4.5.3.2.7 asks for 300), `stressed` the same when sessions are short (as Postfix:
    stress-dependent smtpd_timeout), looked at every `tick`; `keep` for a session's next message with its connection to
    the backend open (as Postfix: smtp_connection_cache_time_limit); `shutdown` for sessions under way when the service
    stops.
    """

    connect: int = 10
    ready: float = 30
    patience: int = 660
    proxy: int = PROXY_TIMEOUT
    dns: int = 8
    inactivity: int = 300
    stressed: int = 10
    tick: float = 1
    keep: float = 2
    shutdown: int = 10


@frozen
class Patience:
    """How long haraka-out waits for receivers, in seconds: RFC 5321 4.5.3.2, state by state.

    After `silence` a receiver no longer holds a slot; `dead_first` to `dead_most` is how long a host that
    failed is left alone, twice as long each time; `idle` is how long a connection is kept for the next mail.
    """

    connect: float = 30
    greeting: float = 300
    command: float = 300
    data: float = 120
    block: float = 180
    dot: float = 600
    silence: float = 0.5
    dead_first: float = 60
    dead_most: float = 900
    idle: float = 2


@frozen
class Limits:
    """What one instance may use: bytes of a message and its header, sessions in all and per client, deliveries at once.

    Of sessions only `upstream` have a connection to Mailcow, whose Postfix has 100 processes (default_process_limit).

    A message must come with `data_rate` bytes a second; a session ends after so many `errors`, or `commands` without a
    message. These are Postfix's numbers (smtpd_min_data_rate, smtpd_hard_error_limit, smtpd_junk_command_limit); when
    sessions are short its own are 1, which would end sessions over one mistyped recipient.

    Of deliveries so many go on in all and for a domain or host; those whose receiver is silent go on beside them.

    Above `spool_after` bytes a message passes through a file in `spool_dir` rather than memory, and so does a smaller
    one where all messages under way hold more than `memory` bytes.
    """

    message: int = MAX_MESSAGE
    header: int = MAX_HEADER
    memory: int = 16_777_216
    spool_after: int = 262_144
    spool_dir: str = "/var/tmp"
    sessions: int = 200
    sessions_per_client: int = 20
    upstream: int = 80
    data_rate: int = 500
    errors: int = 20
    errors_stressed: int = 3
    commands: int = 100
    commands_stressed: int = 10
    deliveries: int = 20
    deliveries_per_domain: int = 5
    deliveries_beside: int = 400
    mails_per_connection: int = 100


@frozen
class HarakaIn:
    """haraka-in: `hostname` is its MX, banner and PTR name; mail for `domains` goes to `backend` as it comes.

    `listen` are Haraka's endpoints; clients on this machine are announced as `own_address`; `postmaster` gets what is
    for <postmaster> without a domain (default: the first domain's); `nameserver` is for tests, the machine's own
    resolver is the default.
    """

    hostname: str
    listen: tuple[str, ...]
    backend_host: str
    backend_port: int
    domains: tuple[str, ...]
    certificate_folder: str = CERTIFICATE_FOLDER
    timing: Timing = Timing()
    limits: Limits = Limits()
    own_address: str = ""
    postmaster: str = ""
    nameserver: str = ""
    plugins: tuple[str, ...] = _PLUGINS_IN


@frozen
class HarakaOut:
    """haraka-out: takes mail from `clients` (networks) only, queues it on disk, delivers it as `hostname`.

    Bounces to `domains` go to `inbound`, which is haraka-in of the same machine. `own_address` is the public one;
    `nameserver` is for tests, the machine's own resolver is the default. Receivers' policies for TLS are asked from
    `validator` ("address:port"), a resolver that validates and is on loopback, and kept in `policy_dir`; without one
    there are none. `roots` are the public authorities that count.
    """

    hostname: str
    listen: tuple[str, ...]
    clients: tuple[str, ...]
    inbound_host: str
    inbound_port: int
    domains: tuple[str, ...]
    own_address: str = ""
    queue_dir: str = f"/var/lib/{OUT}/queue"
    certificate_folder: str = CERTIFICATE_FOLDER
    timing: Timing = Timing()
    patience: Patience = Patience()
    limits: Limits = Limits()
    retries: str = RETRIES
    nameserver: str = ""
    validator: str = ""
    policy_dir: str = f"/var/lib/{OUT}/tls-policy"
    roots: str = PUBLIC_AUTHORITIES
    plugins: tuple[str, ...] = _PLUGINS_OUT


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
    )


def postmaster(plan: Plan) -> str:
    """Who gets mail to <postmaster> without a domain: the first domain's postmaster, or the contact if it is ours."""
    first = plan.topology.domains[0]
    address = report_address(first, plan.contact)
    return address if address.rpartition("@")[2] in plan.domain_names else f"postmaster@{first.name}"


def outgoing(plan: Plan, host: ProxyPlan) -> HarakaOut:
    """haraka-out of a proxy: on the tunnel, for the machine at its other end."""
    link: TunnelLink = host.tunnel
    return HarakaOut(
        hostname=host.hostname,
        own_address=str(host.ipv4),
        listen=(f"{link.proxy.ipv4}:{ports.RELAY}",),
        clients=(f"{link.internal.ipv4}/32",),
        inbound_host=LOOPBACK,
        inbound_port=ports.SMTP,
        domains=plan.domain_names,
        validator=unbound.ADDRESS,
    )


def files_in(haraka: HarakaIn) -> Mapping[str, str]:
    """Every file of haraka-in's folder, sorted by path."""
    return _sorted(
        {
            **_common(haraka),
            "config/connection.ini": _connection(haraka.limits, add_received=True),
            "config/host_list": _lines(haraka.domains),
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
    return _sorted(
        {
            **_common(haraka),
            "config/connection.ini": _connection(haraka.limits, add_received=False),
            "config/deliveries.ini": _config(
                "deliveries.ini",
                port=ports.SMTP,
                own_address=haraka.own_address,
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


def without_plugin(haraka: HarakaIn, name: str) -> HarakaIn:
    """The same instance, one plugin less (for tests and benchmarks)."""
    return evolve(haraka, plugins=tuple(plugin for plugin in haraka.plugins if plugin != name))


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
