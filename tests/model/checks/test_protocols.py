"""Protocols that somebody may use, and nothing speaks."""

from __future__ import annotations

from typing import Any

import pytest

from mailnix import Alias, AppPassword, Backup, Domain, Internal, Mailbox, Topology
from mailnix.errors import Problem, Severity
from mailnix.model.check import problems
from mailnix.model.clientport import KNOWN
from mailnix.model.mail import Protocol
from tests.descriptions import sound

ALICE, BOB = "domains[0].mailboxes[0]", "domains[0].mailboxes[1]"
EVERY_PORT = [client.name for client in KNOWN]


def people(*mailboxes: Mailbox, **changed: Any) -> Topology:
    domains = [Domain("example.org", [*mailboxes, "postmaster"], [Alias("info", ["postmaster"])])]
    return sound(domains=domains, **changed)


def without_sogo(value: bool | str = "y") -> Internal:
    return Internal("internal", backup=Backup(), settings={"SKIP_SOGO": value})


@pytest.mark.parametrize(
    ("protocol", "service"),
    [("pop3", "pop3s"), ("sieve", "managesieve"), ("imap", "imaps"), ("smtp", "submissions")],
)
def test_one_that_no_service_speaks_is_warned_of_with_the_service(protocol: str, service: str) -> None:
    offered = [name for name in ("submissions", "imaps") if name != service]
    topology = people(Mailbox("alice", protocols=[protocol]), client_services=offered)
    (found,) = [each for each in problems(topology) if each.path == f"{ALICE}.protocols"]
    assert found.severity is Severity.WARNING
    assert found.message == f"opens nothing: nothing in client_services speaks {protocol}"
    assert found.hint == f'add "{service}" to client_services, or leave {protocol} out'


def test_beside_others_each_is_said_once() -> None:
    rich = ["imap", "pop3", "smtp", "sieve", "sogo"]
    found = problems(people(Mailbox("alice", protocols=rich), Mailbox("bob", protocols=rich)))
    assert [each.path for each in found] == [f"{ALICE}.protocols"] * 2
    assert found[0].message == "pop3 opens nothing here (nor in 1 more): nothing in client_services speaks pop3"
    assert "managesieve" in found[1].hint


def test_an_app_password_opens_no_more() -> None:
    app = AppPassword("old phone", ["pop3"])
    (found,) = problems(people(Mailbox("alice", app_passwords=[app])))
    assert (found.path, found.message.partition(":")[0]) == (f"{ALICE}.app_passwords[0].protocols", "opens nothing")


@pytest.mark.parametrize("protocol", ["eas", "dav", "sogo"])
@pytest.mark.parametrize("value", ["y", True])
def test_without_sogo_nothing_speaks_its_own(protocol: str, value: bool | str) -> None:
    topology = people(Mailbox("alice", protocols=["imap", protocol]), internal=without_sogo(value))
    (found,) = problems(topology)
    assert found.message == f"{protocol} opens nothing here: SKIP_SOGO leaves SOGo out, which speaks {protocol}"
    assert found.hint == f"leave {protocol} out, or SKIP_SOGO"


@pytest.mark.parametrize(
    "topology",
    [
        people(Mailbox("alice", protocols=[*map(str, Protocol)]), client_services=[*EVERY_PORT]),
        people(Mailbox("alice", protocols=["eas", "dav", "sogo"])),
        people(Mailbox("alice", protocols=["imap", "smtp"]), internal=without_sogo()),
        people(Mailbox("alice", protocols=["sogo"]), internal=without_sogo("n")),
        people(Mailbox("alice"), internal=without_sogo()),
        people(Mailbox("alice", protocols=["pop3"], state="archived")),
        people(Mailbox("alice", protocols=["pop3"], app_passwords=[AppPassword("x", ["pop3"])], state="inactive")),
        people(Mailbox("alice", protocols=["pop3"]), client_services=["imaps", "submissions", "pop3s"]),
    ],
)
def test_what_is_spoken_or_not_described_is_not_mentioned(topology: Topology) -> None:
    assert [each for each in problems(topology) if "protocols" in each.path] == []


def test_wrong_values_are_left_to_whoever_reports_them() -> None:
    topology = people(Mailbox("alice", protocols=["popp"]), client_services=["imaps", "submissions", "pop"])
    said: tuple[Problem, ...] = problems(topology)
    assert [each.path for each in said] == [f"{ALICE}.protocols[0]", "client_services[2]"]
