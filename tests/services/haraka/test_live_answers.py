"""What haraka-in answers for Mailcow, and what it does when its own files are wrong."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

import rig as stands
from mailnix.services.haraka.values import Timing
from rig import MUTE, Haraka, Sink, Stand
from tests.attacks.marks import Kind, attack
from tests.services.haraka.incoming import HELO, XCLIENT, Raw, client, haraka_in

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.mark.parametrize(
    "replies",
    [
        {"": "554 go away"},
        {"": "521 no mail here"},
        {"EHLO": "550 who are you?", "HELO": "550 who are you?"},
        {"EHLO": "250-sink\n250-STARTTLS\n250 XCLIENT ADDR", "STARTTLS": "500 unknown"},
        {"EHLO": "250-sink\n250-STARTTLS\n250 XCLIENT ADDR", "STARTTLS": "502 not here"},
        {**XCLIENT, "XCLIENT": "550 not you"},
    ],
    ids=["greeting 554", "greeting 521", "EHLO", "STARTTLS 500", "STARTTLS 502", "XCLIENT"],
)
@attack(Kind.BACKEND, right="450", source="RFC 5321 4.2.1: a 5xx is about the sender's mail")
def test_what_mailcow_refuses_to_the_proxy_is_not_refused_to_the_sender(stand: Stand, replies: dict[str, str]) -> None:
    with stands.sink(replies=replies) as backend, haraka_in(stand, backend.port) as server:
        session = Raw.to(server)
        session.ask("EHLO helo.example.net")
        assert session.ask("MAIL FROM:<carol@example.net>")[:3] == "450"
        assert "was refused" in server.log


@pytest.mark.parametrize(
    "answers", [{"replies": {**XCLIENT, "DATA": "250 ok"}}, {"dot": "354 go on"}], ids=["DATA", "dot"]
)
@attack(Kind.BACKEND, right="try again later", source="RFC 5321 4.3.2: 354 for DATA, then 250")
def test_an_answer_to_something_else_is_not_taken_for_a_mail_that_arrived(
    stand: Stand, answers: dict[str, object]
) -> None:
    with stands.sink(**{"replies": XCLIENT, **answers}) as backend, haraka_in(stand, backend.port) as server:
        session = Raw.to(server)
        for command in ("EHLO helo.example.net", "MAIL FROM:<carol@example.net>", "RCPT TO:<alice@example.org>"):
            assert session.ask(command)[:3] == "250"
        reply = session.ask("DATA")
        if reply.startswith("354"):
            reply = session.ask("Subject: hello\r\n\r\n.")
        assert reply[:1] == "4"
        assert "was answered with" in server.log


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@attack(Kind.BACKEND, right="its own 550", source="RFC 5321 4.2.5")
def test_what_mailcow_refuses_to_the_sender_the_sender_hears(stand: Stand, command: str) -> None:
    replies = {**XCLIENT, command: "550 5.7.1 not you"}
    with stands.sink(replies=replies) as backend, haraka_in(stand, backend.port) as server:
        session = Raw.to(server)
        session.ask("EHLO helo.example.net")
        asked = [session.ask("MAIL FROM:<carol@example.net>"), session.ask("RCPT TO:<alice@example.org>")]
        if command == "DATA":
            asked.append(session.ask("DATA"))
        assert "5.7.1 not you" in next(reply for reply in asked if reply[:1] == "5")


@pytest.fixture(scope="module")
def backend() -> Iterator[Sink]:
    with stands.sink(replies=XCLIENT) as running:
        yield running


@pytest.fixture(scope="module")
def server(stand: Stand, backend: Sink) -> Iterator[Haraka]:
    with haraka_in(stand, backend.port, postmaster="alice@example.org") as running:
        yield running


@pytest.mark.parametrize("written", ["Postmaster", "postmaster", "POSTMASTER"])
def test_mail_to_postmaster_without_a_domain_is_taken(server: Haraka, backend: Sink, written: str) -> None:
    backend.commands.clear()
    session = Raw.to(server)
    session.ask("EHLO helo.example.net")
    session.ask("MAIL FROM:<carol@example.net>")
    assert session.ask(f"RCPT TO:<{written}>")[:3] == "250"
    assert "RCPT TO:<alice@example.org>" in backend.commands


@pytest.mark.parametrize("written", ["root", "postmaster@example.com", "postmaster@[203.0.113.10]", "alice"])
@attack(Kind.RELAY, right="5xx", source="RFC 5321 4.5.1: postmaster alone")
def test_nobody_else_is_taken_without_a_domain_of_ours(server: Haraka, written: str) -> None:
    session = Raw.to(server)
    session.ask("EHLO helo.example.net")
    session.ask("MAIL FROM:<carol@example.net>")
    assert session.ask(f"RCPT TO:<{written}>")[:1] == "5"


def damage(folder: Path, how: str) -> None:
    key = folder / "key.pem"
    match how:
        case "removed":
            stands.self_signed(folder)
            key.unlink()
        case "unreadable":  # to root too
            stands.self_signed(folder)
            key.unlink()
            key.mkdir()
        case "garbage":
            key.write_text("-----BEGIN PRIVATE KEY-----\n")
        case "of another certificate":
            whole = (folder / "cert.pem").read_bytes()
            stands.self_signed(folder)
            (folder / "cert.pem").write_bytes(whole)


@attack(Kind.TLS, right="the old certificate, every session lives", source="Postfix: a process keeps what it has read")
def test_a_key_that_cannot_be_used_leaves_the_old_one_and_the_sessions(stand: Stand, backend: Sink) -> None:
    faults = ["removed", "unreadable", "garbage", "of another certificate"]
    key, settings = stand.certificate_folder / "key.pem", "config/tls.ini"
    with haraka_in(stand, backend.port) as server, client(server) as before:
        served = certificate(server)
        for count, how in enumerate(faults, start=1):
            damage(stand.certificate_folder, how)
            (server.folder / settings).touch()
            stands.until(lambda n=count: server.log.count("cannot be used") == n, f"a line about a key {how}")  # type: ignore[misc]
            assert certificate(server) == served, how
            if key.is_dir():
                key.rmdir()
        assert before.noop()[0] == 250
        stands.self_signed(stand.certificate_folder)
        (server.folder / settings).touch()
        stands.until(lambda: certificate(server) != served, "the next good one is served")


def certificate(server: Haraka) -> bytes | None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with client(server) as session:
        session.starttls(context=context)
        assert isinstance(session.sock, ssl.SSLSocket)
        return session.sock.getpeercert(binary_form=True)


@pytest.mark.parametrize("verb", ["", "EHLO", "XCLIENT", "MAIL"], ids=["greeting", "EHLO", "XCLIENT", "MAIL"])
@attack(Kind.BACKEND, right="450 within 30 seconds", source="RFC 5321 4.5.3.2")
def test_a_mailcow_that_accepts_connections_and_says_nothing_means_try_again_soon(stand: Stand, verb: str) -> None:
    timing = Timing(connect=1, ready=1, dns=1)
    with stands.sink(replies={**XCLIENT, verb: MUTE}) as mute, haraka_in(stand, mute.port, timing=timing) as server:
        with Raw.to(server) as session:
            session.ask(f"EHLO {HELO}")
            session.socket.settimeout(20)  # patience is eleven minutes
            assert session.ask("MAIL FROM:<carol@example.net>")[:3] == "450"
        assert "no answer, while waiting for" in server.log
