"""What is asked on a machine, asked here."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from mailnix.deploy.guest.look import FRESH, judged
from mailnix.deploy.scene import ask_here


@pytest.fixture
def server() -> Iterator[tuple[socket.socket, int]]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening, listening.getsockname()[1]


def greets(listening: socket.socket, line: bytes) -> threading.Thread:
    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.sendall(line)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"220 mail.example.org ESMTP\r\n", (True, "220 mail.example.org ESMTP")),
        (b"421 too busy\r\n", (True, "421 too busy")),
        (b"554 go away\r\n", (False, "554 go away")),
        (b"", (False, "it hung up without a word")),
        (b"SSH-2.0-OpenSSH_10.0\r\n", (False, "SSH-2.0-OpenSSH_10.0")),
    ],
)
def test_a_mail_server_greets(server: tuple[socket.socket, int], line: bytes, answer: tuple[bool, str]) -> None:
    listening, port = server
    greets(listening, line)
    assert ask_here([("greeting", "127.0.0.1", port)]) == [answer]


def test_nobody_there_is_a_no(server: tuple[socket.socket, int]) -> None:
    listening, port = server
    listening.close()
    assert ask_here([("greeting", "127.0.0.1", port)]) == [(False, "connection refused")]


def test_a_tunnel_that_is_not_there_is_a_no() -> None:
    ((ok, said),) = ask_here([("handshake", "wg-none", 0)])
    assert not ok
    assert said in ("there is no wg-none", "wg is not installed")


@pytest.mark.parametrize(
    ("at", "answer"),
    [
        (0, (False, "no handshake yet")),
        (1000 - FRESH, (True, f"last handshake {FRESH} seconds ago")),
        (1000 - FRESH - 1, (False, f"last handshake {FRESH + 1} seconds ago")),
        (1003, (True, "last handshake 0 seconds ago")),  # a clock that was put back
    ],
)
def test_a_handshake_is_fresh_for_as_long_as_its_session(at: int, answer: tuple[bool, str]) -> None:
    assert judged(at, 1000.0) == answer
