"""What one Haraka is: its names, limits and patience, as values; nothing of a plan."""

from __future__ import annotations

from typing import Final

from attrs import frozen

from mailnix.model import paths

IN: Final = "haraka-in"
OUT: Final = "haraka-out"

LOOPBACK: Final = "127.0.0.1"
CERTIFICATE_FOLDER: Final = "/run/haraka-certificate"
SECRET_FILE: Final = "internalcmd_key"  # in `config`, beside what everybody may read
POLICY_FOLDER: Final = f"/var/lib/{OUT}/tls-policy"
PUBLIC_AUTHORITIES: Final = paths.AUTHORITIES
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

SMARTHOSTS: Final = "smarthosts"  # the plugin, loaded where there are some


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
class Smarthost:
    """Another's server that mail leaves by: what is for `domains`, or all of it.

    `tls` is how TLS begins there: "starttls", "implicit", or "none" where mail may go in clear. The password of `user`
    is in the file `password_file`.
    """

    host: str
    port: int
    tls: str
    user: str = ""
    domains: tuple[str, ...] = ()

    @property
    def password_file(self) -> str:
        """In `config`, beside what everybody may read."""
        return f"smarthost_password.{self.host}"


@frozen
class HarakaIn:
    """haraka-in: `hostname` is its MX, banner and PTR name; mail for `domains` goes to `backend` as it comes.

    `listen` are Haraka's endpoints; clients on this machine are announced as `own_address`; `postmaster` gets what is
    for <postmaster> without a domain (default: the first domain's); `nameserver` is for tests, the machine's own
    resolver is the default. `former_hostnames` have certificates of their own, for senders that ask for these names.
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
    former_hostnames: tuple[str, ...] = ()
    plugins: tuple[str, ...] = _PLUGINS_IN


@frozen
class HarakaOut:
    """haraka-out: takes mail from `clients` (networks) only, queues it on disk, delivers it as `hostname`.

    Bounces to `domains` go to `inbound`, which is haraka-in of the same machine. `own_address` and `own_address6` are
    the public ones, which mail leaves from where they are on the machine itself; `nameserver` is for tests, the
    machine's own resolver is the default. Receivers' policies for TLS are asked from `validator` ("address:port"), a
    resolver that validates and is on loopback, and kept in `policy_dir`; without one there are none. `roots` are
    the public authorities that count. Mail leaves by `smarthosts` where there are some for it.
    """

    hostname: str
    listen: tuple[str, ...]
    clients: tuple[str, ...]
    inbound_host: str
    inbound_port: int
    domains: tuple[str, ...]
    own_address: str = ""
    own_address6: str = ""
    queue_dir: str = f"/var/lib/{OUT}/queue"
    certificate_folder: str = CERTIFICATE_FOLDER
    timing: Timing = Timing()
    patience: Patience = Patience()
    limits: Limits = Limits()
    retries: str = RETRIES
    nameserver: str = ""
    validator: str = ""
    policy_dir: str = POLICY_FOLDER
    roots: str = PUBLIC_AUTHORITIES
    smarthosts: tuple[Smarthost, ...] = ()
    plugins: tuple[str, ...] = _PLUGINS_OUT
