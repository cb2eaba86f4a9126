"""Every question, in the order in which they are asked."""

from __future__ import annotations

from tests.lab.fake_mailcow.contract import cases
from tests.lab.fake_mailcow.contract.cases import Case
from tests.lab.fake_mailcow.contract.people import people


def questions(key: str) -> list[Case]:
    """All of them; `key` is an RSA key in PEM."""
    asked = (cases.access(), cases.domains(key), cases.mailboxes(), cases.aliases(), cases.later(key), people())
    return [case for group in (*asked, cases.admins(), cases.malformed()) for case in group]
