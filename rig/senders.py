"""Two mail servers that send, haraka-out and a Postfix, before the same receivers: what one does the other shall do."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from attrs import evolve, frozen

import rig as stands
from mailnix import run
from mailnix.services.haraka.render import files_out
from mailnix.services.haraka.values import HarakaOut, Limits, Patience
from rig import Haraka, Sink, Stand

ROUTES_PLUGIN = """\
const routes = JSON.parse(require('node:fs').readFileSync(`${__dirname}/../config/routes.json`))
exports.hook_get_mx = (next, _hmail, domain) => next(OK, routes[domain])
"""
MESSAGE = (
    b"From: alice@example.org\r\nTo: dave@example.net\r\nDate: Sun, 22 Nov 2026 22:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\nSubject: hello\r\n\r\n.Body.\r\n"
)
QUICK = Patience(
    connect=2, greeting=2, command=2, data=2, block=2, dot=2, silence=0.3, dead_first=1, dead_most=2, idle=0.5
)
LIMITS = Limits()
Server = Sink | Mapping[str, object]


@frozen
class Sender:
    """A server that sends: where it takes mail, from which address, and its queue's size."""

    port: int
    source: str
    queued: Callable[[], int]
    haraka: Haraka | None = None

    def send(self, *recipients: str, message: bytes = MESSAGE, options: Sequence[str] = ()) -> None:
        """Hand it a mail of alice's for dave."""
        with smtplib.SMTP("127.0.0.1", self.port, "mailcow", timeout=60, source_address=(self.source, 0)) as session:
            session.sendmail("alice@example.org", recipients or ["dave@example.net"], message, list(options))


SMALL_DISK = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"'


def haraka_out(
    stack: ExitStack,
    stand: Stand,
    routes: Mapping[str, Sequence[Server]],
    patience: Patience = QUICK,
    disk: str = "",
    **changes: Any,
) -> Sender:
    """A haraka-out whose mail for each domain goes to these servers, best first (or as a `get_mx` plugin has them).

    With `disk`, a size like "256k", its queue is on a file system of its own, in a mount namespace of its own.
    """
    port = stands.free_port()
    queue = stand.new_queue()
    settings = HarakaOut(
        hostname="mail.example.org",
        listen=(f"127.0.0.1:{port}",),
        clients=("127.0.0.2/32",),
        inbound_host="127.0.0.1",
        inbound_port=1,
        domains=(),
        queue_dir=str(queue),
        certificate_folder=str(stand.certificate_folder),
        retries="10s*20",
        patience=patience,
    )
    chosen = evolve(settings, **changes)
    ways = {
        domain: [_way(each, priority) for priority, each in enumerate(servers)] for domain, servers in routes.items()
    }
    files = {
        **files_out(evolve(chosen, plugins=("routes", *chosen.plugins))),
        "plugins/routes.js": ROUTES_PLUGIN,
        "config/routes.json": json.dumps(ways),
    }
    wrapper = ("unshare", "--mount", "sh", "-c", SMALL_DISK, "sh", disk, str(queue)) if disk else ()
    running = stack.enter_context(stands.haraka(stand, files, port, wrapper=wrapper))
    return Sender(port, "127.0.0.2", lambda: len(list(queue_of(running).glob("[0-9]*"))), running)


def queue_of(server: Haraka) -> Path:
    """Its queue's folder, wherever that is mounted."""
    queue = (server.folder / "config/queue_dir").read_text().strip()
    return Path(f"/proc/{server.pid}/root{queue}")


def _way(server: Server, priority: int) -> Mapping[str, object]:
    if isinstance(server, Sink):
        return {"exchange": "127.0.0.1", "port": server.port, "priority": priority}
    return server


POSTFIX_OUT = """\
mynetworks = 127.0.0.2/32
virtual_mailbox_domains =
smtp_connect_timeout = 2s
smtp_helo_timeout = 2s
smtp_mail_timeout = 2s
smtp_rcpt_timeout = 2s
smtp_data_init_timeout = 2s
smtp_tls_security_level = may
smtp_line_length_limit = 0
smtp_tls_loglevel = 1
"""


def postfix_out(stack: ExitStack, stand: Stand, routes: Mapping[str, Sequence[Sink]], extra: str = "") -> Sender:
    """A Postfix for the same."""
    ways = "".join(
        f" {{ {domain} = smtp:{', '.join(f'[127.0.0.1]:{each.port}' for each in servers)} }},"
        for domain, servers in routes.items()
    )
    running = stack.enter_context(
        stands.postfix(stand, extra=f"{POSTFIX_OUT}transport_maps = inline:{{{ways.rstrip(',')} }}\n{extra}")
    )

    def queued() -> int:
        listed = run.run([run.require("postqueue", "postfix"), "-c", running.folder / "etc", "-j"], timeout=30)
        return len(listed.stdout.splitlines())

    return Sender(running.port, "127.0.0.2", queued)


@contextmanager
def sinks(*settings: Mapping[str, object]) -> Iterator[list[Sink]]:
    """A listening `Sink` for each."""
    with ExitStack() as stack:
        yield [stack.enter_context(stands.sink(**each)) for each in settings]
