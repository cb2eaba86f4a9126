"""The ports that mail programs connect to: one value each, which plan, checks, services and tests all loop over.

They stand in client_ports.toml beside this file, which Nix reads too.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from attrs import frozen


@frozen
class ClientPort:
    """A TCP port that every proxy hands to Mailcow, the client's address kept.

    `name` is what people call it and `purpose` what is behind it, for messages; `srv` is its label in SRV records
    (`_srv._tcp`; RFC 6186, RFC 8314 5.1, RFC 5804 1.8). Mailcow's compose service `container` publishes it where
    `variable` of mailcow.conf says. `starttls` is the protocol in which TLS is asked for, in the words of
    `openssl s_client -starttls`; empty where TLS comes first. `denied` is whether DNS says that it is not there, where
    it is not offered (RFC 6186 3.4).
    """

    name: str
    port: int
    purpose: str
    srv: str
    container: str
    variable: str
    starttls: str = ""
    denied: bool = True

    @property
    def reads(self) -> str:
        """The protocol by which mail is read there, as settings for mail programs call it; "" where it is none."""
        return next((protocol for protocol in ("imap", "pop3") if self.srv.startswith(protocol)), "")

    @property
    def sends(self) -> bool:
        """Whether mail programs send by it."""
        return self.srv.startswith("submission")

    @property
    def speaks(self) -> str:
        """The protocol that is spoken there; it has the name of Mailcow's switch for it."""
        return "smtp" if self.sends else self.reads or self.srv

    @property
    def announced(self) -> bool:
        """Whether settings for mail programs name it."""
        return self.sends or bool(self.reads)


_FILE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("client_ports.toml").read_text("utf-8"))

KNOWN: Final = tuple(ClientPort(name=name, **fields) for name, fields in _FILE["ports"].items())
"""Every port that Mailcow has for mail programs."""


def client_port(name: str) -> ClientPort:
    """The known port called `name`; raises KeyError."""
    for client in KNOWN:
        if client.name == name:
            return client
    raise KeyError(name)


DEFAULT: Final[tuple[str, ...]] = tuple(_FILE["offered"])
"""The names of those that are open to the internet where nothing else is asked for."""

OFFERED: Final = tuple(client_port(name) for name in DEFAULT)


def named(names: Iterable[str]) -> tuple[ClientPort, ...]:
    """The known ports with these names, in the order in which they are known, whatever that of the names is."""
    wanted = set(names)
    return tuple(client for client in KNOWN if client.name in wanted)
