"""haraka-in for real: Haraka from the pinned npm tree, before a Postfix set up like Mailcow's."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from attrs import evolve

import rig as stands
from mailnix.services.haraka.render import files_in
from mailnix.services.haraka.values import HarakaIn, Limits, Timing
from rig import Haraka, Postfix, Stand
from tests.attacks.marks import Kind, attack

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

CLIENT = "127.0.0.5"
MESSAGE = b"From: carol@example.net\r\nTo: alice@example.org\r\nSubject: hello\r\n\r\nBody.\r\n"


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.fixture(scope="module")
def postfix(stand: Stand) -> Iterator[Postfix]:
    with stands.postfix(stand) as running:
        yield running


@pytest.fixture
def start(stand: Stand) -> Iterator[object]:
    """Starts a haraka-in before a backend's port."""
    with ExitStack() as stack:

        def starter(backend: int, **changes: Any) -> Haraka:
            port = stands.free_port()
            settings = HarakaIn(
                hostname="mail.example.org",
                listen=(f"127.0.0.1:{port}",),
                backend_host="127.0.0.1",
                backend_port=backend,
                domains=("example.org",),
                certificate_folder=str(stand.certificate_folder),
                timing=Timing(connect=2, dns=1),
                nameserver=f"127.0.0.1:{stands.free_port()}",  # nobody answers there
            )
            files = files_in(evolve(settings, **changes))
            return stack.enter_context(stands.haraka(stand, files, port))

        yield starter


@pytest.fixture(scope="module")
def proxy(stand: Stand, postfix: Postfix) -> Iterator[Haraka]:
    """A haraka-in before that Postfix, for the tests that change nothing."""
    port = stands.free_port("::")
    settings = HarakaIn(
        hostname="mail.example.org",
        listen=(f"[::]:{port}",),
        backend_host="127.0.0.1",
        backend_port=postfix.port,
        domains=("example.org",),
        certificate_folder=str(stand.certificate_folder),
        timing=Timing(dns=1),
        nameserver=f"127.0.0.1:{stands.free_port()}",
    )
    with stands.haraka(stand, files_in(settings), port) as running:
        yield running


def client(server: Haraka, host: str = "127.0.0.1", source: str = CLIENT) -> smtplib.SMTP:
    return smtplib.SMTP(host, server.port, "helo.example.net", timeout=60, source_address=(source, 0))


def code_of(reply: tuple[int, bytes]) -> int:
    return reply[0]


def test_each_recipient_is_answered_by_mailcow_and_the_valid_one_gets_the_mail(proxy: Haraka, postfix: Postfix) -> None:
    before = len(postfix.mail("bob"))
    with client(proxy) as session:
        refused = session.sendmail("carol@example.net", ["bob@example.org", "nobody@example.org"], MESSAGE)
    assert {address: code for address, (code, _) in refused.items()} == {"nobody@example.org": 550}
    assert b"unknown" in refused["nobody@example.org"][1]
    assert len(postfix.arrived("bob", before + 1)) == before + 1


@attack(Kind.RELAY, right="550", source="Postfix reject_unauth_destination")
def test_mail_for_other_domains_is_refused_before_mailcow_sees_it(proxy: Haraka, postfix: Postfix) -> None:
    with client(proxy) as session:
        session.ehlo()
        session.mail("carol@example.net")
        assert code_of(session.rcpt("someone@example.com")) == 550
    assert "someone@example.com" not in postfix.log


@pytest.mark.parametrize("line", ["XCLIENT ADDR=127.0.0.99 LOGIN=alice", "PROXY TCP4 127.0.0.99 127.0.0.1 4000 25"])
def test_a_client_that_claims_another_address_is_not_believed(proxy: Haraka, line: str) -> None:
    with smtplib.SMTP("127.0.0.1", proxy.port, timeout=60) as session:
        assert code_of(session.docmd(line)) in (421, 500)


def test_mailcow_sees_the_clients_address_port_and_helo_name(proxy: Haraka, postfix: Postfix) -> None:
    before = len(postfix.mail("alice"))
    with client(proxy) as session:
        assert session.sock
        port = session.sock.getsockname()[1]
        session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE)
    received = postfix.arrived("alice", before + 1)
    assert any(b"from helo.example.net (unknown [127.0.0.5])" in message for message in received)
    assert "client=unknown[127.0.0.5]" in postfix.log
    assert str(port) in proxy.log


def test_mailcow_sees_the_address_of_an_ipv6_client(proxy: Haraka, postfix: Postfix) -> None:
    before = len(postfix.mail("alice"))
    with client(proxy, "::1", "::1") as session:
        session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE)
    received = postfix.arrived("alice", before + 1)
    assert any(b"[IPv6:::1]" in message for message in received)
    assert "client=unknown[::1]" in postfix.log


def test_mail_passes_unchanged(proxy: Haraka, postfix: Postfix) -> None:
    before = len(postfix.mail("bob"))
    body = b"." + b"x" * 1900 + b"\r\n..two dots\r\n\xc3\xa9\r\n\r\n.\tend\r\n"
    head = (
        b"Authentication-Results: elsewhere; spf=pass\r\nDKIM-Signature: v=1; a=rsa-sha256\r\nSubject: long\r\n"
        b"From:  carol@example.net\r\nDate: Sun, 22 Nov 2026 22:00:00 +0000\r\nMessage-ID: <1@example.net>\r\n"
    )
    with client(proxy) as session:
        session.sendmail("carol@example.net", ["bob@example.org"], head + b"\r\n" + body)
    message = next(m for m in postfix.arrived("bob", before + 1) if b"Subject: long" in m)
    assert message.endswith((head + b"\r\n" + body).replace(b"\r\n", b"\n"))


def test_mail_goes_to_mailcow_over_tls(proxy: Haraka, postfix: Postfix) -> None:
    before = len(postfix.mail("alice"))
    for _ in range(2):  # the second one resumes the first one's session
        with client(proxy) as session:
            session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE)
    received = postfix.arrived("alice", before + 2)
    assert sum(b"(Postfix) with ESMTPS id" in message for message in received) == len(received)
    assert "Warning" not in proxy.log


@attack(Kind.FLOOD, right="250, under 125 MB", source="Postfix: messages are on disk")
def test_large_mail_passes_in_little_memory(start: object) -> None:
    lines = 64 * 1024 * 1024 // 78
    message = b"Subject: large\r\n\r\n" + (b"z" * 76 + b"\r\n") * lines
    with stands.sink(replies={"EHLO": "250-sink\n250 XCLIENT ADDR"}) as backend:
        server = start(backend.port)  # type: ignore[operator]
        with client(server) as session:
            assert session.sendmail("carol@example.net", ["alice@example.org"], message) == {}
        assert backend.messages[0].count(b"\n") > lines
    assert server.most_memory < 125


@attack(Kind.FORGERY, right="unknown to Mailcow", source="Postfix XCLIENT_README; RFC 8601 2.7.3 iprev")
def test_the_clients_name_is_told_only_where_its_own_address_confirms_it(
    stand: Stand, postfix: Postfix, start: object
) -> None:
    names = {"5.0.0.127.in-addr.arpa": "mx.example.net", "6.0.0.127.in-addr.arpa": "liar.example.net"}
    with name_server(names, {"mx.example.net": "127.0.0.5", "liar.example.net": "192.0.2.1"}) as port:
        server = start(postfix.port, nameserver=f"127.0.0.1:{port}")  # type: ignore[operator]
        for source in ("127.0.0.5", "127.0.0.6"):
            with client(server, source=source) as session:
                session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE)
    stands.until(lambda: "client=unknown[127.0.0.6]" in postfix.log, "Postfix logs the liar")
    assert "client=mx.example.net[127.0.0.5]" in postfix.log


def test_a_client_on_the_machine_itself_is_announced_as_the_machine(postfix: Postfix, start: object) -> None:
    names = name_server({"10.113.0.203.in-addr.arpa": "mail.example.org"}, {"mail.example.org": "203.0.113.10"})
    with names as port:
        server = start(postfix.port, nameserver=f"127.0.0.1:{port}", own_address="203.0.113.10")  # type: ignore[operator]
        with client(server, source="127.0.0.1") as session:
            session.sendmail("", ["alice@example.org"], MESSAGE)
    stands.until(lambda: "client=mail.example.org[203.0.113.10]" in postfix.log, "Postfix logs the machine")


@attack(Kind.BACKEND, right="450", source="Postfix XCLIENT_README")
def test_nothing_is_handed_over_where_mailcow_does_not_offer_xclient(stand: Stand, start: object) -> None:
    with stands.postfix(stand, extra="") as other:
        server = start(other.port)  # type: ignore[operator]
        with client(server) as session:
            session.ehlo()
            assert code_of(session.mail("carol@example.net")) == 450
        assert "XCLIENT is not offered" in server.log
        assert "carol@example.net" not in other.log


@pytest.mark.parametrize("answer", ["501 5.5.4 Bad ADDR syntax", "550 5.7.0 no", "421 later"])
@attack(Kind.BACKEND, right="450", source="Postfix XCLIENT_README")
def test_nothing_is_handed_over_where_mailcow_refuses_xclient(start: object, answer: str) -> None:
    replies = {"EHLO": "250-sink\n250 XCLIENT NAME ADDR PORT", "XCLIENT": answer}
    with stands.sink(replies=replies) as backend:
        server = start(backend.port)  # type: ignore[operator]
        with client(server) as session:
            session.ehlo()
            assert code_of(session.mail("carol@example.net")) == 450
        assert [line for line in backend.commands if line.startswith("MAIL")] == []
        assert "XCLIENT was refused" in server.log


@attack(Kind.BACKEND, right="450 within 8 s", source="RFC 5321 4.2.1")
def test_a_mailcow_that_is_down_means_try_again_and_at_once(start: object) -> None:
    server = start(stands.free_port())  # type: ignore[operator]
    with client(server) as session:
        assert session.sock
        session.sock.settimeout(8)  # far below Haraka's own 30 s
        session.ehlo()
        assert code_of(session.mail("carol@example.net")) == 450
    assert "ECONNREFUSED" in server.log


@pytest.mark.parametrize("moment", ["RCPT", "DATA"])
@attack(Kind.BACKEND, right="450 or 451", source="RFC 5321 4.2.5")
def test_a_mailcow_that_goes_away_in_between_means_try_again(start: object, moment: str) -> None:
    replies = {"EHLO": "250-sink\n250 XCLIENT ADDR", moment: ""}
    with stands.sink(replies=replies) as backend:
        server = start(backend.port)  # type: ignore[operator]
        with client(server) as session:
            session.ehlo()
            session.mail("carol@example.net")
            first = session.rcpt("alice@example.org")
            if moment == "RCPT":
                assert code_of(first) == 450
                assert code_of(session.rcpt("bob@example.org")) == 450, "nobody is accepted without Mailcow"
            else:
                assert code_of(first) == 250
                assert code_of(session.docmd("DATA")) == 451


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
@attack(Kind.BACKEND, right="250, once", source="RFC 1047; RFC 5321 4.5.3.2.6")
def test_a_slow_mailcow_is_waited_for(start: object, tls: bool) -> None:
    replies = {"EHLO": "250-sink\n250 XCLIENT ADDR"}
    with stands.sink(replies=replies, dot_seconds=3) as backend:
        server = start(backend.port, timing=Timing(connect=1, inactivity=2, dns=1))  # type: ignore[operator]
        with client(server) as session:
            if tls:
                session.starttls(context=trusting())
            assert session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE) == {}
        assert len(backend.messages) == 1


def test_a_second_mail_command_does_not_leave_a_connection_to_mailcow_open(start: object) -> None:
    with stands.sink(replies={"EHLO": "250-sink\n250 XCLIENT ADDR"}) as backend:
        server = start(backend.port)  # type: ignore[operator]
        with client(server) as session:
            for _ in range(3):
                session.ehlo()
                assert code_of(session.mail("carol@example.net")) == 250
            stands.until(lambda: backend.commands.count("QUIT") == 2, "the first two connections end")


@attack(Kind.FLOOD, right="421", source="Postfix smtpd_client_connection_count_limit")
def test_sessions_of_one_client_are_limited(start: object) -> None:
    server = start(stands.free_port(), limits=Limits(sessions_per_client=2))  # type: ignore[operator]
    with client(server), client(server) as second:
        with pytest.raises(smtplib.SMTPConnectError) as refusal:
            client(server)
        assert refusal.value.smtp_code == 421
        with client(server, source="127.0.0.7") as other:
            assert code_of(other.noop()) == 250
        second.quit()
        stands.until(lambda: server.log.count("disconnect") >= 3, "the second session is over")
    with client(server) as again:
        assert code_of(again.noop()) == 250


def test_starttls_is_offered_and_a_renewed_certificate_is_taken_without_a_restart(proxy: Haraka, stand: Stand) -> None:
    before = served_certificate(proxy)
    stands.self_signed(stand.certificate_folder)
    assert served_certificate(proxy) == before, "Haraka does not look at the certificate by itself"
    (proxy.folder / "config/tls.ini").touch()
    stands.until(lambda: served_certificate(proxy) != before, "the new certificate is served")


def trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def served_certificate(server: Haraka) -> bytes | None:
    with client(server) as session:
        session.starttls(context=trusting())
        assert isinstance(session.sock, ssl.SSLSocket)
        return session.sock.getpeercert(binary_form=True)


class name_server:
    """A DNS server that knows a few PTR and A records, and of nothing else (NXDOMAIN)."""

    def __init__(self, pointers: dict[str, str], addresses: dict[str, str]) -> None:
        self.pointers, self.addresses = pointers, addresses
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def __enter__(self) -> int:
        self.socket.bind(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self.socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def _serve(self) -> None:
        import dns.message
        import dns.rcode
        import dns.rdatatype
        import dns.rrset

        while True:
            try:
                packet, sender = self.socket.recvfrom(4096)
            except OSError:
                return
            query = dns.message.from_wire(packet)
            question = query.question[0]
            name = question.name.to_text(omit_final_dot=True).lower()
            answer = dns.message.make_response(query)
            known = {dns.rdatatype.PTR: self.pointers, dns.rdatatype.A: self.addresses}.get(question.rdtype, {})
            if name in known:
                data = f"{known[name]}." if question.rdtype == dns.rdatatype.PTR else known[name]
                answer.answer = [dns.rrset.from_text(question.name, 60, "IN", question.rdtype, data)]
            else:
                answer.set_rcode(dns.rcode.NXDOMAIN)
            self.socket.sendto(answer.to_wire(), sender)
