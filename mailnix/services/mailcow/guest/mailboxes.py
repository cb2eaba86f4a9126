"""Mailboxes: made, kept as described, and switched off when they are described no more; their mail is never deleted.

A tag remembers that a mailbox is, or was, described: also one that was there before, from a Mailcow that was adopted
or restored. What the description says nothing of stays as people have set it in Mailcow. Where it said something once,
further tags remember that, so that leaving it out takes it back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .description import Alias, Domain, Mailbox
from .domains import MARK, MIB, PREFIX, tags
from .work import Row, Work

STATE, PROTOCOLS = f"{MARK}-state", f"{MARK}-protocols"
SENDERS, FORWARD, APPS = f"{MARK}-send-as", f"{MARK}-forward", f"{MARK}-app-passwords"
OURS = frozenset({MARK, STATE, PROTOCOLS, SENDERS, FORWARD, APPS})
ACCESS = ("imap", "pop3", "smtp", "sieve", "eas", "dav", "sogo")
COMMENT = 160  # octets; more is refused when an alias is added, and an error of SQL when it is changed
INACTIVE, ACTIVE, ARCHIVED = 0, 1, 2


class Mailboxes:
    """`rows` has what was found of each mailbox that is there; `left` those whose address is an alias by now."""

    def __init__(self, work: Work, passwords: Mapping[str, str]) -> None:
        self._work = work
        self._passwords = passwords
        self.rows: dict[str, Row] = {}
        self.left: dict[str, Alias] = {}

    def bring(self, domain: Domain, aliases: dict[str, Row], *, new: bool) -> None:
        """Bring a domain's mailboxes; an alias of ours that stands in a new one's place goes out of `aliases`."""
        rows = [] if new else self._work.rows(f"{domain.name}: mailboxes", f"get/mailbox/all/{domain.name}")
        if rows is None:
            return
        found = {row["username"].lower(): row for row in rows}
        for mailbox in domain.mailboxes:
            if mailbox.address in found:
                self.rows[mailbox.address] = found[mailbox.address]
                self._keep(mailbox, found[mailbox.address])
            elif self._new(mailbox, aliases):
                self.rows[mailbox.address] = {}
        described = {mailbox.address for mailbox in domain.mailboxes}
        instead = {alias.address: alias for alias in domain.aliases}
        for address, row in found.items():
            if address not in described:
                self._undescribed(address, row, instead.get(address))

    def leave(self, name: str) -> bool:
        """Switch off those of a domain that is described no more; whether none of ours is left."""
        rows = self._work.rows(f"{name}: mailboxes", f"get/mailbox/all/{name}")
        if rows is None:
            return False
        refused = len(self._work.refusals)
        for row in rows:
            self._undescribed(row["username"].lower(), row, None)
        return len(self._work.refusals) == refused

    def _undescribed(self, address: str, row: Row, alias: Alias | None) -> None:
        """Switch a mailbox of ours off, unless its address shall go on to take mail, as an alias."""
        if alias is not None:
            self.rows[address] = row
            self.left[address] = alias
        elif not int(row["active"]):
            return
        elif not was_described(row):
            self._work.say(f"{address}: not described, left as it is")
        else:
            what = f"{address}: described no more, switched off (its mail is kept)"
            self._work.attempt(what, self._work.api.edit, "mailbox", address, {"active": INACTIVE})

    def _new(self, mailbox: Mailbox, aliases: dict[str, Row]) -> bool:
        """Make a mailbox. Where its address is an alias of ours, that goes just before, and comes back if need be."""
        address, api = mailbox.address, self._work.api
        password = self._passwords.get(address)
        if not password:
            self._work.refusals.append(f"{address}: no password for it in the credential mailcow.mailboxes")
            return False
        alias = aliases.get(address)
        if alias is not None and ours(alias):
            if not self._work.drop(alias):
                return False
            del aliases[address]
        done = self._work.attempt(f"{address}: added", api.add, "mailbox", _new_mailbox(mailbox, password))
        if not done and alias is not None and address not in aliases:
            attributes = new_alias(address, alias["goto"], marked(alias))
            self._work.attempt(f"{address}: alias put back", api.add, "alias", attributes)
        return done

    def _keep(self, mailbox: Mailbox, now: Row) -> None:
        api, address = self._work.api, mailbox.address
        changed: dict[str, object] = {}
        if int(now["quota"]) // MIB != mailbox.quota:
            changed["quota"] = mailbox.quota
        if mailbox.name and now["name"] != mailbox.name:
            changed["name"] = mailbox.name
        if int(now["active"]) != _active(mailbox, now):
            changed["active"] = _active(mailbox, now)
        changed |= _access(mailbox, now)
        new = sorted({MARK, *marks(mailbox)} - tags(now))
        if new:
            changed["tags"] = new
        if changed:
            what = f"{address}: {', '.join(sorted(changed))} changed"
            if not self._work.attempt(what, api.edit, "mailbox", address, changed):
                return
        for tag in sorted({STATE, PROTOCOLS} & tags(now) - marks(mailbox)):
            self._work.attempt(f"{address}: tag {tag} taken away", api.delete, f"mailbox/tag/{address}", tag)
        if _sends_per_hour(now) != mailbox.sends_per_hour:
            what = f"{address}: may write to {mailbox.sends_per_hour or 'any number of'} recipients an hour"
            self._work.attempt(what, api.edit, "rl-mbox", address, _limit(mailbox))


def was_described(row: Row) -> bool:
    """Whether a description has said a mailbox; older programs gave those that they found further tags alone."""
    return bool(OURS & tags(row))


def marks(mailbox: Mailbox) -> frozenset[str]:
    """The tags that remember what the description says of a mailbox."""
    said = {
        STATE: mailbox.active == ARCHIVED,
        PROTOCOLS: mailbox.protocols,
        SENDERS: mailbox.send_as,
        FORWARD: mailbox.forward,
        APPS: mailbox.app_passwords,
    }
    return frozenset(tag for tag, value in said.items() if value)


def _active(mailbox: Mailbox, now: Row) -> int:
    """Who disallowed a mailbox's logins in Mailcow's own pages shall not see them come back."""
    by_hand = int(now["active"]) == ARCHIVED and STATE not in tags(now)
    return ARCHIVED if by_hand and mailbox.active == ACTIVE else mailbox.active


def _access(mailbox: Mailbox, now: Row) -> dict[str, object]:
    """Mailcow's switches of protocols that are not as described; all on again where they were described once."""
    if not mailbox.protocols and PROTOCOLS not in tags(now):
        return {}
    wanted = _switches(mailbox.protocols or ACCESS)
    attributes = now.get("attributes") or {}
    return {name: value for name, value in wanted.items() if int(attributes.get(name, 1)) != value}


def _switches(protocols: Iterable[str]) -> dict[str, object]:
    return {f"{name}_access": int(name in {*protocols}) for name in ACCESS}


def _new_mailbox(mailbox: Mailbox, password: str) -> dict[str, object]:
    return {
        "local_part": mailbox.local_part,
        "domain": mailbox.domain,
        "name": mailbox.name or mailbox.local_part,  # without one Mailcow stores an empty name
        "authsource": "mailcow",
        "password": password,
        "password2": password,
        "quota": mailbox.quota,
        "active": mailbox.active,
        "force_pw_update": 0,
        "tags": [MARK, *sorted(marks(mailbox))],
        **(_switches(mailbox.protocols) if mailbox.protocols else {}),
        **_limit(mailbox),
    }


def _limit(mailbox: Mailbox) -> dict[str, object]:
    """Mailcow's words for a limit; 0 takes it away."""
    return {"rl_value": mailbox.sends_per_hour, "rl_frame": "h"}


def _sends_per_hour(row: Row) -> int | None:
    """A mailbox's own limit, 0 for none; None for one in another unit, which is not what we set."""
    limit = row.get("rl")
    if not limit or row.get("rl_scope") != "mailbox":
        return 0
    return int(limit["value"]) if limit["frame"] == "h" else None


def ours(alias: Row) -> bool:
    """Whether we made an alias, or a description has had it: its private comment is our mark, or has it in front."""
    text = _comment(alias)
    return text == MARK or text.startswith(PREFIX)


def marked(alias: Row) -> str:
    """An alias's private comment with our mark, as much of it as Mailcow takes."""
    text = _comment(alias)
    if ours(alias) or not text:
        return text or MARK
    return (PREFIX + text).encode()[:COMMENT].decode(errors="ignore")


def _comment(alias: Row) -> str:
    return str(alias.get("private_comment") or "").strip()


def new_alias(address: str, goto: str, comment: str = MARK, *, writes: bool = True) -> dict[str, object]:
    """Attributes of add/alias, what is not sent counts as 0; `writes`: whom it leads to may write as it."""
    flags = {"sogo_visible": 1, "sender_allowed": int(writes)}
    return {"address": address, **targets(goto), "private_comment": comment, **flags}


def targets(goto: str) -> dict[str, object]:
    """Mailcow's words for where an active alias leads; throwing away has one of its own."""
    return {"goto": "", "goto_null": 1, "active": 1} if goto == NULL else {"goto": goto, "active": 1}


NULL = "null@localhost"
"""What Mailcow keeps as the target of an alias that throws away."""
