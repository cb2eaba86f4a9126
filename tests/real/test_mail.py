"""Mail through all that is real: haraka-in, Mailcow's Postfix, haraka-out, each as mailnix configures it."""

from __future__ import annotations

import email
from collections.abc import Iterator

import pytest

from rig import Sink, until
from rig.mailcow import Mailcow
from rig.mailcow.proxy import SMTP, Proxy, proxy
from rig.mailcow.world import ELSEWHERE, EXCHANGER, STRANGER, STRANGER_NAME
from tests.real.smtp import deliver, message, recipient, session

UNKNOWN = f"nobody@{ELSEWHERE}"


@pytest.fixture(scope="module")
def postfix(provisioned: Mailcow) -> Mailcow:
    if "postfix" not in provisioned.running:
        provisioned.postfix_up()
    return provisioned


@pytest.fixture(scope="module")
def front(postfix: Mailcow) -> Iterator[Proxy]:
    """Both Harakas, before Mailcow."""
    with proxy(postfix) as made:
        made.haraka_in()
        made.haraka_out()
        yield made


@pytest.fixture(scope="module")
def elsewhere(front: Proxy) -> Iterator[Sink]:
    """Where mail for another domain goes."""
    sink = Sink(port=SMTP, host=EXCHANGER, replies={f"RCPT TO:<{UNKNOWN}": "550 5.1.1 no such user"})
    with front.internet.sockets():
        sink.open()
    yield sink
    sink.close()


def arrived(messages: list[bytes], mark: str) -> bytes:
    """The message with a mark, when it is there."""
    until(lambda: any(mark.encode() in each for each in messages), f"the mail {mark}")
    return next(each for each in messages if mark.encode() in each)


def test_mail_comes_in_with_its_sender_known(front: Proxy) -> None:
    with session(front.internet, STRANGER, front.public) as smtp:
        deliver(smtp, "alice@example.org", "in-1")
    found = arrived(front.machine.neighbours.lmtp.messages, "in-1")
    assert found.endswith(message("in-1", "a@elsewhere.example", "alice@example.org").split(b"\r\n\r\n")[1])
    clients = [packet for packet in front.machine.neighbours.milter if packet.startswith(b"C")]
    assert any(STRANGER.encode() in packet and STRANGER_NAME.encode() in packet for packet in clients)


def test_mailcow_answers_for_each_recipient_through_haraka(front: Proxy) -> None:
    with session(front.internet, STRANGER, front.public) as smtp:
        assert recipient(smtp, "nobody@example.org").startswith("550")
        assert smtp.rcpt("bob@example.org")[0] == 250
        assert smtp.rcpt(f"x@{ELSEWHERE}")[0] in (550, 554)


def test_mail_goes_out_from_the_public_address_and_tells_nothing_of_home(front: Proxy, elsewhere: Sink) -> None:
    send_out(front.machine, f"x@{ELSEWHERE}", "out-1")
    found = arrived(elsewhere.messages, "out-1")
    assert elsewhere.peers[-1] == front.public
    told = email.message_from_bytes(found).as_string()
    assert front.address not in told
    assert str(front.machine.plan.internal.ipv4) not in told


def test_a_refusal_elsewhere_comes_back_to_its_sender(front: Proxy, elsewhere: Sink) -> None:
    send_out(front.machine, UNKNOWN, "out-2")
    bounce = arrived(front.machine.neighbours.lmtp.messages, "no such user")
    assert b"To: <bob@example.org>" in bounce


def send_out(machine: Mailcow, to: str, mark: str) -> None:
    """What a user of SOGo writes."""
    with session(machine.space, f"{machine.network}.248", f"{machine.network}.253") as smtp:
        deliver(smtp, to, mark, "bob@example.org")
