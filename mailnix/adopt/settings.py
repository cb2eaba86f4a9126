"""From variables of an existing mailcow.conf to fields of Internal; a default needs no word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import attrs

from mailnix.model import mailcow
from mailnix.model.mailcow import Setting
from mailnix.model.topology import Internal

YES: Final = re.compile(r"y(es)?", re.IGNORECASE)
"""What Mailcow's scripts take for yes (`=~ ^([yY][eE][sS]|[yY])+$`)."""

INTERNAL: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "antivirus": ("SKIP_CLAMD", lambda value: not YES.fullmatch(value)),
    "full_text_search": ("SKIP_FTS", lambda value: not YES.fullmatch(value)),
    "resolver_check": ("SKIP_UNBOUND_HEALTHCHECK", lambda value: not YES.fullmatch(value)),
    "docker_subnet": ("IPV4_NETWORK", lambda value: f"{value}.0/24"),  # Mailcow writes three octets
    "docker_subnet6": ("IPV6_NETWORK", str),
}
"""Field: the variable that decides it, and how."""
CONSEQUENCE: Final = "SKIP_OLEFY"  # serves ClamAV's rules alone, and goes with `antivirus`
FREE: Final = mailcow.FREE - mailcow.TELLTALE - {CONSEQUENCE} - {variable for variable, _ in INTERNAL.values()}
"""Variables that are read; those that are mostly secrets are not, for a description is none."""
TOLD: Final = (
    *("ACME_DNS_CHALLENGE", "ADDITIONAL_SAN", "LE_STAGING", "MAILCOW_REPLICA_IP", "REDIS_SLAVEOF_IP"),
    *("SKIP_LETS_ENCRYPT", "SNAT_TO_SOURCE", "SNAT6_TO_SOURCE"),
)
"""Variables of ours that are worth a word where somebody has set them."""


def home(settings: Mapping[str, str]) -> dict[str, Any]:
    """Fields of Internal that differ from their defaults; `settings` of those variables that no other field says."""
    defaults = {field.name: field.default for field in attrs.fields(Internal)}
    found = {name: value(settings[variable]) for name, (variable, value) in INTERNAL.items() if settings.get(variable)}
    said = {name: value for name, value in found.items() if value != defaults[name]}
    more = tuple(Setting(name, _value(name, settings[name])) for name in sorted(FREE & settings.keys()))
    unusual = tuple(each for each in more if each.value != mailcow.USUAL.get(each.name, ""))
    return {**said, **({"settings": unusual} if unusual else {})}


def _value(name: str, value: str) -> str:
    return ("y" if YES.fullmatch(value) else "n") if name in mailcow.FLAGS else value


def ours(settings: Mapping[str, str]) -> Iterator[str]:
    """What somebody has set and what is not theirs here."""
    for name in TOLD:
        if settings.get(name, "n").lower() not in ("", "n", "no"):
            yield f"{name}={settings[name]} in its mailcow.conf; here, {mailcow.OWNED[name]} decides that"
