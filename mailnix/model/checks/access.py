"""Who may log in to a mailbox, by what, with which password, and send as whom."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from mailnix.model import hashes
from mailnix.model.checks.found import Found, domain_names, each
from mailnix.model.mail import EVERYWHERE, AppPassword, Mailbox, Protocol, sender_of
from mailnix.model.names import bare_address
from mailnix.model.topology import Domain, Topology

_APP: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9 ._-]{0,58}[A-Za-z0-9])?")
_FILE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*(/[A-Za-z0-9_][A-Za-z0-9_.@-]*)*")


def check(topology: Topology, taken: Mapping[str, str], found: Found) -> None:
    """Check every mailbox's ways in, and the senders that its owner may write as."""
    ours = domain_names(topology)
    mirrors = {str(d.name): d.alias_of for _, d in each(topology.domains, Domain, "domains") if d.alias_of}
    for path, domain in each(topology.domains, Domain, "domains"):
        for at, mailbox in each(domain.mailboxes, Mailbox, f"{path}.mailboxes"):
            _password(mailbox, at, found)
            _app_passwords(mailbox, f"{at}.app_passwords", found)
            if mailbox.send_as:
                _send_as(mailbox, domain, f"{at}.send_as", ours, mirrors, taken, found)


def _password(mailbox: Mailbox, at: str, found: Found) -> None:
    file, text = mailbox.password_file, mailbox.password_hash
    if file is not None and text is not None:
        found.error(f"{at}.password_file", "is given beside password_hash", "leave out one of the two")
    if isinstance(file, str) and not _FILE.fullmatch(file):
        message = f"{file[:40]!r} is no path in the secrets folder"
        found.error(f"{at}.password_file", message, 'write for example "passwords/alice"')
    if isinstance(text, str) and (wrong := hashes.fault(text)) is not None:
        found.error(f"{at}.password_hash", wrong.message, wrong.hint)


def _app_passwords(mailbox: Mailbox, path: str, found: Found) -> None:
    seen: set[str] = set()
    for at, app in each(mailbox.app_passwords, AppPassword, path):
        if not isinstance(app.name, str):
            continue
        if not _APP.fullmatch(app.name) or app.name == "0":  # PHP takes "0" for none
            message = f"{app.name[:40]!r} is no name of an app password"
            found.error(f"{at}.name", message, "use letters, digits (not 0 alone), blanks and . _ -, at most 60")
        elif app.name.lower() in seen:
            found.error(f"{at}.name", f"there is another {app.name!r}", "name each program or device once")
        seen.add(app.name.lower())
        if app.protocols == ():
            found.error(f"{at}.protocols", "opens nothing", 'write for example ["imap", "smtp"]')
        elif Protocol.SOGO in app.protocols:
            found.error(f"{at}.protocols", "the web mail takes no app passwords", "leave sogo out")
        else:
            _more_than_the_mailbox(app, mailbox, f"{at}.protocols", found)


def _more_than_the_mailbox(app: AppPassword, mailbox: Mailbox, path: str, found: Found) -> None:
    """Mailcow asks an app password for its own protocols alone (apppass_login in its inc/functions.auth.inc.php).

    One that shares none with the mailbox is meant: a password for the web mail, and others for programs.
    """
    shared = [each for each in app.protocols if each in mailbox.protocols]
    more = [each for each in app.protocols if each not in mailbox.protocols]
    if shared and more:
        message = f"opens {', '.join(more)} all the same, which the mailbox's protocols leave out"
        found.warning(path, message, f'write AppPassword("{app.name}", {[*map(str, shared)]}), unless that is meant')


def _send_as(
    mailbox: Mailbox,
    domain: Domain,
    path: str,
    ours: set[str],
    mirrors: Mapping[str, str | None],
    taken: Mapping[str, str],
    found: Found,
) -> None:
    for at, text in each(mailbox.send_as, str, path):
        sender = sender_of(text, domain.name)
        local_part, _, name = sender.rpartition("@")
        mirrored = f"{local_part}@{mirrors.get(name)}"
        if bare := bare_address(text):
            found.error(at, f"{text.strip()!r} is more than an address", f"write only {bare}")
        elif sender == EVERYWHERE:
            if len(mailbox.send_as) > 1:
                found.error(at, "stands for every address already", "leave the others out")
        elif name not in ours:
            hint = "receivers would refuse it: only that domain's own servers may send for it (SPF, DMARC)"
            found.error(at, f"{name or text.strip()!r} is none of the domains here", hint)
        elif local_part and sender not in taken:
            found.error(at, f"there is no {sender}", "name a mailbox or alias of yours, or @domain for all of it")
        elif mirrored in taken and ".mailboxes[" in taken[mirrored]:
            found.error(at, f"{sender} only mirrors {mirrored}", f"write {mirrored}, which covers both")
