"""Who may write as whom, asked as Mailcow's Postfix asks: by the map that its entrypoint wrote."""

from __future__ import annotations

from typing import Final

from mailnix import Topology
from mailnix.model.mail import without_tag
from rig.mailcow import Mailcow
from tests.senders import Writers, as_found, senders

CONF: Final = "/var/lib/mailcow/data/conf/postfix"
MAP: Final = f"mysql:{CONF}/sql/mysql_virtual_sender_acl.cf"


def writers(machine: Mailcow, topology: Topology) -> Writers:
    """By sender of a description: the mailboxes whose owners Postfix lets write as it."""
    if "postfix" not in machine.running:
        machine.postfix_up()
    keys = dict.fromkeys(each for sender in senders(topology) for each in (sender, without_tag(sender)))
    asked = "".join(f"{key}\n" for key in keys).encode()
    said = machine.space.run(["postmap", "-c", CONF, "-q", "-", MAP], stdin=asked, check=False)  # 1: some it knows not
    known = dict(line.split("\t", 1) for line in said.stdout.splitlines())
    assert known, said.stderr
    return as_found(topology, lambda key: known.get(key, ""))
