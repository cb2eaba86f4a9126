"""Tunnels, the way out for mail: from programs that say what the real ones do, and servers on this machine."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mailnix.doctor.machines.guest import network
from mailnix.doctor.machines.guest.here import CouldNotAsk
from tests.doctor.machines.guest.fake import NOW, Fake

PEER = {"interface": "wg0", "peer": "10.83.119.2", "mtu": 1420}


def test_a_tunnel_says_how_old_its_handshake_is(fake: Fake) -> None:
    fake.file("/sys/class/net/wg0/mtu", "1420\n")
    fake.says("wg", f"KEY=\t{int(NOW) - 75}\n")
    assert network.tunnels(fake.here, ["wg0", "wg1"]) == [
        {"interface": "wg0", "there": True, "mtu": 1420, "handshake": 75.0},
        {"interface": "wg1", "there": False},
    ]


@pytest.mark.parametrize("printed", ["", "KEY=\t0\n"])
def test_a_tunnel_without_a_handshake_has_none(fake: Fake, printed: str) -> None:
    fake.file("/sys/class/net/wg0/mtu", "1420\n")
    fake.says("wg", printed)
    assert network.tunnels(fake.here, ["wg0"])[0]["handshake"] is None


def ping(fake: Fake, largest: int) -> None:
    """A path that carries packets of so many bytes; ping is told without its 28 of headers."""
    fake.program(
        "ping",
        f"""while [ "$1" != -s ]; do shift; done
echo asked >> {fake.folder}/asked
if [ $(($2 + 28)) -le {largest} ]; then echo "3 packets transmitted, 2 received, 33% packet loss"; exit 0; fi
echo "3 packets transmitted, 0 received, 100% packet loss"; exit 1""",
    )


@pytest.mark.parametrize("largest", [1420, 1500])
def test_packets_of_the_planned_size_come_through(fake: Fake, largest: int) -> None:
    ping(fake, largest)
    assert network.mtu(fake.here, [PEER]) == [{"interface": "wg0", "passes": 1420}]
    assert (fake.folder / "asked").read_text().count("asked") == 1


@pytest.mark.parametrize("largest", [1419, 1380, 1280, 600])
def test_the_largest_packet_that_comes_through_is_found(fake: Fake, largest: int) -> None:
    ping(fake, largest)
    ((passes),) = (each["passes"] for each in network.mtu(fake.here, [PEER]))
    assert largest - 8 <= passes <= largest
    assert (fake.folder / "asked").read_text().count("asked") < 12


def test_where_no_ping_is_answered_nothing_is_said_of_sizes(fake: Fake) -> None:
    ping(fake, 0)
    assert network.mtu(fake.here, [PEER]) == [{"interface": "wg0", "passes": 0}]


def test_an_interface_with_a_smaller_mtu_sends_no_larger_packets(fake: Fake) -> None:
    fake.program(
        "ping",
        """while [ "$1" != -s ]; do shift; done
[ $(($2 + 28)) -le 1300 ] && echo "3 packets transmitted, 3 received" && exit 0
echo "ping: local error: message too long, mtu=1300" >&2; exit 2""",
    )
    assert 1292 <= network.mtu(fake.here, [PEER])[0]["passes"] <= 1300


def test_a_ping_that_cannot_ping_is_a_reason(fake: Fake) -> None:
    fake.program("ping", "echo 'ping: socket: Operation not permitted' >&2; exit 2")
    with pytest.raises(CouldNotAsk, match="Operation not permitted"):
        network.mtu(fake.here, [PEER])


@contextmanager
def server(*greetings: bytes) -> Iterator[int]:
    """A port of 127.0.0.1 where each connection is greeted by the next of these."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            for greeting in greetings:
                connection, _ = listening.accept()
                with connection:
                    connection.sendall(greeting)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def tried(fake: Fake, port: int, *names: str) -> list[tuple[str, bool, bool, str]]:
    told = {"families": ["ipv4"], "receivers": names, "port": port}
    said = network.port25(fake.here, told)["ipv4"]
    return [(each["host"], each["resolved"], each["connected"], each["said"]) for each in said]


def test_one_far_server_that_greets_is_enough(fake: Fake) -> None:
    with server(b"220 here ESMTP\r\n") as port:
        assert tried(fake, port, "127.0.0.1", "127.0.0.2") == [("127.0.0.1", True, True, "220 here ESMTP")]


def test_after_a_far_server_that_does_not_greet_the_next_is_tried(fake: Fake) -> None:
    with server(b"554 not you\r\n", b"421 busy\r\n") as port:
        assert tried(fake, port, "127.0.0.1", "127.0.0.1") == [
            ("127.0.0.1", True, True, "554 not you"),
            ("127.0.0.1", True, True, "421 busy"),
        ]


def test_a_closed_port_and_a_name_without_an_address_are_told_apart(fake: Fake) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    closed, unknown = tried(fake, port, "127.0.0.1", "::1")
    assert closed == ("127.0.0.1", True, False, "connection refused")
    assert unknown[:3] == ("::1", False, False)


TOLD = {"table": "inet mailnix", "rules": "table inet mailnix { }", "sets": ["nobody4"]}


def test_a_table_that_is_not_there_is_absent(fake: Fake) -> None:
    fake.program("nft", "echo 'Error: No such file or directory' >&2; exit 1")
    assert network.firewall(fake.here, TOLD) == {"there": False}


def test_nft_that_may_not_look_is_a_reason(fake: Fake) -> None:
    fake.program("nft", "echo 'Error: Operation not permitted (you must be root)' >&2; exit 1")
    with pytest.raises(CouldNotAsk, match="you must be root"):
        network.firewall(fake.here, TOLD)


def test_a_kernel_without_networks_of_ones_own_is_a_reason(fake: Fake) -> None:
    fake.says("nft", "table inet mailnix {\n}\n")
    fake.program("unshare", "echo 'unshare: unshare failed: Invalid argument' >&2; exit 1")
    with pytest.raises(CouldNotAsk, match="unshare failed"):
        network.firewall(fake.here, TOLD)
