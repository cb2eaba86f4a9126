"""From an existing Mailcow to the description that fits it, and to notes on what no description says.

A field of the description is a line in one of the tables here. Whether the result is sound is not judged here but
asked of `mailnix.model.check`: what it refuses becomes a note with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from attrs import field, frozen

from mailnix.adopt import domains as of_mailcow
from mailnix.adopt import forwards
from mailnix.adopt.existing import Existing, Row
from mailnix.adopt.relays import relays
from mailnix.adopt.settings import ours
from mailnix.model.mail import Alias, Mailbox, Protocol, State
from mailnix.model.names import MIB, to_unicode
from mailnix.model.relays import Relay
from mailnix.model.topology import Domain
from mailnix.services.mailcow.guest.domains import MARK, PREFIX

NOBODY: Final = "null@localhost"
"""Where Mailcow leads what is thrown away (goto_null)."""
SINKS: Final = {
    "spam@localhost": "learns what comes as spam",
    "ham@localhost": "learns what comes as wanted mail",
}
PER_HOUR: Final = {"s": 3600.0, "m": 60.0, "h": 1.0, "d": 1 / 24}
GIB: Final = 2**30
STATES: Final = {0: State.INACTIVE, 1: State.ACTIVE, 2: State.ARCHIVED}
OWN_SOURCE: Final = "mailcow"


@frozen
class Fitted:
    """Mail domains, relays, and notes: of all of it, of a domain by its name, of a mailbox or alias by its address.

    `left_out` are those of domains that are not among them.
    """

    domains: tuple[Domain, ...]
    general: tuple[str, ...] = ()
    notes: Mapping[str, tuple[str, ...]] = field(factory=dict)
    relays: tuple[Relay, ...] = ()
    left_out: tuple[str, ...] = ()


def fit(existing: Existing) -> Fitted:
    """The description's part about mail."""
    existing, left_out = of_mailcow.kept(existing)
    existing = forwards.told(existing)
    leaving = relays(existing)
    notes: dict[str, tuple[str, ...]] = {}
    mailboxes = _by_domain(existing.mailboxes)
    aliases = _by_domain(existing.aliases)
    domains = []
    for row in existing.domains:
        name = row.text("domain_name")
        notes[name] = tuple(_domain_notes(row, existing, relayed=leaving.of_all))
        catch_all, others = _apart(aliases.get(name, []), name, notes)
        domains.append(
            Domain(
                name,
                tuple(_mailboxes(mailboxes.get(name, []), row, notes)),
                tuple(_aliases(others, notes)),
                catch_all=catch_all,
                **{at: value(name, existing) for at, value in DOMAIN.items()},
            )
        )
    domains += _mirrors(existing, aliases, notes)
    general = (*leaving.notes, *_general(existing))
    said = {at: texts for at, texts in notes.items() if texts}
    return Fitted(tuple(domains), general, said, leaving.found, left_out)


def _mirrors(
    existing: Existing, aliases: Mapping[str, list[Row]], notes: dict[str, tuple[str, ...]]
) -> Iterator[Domain]:
    """Mailcow's alias domains, as domains that mirror another."""
    for row in existing.alias_domains:
        name, target = row.text("alias_domain"), row.text("target_domain")
        if not row.flag("active", default=True):
            _add(notes, target, f"{name} mirrors it there, is switched off, and left out")
            continue
        there = {_led(alias) for alias in aliases.get(target, [])}
        own = [alias for alias in aliases.get(name, []) if _led(alias) not in there]
        catch_all, others = _apart(own, name, notes)
        said = {at: value(name, existing) for at, value in DOMAIN.items()}
        yield Domain(name, (), tuple(_aliases(others, notes)), alias_of=target, catch_all=catch_all, **said)


def _led(alias: Row) -> tuple[str, frozenset[str]]:
    """An alias without its domain: in one that mirrors another, the other's aliases are repeated."""
    return alias.text("address").rpartition("@")[0], frozenset(_goto(alias))


def _apart(found: list[Row], domain: str, notes: dict[str, tuple[str, ...]]) -> tuple[tuple[str, ...], list[Row]]:
    """Where a domain's catch-all leads, and its other aliases."""
    to: tuple[str, ...] = ()
    others = []
    for row in found:
        if not row.text("address").startswith("@") or _unsaid(row):
            others.append(row)
        elif NOBODY in _goto(row):
            _add(notes, domain, "its catch-all throws everything away in Mailcow; described, senders are told")
        else:
            to = (*to, *ALIAS["to"](row))
            for note in _comment(row):
                _add(notes, domain, f"of its catch-all, {note}")
    return to, others


def _by_domain(rows: tuple[Row, ...]) -> Mapping[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.text("domain"), []).append(row)
    return found


DOMAIN: Final[Mapping[str, Callable[[str, Existing], Any]]] = {
    "dkim_selector": lambda name, existing: key.selector if (key := existing.keys.get(name)) else "dkim",
}
"""Fields of a Domain, from its name and all that was read."""

MAILBOX: Final[Mapping[str, Callable[[Row, Row], Any]]] = {
    "quota": lambda box, domain: _size(box.number("quota") or domain.number("max_quota_for_mbox")),
    "name": lambda box, _: "" if box.text("name") == box.text("local_part") else box.text("name"),
    "sends_per_hour": lambda box, _: _per_hour(box),
    "state": lambda box, _: STATES.get(box.number("active", 1), State.ACTIVE),
    "send_as": lambda box, _: tuple(_target(sender, box.text("domain")) for sender in box.texts("sender_acl")),
    "forward_to": lambda box, _: tuple(_target(to, box.text("domain")) for to in box.texts(forwards.TO)),
    "keep_copy": lambda box, _: box.flag(forwards.KEEP, default=True) or not box.texts(forwards.TO),
    "app_passwords": lambda box, _: tuple(box.values.get(forwards.APPS, ())),
    "protocols": lambda box, _: () if len(_allowed(box)) == len(Protocol) else _allowed(box),
}
"""Fields of a Mailbox, from its row and its domain's."""

ALIAS: Final[Mapping[str, Callable[[Row], Any]]] = {
    "to": lambda alias: tuple(_target(to, alias.text("domain")) for to in _goto(alias) if to != NOBODY),
    "discard": lambda alias: NOBODY in _goto(alias),
}
"""Fields of an Alias, from its row."""


def _mailboxes(found: list[Row], domain: Row, notes: dict[str, tuple[str, ...]]) -> Iterator[Mailbox]:
    """All of a domain."""
    for row in found:
        notes[row.text("username")] = (*row.texts(forwards.NOTES), *_mailbox_notes(row))
        yield Mailbox(row.text("local_part"), **{at: value(row, domain) for at, value in MAILBOX.items()})


def _aliases(found: list[Row], notes: dict[str, tuple[str, ...]]) -> Iterator[Alias]:
    """Those that a description can say; the others become notes of their domain."""
    for row in found:
        address, domain = row.text("address"), row.text("domain")
        why = _unsaid(row)
        if why:
            _add(notes, domain, f"alias {address} to {', '.join(_goto(row))} is left out: {why}")
        else:
            notes[address] = tuple(_alias_notes(row))
            yield Alias(address.rpartition("@")[0], **{at: value(row) for at, value in ALIAS.items()})


def _add(notes: dict[str, tuple[str, ...]], at: str, note: str) -> None:
    notes[at] = (*notes.get(at, ()), note)


def _unsaid(alias: Row) -> str:
    """Why a description cannot say an alias; empty where it can."""
    if not alias.flag("active", default=True):
        return "it is switched off"
    sinks = [said for to in _goto(alias) if (said := SINKS.get(to))]
    return f"it {sinks[0]}" if sinks else ""


def _comment(alias: Row) -> Iterator[str]:
    """What somebody noted; the provisioner's mark before it is no part of it."""
    text = alias.text("private_comment").strip()
    if text and text != MARK:
        yield f"the private comment in Mailcow: {text.removeprefix(PREFIX)}"


def _alias_notes(alias: Row) -> Iterator[str]:
    yield from _comment(alias)
    if alias.flag("internal", default=False):
        yield "Mailcow takes mail to it from its own users alone; described, from everybody"
    if not alias.flag("sender_allowed", default=True):
        yield "nobody may write under it in Mailcow; described, whom it leads to may"


def _mailbox_notes(box: Row) -> Iterator[str]:
    attributes = box.row("attributes")
    if not _allowed(box):
        yield "its owner may use no protocol at all in Mailcow; described, everything"
    if not box.number("quota"):
        yield "it has no quota in Mailcow; here, the most that its domain allows"
    if (frame := box.row("rl").text("frame")) not in ("", "h"):
        yield f"its limit in Mailcow is {box.row('rl').text('value')} in 1{frame}; here, as many an hour"
    elif frame and box.text("rl_scope") == "domain":
        yield "its limit in Mailcow is one for the whole domain; here, each has it"
    if (authority := box.text("authsource")) not in ("", OWN_SOURCE):
        yield f"it logs in by {authority}, not by a password of Mailcow"
    if attributes.number("relayhost"):
        yield f"it sends by relay host {attributes.number('relayhost')}"
    if attributes.flag("tls_enforce_in", default=False) or attributes.flag("tls_enforce_out", default=False):
        yield "Mailcow enforces TLS for it"


def _domain_notes(domain: Row, existing: Existing, *, relayed: bool) -> Iterator[str]:
    if (number := domain.number("relayhost")) and not relayed:
        where = next((row.text("hostname") for row in existing.relayhosts if row.number("id") == number), str(number))
        yield f"its mail leaves by the relay host {where}; described, by the proxy"


def _general(existing: Existing) -> Iterator[str]:
    """What is about no single domain."""
    for row in existing.forwarding_hosts:
        yield f"forwarding host {row.text('host')} ({row.text('source')}): comes with a backup of Mailcow's Redis"
    yield from forwards.left_over(existing)
    yield from ours(existing.settings)
    for what, count in existing.further.items():
        yield f"{what}: {count}; they are in Mailcow's database and come with a backup of it"


def _goto(alias: Row) -> list[str]:
    return [to.strip() for to in alias.text("goto").split(",") if to.strip()]


def _target(to: str, domain: str) -> str:
    """A target as a person writes it: the local part alone where it is in the alias's own domain."""
    local_part, _, name = to.rpartition("@")
    return local_part if name == domain and local_part else f"{local_part}@{to_unicode(name)}" if local_part else to


def _allowed(box: Row) -> tuple[Protocol, ...]:
    """What an owner may use."""
    attributes = box.row("attributes")
    return tuple(each for each in Protocol if attributes.flag(f"{each}_access", default=True))


def _size(size: int) -> str:
    """Bytes as a quota; Mailcow keeps whole MiB."""
    return f"{size // GIB} GiB" if size and size % GIB == 0 else f"{size // MIB} MiB"


def _per_hour(box: Row) -> int:
    """How many recipients an hour: Mailcow's limit of the mailbox, else of its domain; 0 for none."""
    limit = box.row("rl")
    value = limit.number("value")
    if value <= 0:
        return 0
    return max(1, round(value * PER_HOUR.get(limit.text("frame"), 1.0)))
