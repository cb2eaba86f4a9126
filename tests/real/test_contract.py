"""What the fake Mailcow is held to is what Mailcow's own code says: with a new pin, what moved is told here."""

from __future__ import annotations

from rig.mailcow import Mailcow
from tests.lab.fake_mailcow.contract.agreement import Exceptions, differences, recorded
from tests.real.asked import answers

NONE = Exceptions({}, {})


def test_mailcow_answers_as_is_written_down(provisioned: Mailcow) -> None:
    moved = list(differences(recorded(), answers(provisioned), NONE))
    assert moved == [], "python -m tests.real.asked writes them down anew: review the diff"
