"""Checks of people see whom a password lets in that it should not, and who writes as somebody else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from attrs import evolve

from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.scenario import CheckFailed, Scene, offers, people
from mailnix.lab.waiting import Wait
from mailnix.model.clientport import named
from mailnix.plan import Plan

from .conftest import FakeDisks, FakeGuest
from .test_addresses import Answering, everything

__all__ = ["everything"]

SHA = "ab" * 32
NOT_OWNED = "SMTPRecipientsRefused: 553 5.7.1 <info@example.org>: Sender address rejected: not owned by user scanner"


class Doors:
    """Services that let in whom they should, but for what is `wrong`: (who or which secret, protocol)."""

    def __init__(self) -> None:
        self.open = {("alice@example.org", "imap"), ("alice@example.org", "pop3"), ("alice@example.org", "smtp")}
        self.open |= {("alice@example.org", "sieve"), ("scanner@example.org", "smtp")}
        self.open.add(("scanner@example.org/copier", "smtp"))
        self.writers = {"shop@example.org"}
        self.error = NOT_OWNED

    def internet(self, command: str) -> Any:
        login = re.search(r"--login=(\S+)", command)
        who = login[1] if login else ""
        if "probe.py submit" in command:
            return {"ok": True} if who in self.writers else {"ok": False, "error": self.error}
        if "probe.py https" in command:
            return {"status": 200, "body": "", "headers": {}, "tls": {"sha256": SHA}}
        if "post.py inbox" in command:
            return {"ok": True, "count": 1, "messages": ["From: info@example.org\n\nhi\n"]}
        secret = re.search(r"--secret=(\S+)", command)
        names = re.findall(r"--at=(\w+):", command)
        ok = [((secret[1] if secret else who), name) in self.open for name in names]
        answers = [{"ok": each, "said": "x", "tls": {"sha256": SHA, "version": "TLSv1.3"}} for each in ok]
        return {"ok": all(ok), "answers": answers}


@pytest.fixture
def doors() -> Doors:
    return Doors()


@pytest.fixture
def lived_in(everything: Plan, doors: Doors, disks: FakeDisks) -> Scene:
    home = FakeGuest().when("^date", "1795386483.1").when("docker logs", "user=<a>, rip=192.168.77.1, lip=1.2.3.4")
    guests = {INTERNET: Answering(doors.internet), "internal": home, "proxy": FakeGuest()}
    return Scene(everything, layout(everything), guests, disks, wait=lambda _seconds: Wait(0.0))


def test_every_service_that_is_described_is_tried(lived_in: Scene, doors: Doors) -> None:
    said = people.services_let_their_owners_in(lived_in)
    assert re.findall(r"(\w+): TLS", said) == ["submissions", "submission", "imaps", "pop3s", "managesieve"]
    doors.open.remove(("alice@example.org", "sieve"))
    with pytest.raises(CheckFailed, match="does not get in by managesieve"):
        people.services_let_their_owners_in(lived_in)


def test_a_mailbox_opens_by_its_protocols_alone(lived_in: Scene, doors: Doors) -> None:
    assert people.protocols_are_as_described(lived_in)
    doors.open.add(("scanner@example.org", "pop3"))
    with pytest.raises(CheckFailed, match="opens pop3s"):
        people.protocols_are_as_described(lived_in)


def test_a_password_for_a_program_opens_what_it_is_for_alone(lived_in: Scene, doors: Doors) -> None:
    assert people.app_passwords_open_what_they_should(lived_in)
    doors.open.add(("scanner@example.org/copier", "imap"))
    with pytest.raises(CheckFailed, match="copier opens imaps"):
        people.app_passwords_open_what_they_should(lived_in)
    doors.open.remove(("scanner@example.org/copier", "smtp"))
    with pytest.raises(CheckFailed, match="copier does not open submissions"):
        people.app_passwords_open_what_they_should(lived_in)


@pytest.mark.parametrize("who", ["carol@example.org", "erin@example.org"])
def test_an_archive_that_lets_somebody_in_is_noticed(lived_in: Scene, doors: Doors, who: str) -> None:
    assert people.nobody_gets_in_to_an_archive(lived_in) == "closed: carol@example.org, erin@example.org"
    doors.open.add((who, "sieve"))
    with pytest.raises(CheckFailed, match=f"{who} opens managesieve"):
        people.nobody_gets_in_to_an_archive(lived_in)


def test_only_who_may_writes_as_another(lived_in: Scene, doors: Doors) -> None:
    assert people.senders_are_as_described(lived_in).endswith("scanner@example.org not: 553 5.7.1")
    doors.error = "SMTPServerDisconnected: connection closed"
    with pytest.raises(CheckFailed, match=r"scanner@example.org wrote as"):
        people.senders_are_as_described(lived_in)
    doors.writers.add("scanner@example.org")
    with pytest.raises(CheckFailed, match=r"scanner@example.org wrote as"):
        people.senders_are_as_described(lived_in)
    doors.writers.clear()
    with pytest.raises(CheckFailed, match=r"shop@example.org may not write as info@example.org"):
        people.senders_are_as_described(lived_in)


def test_programs_at_home_are_seen_with_their_own_address(lived_in: Scene) -> None:
    assert "192.168.77.1 to 192.168.77" in people.programs_at_home_come_directly(lived_in)
    home: FakeGuest = lived_in.machines["internal"]
    home.when("docker logs", "rip=10.83.119.1, lip=1.2.3.4")
    with pytest.raises(CheckFailed, match=r"another than 192\.168\.77\.1"):
        people.programs_at_home_come_directly(lived_in)


def with_services(plan: Plan, *names: str) -> Plan:
    return evolve(plan, internal=evolve(plan.internal, client_ports=named(names)))


@pytest.mark.parametrize(
    ("services", "reader", "sender"),
    [
        (("imaps", "submissions", "submission"), "imaps", "submission"),
        (("pop3s", "submissions"), "pop3s", "submissions"),
        (("imap", "pop3s"), "imap", None),
        (("pop3", "pop3s", "submission"), "pop3s", "submission"),
        (("managesieve",), None, None),
        ((), None, None),
    ],
)
def test_mail_is_read_and_sent_by_what_there_is(
    plan: Plan, services: tuple[str, ...], reader: str | None, sender: str | None
) -> None:
    offered = with_services(plan, *services)
    assert next((client.name for client in offers.readers(offered)), None) == reader
    assert next((client.name for client in offers.senders(offered)), None) == sender


def test_mail_is_fetched_by_pop3_where_there_is_no_imap(scene: Scene, guests: dict[str, FakeGuest]) -> None:
    scene.plan = with_services(scene.plan, "pop3s")
    guests[INTERNET].when("logins.py fetch", {"ok": True, "count": 1, "messages": ["x"], "tls": {}})
    assert scene.fetched("alice@example.org", "word-1")["count"] == 1
    assert "--at=pop3:995:1" in guests[INTERNET].asked[-1]


def test_mail_is_looked_at_at_home_where_nobody_can_read_it(scene: Scene, guests: dict[str, FakeGuest]) -> None:
    scene.plan = with_services(scene.plan, "submission")
    guests["internal"].when("doveadm", "text:\nSubject: word-1\n\nhi\n\f\ntext:\nSubject: word-1\n\nho\n\f\n")
    found = scene.fetched("alice@example.org", "word-1")
    assert found["messages"] == ["Subject: word-1\n\nhi", "Subject: word-1\n\nho"]
    assert "-u alice@example.org" in guests["internal"].asked[-1]


def test_a_service_that_is_not_offered_is_named(scene: Scene) -> None:
    scene.plan = with_services(scene.plan, "imaps")
    with pytest.raises(CheckFailed, match="offers no submission"):
        _ = scene.sender
    with pytest.raises(CheckFailed, match="the plan offers no pop3s"):
        scene.dial("pop3s")
