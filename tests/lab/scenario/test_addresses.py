"""Checks of addresses see mail that ends elsewhere than described, twice, or not at all."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mailnix.config import load
from mailnix.lab.internet.layout import INTERNET, layout
from mailnix.lab.scenario import CheckFailed, Scene, addresses, checks_for
from mailnix.lab.waiting import Wait
from mailnix.plan import Plan, derive

from .conftest import FakeDisks, FakeGuest, Said

EVERYTHING = Path(__file__).resolve().parents[3] / "docs/examples/everything.py"
DESCRIBED = {
    *("catch-all", "discarded", "mirror", "forwarded", "handed-on", "archive", "archive-closed"),
    *("protocols", "app-passwords", "send-as", "home-clients", "client-logins"),
}
SENT = {"relay": "mx", "status": "sent", "said": "250 ok", "tls": ""}
REFUSED = {"relay": "mx", "status": "bounced", "said": "host said: 550 5.1.1 unknown", "tls": ""}
VERDICT = "Authentication-Results: mx.elsewhere.test; spf=pass\n"


class World:
    """A mail server elsewhere and Mailcow, by where they have mail: everything is taken but for what is `refused`."""

    def __init__(self, *, refused: str = "") -> None:
        self.has: Counter[str] = Counter()
        self.refused = refused
        self.by = "bob@example.org"
        self.verdict = VERDICT

    def internet(self, command: str) -> Any:
        if "post.py send" in command:
            to = option(command, "to")
            return {"ok": True, "recipients": {to: REFUSED if to == self.refused else SENT}}
        count = self.has[option(command, "mailbox")]
        text = f"Return-Path: <{self.by}>\n{self.verdict}Subject: word-1\n\nhi\n"
        return {"ok": bool(count), "count": count, "messages": [text] * count}

    def home(self, command: str) -> str:
        user = re.search(r"-u (\S+)", command)
        return "text:\nSubject: word-1\n\nhi\n\f\n" * self.has[user[1] if user else ""]


def option(command: str, name: str) -> str:
    found = re.search(rf"--{name}=(\S+)", command)
    return found[1] if found else ""


class Answering(FakeGuest):
    """A guest whose answers are a function of what is asked."""

    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer = answer

    def execute(self, command: str, *, timeout: float = 60.0) -> Said:
        if self.answers and any(re.search(pattern, command) for pattern, _answer in self.answers):
            return super().execute(command)
        found = self.answer(command)
        return Said(json.dumps(found) if isinstance(found, dict) else str(found))


@pytest.fixture(scope="module")
def everything() -> Plan:
    return derive(load(EVERYTHING))


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def lived_in(everything: Plan, world: World, disks: FakeDisks, monkeypatch: pytest.MonkeyPatch) -> Scene:
    home = Answering(world.home)
    home.when("^date", "1795386483.1")
    monkeypatch.setattr(Scene, "token", staticmethod(lambda _what: "word-1"))
    guests = {INTERNET: Answering(world.internet), "internal": home, "proxy": FakeGuest()}
    return Scene(everything, layout(everything), guests, disks, wait=lambda _seconds: Wait(0.0))


def test_every_check_of_the_kind_applies_to_the_example_that_has_everything(everything: Plan, plan: Plan) -> None:
    applying = {check.id for check in checks_for(everything)}
    assert applying >= DESCRIBED
    assert {check.id for check in checks_for(plan)} & DESCRIBED == {"client-logins"}


def test_what_the_example_names_elsewhere_is_in_the_labs_internet(everything: Plan) -> None:
    assert set(layout(everything).correspondents) == {
        "bob@friends.example",
        "frank@friends.example",
        "carol@blocks-us.example",
    }


CASES: list[tuple[Any, dict[str, int]]] = [
    (addresses.catch_all_takes_anything, {"grace@example.com": 1}),
    (addresses.mirror_has_the_same_addresses, {"alice@example.org": 1}),
    (addresses.forwarded_mail_is_outside, {"alice@example.org": 1, "frank@friends.example": 1}),
]


@pytest.mark.parametrize(("check", "has"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_mail_that_ends_where_it_should_passes_and_elsewhere_fails(
    lived_in: Scene, world: World, check: Any, has: dict[str, int]
) -> None:
    world.has.update(has)
    assert next(iter(has)) in check(lived_in)
    for end in has:
        for wrong in (0, 2):
            world.has[end] = wrong
            with pytest.raises(CheckFailed, match=rf"{end} has {wrong} copies"):
                check(lived_in)
        world.has[end] = 1


def test_mail_in_a_mailbox_where_it_should_not_be_is_noticed(lived_in: Scene, world: World) -> None:
    world.has.update({"grace@example.com": 1, "alice@example.org": 1})
    with pytest.raises(CheckFailed, match=r"alice@example.org has mail that it should not"):
        addresses.catch_all_takes_anything(lived_in)


def test_mail_that_is_thrown_away_is_nowhere(lived_in: Scene, world: World) -> None:
    home: FakeGuest = lived_in.machines["internal"]
    home.when("docker logs", "to=<null@localhost>, orig_to=<noreply@example.org>, relay=local, status=sent (ok)")
    assert "thrown away" in addresses.discarded_mail_is_nowhere(lived_in)
    world.has["alice@example.org"] = 1
    with pytest.raises(CheckFailed, match="should not have"):
        addresses.discarded_mail_is_nowhere(lived_in)


def test_mail_that_is_kept_instead_of_thrown_away_is_noticed(lived_in: Scene) -> None:
    home: FakeGuest = lived_in.machines["internal"]
    home.when(
        "docker logs", "to=<alice@example.org>, orig_to=<noreply@example.org>, relay=dovecot, status=deferred (x)"
    )
    with pytest.raises(CheckFailed, match="in vain"):
        addresses.discarded_mail_is_nowhere(lived_in)


HANDED_ON = {"bob@example.org": 1, "bob@friends.example": 1, "alice@example.org": 1}


def test_mail_is_handed_on_with_a_copy_or_without(lived_in: Scene, world: World) -> None:
    world.has.update(HANDED_ON)
    with pytest.raises(CheckFailed, match=r"alice@example.org has mail that it should not"):
        addresses.handed_on_mail_is_where_it_should(lived_in)  # of bob's, alice should have none
    del world.has["alice@example.org"]
    with pytest.raises(CheckFailed, match=r"alice@example.org has 0 copies of mail to dan@example.org"):
        addresses.handed_on_mail_is_where_it_should(lived_in)


@pytest.mark.parametrize(
    ("by", "verdict", "why"),
    [("carol@elsewhere.test", VERDICT, "hands mail on"), ("bob@example.org", VERDICT.replace("pass", "fail"), "SPF")],
)
def test_mail_that_is_handed_on_in_anothers_name_is_noticed(
    lived_in: Scene, world: World, by: str, verdict: str, why: str
) -> None:
    world.has.update({"bob@example.org": 1, "bob@friends.example": 1})
    world.by, world.verdict = by, verdict
    with pytest.raises(CheckFailed, match=why):
        addresses.handed_on_mail_is_where_it_should(lived_in)


def test_an_archive_takes_mail_and_an_inactive_mailbox_does_not(lived_in: Scene, world: World) -> None:
    world.has["carol@example.org"], world.refused = 1, "erin@example.org"
    assert "erin@example.org: 550 5.1.1" in addresses.archive_takes_mail(lived_in)
    world.refused = ""
    with pytest.raises(CheckFailed, match=r"mail to erin@example.org was not refused"):
        addresses.archive_takes_mail(lived_in)
    world.refused = "carol@example.org"
    with pytest.raises(CheckFailed, match=r"mail to carol@example.org was not taken"):
        addresses.archive_takes_mail(lived_in)
