"""From a path and a body to a call, and from what it gives to an answer: status and JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .admins import Admins
from .alias_domains import AliasDomains
from .aliases import Aliases
from .app_passwords import AppPasswords
from .dkim import Dkim
from .domains import Domains
from .filters import Filters
from .limits import Limits
from .mailboxes import Mailboxes
from .passwords import Hasher
from .resp import Redis
from .store import Store
from .words import Answer, Attributes, Broken, Refused, danger

Reply = tuple[int, object]
NO_ROUTE: Reply = (404, {"type": "error", "msg": "route not found"})
NO_DATA: Reply = (200, {"type": "error", "msg": "Cannot find attributes in post data"})
NOTHING: Reply = (200, None)  # no body at all
SILENCE = {"type": "success", "msg": "Task completed"}  # where its functions say nothing
METHODS = {"get": "GET", "add": "POST", "edit": "POST", "delete": "POST"}


class Routes:
    """The calls there are."""

    def __init__(self, store: Store, redis: Redis, hostname: str, hasher: Hasher) -> None:
        dkim = Dkim(redis)
        domains = Domains(store, redis, dkim, hostname)
        limits, filters = Limits(redis, store), Filters(store)
        mailboxes, aliases = Mailboxes(store, domains, limits, filters, hasher), Aliases(store, domains)
        admins = Admins(store, hasher)
        mirrors, apps = AliasDomains(store, redis, domains), AppPasswords(store, hasher)
        self._mirrors, self._filters, self._apps = mirrors, filters, apps
        self._domains, self._mailboxes, self._aliases, self._admins, self._dkim = (
            domains,
            mailboxes,
            aliases,
            admins,
            dkim,
        )
        self._add: Mapping[str, Callable[[Attributes], list[Answer]]] = {
            "domain": domains.add,
            "mailbox": mailboxes.add,
            "alias": aliases.add,
            "alias-domain": mirrors.add,
            "filter": filters.add,
            "app-passwd": apps.add,
            "dkim": dkim.add,
            "dkim_import": dkim.load,
        }
        self._edit: Mapping[str, Callable[[object, Attributes], list[Answer]]] = {
            "domain": domains.edit,
            "mailbox": mailboxes.edit,
            "alias": aliases.edit,
            "alias-domain": mirrors.edit,
            "filter": filters.edit,
            "app-passwd": apps.edit,
            "admin": admins.edit,
            "rl-mbox": limits.edit,
        }
        self._delete: Mapping[str, Callable[[object], list[Answer]]] = {
            "domain": domains.delete,
            "mailbox": mailboxes.delete,
            "alias": aliases.delete,
            "alias-domain": mirrors.delete,
            "filter": filters.delete,
            "app-passwd": apps.delete,
            "dkim": dkim.delete,
        }

    def call(self, method: str, path: str, body: object, *, write: bool) -> Reply:
        """Answer a request; `body` is None where none was sent, `write` says whether the key may change things."""
        action, category, item, extra = (*path.strip("/").split("/"), "", "", "", "")[:4]
        if action not in METHODS:
            return NO_ROUTE
        if action != "get" and not write:
            return 403, {"type": "error", "msg": "API read/write access denied"}
        if method != METHODS[action]:
            return 405, {"type": "error", "msg": f"only {METHODS[action]} method is allowed"}
        if action == "get":
            return self._get(category, item, extra)
        if body is None:
            return NO_DATA
        try:
            return self._change(action, category, body, item, extra)
        except Refused as refusal:
            return 200, [_logged(danger(refusal.message), action, category)]
        except Broken:
            return NOTHING

    def _change(self, action: str, category: str, body: object, item: str, extra: str) -> Reply:
        answers: list[Answer]
        match action:
            case "add" if category in self._add and isinstance(body, dict):
                answers = self._add[category](body)
            case "edit" if category in self._edit and isinstance(body, dict):
                attributes, items = body.get("attr") or {}, body.get("items")
                answers = self._edit[category]([] if items is None else items, attributes)
            case "delete" if (category, item) == ("mailbox", "tag"):
                answers = self._mailboxes.delete_tags(extra, body)
            case "delete" if category in self._delete:
                answers = self._delete[category](body)
            case _:
                return NO_ROUTE
        return 200, [_logged(answer, action, category) for answer in answers] or SILENCE

    def _get(self, category: str, item: str, extra: str) -> Reply:
        """One thing, or all; Mailcow writes nothing as `{}`, also where a list would be."""
        everything = item in ("all", "reduced")
        names = extra.split(",") if extra else self._domains.names()
        found: object
        match category:
            case "domain":
                found = [*map(self._domains.details, names)] if everything else self._domains.details(item)
            case "mailbox" if everything:
                boxes = [box for name in names for box in self._mailboxes.addresses(name)]
                found = [self._mailboxes.details(box) for box in boxes]
            case "mailbox":
                found = self._mailboxes.details(item)
            case "alias" if everything:
                names = names if extra else [*names, *self._mirrors.names()]
                found = [self._aliases.details(alias) for name in names for alias in self._aliases.ids(name)]
            case "alias":
                found = self._aliases.details(item)
            case "alias-domain":
                mirrors = self._mirrors
                found = [*map(mirrors.details, mirrors.names())] if everything else mirrors.details(item)
            case "filters":
                found = self._filters.of(item)
            case "app-passwd":
                found = self._apps.of(extra)
            case "admin":
                admins = self._admins
                found = [*map(admins.details, admins.names())] if everything else admins.details(item)
            case "dkim":
                found = self._dkim.details(item)
            case "status":
                found = {"version": "fake"} if item == "version" else {}
            case _:
                return NO_ROUTE
        return 200, found or {}


def _logged(answer: Answer, action: str, category: str) -> Answer:
    """Mailcow tells which of its functions spoke, and what it was given; here only the first."""
    return {**answer, "log": [category, action]}
