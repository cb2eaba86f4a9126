"""Others' servers that mail leaves by, for owners whose provider blocks port 25 or whose addresses are blocked."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from mailnix.model.clientport import client_port
from mailnix.model.names import to_ascii
from mailnix.model.reading import items, member, texts

SUBMISSION: Final = client_port("submission").port
SUBMISSIONS: Final = client_port("submissions").port  # where TLS comes first (RFC 8314 3.3)


class RelayTls(StrEnum):
    """How TLS begins at a relay."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"  # in clear where it must be; never with a password


def _name(value: str) -> str:
    return to_ascii(value) if isinstance(value, str) else value


def _names(value: Iterable[str] | str) -> tuple[str, ...]:
    return tuple(map(_name, items(value)))


def _tls(value: RelayTls | str | None) -> RelayTls | None:
    return member(RelayTls, value)  # type: ignore[no-any-return]


@frozen
class Relay:
    """Another's server that mail leaves by: all of it, or what is for `domains` (where it goes to).

    With `user` it is logged in at; the password is a credential. `tls` is by default what `port` says, and its
    certificate must be for `host`. `spf` are the mechanisms by which it may send for our domains
    ("include:_spf.relay.example").
    """

    host: str = field(converter=_name)
    user: str | None = None
    domains: tuple[str, ...] = field(converter=_names, default=())
    port: int = SUBMISSION
    tls: RelayTls | None = field(converter=_tls, default=None)
    spf: tuple[str, ...] = field(converter=texts, default=())

    @property
    def begins(self) -> RelayTls:
        """How TLS begins there."""
        usual = RelayTls.IMPLICIT if self.port == SUBMISSIONS else RelayTls.STARTTLS
        return usual if self.tls is None else self.tls


def relays(value: Iterable[Relay | str]) -> tuple[Relay, ...]:
    """Let a bare text stand for a relay that has only a name."""
    return tuple(Relay(item) if isinstance(item, str) else item for item in items(value))
