"""Put the questions of the contract to Mailcow's own code.

`MAILNIX_MAILCOW_TREE=TREE python -m tests.real.asked` writes down what it answers, to which the fake Mailcow is held.
"""

from __future__ import annotations

import sys

from mailnix.secrets.dkim import private_key
from rig.mailcow import Mailcow, mailcow, missing, refusal
from tests.lab.fake_mailcow.contract.agreement import RECORD, exceptions, record
from tests.lab.fake_mailcow.contract.all import questions
from tests.lab.fake_mailcow.contract.asking import Answer, ask_all
from tests.lab.fake_mailcow.contract.cases import DOMAIN, MIRROR, OTHERS, edit
from tests.real.description import DESCRIPTION
from tests.real.given import HOW, TREE, tree


def answers(machine: Mailcow) -> dict[str, Answer]:
    """Its answers; what the questions make is taken away before and after, and the admin gets their password back."""
    clean(machine)
    try:
        pem = private_key()
        return ask_all(machine.api().call, questions(pem), pem, exceptions().random)
    finally:
        clean(machine)
        password = machine.secret("mailcow.admin-password")
        machine.api().call("edit/admin", edit("admin", active=1, password=password, password2=password))


def clean(machine: Mailcow) -> None:
    """Take the questions' aliases, mailboxes, domains and keys away."""
    api = machine.api()
    api.call("delete/alias-domain", [MIRROR])
    api.call("delete/alias", [row["id"] for row in api.rows("get/alias/all") if row["domain"] == DOMAIN])
    boxes = [row["username"] for row in api.rows(f"get/mailbox/all/{DOMAIN}") if row["domain"] == DOMAIN]
    api.call("delete/mailbox", boxes)
    api.call("delete/domain", [DOMAIN, *OTHERS])
    api.call("delete/dkim", [DOMAIN, *OTHERS])


def main() -> int:
    """Write the record."""
    given = tree(TREE)
    wrong = f"{TREE} names no tree of Mailcow; {HOW}" if given is None else missing() or refusal(given)
    if given is None or wrong:
        print(wrong, file=sys.stderr)
        return 1
    with mailcow(DESCRIPTION, given) as machine:
        machine.provision()
        RECORD.write_text(record(answers(machine)), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
