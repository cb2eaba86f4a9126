"""The time server's answers, as a client that is careful (systemd-timesyncd) takes them."""

from __future__ import annotations

import socket

import pytest

from mailnix.lab.internet.guest import clock

NOW = 1_795_398_658.25


def question(*, mode: int = clock.CLIENT, version: int = 4, sent: int = 77) -> bytes:
    return clock.PACKET.pack(version << 3 | mode, 0, 6, 0, 0, 0, b"", 0, 0, 0, sent)


def test_a_client_hears_the_time_and_its_own_word() -> None:
    said = clock.PACKET.unpack(clock.answer(question(sent=4711), NOW, NOW + 0.5) or b"")
    origin, received, sent = said[-3:]
    assert origin == 4711
    assert received / 2**32 - clock.EPOCH == pytest.approx(NOW)
    assert sent / 2**32 - clock.EPOCH == pytest.approx(NOW + 0.5)


def test_the_answer_says_that_the_clock_is_good() -> None:
    said = clock.PACKET.unpack(clock.answer(question(version=3), NOW, NOW) or b"")
    leap, version, mode = said[0] >> 6, said[0] >> 3 & 7, said[0] & 7
    assert (leap, version, mode) == (0, 3, clock.SERVER)
    assert 0 < said[1] < 16


@pytest.mark.parametrize("packet", [b"", b"short", question(mode=clock.SERVER)])
def test_what_is_no_question_gets_no_answer(packet: bytes) -> None:
    assert clock.answer(packet, NOW, NOW) is None


def test_it_answers_over_a_socket() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        server.bind(("127.0.0.1", 0))
        client.settimeout(5)
        client.sendto(question(sent=1), server.getsockname())
        clock.serve(server)
        assert clock.PACKET.unpack(client.recv(1024))[-3] == 1
