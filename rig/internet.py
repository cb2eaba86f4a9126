"""A small internet on loopback: its signed names, an unbound that asks them, mail servers, and sites with policies.

Mail is sent into it by haraka-out and by Postfix, and both say what came of it.
"""

from __future__ import annotations

import json
import smtplib
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from mailnix.services.haraka.render import files_out
from mailnix.services.haraka.values import HarakaOut
from rig import signed_dns
from rig.certificates import Certificate
from rig.haraka import Haraka, haraka
from rig.postfix import Postfix, postfix
from rig.resolv import with_nameserver
from rig.servers import running
from rig.sink import Sink, sink
from rig.stand import Stand, stand
from rig.stand import missing as missing_stand
from rig.waiting import free_net, free_port, until

OFFERS: Mapping[str, str] = {"EHLO": "250-sink\n250 STARTTLS"}
LACKS: Mapping[str, str] = {}
MESSAGE = b"From: alice@example.org\r\nTo: dave@example.net\r\nSubject: hello\r\n\r\nBody.\r\n"
POSTFIX = """\
inet_protocols = ipv4
smtp_dns_support_level = dnssec
smtp_tls_loglevel = 1
"""

# Its receivers are on loopback, where a server on the internet is never found.
NOT_HOME = """\
exports.register = () => (require('./plugins').registered_plugins.deliveries.env.is_home = () => false)
"""


def missing() -> str:
    """Why this cannot be set up here, or an empty text."""
    return missing_stand() or signed_dns.missing()


class Verdict(StrEnum):
    """What becomes of a mail."""

    PROVEN = "proven"  # delivered under TLS, to the server that is meant
    ENCRYPTED = "encrypted"  # delivered under TLS, to whomever
    CLEAR = "clear"
    WAITS = "waits"
    BOUNCES = "bounces"


@frozen
class Receiver:
    """Mail for `domain` and what comes of it.

    `records` are lines of a zone file, with {ip} for the server's address; names in `broken` have bad signatures. The
    server presents `sent` certificates of the chain of `certificate`. `in_postfix` is Postfix's verdict, where another.
    """

    domain: str
    verdict: Verdict
    records: tuple[str, ...]
    certificate: Certificate
    replies: Mapping[str, str] = OFFERS
    sent: int = 9
    broken: tuple[str, ...] = field(default=())
    in_postfix: Verdict = field()

    @in_postfix.default
    def _same(self) -> Verdict:
        return self.verdict

    def serve(self, folder: Path) -> Path:
        """Its certificate folder."""
        return self.certificate.serve(folder / self.domain, sent=self.sent)


@frozen
class Site:
    """What https://mta-sts.DOMAIN answers, whatever is asked, and with whose certificate; with status 0, nothing."""

    text: str
    certificate: Certificate
    status: int = 200
    content_type: str = "text/plain"


@frozen
class Internet:
    """A running one."""

    stand: Stand
    nameserver: str
    servers: Mapping[str, Sink]
    authority: signed_dns.Authority
    asked: Mapping[str, list[str]]


@contextmanager
def internet(receivers: Sequence[Receiver], sites: Mapping[str, Site] | None = None) -> Iterator[Internet]:
    """One with these servers, each at an address of its own, and sites by domain."""
    net, sites = free_net(), sites or {}
    with ExitStack() as stack:
        here = stack.enter_context(stand())
        addresses = {each.domain: f"{net}.{number}" for number, each in enumerate(receivers, 60)}
        records = [line.format(ip=addresses[each.domain]) for each in receivers for line in each.records]
        asked: dict[str, list[str]] = {domain: [] for domain in sites}
        for number, (domain, site) in enumerate(sites.items(), 150):
            records.append(f"mta-sts.{domain}. 60 IN A {net}.{number}")
            stack.enter_context(_serve(site, f"{net}.{number}", here.folder / "sites" / domain, asked[domain]))
        broken = [name for each in receivers for name in each.broken]
        authority = signed_dns.authority(f"{net}.54", records, broken)
        authority.open()
        stack.callback(authority.close)
        unbound = stack.enter_context(signed_dns.resolver(here.folder / "unbound", f"{net}.53", authority))
        servers = {}
        for each in receivers:
            folder = each.serve(here.folder / "receivers")
            server = sink(host=addresses[each.domain], port=25, replies=each.replies, certificate=folder)
            servers[each.domain] = stack.enter_context(server)
        yield Internet(here, unbound.address, servers, authority, asked)


@contextmanager
def _serve(site: Site, address: str, folder: Path, asked: list[str]) -> Iterator[None]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if not site.status:
                over.wait()
                return
            self.send_response(site.status)
            if site.status in (301, 302):
                self.send_header("Location", "https://elsewhere/")
            self.send_header("Content-Type", site.content_type)
            self.end_headers()
            self.wfile.write(site.text.encode())

        def log_message(self, *_words: object) -> None:
            pass

    site.certificate.serve(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    server = ThreadingHTTPServer((address, 443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_words: None  # type: ignore[method-assign]  # a client that trusts it not
    with running(server):
        try:
            yield
        finally:
            over.set()


def send(port: int, source: str, domain: str) -> None:
    """One mail for a domain into a server."""
    with smtplib.SMTP("127.0.0.1", port, "mailcow", timeout=60, source_address=(source, 0)) as session:
        assert session.sendmail("alice@example.org", [f"dave@{domain}"], MESSAGE) == {}


@contextmanager
def haraka_out(world: Internet, machine_nameserver: str = "", **changes: Any) -> Iterator[Haraka]:
    """A haraka-out that sends into it; `machine_nameserver` is the one in its resolv.conf."""
    port = free_port()
    settings = HarakaOut(
        hostname="mail.example.org",
        listen=(f"127.0.0.1:{port}",),
        clients=("127.0.0.2/32",),
        inbound_host="127.0.0.1",
        inbound_port=1,
        domains=("example.org",),
        queue_dir=str(world.stand.new_queue()),
        certificate_folder=str(world.stand.certificate_folder),
        validator=world.nameserver,
        policy_dir=str(world.stand.folder / "policies"),
        retries="1h*3",
    )
    chosen = evolve(settings, **changes)
    files = {
        **files_out(evolve(chosen, plugins=(*chosen.plugins, "not_home"))),
        "plugins/not_home.js": NOT_HOME,
    }
    words = tuple(map(str, with_nameserver(machine_nameserver, world.stand.folder)))
    with haraka(world.stand, files, port, wrapper=words) as server:
        yield server


def through_haraka(world: Internet, domains: Sequence[str], **changes: Any) -> Mapping[str, Verdict]:
    """Send a mail to each domain by haraka-out; what comes of each."""
    for each in world.servers.values():
        each.secured.clear()
    with haraka_out(world, **changes) as server:
        for domain in domains:
            send(server.port, "127.0.0.2", domain)
        return {domain: _haraka_verdict(world, server, domain) for domain in domains}


def _haraka_verdict(world: Internet, server: Haraka, domain: str) -> Verdict:
    receiver = world.servers[domain]

    until(
        lambda: bool(receiver.secured) or f"<dave@{domain}> delayed: " in server.log, f"haraka-out has tried {domain}"
    )
    if not receiver.secured:
        return Verdict.WAITS
    if not receiver.secured[0]:
        return Verdict.CLEAR
    until(lambda: domain in counts(world), f"{domain} is counted")
    proofs = (counts(world)[domain].get(kind, {}).get("successful") for kind in ("tlsa", "sts"))
    return Verdict.PROVEN if any(proofs) else Verdict.ENCRYPTED


def counts(world: Internet) -> dict[str, Any]:
    """What haraka-out has counted for TLS-RPT, by domain."""
    days = sorted((world.stand.folder / "policies/tls-rpt").glob("*.json"))
    return dict(json.loads(days[-1].read_text())) if days else {}


def through_postfix(world: Internet, domains: Sequence[str], settings: str) -> Mapping[str, Verdict]:
    """The same by Postfix with these settings."""
    for each in world.servers.values():
        each.secured.clear()
    with postfix(world.stand, extra=POSTFIX + settings, nameserver=world.nameserver) as server:
        for domain in domains:
            send(server.port, "127.0.0.99", domain)
        return {domain: _postfix_verdict(server, domain) for domain in domains}


def _postfix_verdict(server: Postfix, domain: str) -> Verdict:
    def tried() -> str:
        lines = server.log.splitlines()
        return next((line for line in lines if f"to=<dave@{domain}>" in line and "status=" in line), "")

    until(lambda: bool(tried()), f"Postfix has tried {domain}", seconds=90)
    if "status=sent" not in tried():
        return Verdict.WAITS if "status=deferred" in tried() else Verdict.BOUNCES
    relay = tried().split("relay=")[1].split(",")[0]
    sessions = [line for line in server.log.splitlines() if f"TLS connection established to {relay}" in line]
    if not sessions:
        return Verdict.CLEAR
    return Verdict.PROVEN if any("Verified TLS" in line for line in sessions) else Verdict.ENCRYPTED
