"""Mailboxes and aliases as a user writes them, and how the addresses in them are read: here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, Final

from attrs import field, frozen

from mailnix.model.names import to_ascii
from mailnix.model.reading import items, lower, member, texts

SENDS_PER_HOUR: Final = 300
EVERYWHERE: Final = "*"
"""In `Mailbox.send_as`: any address at all."""


class State(StrEnum):
    """Whether a mailbox takes mail and lets its owner in: Mailcow's `active` 1, 2 and 0."""

    ACTIVE = "active"
    ARCHIVED = "archived"  # takes mail, lets nobody in
    INACTIVE = "inactive"  # neither: mail to it is refused


class Protocol(StrEnum):
    """What an owner may reach a mailbox by: Mailcow's `…_access`."""

    IMAP = "imap"
    POP3 = "pop3"
    SMTP = "smtp"
    SIEVE = "sieve"
    EAS = "eas"  # ActiveSync
    DAV = "dav"  # calendars and contacts
    SOGO = "sogo"  # the web mail


def _protocols(value: Iterable[Protocol | str] | str) -> tuple[Protocol, ...]:
    return tuple(member(Protocol, item) for item in items(value))


def _state(value: State | str) -> State:
    return member(State, value)  # type: ignore[no-any-return]


def _app_passwords(value: Iterable[AppPassword | str]) -> tuple[AppPassword, ...]:
    """Let a bare text stand for an app password that has only a name: `app_passwords=["phone"]`."""
    return tuple(AppPassword(item) if isinstance(item, str) else item for item in items(value))


def mailboxes(value: Iterable[Mailbox | str]) -> tuple[Mailbox, ...]:
    """Let a bare text stand for a mailbox that has only a name: `mailboxes=["alice"]`."""
    return tuple(Mailbox(item) if isinstance(item, str) else item for item in items(value))


def aliases(value: Iterable[Alias]) -> tuple[Alias, ...]:
    """A list of aliases."""
    return items(value)


@frozen
class AppPassword:
    """A further password of a mailbox, for one program or device: it can be taken back alone, and may do less.

    `protocols` are what it opens; not the web mail, which takes no app passwords.
    """

    name: str
    protocols: tuple[Protocol, ...] = field(converter=_protocols, default=(Protocol.IMAP, Protocol.SMTP))


@frozen
class Mailbox:
    """A mailbox: its local part, quota ("2 GiB"; units are powers of 1024), and the name people see.

    `sends_per_hour` is how many recipients its owner may write to in an hour, so a mail to five people counts five
    (rspamd's ratelimit.lua): whoever steals a password floods no faster. 0 is no limit.

    What comes is also handed on to `forward_to`, by a sieve redirect, whose envelope sender is this mailbox, so that
    SPF holds at the receiver; without `keep_copy` it stays here only where it is spam for addresses elsewhere.
    `send_as` are further senders its owner may write as: an address or "@domain" of ours, or "*".

    `protocols` are what its owner may use (none said: as it is in Mailcow, at first everything). The first password
    is made by `mailnix secrets init`, unless `password_hash` ("{BLF-CRYPT}$2y$…") or `password_file`, a file in the
    secrets folder with a password or a hash, gives it.
    """

    local_part: str = field(converter=lower)
    quota: str | int = "3 GiB"
    name: str = ""
    sends_per_hour: int = SENDS_PER_HOUR
    state: State = field(converter=_state, default=State.ACTIVE)
    forward_to: tuple[str, ...] = field(converter=texts, default=())
    keep_copy: bool = True
    send_as: tuple[str, ...] = field(converter=texts, default=())
    protocols: tuple[Protocol, ...] = field(converter=_protocols, default=())
    app_passwords: tuple[AppPassword, ...] = field(converter=_app_passwords, default=())
    password_hash: str | None = field(default=None, repr=False)
    password_file: str | None = None


@frozen
class Alias:
    """An address that delivers elsewhere: to local parts of its own domain, or to whole addresses anywhere.

    With `discard` it takes mail and throws it away (Mailcow's `goto_null`).
    """

    local_part: str = field(converter=lower)
    to: tuple[str, ...] = field(converter=texts, default=())
    discard: bool = False


def address_of(text: str, domain: str) -> str:
    """The whole address that a target means: a bare local part is in `domain`. Blanks around it were pasted along."""
    local_part, at, name = text.strip().rpartition("@")
    return f"{local_part.lower()}@{to_ascii(name)}" if at else f"{name.lower()}@{domain}"


def without_tag(address: str) -> str:
    """The mailbox of a sub-address: what follows a + is its tag (Mailcow's `recipient_delimiter`)."""
    local_part, _, domain = address.rpartition("@")
    return f"{local_part.partition('+')[0]}@{domain}"


def sender_of(text: str, domain: str) -> str:
    """What an entry of `send_as` means: "*", "@domain", or a whole address."""
    entry = text.strip()
    return (
        entry if entry == EVERYWHERE else f"@{to_ascii(entry[1:])}" if entry[:1] == "@" else address_of(entry, domain)
    )


def app_password_entry(address: str, name: Any) -> str:
    """What an app password is called among the secrets: "alice@example.org/phone"."""
    return f"{address}/{name}".lower()


def shown_name(name: str) -> str:
    """A display name as Mailcow keeps it: it takes away what would be the < and > around an address."""
    return name.rstrip(">").lstrip("<")
