"""The ports that mail programs connect to: one value each, which plan, checks, services and tests all loop over.

They stand in client_ports.toml beside this file, which Nix reads too.
"""

from __future__ import annotations

import tomllib
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


_FILE: Final[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("client_ports.toml").read_text("utf-8"))

KNOWN: Final = tuple(ClientPort(name=name, **fields) for name, fields in _FILE["ports"].items())
"""Every port that Mailcow has for mail programs."""


def client_port(name: str) -> ClientPort:
    """The known port called `name`; raises KeyError."""
    for client in KNOWN:
        if client.name == name:
            return client
    raise KeyError(name)


OFFERED: Final = tuple(client_port(name) for name in _FILE["offered"])
"""Those that are open to the internet where nothing else is asked for."""
