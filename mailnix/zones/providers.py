"""Pages of DNS providers, and how records are typed there.

They stand in providers.toml beside this file, each with where it was read.
"""

from __future__ import annotations

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Final

from attrs import field, frozen

from mailnix.errors import ZonesError
from mailnix.zones import parts


class Texts(StrEnum):
    """How a page takes TXT records."""

    PLAIN = "plain"  # the text as it is, however long; the provider quotes and cuts it
    SPLIT = "split"  # as in zone files: quoted strings of at most 255 bytes


@frozen
class Provider:
    """A provider's page.

    `apex` is the name of the zone itself there; other names are without their zone. `dotted` is whether host names end
    with a dot; `apart` has the types whose numbers have fields of their own. `own` is whether `source` is the
    provider's own documentation, `hint` what else one has to know.
    """

    name: str
    called: str
    texts: Texts = field(converter=Texts)
    source: str
    apex: str = parts.APEX
    dotted: bool = True
    apart: tuple[str, ...] = field(default=(), converter=tuple)
    hint: str = ""
    own: bool = True


_FILE: Final = tomllib.loads(Path(__file__).with_name("providers.toml").read_text("utf-8"))

KNOWN: Final = {name: Provider(name=name, **fields) for name, fields in _FILE.items()}


def provider(name: str) -> Provider:
    """The provider that is called so; raises ZonesError, which names them all."""
    if name not in KNOWN:
        raise ZonesError(f"{name!r} is no DNS provider that mailnix knows", f"one of {', '.join(KNOWN)}")
    return KNOWN[name]
