"""Who may write as whom: as a description has it, and as Mailcow's Postfix finds it in its map of senders."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mailnix import Topology
from mailnix.lab.scenario.ends import may_write_as, owned
from mailnix.model.mail import without_tag

NOBODY = "nobody-has-this"

Writers = Mapping[str, set[str]]
"""By sender: the mailboxes whose owners may write as it."""


def senders(topology: Topology) -> tuple[str, ...]:
    """Every local part that there is, with a tag and without, and one that nobody has, in every domain; and one of
    somebody elsewhere.
    """
    parts = {NOBODY: None}
    for domain in topology.domains:
        parts |= dict.fromkeys(mailbox.local_part for mailbox in domain.mailboxes)
        parts |= dict.fromkeys(alias.local_part for alias in domain.aliases)
    tagged = (*parts, *(f"{part}+tag" for part in parts))
    return (*(f"{part}@{domain.name}" for domain in topology.domains for part in tagged), "a@stranger.example")


def as_described(topology: Topology) -> Writers:
    """What `mailnix lab` counts on."""
    boxes = owned(topology)
    return {
        sender: {box.address for box in boxes if may_write_as(topology, box, sender)} for sender in senders(topology)
    }


def as_found(topology: Topology, look_up: Callable[[str], str]) -> Writers:
    """What a map says, asked as by Postfix: without the tag where it knows nobody with it (ADDRESS EXTENSION in
    postconf(5), smtpd_sender_login_maps).
    """
    boxes = {box.address for box in owned(topology)}
    return {
        sender: boxes & {*(look_up(sender) or look_up(without_tag(sender))).split(",")} for sender in senders(topology)
    }
