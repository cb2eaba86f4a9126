"""Mailcow's Postfix, by its own entrypoint and with our settings, as the proxy and as strangers see it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from rig import Sink, until
from rig.mailcow import Mailcow
from rig.mailcow.proxy import RELAY, Proxy, proxy
from rig.mailcow.world import ON_A_BLOCKLIST, STRANGER
from tests.real.description import IDN, OUTSIDE
from tests.real.smtp import as_client, deliver, offers_xclient, recipient, session

PORTS = (25, 465, 587, 588, 589, 590, 591)
CONTAINER = 250
BURST = 80  # more than postscreen takes from one client by default


@pytest.fixture(scope="module", params=["started once", "started again"])
def postfix(provisioned: Mailcow, request: pytest.FixtureRequest) -> Mailcow:
    """Its entrypoint and hooks change files of the tree, so the second start is another thing than the first."""
    if request.param == "started again" or "postfix" not in provisioned.running:
        provisioned.postfix_up()
    return provisioned


@pytest.fixture(scope="module")
def front(provisioned: Mailcow) -> Iterator[Proxy]:
    with proxy(provisioned) as made:
        yield made


@pytest.fixture(scope="module")
def relay(front: Proxy) -> Iterator[Sink]:
    """In haraka-out's place."""
    sink = Sink(port=RELAY, host=front.address)
    with front.space.sockets():
        sink.open()
    yield sink
    sink.close()


def server(machine: Mailcow) -> str:
    """Postfix's container."""
    return f"{machine.network}.253"


def home(machine: Mailcow) -> str:
    """Where its ports are published."""
    return str(machine.plan.internal.ipv4)


def container(machine: Mailcow) -> str:
    """Another container, which Postfix trusts."""
    return f"{machine.network}.{CONTAINER}"


def has(messages: list[bytes], mark: str) -> bool:
    """Whether a message with a mark is among them."""
    return any(mark.encode() in message for message in messages)


def test_xclient_is_for_the_proxy_on_port_25_and_for_nobody_else(postfix: Mailcow, front: Proxy) -> None:
    here = [("proxy", port) for port in PORTS if offers_xclient(front.space, front.address, home(postfix), port)]
    sources = (STRANGER, container(postfix))
    others = [
        (source, port)
        for source in sources
        for port in PORTS
        if offers_xclient(postfix.space, source, server(postfix), port)
    ]
    assert here + others == [("proxy", 25)]


def test_postscreen_lets_the_proxy_through_whatever_a_blocklist_says(postfix: Mailcow, front: Proxy) -> None:
    with session(front.space, front.address, home(postfix)) as smtp:
        smtp.ehlo()
    assert any("LISTED" in line and f"[{front.address}]" in line for line in postfix.neighbours.log)


def test_a_stranger_on_a_blocklist_is_refused_and_through_the_proxy_is_not(postfix: Mailcow, front: Proxy) -> None:
    with session(postfix.space, ON_A_BLOCKLIST, server(postfix)) as smtp:
        assert recipient(smtp, "alice@example.org").startswith("550")


@pytest.mark.parametrize("client", [STRANGER, "IPV6:2001:db8:99::9", ""], ids=["IPv4", "IPv6", "the proxy itself"])
def test_nobody_from_outside_may_relay(postfix: Mailcow, front: Proxy, client: str) -> None:
    with session(front.space, front.address, home(postfix)) as smtp:
        if client:
            as_client(smtp, client)
        assert recipient(smtp, "x@elsewhere.example")[0] in "45"


@pytest.mark.parametrize(
    ("to", "answer"),
    [("alice@example.org", "250"), (f"carol@{IDN}", "250"), ("team@example.org", "250"), ("nobody@example.org", "550")],
)
def test_each_recipient_has_their_answer(postfix: Mailcow, front: Proxy, to: str, answer: str) -> None:
    with session(front.space, front.address, home(postfix)) as smtp:
        as_client(smtp, STRANGER)
        assert recipient(smtp, to).startswith(answer)


def test_mail_from_outside_goes_to_dovecot_and_the_spam_filter_sees_who_sent_it(postfix: Mailcow, front: Proxy) -> None:
    before = len(postfix.neighbours.lmtp.messages)
    with session(front.space, front.address, home(postfix)) as smtp:
        as_client(smtp, STRANGER)
        deliver(smtp, "alice@example.org", "from-outside")
    until(lambda: has(postfix.neighbours.lmtp.messages[before:], "from-outside"), "mail for Dovecot")
    assert any(packet.startswith(b"C") and STRANGER.encode() in packet for packet in postfix.neighbours.milter)


@pytest.mark.parametrize(
    ("sender", "to", "stranger"),
    [
        ("a@elsewhere.example", "ext@example.org", True),
        ("bob@example.org", OUTSIDE, False),
        ("", OUTSIDE, False),
    ],
    ids=["an alias to the outside", "mail of a user", "a bounce"],
)
def test_all_that_leaves_goes_to_the_proxy(
    postfix: Mailcow, front: Proxy, relay: Sink, sender: str, to: str, stranger: bool
) -> None:
    before, mark = len(relay.messages), f"out-{sender or 'bounce'}"
    space, source, where = (
        (front.space, front.address, home(postfix))
        if stranger
        else (postfix.space, container(postfix), server(postfix))
    )
    with session(space, source, where) as smtp:
        if stranger:
            as_client(smtp, STRANGER)
        deliver(smtp, to, mark, sender)
    until(lambda: has(relay.messages[before:], mark), "mail for the proxy")
    assert f"RCPT TO:<{OUTSIDE}>" in "".join(relay.commands[-20:])


def test_a_burst_of_cold_connections_from_the_proxy_is_served(postfix: Mailcow, front: Proxy) -> None:
    with ExitStack() as stack, front.space.sockets():
        source, where = (front.address, 0), (home(postfix), 25)
        connected = [
            stack.enter_context(socket.create_connection(where, 60, source_address=source)) for _ in range(BURST)
        ]
        greetings = [each.makefile("rb").readline()[:3] for each in connected]
    assert greetings == [b"220"] * BURST
