"""Checks go by what is described: no service is tried that is not offered, and no way out is expected but the relay's.

The machines are played well: every check of mail passes. Then one thing is wrong, and the check of it says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.internet.mail import SIXTEN
from mailnix.lab.internet.smarthosts import vouched, zone_lines
from mailnix.lab.scenario import Outcome, Scene, Verdict, checks_for, people, run_check
from mailnix.lab.scenario.offers import passes_spf
from mailnix.lab.waiting import Wait
from mailnix.model.check import ensure
from mailnix.plan import Plan, derive

from .conftest import FakeDisks, FakeGuest
from .described import BOTH, BY_ADDRESS, BY_RELAY, DESCRIPTIONS, LITTLE
from .test_addresses import Answering, option

# Those that speak SMTP in bytes, which the fakes do not.
IN_BYTES = {"relay-outside", "relay-tunnel", "relay-disguised", "smuggling"}
ALICE = "alice@example.org"


class World:
    """Everything outside, and Mailcow's log, of a lab in which all is well, but for what is said otherwise."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.layout = plan, layout(plan)
        self.services = {(c.speaks, str(c.port), not c.starttls) for c in plan.internal.client_ports}
        self.named: list[str] = []
        self.log = self.to = ""
        self.cut = False
        self.deaf = self.direct = self.hides = False
        self.failing = ""

    def internet(self, command: str) -> Any:
        for verb, answer in ANSWERS.items():
            if verb in command:
                return answer(self, command)
        raise AssertionError(f"nobody expected: {command}")

    def sent(self, command: str) -> Any:
        to = re.findall(r"--to=(\S+)", command)
        six = option(command, "sender").startswith(SIXTEN)
        source, proxy = self.layout.mx.ipv6 if six else self.layout.mx.ipv4, self.plan.proxies[0]
        self.to = f"Received: from {self.layout.mx.name} ({self.layout.mx.name} [{source}]) by x"
        self._log(command, f"{self.layout.mx.name}[{source}]")
        relay = f"{proxy.hostname}[{proxy.ipv6 if six else proxy.ipv4}]:25"
        good = {"relay": relay, "status": "sent", "said": "250 ok", "tls": "Verified TLS connection: TLSv1.3"}
        bad = {**good, "status": "bounced", "said": "550 5.1.1 unknown (in reply to RCPT TO command)"}
        return {"ok": True, "recipients": {each: good if each == ALICE else bad for each in to}}

    def submitted(self, command: str) -> Any:
        self._offered("smtp", option(command, "port"), implicit=option(command, "implicit") == "1")
        client = self.plan.tunnels[0].proxy.ipv4 if self.hides else option(command, "source")
        self._log(command, f"unknown[{client}], sasl_username={option(command, 'login')}")
        self.to = f"Return-Path: <>\n\n550 5.1.1 <{option(command, 'to')}> is nobody"
        return {"ok": True}

    def _log(self, command: str, client: str) -> None:
        self.log = f"smtpd[1]: AA1: client={client}\ncleanup[1]: AA1: message-id=<{option(command, 'token')}@x>\n"

    def read(self, command: str) -> Any:
        if "probe.py imap" in command:
            self._offered("imap", option(command, "port"), implicit=option(command, "implicit") == "1")
        else:
            self._at(command)
        tls = {"names": ["mail.example.org"], "version": "TLSv1.3"}
        return {"ok": True, "count": 1, "messages": [f"{self.to}\nSubject: x\n\nhi\n"], "tls": tls}

    def logged_in(self, command: str) -> Any:
        self._at(command)
        tls = {"version": "TLSv1.3"}
        open_to = {"scanner@example.org": {"smtp"}, "phone@example.org": {"imap"}}
        open_to |= {"scanner@example.org/copier": {"smtp"}, "phone@example.org/tablet": {"imap"}}
        who = option(command, "secret") or option(command, "login")
        spoken = re.findall(r"--at=(\w+):", command)
        answers = [{"ok": each in open_to.get(who, {each}), "said": "x", "tls": tls} for each in spoken]
        return {"ok": True, "answers": answers}

    def arrived(self, command: str) -> Any:
        """A mail elsewhere: from the relay that is described for it, or from the proxy."""
        proxy, to = self.plan.proxies[int(self.cut)], option(command, "mailbox").rpartition("@")[2]
        relays = self.plan.topology.relays
        relay = next((r for r in relays if to in r.domains), next((r for r in relays if not r.domains), None))
        hops = [f"from {proxy.hostname} ({proxy.hostname} [{proxy.ipv4}]) by mx with ESMTPS id 1"]
        if relay and not self.direct:
            hops = [f"from {relay.host} ({relay.host} [198.51.100.90]) by mx with ESMTP id 1"]
            hops.append(f"from {proxy.hostname} ([{proxy.ipv4}]) by {relay.host} as {relay.user or 'nobody'} with x")
        failing = {self.failing, *(["spf"] if relay and not vouched(self.plan, relay) else [])}
        verdicts = "; ".join(f"{each}={'fail' if each in failing else 'pass'}" for each in ("spf", "dkim", "dmarc"))
        lines = [*(f"Received: {hop}" for hop in hops), f"Authentication-Results: {self.layout.mx.name}; {verdicts}"]
        return {"ok": True, "count": 1, "messages": ["\n".join([*lines, f"From: {ALICE}", "", "hi", ""])]}

    def refused(self, command: str) -> Any:
        self.named.append(option(command, "port"))
        said = (("", 220), ("EHLO x", 250), ("MAIL FROM:<a>", 250), ("RCPT TO:<b>", 554))
        return {"ok": False, "replies": [{"sent": sent, "code": code, "text": f"{code} x"} for sent, code in said]}

    def plug(self, command: str) -> str:
        self.cut = not self.deaf and "delete" not in command
        return ""

    def _at(self, command: str) -> None:
        for name, port, implicit in re.findall(r"--at=(\w+):(\d+):(\d)", command):
            self._offered(name, port, implicit=implicit == "1")

    def _offered(self, name: str, port: str, *, implicit: bool) -> None:
        assert (name, port, implicit) in self.services, f"{name} on {port} is not offered"
        self.named.append(port)


ANSWERS: dict[str, Any] = {
    "post.py send": World.sent,
    "post.py inbox": World.arrived,
    "probe.py submit": World.submitted,
    "probe.py imap": World.read,
    "probe.py smtp": World.refused,
    "logins.py fetch": World.read,
    "logins.py logins": World.logged_in,
    "nft ": World.plug,
}


def outcomes(world: World) -> Iterator[Outcome]:
    """Of every check of mail, and of those of more than one proxy."""
    home = Answering(lambda _command: world.log)
    home.when("^date", "1795386483.1")
    guests: dict[str, Any] = {INTERNET: Answering(world.internet), "internal": home, "proxy": FakeGuest()}
    scene = Scene(world.plan, world.layout, guests, FakeDisks(), wait=lambda _seconds: Wait(0.0))
    for check in checks_for(world.plan):
        if (check.group.is_mail or check.id == "next-relay") and check.id not in IN_BYTES | LEFT_OUT:
            yield run_check(check, scene)


LEFT_OUT = {"policies-kept", "leaves-ipv6"}  # of mail that leaves directly, as everywhere


def failing(world: World) -> dict[str, str]:
    """What they say, by check."""
    return {each.id: each.evidence for each in outcomes(world) if each.verdict is Verdict.FAIL}


@pytest.fixture(params=[*DESCRIPTIONS])
def world(request: pytest.FixtureRequest) -> World:
    return of(request.param)


def of(name: str) -> World:
    return World(derive(DESCRIPTIONS[name]))


def test_the_descriptions_have_no_mistakes(world: World) -> None:
    ensure(world.plan.topology, "tests")


def test_all_checks_of_mail_pass_where_all_is_well(world: World) -> None:
    assert failing(world) == {}
    offered = {str(client.port) for client in world.plan.internal.client_ports}
    assert offered <= {*world.named}  # each service was tried


def test_checks_are_those_that_a_description_can_show() -> None:
    ids = {name: {check.id for check in checks_for(derive(topology))} for name, topology in DESCRIPTIONS.items()}
    usual = {"read", "submit-465", "filters", "headers", "bounce", "crash"}
    directly = {"leaves-from-proxy", "leaves-ipv6", "policies-kept", "policies-broken"}
    assert {name: found & (directly | {"relays", "submit-587"}) for name, found in ids.items()} == {
        LITTLE: directly,
        BY_RELAY: {"relays", "submit-587"},
        BY_ADDRESS: {"relays", "submit-587"},
        BOTH: {"relays"},
    }
    assert all(usual <= found for found in ids.values())
    assert {"submit-each-proxy", "next-mx", "next-relay"} <= ids[BOTH]


@pytest.mark.parametrize("name", [BY_RELAY, BY_ADDRESS, BOTH])
def test_mail_that_passes_by_its_relay_is_noticed(name: str) -> None:
    world = of(name)
    world.direct = True
    found = failing(world)
    assert "did not come from" in found.pop("relays")
    assert found.keys() == ({"next-relay"} if name == BOTH else set())


def test_mail_that_leaves_by_a_proxy_that_is_cut_off_is_noticed() -> None:
    world = of(BOTH)
    world.deaf = True
    assert failing(world).keys() == {"next-relay"}


@pytest.mark.parametrize(
    ("method", "name"), [("dkim", BY_RELAY), ("spf", BY_RELAY), ("dkim", BY_ADDRESS), ("dmarc", BOTH)]
)
def test_a_verdict_that_fails_behind_a_relay_is_noticed(method: str, name: str) -> None:
    world = of(name)
    world.failing = method
    assert {"filters", "relays"} <= failing(world).keys()


@pytest.mark.parametrize("name", DESCRIPTIONS)
def test_a_client_whose_address_is_hidden_is_noticed(name: str) -> None:
    world = of(name)
    world.hides = True
    assert "submit-465" in failing(world)
    assert ("submit-each-proxy" in failing(world)) is (name == BOTH)


def test_spf_is_asked_of_relays_that_pass_it_under_another_address_than_in_the_world() -> None:
    """The lab's relays have addresses of its own: what a description says by address cannot hold for them."""
    by_address = derive(DESCRIPTIONS[BY_ADDRESS])
    assert [vouched(by_address, relay) for relay in by_address.topology.relays] == [False, True]
    assert (passes_spf(by_address), passes_spf(derive(DESCRIPTIONS[BY_RELAY]))) == (False, True)
    assert [*zone_lines(by_address, layout(by_address))] == []


def test_what_opens_by_some_protocols_is_tried_where_it_opens_something() -> None:
    plan = derive(DESCRIPTIONS[LITTLE])
    assert [box.mailbox.local_part for box in people.limited(plan)] == ["scanner", "phone"]
    assert [app.name for _box, app in people.programs(plan)] == ["copier", "tablet"]
