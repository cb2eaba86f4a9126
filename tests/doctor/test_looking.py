"""The doctor's own eyes: real sessions with servers that do as described, and with such as do not."""

from __future__ import annotations

import ssl
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event

import pytest
from attrs import evolve

from mailnix.doctor import certificates
from mailnix.doctor.here import Asked, Reached, Target
from mailnix.doctor.looking import Network
from mailnix.doctor.pages import MOST
from rig.certificates import Certificate, make
from rig.servers import running
from rig.sink import sink
from rig.waiting import free_port

HERE = "127.0.0.1"
NAME = "mail.example.org"
AUTHORITY = make("Authority", authority=True)
SERVER = make(NAME, AUTHORITY)
EHLO = {"EHLO": f"250-{NAME}\n250-STARTTLS\n250 AUTH PLAIN", "STARTTLS": "220 begin"}


@pytest.fixture
def network(tmp_path: Path) -> Network:
    """One that trusts the authority."""
    (tmp_path / "authority.pem").write_bytes(AUTHORITY.pem)
    return Network(tmp_path / "authority.pem", patience=(5.0,))


def target(port: int, speaks: str = "smtp", *, starttls: bool = True, name: str = NAME) -> Target:
    return Target(HERE, port, name, speaks, starttls)


def test_a_session_tells_greeting_offers_and_certificate(network: Network, tmp_path: Path) -> None:
    folder = SERVER.serve(tmp_path / "server")
    with sink(replies={"": f"220 {NAME} ESMTP", **EHLO}, certificate=folder) as server:
        spoken = network.session(target(server.port))
    assert (spoken.reached, spoken.greeting, spoken.why) == (Reached.YES, f"220 {NAME} ESMTP", "")
    assert spoken.offers == spoken.offers_in_tls == (NAME, "STARTTLS", "AUTH PLAIN")
    assert spoken.served is not None
    assert (spoken.served.certificate, spoken.served.fault) == (SERVER.der, "")
    assert certificates.issuer(spoken.served) == "Authority"


@pytest.mark.parametrize(
    ("certificate", "name", "fault"),
    [
        (SERVER, "other.example", "Hostname mismatch"),
        (make(NAME), NAME, "self-signed certificate"),
        (make(NAME, AUTHORITY, expired=True), NAME, "certificate has expired"),
    ],
    ids=["another name", "self-signed", "expired"],
)
def test_a_certificate_that_clients_refuse_is_shown_with_the_reason(
    network: Network, tmp_path: Path, certificate: Certificate, name: str, fault: str
) -> None:
    with sink(replies=EHLO, certificate=certificate.serve(tmp_path / "server"), implicit=True) as server:
        spoken = network.session(target(server.port, starttls=False, name=name))
    assert spoken.served is not None
    assert fault in spoken.served.fault
    assert spoken.served.certificate == certificate.der


def test_a_server_without_starttls_is_heard_out(network: Network) -> None:
    with sink(replies={"EHLO": f"250 {NAME}", "STARTTLS": "502 no"}) as server:
        spoken = network.session(target(server.port))
    assert spoken.offers == (NAME,)
    assert spoken.served is None
    assert spoken.why == "refuses STARTTLS: 502 no"


def test_where_nothing_listens_the_connection_is_refused(network: Network) -> None:
    port = free_port()
    assert network.connect(HERE, port) is Reached.REFUSED
    assert network.session(target(port)).why == "the connection is refused"
    assert network.dialogue(HERE, port, ["QUIT"]).reached is Reached.REFUSED


def test_a_dialogue_has_an_answer_to_each_line_until_the_server_ends_it(network: Network) -> None:
    with sink(replies={"RCPT": "554 no relaying", "RSET": ""}) as server:
        heard = network.dialogue(HERE, server.port, ["MAIL FROM:<>", "RCPT TO:<x@y.invalid>", "RSET", "QUIT"])
    assert [answer[:3] for answer in heard.answers] == ["250", "554"]
    assert heard.why == "ended the session"


RELAY = ["MAIL FROM:<>", "RCPT TO:<x@y.invalid>", "QUIT"]


def test_a_dialogue_goes_on_inside_tls_where_that_is_offered(network: Network, tmp_path: Path) -> None:
    folder = SERVER.serve(tmp_path / "server")
    with sink(replies=EHLO, certificate=folder) as server:
        heard = network.dialogue(HERE, server.port, RELAY, starttls=True)
    assert [answer[:3] for answer in heard.answers] == ["250", "250", "221"]
    hello = "EHLO [127.0.0.1]"
    assert server.commands == [hello, "STARTTLS", hello, *RELAY]


@pytest.mark.parametrize("offers", [{"EHLO": f"250 {NAME}"}, {**EHLO, "STARTTLS": "454 not now"}], ids=["no", "fails"])
def test_a_dialogue_goes_on_without_tls_where_there_is_none(network: Network, offers: dict[str, str]) -> None:
    with sink(replies=offers) as server:
        heard = network.dialogue(HERE, server.port, RELAY, starttls=True)
    assert [answer[:3] for answer in heard.answers] == ["250", "250", "221"]


class Imap(StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"* OK ready\r\n")
        self.wfile.write(b"a OK begin\r\n" if self.rfile.readline() == b"a STARTTLS\r\n" else b"a BAD\r\n")
        with context(self.server.folder).wrap_socket(self.request, server_side=True):  # type: ignore[attr-defined]
            pass


def context(folder: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return made


def test_tls_begins_in_the_words_of_other_protocols(network: Network, tmp_path: Path) -> None:
    server = ThreadingTCPServer((HERE, 0), Imap)
    server.folder = SERVER.serve(tmp_path / "server")  # type: ignore[attr-defined]
    with running(server) as port:
        spoken = network.session(target(port, "imap"))
    assert spoken.greeting == "* OK ready"
    assert spoken.served is not None
    assert spoken.served.fault == ""


def drip(file: BufferedIOBase) -> None:
    """A letter now and then, before anybody's patience for one has ended, until the other side is gone."""
    with suppress(OSError):
        while not Event().wait(0.05):
            file.write(b"2")


class Dripping(StreamRequestHandler):
    def handle(self) -> None:
        drip(self.wfile)


class Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.headers["Host"] == NAME else 421)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write(self.path.encode())
        if self.path == "/drip":
            drip(self.wfile)

    def do_CHUNK(self) -> None:
        """More than anybody wants, in a chunk that says that it is as long as the path."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(OSError):  # whoever asked has had enough
            self.wfile.write(f"{self.path[1:]}\r\n".encode())
            for _ in range(32 * MOST >> 16):
                self.wfile.write(bytes(1 << 16))

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def web(folder: Path) -> Iterator[int]:
    server = ThreadingHTTPServer((HERE, 0), Page)
    server.socket = context(folder).wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_words: None  # type: ignore[method-assign]  # a client that trusts it not
    with running(server) as port:
        yield port


def test_a_page_is_asked_for_at_an_address_by_the_hosts_name(network: Network, tmp_path: Path) -> None:
    with web(SERVER.serve(tmp_path / "server")) as port:
        page = network.page(Asked(HERE, NAME, "/policy", port))
        refused = network.page(Asked(HERE, "other.example", "/policy", port))
    assert (page.status, page.kind, page.text) == (200, "text/plain", "/policy")
    assert (refused.status, refused.reached) == (0, Reached.YES)
    assert "its certificate is refused" in refused.why


def test_a_server_that_sends_a_letter_now_and_then_holds_nobody(network: Network, tmp_path: Path) -> None:
    quick = evolve(network, whole=1.0)
    with running(ThreadingTCPServer((HERE, 0), Dripping)) as port:
        spoken = quick.session(target(port))
        replies = quick.dialogue(HERE, port, ["QUIT"])
    with web(SERVER.serve(tmp_path / "server")) as port:
        page = quick.page(Asked(HERE, NAME, "/drip", port))
    assert {each.why for each in (spoken, replies, page)} == {"is not done in 1 seconds"}
    assert {each.reached for each in (spoken, replies, page)} == {Reached.YES}


@pytest.mark.parametrize(("length", "why"), [("-1", "IncompleteRead"), ("-5", "non-negative"), ("fffffffffff", "")])
def test_a_page_whose_length_is_below_zero_or_without_end_fills_no_memory(
    network: Network, tmp_path: Path, length: str, why: str
) -> None:
    with web(SERVER.serve(tmp_path / "server")) as port:
        tracemalloc.start()
        page = network.page(Asked(HERE, NAME, f"/{length}", port, method="CHUNK"))
        _now, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert page.reached is Reached.YES
    assert why in page.why
    assert peak < 8 * MOST
