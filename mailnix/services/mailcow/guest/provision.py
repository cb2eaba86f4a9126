"""Bring Mailcow to what the description says, through its API: domains, DKIM keys, mailboxes, aliases, admin password.

Only what differs is changed, so a second run changes nothing. Mail is never deleted: a domain or mailbox that is
described no more is switched off, or hands its mail on where its address is an alias by now; domains and mailboxes that
no description ever had are left alone, and so are passwords.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .access import Access
from .admin import set_admin_password
from .aliases import Aliases
from .api import Api, ApiDenied, ApiDown, ApiError, wait_until_up
from .description import Description, Secrets, read, read_secrets
from .domains import Domains
from .mailboxes import Mailboxes
from .work import Row, Say, Work

DONE, REFUSED, TRY_AGAIN = 0, 2, 1


class Provisioner(Work):
    """One run: counts the changes, collects the refusals, goes on after one."""

    def __init__(self, api: Api, secrets: Secrets, say: Say, pause: Callable[[float], None] = time.sleep) -> None:
        super().__init__(api, say)
        self._secrets = secrets
        self._pause = pause

    def run(self, description: Description) -> None:
        """Everything, in the order in which Mailcow wants it; raises ApiError where there is no use in going on."""
        domains = Domains(self, self._secrets.dkim, self._pause)
        domains.bring(description.domains)
        ready = domains.ready
        found: dict[str, Row] = {row["address"].lower(): row for row in self.api.items("get/alias/all")}
        aliases, mailboxes = Aliases(self, found), Mailboxes(self, self._secrets.passwords)
        for domain in ready:
            if not domain.alias_of:
                mailboxes.bring(domain, found, new=domain.name not in domains.found)
        for name in domains.gone:
            domains.switch_off(name, mailboxes.leave)
        aliases.drop(ready, mailboxes.rows, domains.gone)
        for domain in ready:
            aliases.bring(domain, mailboxes.left)
        access = Access(self, self._secrets.passwords, ready, mailboxes.left, found)
        for mailbox in (mailbox for domain in ready for mailbox in domain.mailboxes):
            if mailbox.address in mailboxes.rows:
                access.bring(mailbox, mailboxes.rows[mailbox.address])
        for address, alias in mailboxes.left.items():
            access.leave(address, mailboxes.rows[address], alias)


def _say(text: str) -> None:
    print(text, flush=True)


def main(path: str = "/etc/mailnix/provision.json") -> int:
    """Wait for the API, provision, and say what was done; the status tells systemd whether to try again."""
    try:
        description = read(Path(path))
        key, secrets = read_secrets()
    except (OSError, ValueError, KeyError) as error:
        _say(f"cannot read the description or its credentials: {error}")
        return REFUSED
    api = Api(description.api, key, description.hostname)
    work = Provisioner(api, secrets, _say)
    try:
        wait_until_up(api, _say)
        changed_admin = set_admin_password(api, secrets.admin, Path(os.environ.get("STATE_DIRECTORY", ".")), _say)
        work.run(description)
    except ApiDown as error:
        _say(f"Mailcow's API went away: {error}")
        return TRY_AGAIN
    except ApiDenied as error:
        _say(f"Mailcow's API refuses us: {error}")
        _say("if the credential mailcow.api-key is newer than Mailcow's start: systemctl restart mailcow")
        return REFUSED
    except ApiError as error:
        _say(f"Mailcow's API: {error}")
        return REFUSED
    for refusal in (*work.refusals, *work.later):
        print(refusal, file=sys.stderr)
    later = f", {len(work.later)} to be tried again" if work.later else ""
    _say(f"{work.changes + changed_admin} changes, {len(work.refusals)} refused{later}")
    return TRY_AGAIN if work.later else REFUSED if work.refusals else DONE
