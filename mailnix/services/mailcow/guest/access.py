"""What hangs on a mailbox once all addresses are there: whom it hands mail on to, whom it writes as, app passwords.

Mailcow is asked about these only for mailboxes that say something of it, or whose tag remembers that they did.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from .aliases import occupant
from .description import Alias, AppPassword, Domain, Forward, Mailbox
from .domains import MARK, PREFIX, tags
from .ends import Ends
from .mailboxes import ACTIVE, APPS, ARCHIVED, FORWARD, SENDERS, STATE, marks, ours, was_described
from .sieve import forward_of, script
from .work import Row, Work

PREFILTER = "prefilter"
NOBODY = ["default"]  # Mailcow's word for no senders but a mailbox's own


class Access:
    """What hangs on the mailboxes of these domains. Redirects of spam go to what ends here: there it is judged again.

    `left` are those whose address is an alias by now; `aliases` are those that were found in Mailcow, by address.
    """

    def __init__(
        self,
        work: Work,
        passwords: Mapping[str, str],
        domains: Iterable[Domain],
        left: Collection[str],
        aliases: Mapping[str, Row],
    ) -> None:
        self._work = work
        self._passwords = passwords
        domains = tuple(domains)
        self._ends = Ends(domains, {address: row for address, row in aliases.items() if not ours(row)})
        self._leading: dict[str, set[str]] = {}
        self._meanwhile: dict[str, str] = {}  # aliases for which a mailbox stands, which covers its mirrors' addresses
        for domain in domains:
            for alias in domain.aliases:
                if mailbox := occupant(alias, domain, left):
                    self._meanwhile[alias.address] = mailbox
                elif alias.address[0] != "@":  # a catch-all lets nobody write as what others have
                    for target in alias.to:
                        self._leading.setdefault(target, set()).add(alias.address)

    def bring(self, mailbox: Mailbox, now: Row) -> None:
        """Bring a mailbox that is there; `now` is what was found of it, empty for a new one."""
        concerned = marks(mailbox) | tags(now)
        if SENDERS in concerned:
            self._senders(mailbox, now)
        if FORWARD in concerned:
            forward = mailbox.forward
            self._filter(mailbox.address, now, self._script(forward) if forward else "")
        if APPS in concerned:
            self._app_passwords(mailbox, now)

    def leave(self, address: str, now: Row, alias: Alias) -> None:
        """Make an alias of a mailbox of ours whose mail stays: nobody logs in, and all that comes goes on.

        An alias cannot have a mailbox's address, and no mail may bounce while one makes room for the other.
        """
        if not was_described(now):
            text = f"{address}: is a mailbox that was made in Mailcow, and goes on to take its mail itself"
            self._work.refusals.append(f"{text}: describe it, or delete it there")
            return
        goto = Forward(tuple(sorted(alias.to)), keep_copy=False)
        text = "discard;\n" if alias.discard else self._script(goto)
        if not self._filter(address, now, text):
            return  # takes its mail, or refuses it, as before, rather than to keep it where nobody looks
        attributes: dict[str, object] = {}
        if int(now["active"]) != ARCHIVED:
            attributes["active"] = ARCHIVED
        missing = sorted({STATE, FORWARD} - tags(now))
        if missing:
            attributes["tags"] = missing
        if attributes:
            what = f"{address}: kept as an archive that nobody logs in to, for it is an alias now"
            self._work.attempt(what, self._work.api.edit, "mailbox", address, attributes)

    def _script(self, forward: Forward) -> str:
        return script(forward, {to for to in forward.to if self._ends.here(to)})

    def _forget(self, address: str, now: Row, tag: str) -> None:
        if tag in tags(now):
            what = f"{address}: tag {tag} taken away"
            self._work.attempt(what, self._work.api.delete, f"mailbox/tag/{address}", tag)

    def _senders(self, mailbox: Mailbox, now: Row) -> None:
        """Mailcow keeps no senders that are allowed anyway: the mailbox's own, and of aliases that lead to it."""
        wanted = {self._meanwhile.get(sender, sender) for sender in mailbox.send_as}
        kept = {*(now.get("sender_acl") or ())} - self._work.dropped
        implied = {mailbox.address} | self._leading.get(mailbox.address, set())
        done = kept <= wanted <= kept | implied
        if not done:
            what = f"{mailbox.address}: writes as {', '.join(sorted(wanted)) or 'itself alone'}"
            senders = {"sender_acl": sorted(wanted) or NOBODY}
            done = self._work.attempt(what, self._work.api.edit, "mailbox", mailbox.address, senders)
        if done and not wanted:
            self._forget(mailbox.address, now, SENDERS)

    def _filter(self, address: str, now: Row, text: str) -> bool:
        """Whether a mailbox's sieve filter of ours is this text, or gone where it is empty."""
        api = self._work.api
        rows = self._work.rows(f"{address}: filters", f"get/filters/{address}")
        if rows is None:
            return False
        ours = [row for row in rows if row["script_desc"] == MARK]
        first = [row for row in rows if row not in ours and row["filter_type"] == PREFILTER and int(row["active"])]
        if not text:
            gone = [self._work.attempt(f"{address}: hands on no more", api.delete, "filter", row["id"]) for row in ours]
            if all(gone):
                self._forget(address, now, FORWARD)
            return all(gone)
        if not ours and any(_does(row, text) for row in rows):
            self._work.say(f"{address}: hands mail on by a filter of its own in Mailcow, which stays")
            return True
        if first:
            reason = "has a prefilter of its own in Mailcow, and only one can be active: make that a postfilter there"
            self._work.refusals.append(f"{address}: {reason}")
            return False
        attributes = {"active": 1, "script_data": text, "script_desc": MARK, "filter_type": PREFILTER}
        if not ours:
            what = f"{address}: hands mail on"
            return self._work.attempt(what, api.add, "filter", {"username": address, **attributes})
        same = ours[0]["script_data"].strip() == text.strip() and int(ours[0]["active"])
        if same and ours[0]["filter_type"] == PREFILTER:
            return True
        return self._work.attempt(f"{address}: hands mail on otherwise", api.edit, "filter", ours[0]["id"], attributes)

    def _app_passwords(self, mailbox: Mailbox, now: Row) -> None:
        address, api = mailbox.address, self._work.api
        rows = self._work.rows(f"{address}: app passwords", f"get/app-passwd/all/{address}")
        if rows is None:
            return
        found = {row["name"]: row for row in rows if str(row["name"]).startswith(PREFIX)}
        wanted = {PREFIX + app.name: app for app in mailbox.app_passwords}
        for name, app in wanted.items():
            self._app_password(address, app, found.get(name))
        gone = [
            self._work.attempt(f"{address}: app password {name!r} removed", api.delete, "app-passwd", row["id"])
            for name, row in found.items()
            if name not in wanted
        ]
        if not wanted and all(gone):
            self._forget(address, now, APPS)

    def _app_password(self, address: str, app: AppPassword, now: Row | None) -> None:
        """An edit names the mailbox, too, for without it Mailcow gives the password to the caller."""
        what = f"{address}: app password {PREFIX + app.name!r}"
        protocols = [f"{name}_access" for name in sorted(app.protocols)]
        attributes = {"username": address, "active": ACTIVE, "protocols": protocols}
        if now is None:
            password = self._passwords.get(f"{address}/{app.name}".lower())
            if not password:
                self._work.refusals.append(f"{what}: it is not in the credential mailcow.mailboxes")
                return
            words = {"app_name": PREFIX + app.name, "app_passwd": password, "app_passwd2": password}
            self._work.attempt(f"{what} added", self._work.api.add, "app-passwd", {**attributes, **words})
            return
        opens = {key for key, value in now.items() if key.endswith("_access") and int(value)}
        if not int(now["active"]) or opens != {*protocols}:
            self._work.attempt(f"{what} changed", self._work.api.edit, "app-passwd", now["id"], attributes)


def _does(row: Row, text: str) -> bool:
    """Whether a filter that somebody made in Mailcow hands mail on as a script of ours would."""
    wanted = forward_of(text)
    return wanted is not None and bool(int(row["active"])) and forward_of(row["script_data"]) == wanted
