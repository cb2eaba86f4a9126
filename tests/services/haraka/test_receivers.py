"""What haraka-out does before receivers that are busy, odd or broken; Postfix is asked the same, and must agree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from attrs import evolve, frozen

import rig as stands
from rig import Sink, Stand, senders
from tests.attacks.marks import Kind, attack, attacks

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

HASTE = 8.0  # seconds: before any retry, which comes after 10
TLS = "250-sink\n250 STARTTLS"


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@frozen
class Case:
    """The answers of the first of two servers for a domain, and where the mail is then.

    `first` or `second`: delivered there in the first attempt; or `bounced`. `postfix` where that does otherwise, for
    the reason beside the case.
    """

    name: str
    replies: Mapping[str, str]
    fate: str
    nonsense: bytes = b""
    postfix: str = ""

    @property
    def domain(self) -> str:
        """Its own, for the mail's recipient."""
        return f"{re.sub('[^a-z0-9]+', '-', self.name.lower())}.example"


CASES = (
    Case("STARTTLS is refused for now", {"EHLO": TLS, "STARTTLS": "454 no TLS now"}, "first"),
    Case("STARTTLS is refused for ever", {"EHLO": TLS, "STARTTLS": "500 what"}, "first"),
    # Postfix goes on to the next server, and comes back in clear once the mail is `minimal_backoff_time` old.
    Case("the handshake is nonsense", {"EHLO": TLS}, "first", b"500 this is no TLS\r\n", postfix="second"),
    Case("EHLO is unknown", {"EHLO": "502 no"}, "first"),
    Case("the greeting is 554", {"": "554 no service"}, "second"),
    Case("the greeting is 421", {"": "421 too busy"}, "second"),
    # Postfix takes this for an answer about the mail. It is one about ourselves, whose name may be wrong for an hour.
    Case("EHLO and HELO are refused", {"EHLO": "550 no", "HELO": "550 no"}, "second", postfix="bounced"),
    Case("the connection ends at MAIL", {"MAIL": ""}, "second"),
    Case("MAIL is refused for now", {"MAIL": "451 later"}, "second"),
    Case("MAIL is refused", {"MAIL": "550 5.7.1 not you"}, "bounced"),
    Case("the recipient is refused", {"RCPT": "550 5.1.1 no such user"}, "bounced"),
    Case("the recipient is refused for now", {"RCPT": "450 4.2.1 later"}, "second"),
    Case("DATA is refused", {"DATA": "554 5.6.0 no"}, "bounced"),
    # Nothing was sent yet. Postfix, too, takes this for no delivery, and gives the mail up.
    Case("DATA is answered as if the mail were taken", {"DATA": "250 2.0.0 fine"}, "second", postfix="bounced"),
    Case("it never greets", {"": stands.MUTE}, "second"),
    Case("it never answers EHLO", {"EHLO": stands.MUTE}, "second"),
    Case("it never answers MAIL", {"MAIL": stands.MUTE}, "second"),
    Case("it never answers RCPT", {"RCPT": stands.MUTE}, "second"),
    Case("it never answers DATA", {"DATA": stands.MUTE}, "second"),
    Case("the greeting is no SMTP", {"": "SSH-2.0-OpenSSH"}, "second"),
)


@frozen
class Scene:
    """Two servers for each case, the first as it says, and where bounces go; each case's mail has been sent."""

    servers: Mapping[str, tuple[Sink, Sink]]
    home: Sink

    def fates(self, case: Case) -> list[str]:
        """Where a case's mail is, once for each copy."""
        first, second = self.servers[case.domain]
        bounces = [each for each in self.home.messages if f"dave@{case.domain}".encode() in each]
        copies = {"first": first.messages, "second": second.messages, "bounced": bounces}
        return [fate for fate, messages in copies.items() for _ in messages]


@pytest.fixture(scope="module", params=["haraka-out", "Postfix"])
def scene(request: pytest.FixtureRequest, stand: Stand) -> Iterator[tuple[str, Scene]]:
    start = senders.haraka_out if request.param == "haraka-out" else senders.postfix_out
    settings = [{"replies": case.replies, "nonsense": case.nonsense} for case in CASES]
    with ExitStack() as stack, senders.sinks({}, *settings, *({} for _ in CASES)) as (home, *others):
        servers = {
            case.domain: pair for case, *pair in zip(CASES, others[: len(CASES)], others[len(CASES) :], strict=True)
        }
        sender = start(stack, stand, {**servers, "example.org": [home]})
        for domain in servers:
            sender.send(f"dave@{domain}")
        yield request.param, Scene({domain: (one, two) for domain, (one, two) in servers.items()}, home)


FATES = {"first": "delivered to the first server", "second": "delivered to the next", "bounced": "bounced"}


def fate_of(case: Case) -> str:
    return FATES[case.fate] + (f" (Postfix: {FATES[case.postfix]})" if case.postfix else "")


@pytest.mark.parametrize(
    "case",
    attacks(
        Kind.RECEIVER,
        CASES,
        name=lambda case: case.name,
        right=fate_of,
        source="RFC 5321 4.5.3.2, 4.5.4; Postfix smtp(8)",
        postfix=True,
    ),
)
def test_a_receiver_is_treated_as_postfix_treats_it(scene: tuple[str, Scene], case: Case) -> None:
    server, seen = scene
    fate = (server == "Postfix" and case.postfix) or case.fate
    stands.until(lambda: bool(seen.fates(case)), f"the mail is {fate}")
    assert seen.fates(case) == [fate]


@attack(
    Kind.RECEIVER,
    right="five sessions at most, the next MX has all",
    source="RFC 5321 4.5.4.1; Postfix qmgr: dead destinations",
)
def test_a_host_that_has_just_failed_is_left_alone(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({"replies": {"": "554 no"}}, {}) as (bad, good):
        patience = evolve(senders.QUICK, dead_first=60)
        sender = senders.haraka_out(stack, stand, {"example.net": [bad, good]}, patience)
        for _ in range(5):
            sender.send()
        stands.until(lambda: len(good.messages) == 5, "all mails have left")
    assert bad.sessions <= senders.LIMITS.deliveries_per_domain


def test_connections_are_used_again_and_only_a_few_go_to_one_host(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({"dot_seconds": 0.1}) as (world,):
        sender = senders.haraka_out(stack, stand, {"example.net": [world], "example.com": [world]})
        for number in range(40):
            sender.send(f"dave@example.{'net' if number % 2 else 'com'}")
        stands.until(lambda: len(world.messages) == 40, "all mails have arrived")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
    assert world.commands.count("EHLO mail.example.org") == world.sessions < 40
    assert world.most_at_once <= senders.LIMITS.deliveries_per_domain


@pytest.mark.parametrize("offered", ["250-sink\n250 PIPELINING", "250 sink"], ids=["pipelining", "step by step"])
@attack(Kind.RECEIVER, right="delivered, bounced, queued: one each", source="RFC 5321 3.3, 4.5.4")
def test_each_recipient_has_the_fate_that_the_receiver_said(stand: Stand, offered: str) -> None:
    replies = {"EHLO": offered, "RCPT TO:<bad": "550 5.1.1 no such user", "RCPT TO:<later": "450 4.2.1 later"}
    with ExitStack() as stack, senders.sinks({"replies": replies}, {}) as (world, home):
        sender = senders.haraka_out(stack, stand, {"example.net": [world], "example.org": [home]})
        sender.send("good@example.net", "bad@example.net", "later@example.net")
        stands.until(lambda: len(world.messages) == 1 == len(home.messages), "the mail and the bounce")
        world.replies = {"EHLO": offered}
        stands.until(lambda: len(world.messages) == 2, "the second try")
        stands.until(lambda: sender.queued() == 0, "the queue is empty")
        asked = [line for line in world.commands if line.startswith("RCPT")]
    assert len(home.messages) == 1
    assert b"Final-Recipient: rfc822; bad@example.net" in home.messages[0]
    assert sorted(asked) == [f"RCPT TO:<{name}@example.net>" for name in ("bad", "good", "later", "later")]


@attack(Kind.RECEIVER, right="once each", source="RFC 5321 6.1")
def test_an_answer_stands_whatever_goes_wrong_afterwards(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({"replies": {"RCPT TO:<later": "450 4.2.1 later"}}) as (world,):
        impossible = {"exchange": "127.0.0.1", "port": 99999, "priority": 9}
        sender = senders.haraka_out(stack, stand, {"example.net": [world, impossible]}, retries="5s*20")
        sender.send("good@example.net", "later@example.net")
        stands.until(lambda: world.commands.count("RCPT TO:<later@example.net>") == 2, "a second attempt")
    assert world.commands.count("RCPT TO:<good@example.net>") == 1


@attack(Kind.RECEIVER, right="no message", source="RFC 2920 3.1")
def test_no_mail_is_sent_where_no_recipient_was_taken(stand: Stand) -> None:
    replies = {"EHLO": "250-sink\n250 PIPELINING", "RCPT": "550 5.1.1 no such user"}
    with ExitStack() as stack, senders.sinks({"replies": replies}, {}) as (world, home):
        senders.haraka_out(stack, stand, {"example.net": [world], "example.org": [home]}).send()
        stands.until(lambda: len(home.messages) == 1, "the bounce")
    assert world.messages in ([], [b""])


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "203.0.113.9"]
)
@attack(Kind.DNS, right="bounced, 5.4.6", source="RFC 5321 5.1; Postfix: mail loops back to myself")
def test_mail_for_a_domain_whose_server_is_this_one_bounces_at_once(stand: Stand, address: str) -> None:
    with ExitStack() as stack, senders.sinks({}) as (home,):
        here: list[senders.Server] = [{"exchange": address, "from_dns": "mx.example.net", "priority": 10}]
        worse: list[senders.Server] = [
            {"exchange": "127.0.0.1", "port": home.port, "from_dns": "mx2.example.net", "priority": 20}
        ]
        routes: Mapping[str, list[senders.Server]] = {"example.net": here + worse, "example.org": [home]}
        senders.haraka_out(stack, stand, routes, own_address="203.0.113.9").send()
        stands.until(lambda: len(home.messages) == 1, "the bounce", HASTE)
    assert b"MAIL FROM:<>" in [line.encode() for line in home.commands]
    assert f"its server mx.example.net is {address}, this one".encode() in home.messages[0]
    assert b"Status: 5.4.6" in home.messages[0]
