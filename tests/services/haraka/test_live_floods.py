"""What strangers may cost haraka-in, and that others get in meanwhile. The deadlines are the tests' own, and short."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

import rig as stands
from mailnix.services.haraka.values import Limits, Timing
from rig import Haraka, Sink, Stand
from tests.attacks.marks import Kind, attack
from tests.services.haraka.incoming import HELO, MESSAGE, XCLIENT, Raw, client, haraka_in

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

FEW = Limits(sessions=20, sessions_per_client=5)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.fixture(scope="module")
def backend() -> Iterator[Sink]:
    with stands.sink(replies=XCLIENT) as running:
        yield running


@pytest.fixture(scope="module")
def usual(stand: Stand, backend: Sink) -> Iterator[Haraka]:
    """With the limits that a proxy has."""
    with haraka_in(stand, backend.port) as running:
        yield running


@pytest.fixture(scope="module")
def terse(stand: Stand, backend: Sink) -> Iterator[Haraka]:
    """Twelve commands without a message are enough."""
    with haraka_in(stand, backend.port, limits=Limits(commands=12)) as running:
        yield running


def address(number: int) -> str:
    return f"127.0.1.{number}"


def held(stack: ExitStack, server: Haraka, clients: int, each: int) -> list[Raw]:
    """So many sessions of so many clients, which say EHLO and no more."""
    sessions = [Raw.to(server, address(1 + number)) for number in range(clients) for _ in range(each)]
    for session in sessions:
        stack.callback(session.close)
        assert session.ask(f"EHLO {HELO}")[:3] == "250"
    return sessions


def served(server: Haraka, source: str) -> bool:
    with client(server, source) as session:
        return session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE) == {}


@attack(
    Kind.FLOOD,
    right="a newcomer is served, the longest silent gets 421",
    source="Postfix STRESS_README: who waits loses the place",
)
def test_clients_that_hold_every_session_do_not_keep_another_out(stand: Stand, backend: Sink) -> None:
    with haraka_in(stand, backend.port, limits=FEW) as server, ExitStack() as stack:
        sessions = held(stack, server, clients=4, each=5)
        for newcomer in range(3):
            assert served(server, address(100 + newcomer)), server.log
        assert sessions[0].reply()[:3] == "421", "the one that was silent longest gave up its place"


@attack(
    Kind.FLOOD,
    right="a newcomer is greeted, the longest silent gets 421",
    source="Postfix STRESS_README: who waits loses the place",
)
def test_many_clients_with_one_silent_session_each_do_not_keep_another_out(stand: Stand, backend: Sink) -> None:
    with haraka_in(stand, backend.port, limits=FEW) as server, ExitStack() as stack:
        sessions = held(stack, server, clients=20, each=1)
        with pytest.raises(OSError, match="421"):  # nobody keeps us waiting yet
            client(server, address(100))
        stands.until(lambda: greeted(server, address(100)), "a newcomer is greeted", 5)
        assert sessions[0].reply()[:3] == "421"


def greeted(server: Haraka, source: str) -> bool:
    session = Raw.to(server, source, greeted=False)
    reply = session.reply()
    session.close()
    return reply[:3] == "220"


@attack(Kind.FLOOD, right="250 for it, 421 for the newcomer", source="RFC 1047: or it comes twice")
def test_a_session_whose_message_is_with_mailcow_keeps_its_place(stand: Stand) -> None:
    few = Limits(sessions=1)
    with stands.sink(replies=XCLIENT, dot_seconds=3) as slow, haraka_in(stand, slow.port, limits=few) as server:
        stands.until(lambda: " disconnect " in server.log, "the stand's own session is over")
        with Raw.to(server, address(1)) as session:
            session.in_data().send(MESSAGE + b".\r\n")
            stands.until(lambda: bool(slow.messages), "Mailcow has the message")
            assert not greeted(server, address(2))
            assert session.reply()[:3] == "250"


@attack(Kind.FLOOD, right="a newcomer is served", source="Postfix default_process_limit")
def test_sessions_that_hold_mailcows_processes_do_not_keep_another_out(stand: Stand, backend: Sink) -> None:
    with haraka_in(stand, backend.port, limits=Limits(upstream=3)) as server, ExitStack() as stack:
        sessions = [stack.enter_context(Raw.to(server, address(1))).in_data() for _ in range(3)]
        assert served(server, address(100))
        assert sessions[0].reply()[:3] == "421"


@attack(Kind.FLOOD, right="503", source="RFC 5321 4.1.4")
def test_a_message_within_a_message_opens_no_further_connection_to_mailcow(usual: Haraka) -> None:
    with Raw.to(usual) as session:
        session.ask(f"EHLO {HELO}")
        replies = [session.ask("MAIL FROM:<carol@example.net>")[:3] for _ in range(3)]
        assert replies == ["250", "503", "503"]


def dribble(session: Raw, data: bytes, pause: float) -> None:
    """Send it byte by byte until the other end has had enough."""
    wait = threading.Event()

    def send() -> None:
        for byte in data:
            try:
                session.socket.sendall(bytes([byte]))
            except OSError:
                return
            wait.wait(pause)

    threading.Thread(target=send, daemon=True).start()


@pytest.mark.parametrize("where", ["greeted", "command", "message"])
@attack(Kind.FLOOD, right="421 within the deadline", source="Postfix smtpd_per_request_deadline, smtpd_min_data_rate")
def test_a_byte_now_and_then_does_not_hold_a_session(stand: Stand, backend: Sink, where: str) -> None:
    timing = Timing(connect=2, dns=1, inactivity=2)
    with haraka_in(stand, backend.port, timing=timing) as server, Raw.to(server) as session:
        if where == "message":
            session.in_data()
        began = time.monotonic()
        if where != "greeted":
            dribble(session, b"x" * 200, 0.1)
        assert session.reply()[:3] == "421"
        assert time.monotonic() - began < 2 + 3


def test_a_message_that_comes_slowly_but_fast_enough_is_taken(stand: Stand, backend: Sink) -> None:
    limits, timing = Limits(data_rate=100), Timing(connect=2, dns=1, inactivity=2)
    with haraka_in(stand, backend.port, limits=limits, timing=timing) as server, Raw.to(server) as session:
        session.in_data()
        wait = threading.Event()
        for _ in range(16):  # 4 s
            session.send(b"x" * 78 + b"\r\n")
            wait.wait(0.25)
        session.send(".\r\n")
        assert session.reply()[:3] == "250"


@attack(Kind.FLOOD, right="421 within the shorter deadline", source="Postfix smtpd_timeout under stress")
def test_deadlines_are_short_when_slots_are(stand: Stand, backend: Sink) -> None:
    timing = Timing(connect=2, dns=1, inactivity=60, stressed=1)
    limits = Limits(sessions=8, sessions_per_client=5)
    with haraka_in(stand, backend.port, limits=limits, timing=timing) as server, ExitStack() as stack:
        calm = held(stack, server, clients=1, each=5)
        stack.enter_context(Raw.to(server, address(100)))
        assert calm[0].reply()[:3] == "421", "six of eight are taken"
        assert "You took too long" in server.log


@attack(Kind.FLOOD, right="421 at the twentieth", source="Postfix smtpd_hard_error_limit")
def test_bad_commands_end_a_session(usual: Haraka) -> None:
    with Raw.to(usual) as session:
        session.send("NONSENSE\r\n" * 200)
        replies = [reply[:3] for reply in session.replies()]
        assert replies == ["500"] * 19 + ["421"]
        assert served(usual, address(1))


@attack(Kind.FLOOD, right="421 at the twentieth", source="Postfix smtpd_hard_error_limit")
def test_wrong_recipients_end_a_session(stand: Stand) -> None:
    replies = {**XCLIENT, "RCPT": "550 5.1.1 unknown"}
    with stands.sink(replies=replies) as backend, haraka_in(stand, backend.port) as server, Raw.to(server) as session:
        session.ask(f"EHLO {HELO}")
        session.ask("MAIL FROM:<carol@example.net>")
        answers = [session.ask(f"RCPT TO:<guess{n}@example.org>")[:3] for n in range(20)]
        assert answers == ["550"] * 19 + ["421"]


@pytest.mark.parametrize("command", ["NOOP", "RSET", "VRFY a", f"EHLO {HELO}", f"HELO {HELO}", "HELP"])
@attack(Kind.FLOOD, right="421 beyond the limit", source="Postfix smtpd_junk_command_limit")
def test_commands_without_a_message_end_a_session(terse: Haraka, command: str) -> None:
    with Raw.to(terse) as session:
        replies = [session.ask(command)[:1] for _ in range(13)]
        assert replies == ["2"] * 12 + ["4"]


def test_a_session_with_many_messages_is_no_flood(terse: Haraka) -> None:
    with client(terse) as session:
        for _ in range(20):
            assert session.sendmail("carol@example.net", ["alice@example.org"], MESSAGE) == {}
            session.rset()


@attack(Kind.EARLY, right="554", source="RFC 5321 3.1, 4.3.1; Postfix postscreen_greet_banner")
def test_who_speaks_before_the_greeting_is_turned_away(stand: Stand, backend: Sink) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, ExitStack() as stack:
        silent.bind(("127.0.0.1", 0))
        name_server = f"127.0.0.1:{silent.getsockname()[1]}"  # so that the greeting takes a second
        server = stack.enter_context(haraka_in(stand, backend.port, nameserver=name_server))
        with Raw.to(server, greeted=False) as session:
            session.send(f"EHLO {HELO}\r\nMAIL FROM:<carol@example.net>\r\n")
            assert [reply[:3] for reply in session.replies()] == ["554"]
        assert served(server, address(1))


@attack(
    Kind.EARLY,
    what="EHLO or HELO and MAIL at once",
    right="554 and the end",
    source="RFC 2920 3.1; Postfix smtpd_forbid_unauth_pipelining",
)
@pytest.mark.parametrize("hello", ["EHLO", "HELO"])
def test_who_does_not_wait_for_the_answer_to_its_hello_is_turned_away(stand: Stand, hello: str) -> None:
    """RFC 2920 3.1. It costs Mailcow no connection."""
    with stands.sink(replies=XCLIENT) as mailcow, haraka_in(stand, mailcow.port) as server, Raw.to(server) as session:
        session.send(f"{hello} {HELO}\r\nMAIL FROM:<carol@example.net>\r\nRCPT TO:<alice@example.org>\r\n")
        assert [reply[:3] for reply in session.replies()] == ["554"]
        assert not mailcow.commands


def test_several_sockets_listen_so_that_many_who_come_at_once_do_not_stand_before_a_newcomer(usual: Haraka) -> None:
    """Node takes one connection from each in a turn of its loop."""
    listening = f"0100007F:{usual.port:04X} 00000000:0000 0A"
    assert Path("/proc/net/tcp").read_text().count(listening) == 16


@attack(Kind.PIPELINING, right="250 250 550 354 250", source="RFC 2920 3.1")
def test_a_client_that_pipelines_as_it_may_is_served(usual: Haraka) -> None:
    with Raw.to(usual) as session:
        session.ask(f"EHLO {HELO}")
        session.send(
            "MAIL FROM:<carol@example.net>\r\nRCPT TO:<alice@example.org>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
        )
        assert [session.reply()[:3] for _ in range(4)] == ["250", "250", "550", "354"]
        session.send(MESSAGE + b".\r\n")
        assert session.reply()[:3] == "250"


@attack(
    Kind.FLOOD,
    right="under 1 s of processor time, 20 MB",
    source="RFC 2920 3.2: the server's TCP window holds them back",
)
def test_commands_that_wait_for_their_turn_cost_no_processor_time_and_little_memory(stand: Stand) -> None:
    def think(line: str) -> None:
        if line.startswith("MAIL"):
            threading.Event().wait(3)

    slowly = stands.sink(replies=XCLIENT, on_command=think)
    with slowly as slow, haraka_in(stand, slow.port) as server, Raw.to(server) as session:
        before, memory = processor_seconds(server.pid), server.most_memory
        began = time.monotonic()
        assert session.ask(f"HELO {HELO}")[:3] == "250"
        session.send("MAIL FROM:<carol@example.net>\r\n")
        threading.Thread(target=push, args=(session, b"NOOP\r\n" * 4_000_000), daemon=True).start()
        assert session.reply()[:3] == "250"
        assert time.monotonic() - began > 2
        assert processor_seconds(server.pid) - before < 1
        assert server.most_memory - memory < 20


def push(session: Raw, data: bytes) -> None:
    with suppress(OSError):
        session.socket.sendall(data)


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@attack(Kind.FLOOD, right="the socket is gone", source="RFC 5321 4.1.1.10")
def test_a_client_that_never_closes_does_not_keep_its_socket(usual: Haraka) -> None:
    with ExitStack() as stack:
        before = open_files(usual.pid)
        for _ in range(10):
            session = Raw.to(usual)
            stack.callback(session.close)
            session.send("QUIT\r\n")
        stands.until(lambda: open_files(usual.pid) <= before, "the sockets are gone", 10)


@pytest.mark.parametrize("line", [b"x" * 5000, b"EHLO " + b"x" * 3000 + b"\r\n"], ids=["unended", "ended"])
@attack(Kind.FLOOD, right="500", source="RFC 5321 4.5.3.1.4, 4.5.3.1.9")
def test_a_command_line_that_is_too_long_ends_the_session(usual: Haraka, line: bytes) -> None:
    with Raw.to(usual) as session:
        session.send(line)
        assert [reply[:3] for reply in session.replies()] == ["500"]
