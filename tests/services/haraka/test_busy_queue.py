"""Mail to servers that are silent, slow or gone does not hold up mail to others."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from attrs import evolve

import rig as stands
from mailnix.services.haraka.values import Patience
from rig import MUTE, Stand, senders
from tests.attacks.marks import Kind, attack

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

DELAY = 5.0  # seconds that a mail to a healthy server may take, whatever else is in the queue
PATIENT = evolve(Patience(), silence=1)  # a receiver's five and ten minutes are far beyond this test
KINDS: Mapping[str, Mapping[str, object]] = {
    "it never greets": {"replies": {"": MUTE}},
    "it never answers MAIL": {"replies": {"MAIL": MUTE}},
    "it thinks long about every mail": {"dot_seconds": 20},
    "it refuses to talk": {"replies": {"": "554 no"}},
    "it defers every recipient": {"replies": {"RCPT": "450 later"}},
}


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@pytest.mark.parametrize("domains", [1, 50], ids=["one domain each", "fifty domains each"])
@attack(Kind.RECEIVER, right="within 5 s", source="RFC 5321 4.5.3.2; Postfix default_destination_concurrency_limit")
def test_mail_to_a_healthy_server_leaves_at_once(stand: Stand, domains: int) -> None:
    with ExitStack() as stack, senders.sinks({}, *KINDS.values()) as (good, *bad):
        routes = {f"d{n}.bad{kind}.example": [server] for n in range(domains) for kind, server in enumerate(bad)}
        sender = senders.haraka_out(stack, stand, {**routes, "example.net": [good]}, PATIENT)
        for number in range(200):
            sender.send(f"dave@{list(routes)[number % len(routes)]}")
        stands.until(lambda: all(server.sessions for server in bad), "every bad server is tried")
        began = time.monotonic()
        sender.send()
        stands.until(lambda: len(good.messages) == 1, "the mail to the healthy server")
        assert time.monotonic() - began < DELAY
        assert max(server.most_at_once for server in bad) <= senders.LIMITS.deliveries_per_domain


@attack(Kind.RECEIVER, right="within 5 s", source="RFC 5321 4.5.3.2.1")
def test_silent_servers_each_of_another_domain_hold_nobody_up(stand: Stand) -> None:
    with ExitStack() as stack, senders.sinks({}, *({"replies": {"": MUTE}} for _ in range(60))) as (good, *mute):
        routes = {f"d{n}.example": [server] for n, server in enumerate(mute)}
        sender = senders.haraka_out(stack, stand, {**routes, "example.net": [good]}, PATIENT)
        for domain in routes:
            sender.send(f"dave@{domain}")
        began = time.monotonic()
        sender.send()
        stands.until(lambda: len(good.messages) == 1, "the mail to the healthy server")
        assert time.monotonic() - began < DELAY
