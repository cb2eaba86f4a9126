"""The description that fits an existing Mailcow, as the text of a script."""

from __future__ import annotations

import re
from typing import Final

from attrs import evolve, frozen

from mailnix.adopt.existing import Existing
from mailnix.adopt.fit import Fitted, fit
from mailnix.adopt.settings import home
from mailnix.adopt.sound import Whole, sound
from mailnix.errors import Severity
from mailnix.formats.python import Notes
from mailnix.model.check import ensure, problems
from mailnix.model.topology import Domain, Topology
from mailnix.starter import TIMEZONE, Answers, script, topology

DNS: Final = (
    "dmarc= and mta_sts= of each domain are in DNS, not in Mailcow, so the defaults stand here: compare them with what "
    "is published before you publish anything."
)
PASSWORDS: Final = (
    "Passwords are in Mailcow's database and come with a backup of it; without that, each mailbox gets a first one."
)
_RELAY: Final = re.compile(r"relays\[(\d+)\]")


@frozen
class Adopted:
    """A description: its value, its text, and what the text notes about what it does not say."""

    topology: Topology
    text: str
    notes: tuple[str, ...]


def started(existing: Existing, answers: Answers) -> tuple[Answers, tuple[str, ...]]:
    """The answers with what that Mailcow's settings say, and notes on those that no machine of ours can have."""
    fields = home(existing.settings)
    with_them = evolve(answers, home=fields, timezone=existing.settings.get("TZ") or TIMEZONE)
    found = {p.path: p.message for p in problems(topology(with_them)) if p.severity is Severity.ERROR}
    wrong = {path: message for path, message in found.items() if path == "timezone" or path.startswith("internal.")}
    kept = {name: value for name, value in fields.items() if f"internal.{name}" not in wrong}
    settings = tuple(each for each in kept.pop("settings", ()) if f"internal.settings.{each.name}" not in wrong)
    kept |= {"settings": settings} if settings else {}
    timezone = TIMEZONE if "timezone" in wrong else with_them.timezone
    notes = (f"{path.rpartition('.')[2]} of that Mailcow is left out: {message}" for path, message in wrong.items())
    return evolve(with_them, home=kept, timezone=timezone), tuple(notes)


def adopted(existing: Existing, answers: Answers) -> Adopted:
    """The description; raises ConfigError where the answers themselves, or an empty Mailcow, make none."""
    answers, unfit = started(existing, answers)

    def whole(domains: tuple[Domain, ...]) -> Topology:
        return evolve(topology(answers), domains=domains)

    fitted = _with_relays(sound(fit(existing), whole), whole)
    found = evolve(whole(fitted.domains), relays=fitted.relays)
    ensure(found, f"what was read from {existing.source}")
    version = f" ({existing.version})" if existing.version else ""
    head = f"Read from the Mailcow at {existing.source}{version}. What a description cannot say is in comments."
    general = (*fitted.left_out, *unfit, *fitted.general)
    text = script(
        evolve(answers, domains=fitted.domains, relays=fitted.relays),
        _by_path(fitted),
        (head, DNS, PASSWORDS, *general),
    )
    return Adopted(found, text, (*general, *(note for notes in fitted.notes.values() for note in notes)))


def _with_relays(fitted: Fitted, whole: Whole) -> Fitted:
    """The same, with those relays that the check takes."""
    found = problems(evolve(whole(fitted.domains), relays=fitted.relays))
    wrong = {int(match[1]): p for p in found if p.severity is Severity.ERROR and (match := _RELAY.match(p.path))}
    kept = tuple(relay for number, relay in enumerate(fitted.relays) if number not in wrong)
    notes = (f"{fitted.relays[number].host} is no relay here: {p.message}" for number, p in sorted(wrong.items()))
    return evolve(fitted, relays=kept, general=(*fitted.general, *notes))


def _by_path(fitted: Fitted) -> Notes:
    """Notes of domains, mailboxes and aliases at the paths that these have now; what is left out has none."""
    found: dict[str, tuple[str, ...]] = {}
    for number, domain in enumerate(fitted.domains):
        path = f"domains[{number}]"
        found[path] = fitted.notes.get(domain.name, ())
        named = {
            "mailboxes": [box.local_part for box in domain.mailboxes],
            "aliases": [alias.local_part for alias in domain.aliases],
        }
        for kind, items in named.items():
            for at, local_part in enumerate(items):
                found[f"{path}.{kind}[{at}]"] = fitted.notes.get(f"{local_part}@{domain.name}", ())
    return {path: notes for path, notes in found.items() if notes}
