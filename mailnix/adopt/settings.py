"""From variables of an existing mailcow.conf to fields of Internal; a default needs no word."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

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


def home(settings: Mapping[str, str]) -> dict[str, Any]:
    """Fields of Internal that differ from their defaults."""
    defaults = {field.name: field.default for field in attrs.fields(Internal)}
    found = {name: value(settings[variable]) for name, (variable, value) in INTERNAL.items() if settings.get(variable)}
    return {name: value for name, value in found.items() if value != defaults[name]}
