"""A mail is sent, looked for and timed, whatever door it goes by; the live one is asked through fakes of SSH."""

from __future__ import annotations

import json
from collections.abc import Sequence
from email import message_from_string
from typing import Any

import pytest
from attrs import define, evolve, field

from mailnix import Domain, Mailbox, State
from mailnix.doctor.doctoring import findings
from mailnix.doctor.e2e import live
from mailnix.doctor.e2e.gather import PAUSE, Arrived, Clock, group, travelled
from mailnix.doctor.e2e.judge import Trip
from mailnix.doctor.e2e.live import HomePost, Way, first_mailbox
from mailnix.doctor.scene import Scene
from mailnix.doctor.values import Answer
from mailnix.errors import MailnixError
from mailnix.plan import derive
from tests.descriptions import sound
from tests.doctor.e2e.test_judge import FAR, PASSED, mail

OUT = Trip("alice@example.org", "you@far.example", server=FAR)
BACK = Trip("you@far.example", "alice@example.org", server="mail.example.org")


@define
class Lab:
    """Mails arrive so many looks after they were sent, or never; each look is a pause long."""

    looks: int | None = 0
    raw: bytes = mail(PASSED)
    fails: str = ""
    out: Trip | None = OUT
    back: Trip | None = BACK
    sent: list[tuple[str, str]] = field(factory=list)
    time: float = 1000.0

    def send(self, trip: Trip, token: str, /) -> None:
        if self.fails:
            raise MailnixError(self.fails)
        self.sent.append((trip.to, token))
        self.begun = self.time

    def find(self, _trip: Trip, token: str, /) -> Arrived | None:
        assert token == self.sent[-1][1]
        late = self.looks is None or self.time - self.begun < self.looks * PAUSE
        return None if late else Arrived(self.raw)

    @property
    def clock(self) -> Clock:
        def sleep(seconds: float) -> None:
            self.time += seconds

        return Clock(lambda: self.time, sleep)

    begun: float = 0.0


@pytest.mark.parametrize("looks", [0, 1, 4])
def test_a_mail_is_looked_for_until_it_is_there(looks: int) -> None:
    lab = Lab(looks)
    assert travelled(lab, OUT, lab.clock) == evolve(OUT, raw=lab.raw, seconds=looks * PAUSE)


def test_a_mail_that_does_not_come_is_not_waited_for_for_ever() -> None:
    lab = Lab(None)
    found = travelled(lab, OUT, lab.clock, patience=60.0)
    assert (found.raw, found.why, found.seconds) == (None, "", 60.0)


def test_a_door_that_is_closed_says_why() -> None:
    lab = Lab(fails="postfix-mailcow does not run")
    assert travelled(lab, OUT, lab.clock).why == "postfix-mailcow does not run"


def test_a_machine_that_nobody_knows_the_way_to_is_asked_for() -> None:
    class Lost(Lab):
        def send(self, trip: Trip, token: str, /) -> None:
            raise MailnixError("nobody knows where internal is", "say so: --to internal=root@ADDRESS")

    (found,) = findings(SCENE, [group(lambda _scene: Lost(out=OUT), Lost().clock)], {"e2e.out"})
    assert (found.answer, found.advice) == (Answer.UNASKED, "say so: --to internal=root@ADDRESS")


def test_each_mail_has_a_token_of_its_own() -> None:
    lab = Lab()
    for _ in range(2):
        travelled(lab, OUT, lab.clock)
    assert len({token for _, token in lab.sent}) == 2


SCENE = Scene(derive(sound()))


@pytest.mark.parametrize("wanted", [{"e2e.out"}, {"e2e.in"}, {"e2e.out", "e2e.in"}])
def test_only_mails_that_are_wanted_are_sent(wanted: set[str]) -> None:
    lab = Lab(raw=mail(PASSED) + b"", out=OUT, back=evolve(BACK, server=FAR))
    found = list(findings(SCENE, [group(lambda _scene: lab, lab.clock)], wanted))
    assert {each.id for each in found} == wanted
    assert {each.answer for each in found} == {Answer.WELL}
    assert len(lab.sent) == len(wanted)


@define
class Far:
    """A machine that is asked one question at a time, and what it answers; strings are reasons why it does not."""

    name: str
    answers: dict[str, Any]
    told: list[tuple[str, dict[str, Any]]] = field(factory=list)

    def ask(self, _words: Sequence[str], stdin: bytes) -> str:
        ((question, told),) = json.loads(stdin)["told"].items()
        self.told.append((question, told))
        return json.dumps({"answers": {question: self.answers[question]}})


def posted(answers: bool = False, **fates: Any) -> tuple[HomePost, Far, Far]:
    home = Far("home", {"send": {"ok": 1000.5}, "fetch": {"ok": mail(PASSED).decode()}})
    proxy = Far("proxy", {"fate": {"ok": {"taken": "", "problem": "", **fates}}})
    way = Way("alice@example.org", "you@far.example", answers)
    return HomePost(way, "mail.example.org", home, {"proxy": proxy}), home, proxy


def test_live_a_mail_is_handed_over_at_home_and_what_the_receiver_said_is_asked_at_the_proxy() -> None:
    post, home, proxy = posted(taken="250 2.0.0 OK")
    assert post.out is not None
    assert post.back is None
    found = travelled(post, post.out)
    assert (found.taken, found.raw, found.why) == ("250 2.0.0 OK", None, "")
    (question, told) = home.told[0]
    sent = message_from_string(told["message"])
    assert (question, told["sender"], told["to"]) == ("send", "alice@example.org", "you@far.example")
    assert sent["Message-ID"] == f"<{sent['Subject']}@example.org>"
    assert sent["Auto-Submitted"] == "auto-generated"
    assert proxy.told == [
        ("fate", {"unit": "haraka-out.service", "since": 1000.5, "domain": "far.example", "to": "you@far.example"})
    ]


def test_live_what_an_echo_sends_back_is_found_in_the_senders_mailbox() -> None:
    post, home, _proxy = posted(answers=True)
    assert post.back is not None
    found = travelled(post, post.back)
    assert found.raw == mail(PASSED)
    assert home.told[1][1]["mailbox"] == "alice@example.org"


def test_live_a_home_that_cannot_send_says_why() -> None:
    post, home, _proxy = posted()
    home.answers["send"] = {"failed": "postfix-mailcow does not run"}
    assert post.out is not None
    assert travelled(post, post.out).why == "home: postfix-mailcow does not run"


def test_the_first_mailbox_that_is_in_use_sends() -> None:
    boxes = [Mailbox("old", state=State.ARCHIVED), Mailbox("bob")]
    assert first_mailbox(derive(sound(domains=[Domain("example.org", boxes)]))) == "bob@example.org"


def test_where_nobody_has_a_mailbox_somebody_must_be_named() -> None:
    with pytest.raises(MailnixError, match="no mailbox"):
        first_mailbox(derive(sound(domains=[Domain("example.org")])))
    (found,) = findings(
        Scene(derive(sound(domains=[Domain("example.org")]))), [live.live("you@far.example")], {"e2e.out"}
    )
    assert found.answer is Answer.UNASKED
