"""The connection to Mailcow serves one session of one client, message after message."""

from __future__ import annotations

import smtplib
import socket
from collections.abc import Iterator

import pytest

import rig as stands
from mailnix.services.haraka.values import Limits, Timing
from rig import MUTE, Sink, Stand
from tests.services.haraka.incoming import CLIENT, MESSAGE, XCLIENT, client, haraka_in

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.fixture
def backend() -> Iterator[Sink]:
    with stands.sink(replies=XCLIENT) as running:
        yield running


def send(session: smtplib.SMTP, times: int = 1) -> None:
    """The same message, so many times; each is taken."""
    for _ in range(times):
        assert session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE) == {}


def test_messages_of_one_session_go_over_one_connection(stand: Stand, backend: Sink) -> None:
    with haraka_in(stand, backend.port) as server:
        with client(server) as session:
            send(session)
            session.rset()
            send(session, 2)
        stands.until(lambda: backend.commands[-1] == "QUIT", "it ends with the session")
    assert backend.sessions == 1
    assert len(backend.messages) == 3
    assert [line.split()[0] for line in backend.commands].count("XCLIENT") == 1


def test_each_client_has_a_connection_of_its_own(stand: Stand, backend: Sink) -> None:
    with haraka_in(stand, backend.port) as server:
        for source in (CLIENT, CLIENT, "127.0.0.6"):
            with client(server, source) as session:
                send(session)
    announced = [line for line in backend.commands if line.startswith("XCLIENT")]
    assert announced == [f"XCLIENT ADDR={source}" for source in (CLIENT, CLIENT, "127.0.0.6")]


def test_postfix_knows_the_client_of_every_message_and_takes_no_second_xclient(stand: Stand) -> None:
    with stands.postfix(stand) as postfix:
        with haraka_in(stand, postfix.port) as server, client(server) as session:
            send(session, 2)
        messages = postfix.arrived("alice", 2)
        assert all(f"[{CLIENT}]".encode() in message.split(b"by mail.internal.example")[0] for message in messages)
        assert postfix.log.count(f"client=unknown[{CLIENT}]") == 2
        with smtplib.SMTP("127.0.0.1", postfix.port) as session:
            session.ehlo()
            assert session.docmd("XCLIENT", "ADDR=192.0.2.1")[0] == 220
            session.ehlo()
            assert session.docmd("XCLIENT", "ADDR=192.0.2.2")[0] == 550


def test_a_client_that_changes_its_name_is_announced_anew(stand: Stand, backend: Sink) -> None:
    with haraka_in(stand, backend.port) as server, client(server) as session:
        send(session)
        session.ehlo("other.example.net")
        send(session)
    assert backend.sessions == 2
    assert "EHLO other.example.net" in backend.commands


@pytest.mark.parametrize("refused", ["RCPT TO:<bob@example.org>", "MAIL FROM:<dave@example.net>"])
def test_a_connection_on_which_something_was_refused_is_not_kept(stand: Stand, refused: str) -> None:
    with (
        stands.sink(replies={**XCLIENT, refused: "550 5.1.1 no"}) as backend,
        haraka_in(stand, backend.port) as server,
        client(server) as session,
    ):
        sender = "dave@example.net" if refused.startswith("MAIL") else "carol@example.net"
        session.ehlo()
        session.mail(sender)
        session.rcpt("bob@example.org")
        session.rset()
        session.mail("carol@example.net")
        session.rcpt("bob@example.org")
        session.rcpt("alice@example.org")
        session.data(MESSAGE)
        send(session, 2)
        assert len(backend.messages) == 3
        assert backend.sessions == (3 if refused.startswith("RCPT") else 2)


def test_a_connection_waits_for_a_moment_only(stand: Stand, backend: Sink) -> None:
    timing = Timing(connect=2, dns=1, keep=0.2)
    with haraka_in(stand, backend.port, timing=timing) as server, client(server) as session:
        send(session)
        stands.until(lambda: backend.at_once == 0, "the connection is gone")
        send(session)
    assert backend.sessions == 2


def test_where_mailcow_has_no_room_a_connection_that_waits_is_ended_and_no_session(stand: Stand, backend: Sink) -> None:
    timing = Timing(connect=2, dns=1, keep=60)
    with haraka_in(stand, backend.port, timing=timing, limits=Limits(upstream=1)) as server:
        with client(server) as first, client(server, "127.0.0.6") as second:
            send(first)
            send(first)
            assert backend.sessions == 1
            send(second)
            stands.until(lambda: backend.at_once == 1, "only the second has a connection")
            send(first)
        assert backend.sessions == 3
        assert len(backend.messages) == 4


def test_a_connection_that_mailcow_has_ended_is_replaced(stand: Stand) -> None:
    impatient = f"{stands.TRUSTING}\nsmtpd_timeout = 1s"
    with stands.postfix(stand, extra=impatient) as postfix:
        timing = Timing(connect=2, dns=1, keep=60)
        with haraka_in(stand, postfix.port, timing=timing) as server, client(server) as session:
            send(session)
            stands.until(lambda: "timeout after END-OF-MESSAGE" in postfix.log, "Postfix has lost its patience")
            stands.until(lambda: "disconnect from unknown" in postfix.log, "the connection is gone")
            send(session)
        assert len(postfix.arrived("alice", 2)) == 2


def test_a_client_that_leaves_amid_its_next_message_leaves_nothing_open(stand: Stand) -> None:
    with stands.sink(replies={**XCLIENT, "MAIL FROM:<mute@example.net>": MUTE}) as backend:
        with haraka_in(stand, backend.port) as server:
            session = client(server)
            send(session)
            session.putcmd("MAIL FROM:<mute@example.net>")
            stands.until(lambda: "MAIL FROM:<mute@example.net>" in backend.commands, "Mailcow is asked")
            assert isinstance(session.sock, socket.socket)
            session.close()
            stands.until(lambda: backend.at_once == 0, "the connection is gone", seconds=10)
        assert backend.sessions == 1
