"""Which address mail leaves from, on a machine that has several."""

from __future__ import annotations

import json
import smtplib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from attrs import evolve

import rig as stands
from mailnix.plan import Plan
from mailnix.services.haraka.render import files_out, outgoing
from mailnix.services.haraka.values import HarakaOut
from rig import Haraka, Sink, Stand

pytestmark = pytest.mark.skipif(bool(stands.missing()), reason=stands.missing() or "runs")

PUBLIC4, PUBLIC6, PRIVATE = "203.0.113.10", "2001:db8:10::10", "10.0.0.5"
ASK = """
const { source } = require(`${PLUGINS}/deliveries/mx`)
const cards = () => ({ lo: [{ address: '127.0.0.1' }], ens3: addresses.map((address) => ({ address })) })
const from = source(own, cards)
console.log(JSON.stringify(receivers.map((receiver) => from(receiver) ?? null)))
"""


def sources(addresses: Sequence[str], receivers: Sequence[str], own: Sequence[str] = (PUBLIC4, PUBLIC6)) -> Any:
    values = {"addresses": addresses, "receivers": receivers, "own": own}
    lines = [f"const {name} = {json.dumps(value)}" for name, value in values.items()]
    return stands.javascript("\n".join([*lines, ASK]))


def test_mail_leaves_from_the_public_address_of_the_receivers_kind_whatever_else_the_card_has() -> None:
    card = [PRIVATE, "198.51.100.99", PUBLIC4, "2001:db8:10:0:5054:ff:fe12:3456", PUBLIC6]
    assert sources(card, ["192.0.2.25", "2001:db8:99::25"]) == [PUBLIC4, PUBLIC6]


def test_where_the_provider_translates_addresses_the_route_decides() -> None:
    """Bound to an address that is on no card, a connection would never be answered."""
    assert sources([PRIVATE], ["192.0.2.25", "2001:db8:99::25"]) == [None, None]
    assert sources([PRIVATE, PUBLIC6], ["192.0.2.25", "2001:db8:99::25"]) == [None, PUBLIC6]


def test_a_proxy_without_ipv6_binds_none() -> None:
    assert sources([PUBLIC4, PUBLIC6], ["2001:db8:99::25"], own=[PUBLIC4]) == [None]


def test_haraka_out_is_told_both_public_addresses(plan: Plan, ipv4_plan: Plan) -> None:
    told = files_out(outgoing(plan, plan.proxies[0]))["config/deliveries.ini"].splitlines()
    assert {f"own_address={PUBLIC4}", f"own_address6={PUBLIC6}"} <= set(told)
    assert "own_address6" not in files_out(outgoing(ipv4_plan, ipv4_plan.proxies[0]))["config/deliveries.ini"]


# ---- a real haraka-out, to which loopback's addresses are its cards' ------------------------------------------------

CARDS = """\
const { source } = require(`${__dirname}/deliveries/mx`)
const facts = JSON.parse(require('node:fs').readFileSync(`${__dirname}/../config/cards.json`))
exports.register = () => {
    const { env } = require('./plugins').registered_plugins.deliveries
    env.source = source(facts.own, () => ({ ens3: facts.card.map((address) => ({ address })) }))
    env.is_home = () => false
}
exports.hook_get_mx = (next, _hmail, domain) => {
    const found = [{ from_dns: 'mx.example.net', exchange: '127.0.0.1', port: facts.port }]
    return domain === 'example.net' ? next(OK, found) : next()
}
"""
OWN = "127.9.8.7"


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with stands.stand() as here:
        yield here


@contextmanager
def haraka_out(stand: Stand, world: Sink, home: Sink, card: Sequence[str]) -> Iterator[Haraka]:
    port = stands.free_port()
    settings = HarakaOut(
        hostname="mail.example.org",
        listen=(f"127.0.0.1:{port}",),
        clients=("127.0.0.2/32",),
        inbound_host=home.host,
        inbound_port=home.port,
        domains=("example.org",),
        queue_dir=str(stand.new_queue()),
        certificate_folder=str(stand.certificate_folder),
    )
    facts = {"own": [OWN], "card": card, "port": world.port}
    files = {
        **files_out(evolve(settings, plugins=(*settings.plugins, "cards"))),
        "plugins/cards.js": CARDS,
        "config/cards.json": json.dumps(facts),
    }
    with stands.haraka(stand, files, port) as server:
        yield server


def send(server: Haraka, recipient: str) -> None:
    with smtplib.SMTP("127.0.0.1", server.port, "mailcow", timeout=60, source_address=("127.0.0.2", 0)) as session:
        assert session.sendmail("alice@example.org", [recipient], b"Subject: hello\r\n\r\nBody.\r\n") == {}


def test_a_mail_comes_from_the_described_address_where_that_is_on_a_card(stand: Stand) -> None:
    with stands.sink() as world, stands.sink() as home, haraka_out(stand, world, home, ["127.0.0.1", OWN]) as server:
        send(server, "dave@example.net")
        stands.until(lambda: len(world.messages) == 1, "the mail")
        assert world.peers == [OWN]


def test_a_mail_leaves_as_the_route_says_where_the_address_is_on_no_card(stand: Stand) -> None:
    with stands.sink() as world, stands.sink() as home, haraka_out(stand, world, home, ["127.0.0.1"]) as server:
        send(server, "dave@example.net")
        stands.until(lambda: len(world.messages) == 1, "the mail")
        assert world.peers == ["127.0.0.1"]


def test_a_bounce_to_our_own_domain_stays_on_loopback(stand: Stand) -> None:
    """haraka-in takes it for a client on this machine, which it names by the public address."""
    with stands.sink() as world, stands.sink() as home, haraka_out(stand, world, home, ["127.0.0.1", OWN]) as server:
        send(server, "alice@example.org")
        stands.until(lambda: len(home.messages) == 1, "the mail")
        assert home.peers == ["127.0.0.1"]
