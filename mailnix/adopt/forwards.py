"""What hangs on a mailbox in a Mailcow: app passwords, and what hands its mail on, as `forward_to`.

That are filters, recipient maps and aliases of a mailbox's own name, where they do that and nothing else. What does
more stays in Mailcow, and is a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from attrs import evolve, field, frozen

from mailnix.adopt.existing import TEXT_MAX, Existing, Row
from mailnix.model.mail import AppPassword, Protocol
from mailnix.services.mailcow.guest.domains import PREFIX
from mailnix.services.mailcow.guest.sieve import UNLESS_SPAM, forward_of

TO, KEEP, APPS, NOTES = "forward_to", "keep_copy", "app_passwords", "notes"
"""What a mailbox's row has more than Mailcow gave."""
WITH_BACKUP: Final = "is in Mailcow's database and comes with a backup of it"


@frozen
class _Said:
    """Of mailboxes, by address: whom each hands on to and whether it keeps a copy, app passwords, notes."""

    to: dict[str, dict[str, None]] = field(factory=dict)
    gone: set[str] = field(factory=set)
    apps: dict[str, list[AppPassword]] = field(factory=dict)
    notes: dict[str, list[str]] = field(factory=dict)

    def forward(self, address: str, to: tuple[str, ...], *, keep: bool) -> None:
        """One more way."""
        self.to.setdefault(address, {}).update(dict.fromkeys(to))
        if not keep:
            self.gone.add(address)

    def note(self, address: str, text: str) -> None:
        """One more note."""
        self.notes.setdefault(address, []).append(text)

    def row(self, box: Row) -> Row:
        """A mailbox with what is said of it."""
        address = box.text("username")
        to, notes = [*self.to.get(address, ())], [*box.texts(NOTES), *self.notes.get(address, ())]
        more = {TO: to, KEEP: int(address not in self.gone), APPS: self.apps.get(address, []), NOTES: notes}
        return Row({**box.values, **more})


def told(existing: Existing) -> Existing:
    """The same, each mailbox's row with `TO`, `KEEP`, `APPS` and `NOTES`; aliases in the place of recipient maps."""
    said = _Said()
    boxes = {row.text("username") for row in existing.mailboxes}
    ours = {row.text("domain_name") for row in existing.domains} | {
        row.text("alias_domain") for row in existing.alias_domains
    }
    for row in existing.filters:
        _filter(row, ours, said)
    for row in existing.app_passwords:
        _app_password(row, said)
    aliases = [row for row in existing.aliases if not _own_alias(row, boxes, said)]
    taken = {row.text("address") for row in aliases}
    left = []
    for row in existing.recipient_maps:
        old, new = row.text("recipient_map_old").lower(), row.text("recipient_map_new").lower()
        domain = old.rpartition("@")[2]
        whole = not old.startswith("@") and "@" in new[1:] and row.flag("active", default=True)
        if whole and old in boxes:
            said.forward(old, (new,), keep=False)
            said.note(old, f"a recipient map in Mailcow leads its mail to {new}")
        elif whole and domain in ours and old not in taken:
            aliases.append(Row({"address": old, "domain": domain, "goto": new, "sender_allowed": 1}))
        else:
            left.append(row)
    told_of = tuple(said.row(box) for box in existing.mailboxes)
    return evolve(existing, mailboxes=told_of, aliases=tuple(aliases), recipient_maps=tuple(left))


def _filter(row: Row, ours: set[str], said: _Said) -> None:
    address, text = row.text("username"), row.text("script_data")
    forward = forward_of(text) if row.flag("active", default=True) and len(text) < TEXT_MAX else None
    if forward is None:
        state = "" if row.flag("active", default=True) else ", switched off,"
        said.note(address, f"its filter {row.text('script_desc')!r}{state} {WITH_BACKUP}")
        return
    said.forward(address, forward.to, keep=forward.keep_copy)
    if UNLESS_SPAM not in text and any(to.rpartition("@")[2] not in ours for to in forward.to):
        said.note(address, "Mailcow hands on what is spam, too; described, that stays here")


def _app_password(row: Row, said: _Said) -> None:
    address, name = row.text("mailbox"), row.text("name")
    opens = tuple(each for each in Protocol if row.flag(f"{each}_access", default=False))
    if name.startswith(PREFIX):
        said.apps.setdefault(address, []).append(AppPassword(name.removeprefix(PREFIX), opens))
    else:
        said.note(address, f"its app password {name!r} ({', '.join(opens)}) {WITH_BACKUP}")


def _own_alias(row: Row, boxes: set[str], said: _Said) -> bool:
    """Whether it is one of a mailbox's own address, which older Mailcows let people change to lead elsewhere, too."""
    address = row.text("address")
    if address not in boxes or not row.flag("active", default=True):
        return False
    to = [each.strip() for each in row.text("goto").split(",") if each.strip()]
    said.forward(address, tuple(each for each in to if each != address), keep=address in to)
    said.note(
        address, "an alias of its own name does this in Mailcow: set that back to itself once this is provisioned"
    )
    return True


def left_over(existing: Existing) -> Iterator[str]:
    """What is about addresses and stays in Mailcow alone."""
    for row in existing.recipient_maps:
        yield f"recipient map of {row.text('recipient_map_old')} to {row.text('recipient_map_new')}: it {WITH_BACKUP}"
    for row in existing.bcc_maps:
        kind = "what it sends" if row.text("type") == "sender" else "what comes for it"
        yield f"BCC map of {row.text('local_dest')}: {kind} is copied to {row.text('bcc_dest')}; it {WITH_BACKUP}"
